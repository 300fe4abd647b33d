package main

import (
	"encoding/json"
	"fmt"
	"time"

	"rapport"
)

// Phase is a part of a campaign's way.
type Phase struct {
	Took  time.Duration
	Usage Usage
}

// Run is one campaign, from its POST to its last recorded outcome.
type Run struct {
	N        int
	Took     time.Duration // to the last recorded outcome
	Finished time.Duration // to the campaign's "finished"
	Usage    Usage         // to "finished"
	Accept   Phase
	Plan     Phase      // of a held run: until every message stands in the database
	Deliver  Phase      // of a held run: from the first answer of the sink on
	RSS      []Resident // of a held run: with everything queued
	End      []Resident // when all is recorded
	Wrong    string     // what did not go as it should; empty: all were sent, once
}

// ledger is what the API says about a campaign.
type ledger struct {
	ID     string                 `json:"id"`
	Status rapport.CampaignStatus `json:"status"`
	Counts rapport.Counts         `json:"counts"`
}

func (l *ledger) open() int64 { return l.Counts.Pending + l.Counts.Sending + l.Counts.Doubtful }

// launch is a request, or several, that starts a campaign; everything is encoded before the clock runs.
type launch struct {
	spec, rows []byte // rows: streamed into a draft
	n          int
}

func newLaunch(channel string, people []map[string]any) (launch, error) {
	spec := campaignSpec(channel)
	l := launch{n: len(people)}
	var err error
	if len(people) > streamedFrom {
		spec["status"] = "draft"
		if l.rows, err = ndjson(people); err != nil {
			return l, err
		}
	} else {
		spec["audience"] = map[string]any{"customers": people}
	}
	l.spec, err = json.Marshal(spec)
	return l, err
}

func (l launch) post(in *Installation) (id string, err error) {
	var c ledger
	if err := in.Call("POST", "/v1/campaigns", l.spec, &c); err != nil || l.rows == nil {
		return c.ID, err
	}
	at := "/v1/campaigns/" + c.ID
	var got struct{ Added, Refused int }
	if err := in.Call("POST", at+"/recipients", l.rows, &got); err != nil {
		return "", err
	}
	if got.Added != l.n {
		return "", fmt.Errorf("of %d recipients %d were added, %d refused", l.n, got.Added, got.Refused)
	}
	return c.ID, in.Call("POST", at+"/launch", nil, nil)
}

// run carries one campaign through. held: the sink keeps its answers back until everything is planned, so
// that the phases do not overlap and memory can be read with the whole campaign queued.
func run(l *Layout, sink *Sink, what launch, held bool) (*Run, error) {
	r := &Run{N: what.n}
	before := sink.Taken()
	var gate chan struct{}
	if held {
		gate = sink.Hold()
		defer func() {
			if gate != nil {
				sink.Release(gate)
			}
		}()
	}
	u0, err := read(l.meters)
	if err != nil {
		return nil, err
	}
	mark := u0
	begin, last := time.Now(), time.Now()
	phase := func(p *Phase) error {
		u, err := read(l.meters)
		now := time.Now()
		p.Took, p.Usage = now.Sub(last), u.minus(mark)
		last, mark = now, u
		return err
	}
	id, err := what.post(l.in)
	if err != nil {
		return nil, err
	}
	if err := phase(&r.Accept); err != nil {
		return nil, err
	}
	var c ledger
	get := func() error { return l.in.Call("GET", "/v1/campaigns/"+id, nil, &c) }
	if held {
		err := Wait(5*time.Minute, "the campaign is planned", func() (bool, error) {
			err := get()
			return c.Status == rapport.CampaignRunning || c.Status == rapport.CampaignFinished, err
		})
		if err != nil {
			return nil, err
		}
		if err := phase(&r.Plan); err != nil {
			return nil, err
		}
		if r.RSS, err = l.RSS(); err != nil {
			return nil, err
		}
		sink.Release(gate)
		gate = nil
	}
	// The sink's counter costs the server nothing, so the API is asked only when that is full. A message that
	// is not sent never fills it: then once a second.
	asked := time.Now()
	err = Wait(15*time.Minute, "every outcome is recorded", func() (bool, error) {
		if sink.Taken()-before < int64(what.n) && time.Since(asked) < time.Second {
			return false, nil
		}
		asked = time.Now()
		err := get()
		return c.Status != rapport.CampaignPlanning && c.open() == 0, err
	})
	if err != nil {
		return nil, err
	}
	r.Took = time.Since(begin)
	if held {
		if err := phase(&r.Deliver); err != nil {
			return nil, err
		}
	}
	err = Wait(time.Minute, "the campaign says finished", func() (bool, error) {
		err := get()
		return c.Status == rapport.CampaignFinished, err
	})
	if err != nil {
		return nil, err
	}
	r.Finished = time.Since(begin)
	u, err := read(l.meters)
	if err != nil {
		return nil, err
	}
	r.Usage = u.minus(u0)
	if r.End, err = l.RSS(); err != nil {
		return nil, err
	}
	if took := sink.Taken() - before; took != int64(what.n) || c.Counts.Sent+c.Counts.Delivered != int64(what.n) {
		r.Wrong = fmt.Sprintf("of %d messages the sink took %d; sent %d, failed %d, skipped %d, unknown %d", what.n, took,
			c.Counts.Sent+c.Counts.Delivered, c.Counts.Failed, c.Counts.Skipped, c.Counts.Unknown)
	}
	return r, nil
}
