package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/gateway"
	"rapport/store"
	"rapport/store/storetest"
)

// restored is an installation whose database was just restored: what was open is known, what went out since is
// not.
type restored struct {
	*world
	planned   *rapport.Campaign // every row pending
	unplanned *rapport.Campaign // recipients, and no row yet
	later     *rapport.Campaign // scheduled for tomorrow
	draft     *rapport.Campaign
	paused    *rapport.Campaign // by a person, before the backup
	single    rapport.ID        // a transactional mail
	tomorrow  rapport.ID        // one that waits for its hour
}

// eachRestored runs fn on a restored database of each engine, its worker running.
func eachRestored(t *testing.T, fn func(*testing.T, *restored)) {
	t.Helper()
	run := func(name, url string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fn(t, restore(t, url))
		})
	}
	run("sqlite", storetest.SQLite(t))
	if url, ok := storetest.Postgres(t); ok {
		run("postgres", url)
	}
}

func restore(t *testing.T, url string) *restored {
	t.Helper()
	ctx := t.Context()
	before := newWorld(t, url)
	// It accepts and sends nothing: what the backup found.
	if err := before.g.Start(ctx, "before", gateway.Role{Name: "api"}); err != nil {
		t.Fatal(err)
	}
	channels := []rapport.Channel{rapport.Email, rapport.SMS, rapport.Telegram, rapport.Webhook}
	people := func(from int) (out []map[string]any) {
		for n := range 40 {
			out = append(out, person(from+n, channels[n%4]))
		}
		return out
	}
	r := &restored{}
	r.planned = before.campaign(people(100))
	plan := func(c *rapport.Campaign) {
		if more, err := before.g.Plan(ctx, c.ID, time.Minute); err != nil || more {
			t.Fatalf("planning: %v %v", more, err)
		}
	}
	plan(r.planned)
	r.unplanned = before.campaign(people(200))
	r.later = before.campaign(people(300), func(m map[string]any) { m["send_at"] = time.Now().Add(24 * time.Hour) })
	r.draft = before.campaign(people(400), func(m map[string]any) { m["status"] = "draft" })
	r.paused = before.campaign(people(500))
	plan(r.paused)
	if _, err := before.g.Pause(ctx, gateway.Caller{}, r.paused.ID); err != nil {
		t.Fatal(err)
	}
	r.single = before.message(600, nil)
	r.tomorrow = before.message(601, func(in *gateway.SendInput) {
		at := time.Now().Add(24 * time.Hour)
		in.SendAt = &at
	})
	before.g.Stop(context.WithoutCancel(ctx))
	time.Sleep(2 * time.Millisecond) // times are whole milliseconds, and what has the one of the restore counts as written since
	if _, err := before.st.BeginQuarantine(ctx, time.Now()); err != nil {
		t.Fatal(err)
	}
	before.st.Close()
	before.hub.Close()
	r.world = newWorld(t, url)
	return r
}

// message submits a transactional mail.
func (w *world) message(n int, change func(*gateway.SendInput)) rapport.ID {
	w.t.Helper()
	in := gateway.SendInput{To: &gateway.RecipientInput{}}
	in.Purpose, in.Template, in.Data = rapport.Transactional, "news", map[string]any{"what": "order"}
	in.To.ExternalID = fmt.Sprintf("c-%d", n)
	in.To.Addresses = []gateway.AddressInput{{Channel: rapport.Email, Address: addressOf(rapport.Email, n)}}
	name := "Anna"
	in.To.Name = &name
	if change != nil {
		change(&in)
	}
	out, _, err := w.g.SubmitMessage(w.t.Context(), gateway.Caller{}, in, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	id, err := rapport.KindMessage.Parse(out.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) decide(what gateway.Decision, in gateway.QuarantineInput) *gateway.Quarantine {
	w.t.Helper()
	q, err := w.g.Decide(w.t.Context(), gateway.Caller{Name: "operator"}, what, in)
	if err != nil || q.More {
		w.t.Fatalf("%s: %+v %v", what, q, err)
	}
	return q
}

func (w *world) total() int {
	n := 0
	for _, c := range []*carrier{w.email, w.tele, w.sms, w.hook, w.spare} {
		k, _ := c.total()
		n += k
	}
	return n
}

func (w *world) stored(id rapport.ID) rapport.Message {
	w.t.Helper()
	m, err := w.st.Message(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

var everything = gateway.QuarantineInput{All: true}

func TestQuarantine_HoldsWhatWasOpenAndLetsNewMessagesThrough(t *testing.T) {
	t.Parallel()
	eachRestored(t, func(t *testing.T, r *restored) {
		r.start()
		fresh := r.message(700, nil)
		r.until("the new message is sent", func() bool { return r.stored(fresh).State == rapport.Sent })
		also := r.campaign(persons(3, rapport.Email))
		r.status(also, rapport.CampaignFinished)
		time.Sleep(10 * tick)
		if n := r.total(); n != 4 {
			t.Errorf("%d messages went out, 4 are new", n)
		}
		q, err := r.g.Quarantine(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		was := map[string]rapport.CampaignStatus{}
		for _, c := range q.Campaigns {
			was[c.ID] = c.Was
			if c.Counts.Pending != 40 {
				t.Errorf("a campaign that was %s: %+v", c.Was, *c.Counts)
			}
		}
		for c, want := range map[*rapport.Campaign]rapport.CampaignStatus{r.planned: rapport.CampaignRunning, r.unplanned: rapport.CampaignPlanning,
			r.later: rapport.CampaignScheduled, r.draft: rapport.CampaignDraft, r.paused: rapport.CampaignPaused} {
			if got := was[rapport.KindCampaign.Format(c.ID)]; got != want {
				t.Errorf("a campaign that was %s is listed as %q", want, got)
			}
		}
		if len(was) != 5 || !q.Active || q.Messages.Pending != 2 || q.Messages.Oldest == nil || q.Since == nil {
			t.Errorf("the list is %+v", *q)
		}
		for name, try := range map[string]func(context.Context, gateway.Caller, rapport.ID) (*rapport.Campaign, error){"launch": r.g.Launch, "resume": r.g.Resume, "pause": r.g.Pause} {
			for _, c := range []*rapport.Campaign{r.planned, r.draft, r.paused} {
				if _, err := try(t.Context(), gateway.Caller{}, c.ID); rapport.CodeOf(err) != rapport.CodeConflict || !strings.Contains(err.Error(), "restored from a backup") {
					t.Errorf("%s past the quarantine: %v", name, err)
				}
			}
		}
	})
}

func TestQuarantine_ReleaseSendsTheRest(t *testing.T) {
	t.Parallel()
	eachRestored(t, func(t *testing.T, r *restored) {
		r.start()
		if q := r.decide(gateway.Release, everything); q.Active {
			t.Errorf("still held: %+v", *q)
		}
		for _, c := range []*rapport.Campaign{r.planned, r.unplanned} {
			r.status(c, rapport.CampaignFinished)
			r.want(c, "sent=40")
		}
		r.until("the single message is sent", func() bool { return r.stored(r.single).State == rapport.Sent })
		if m := r.stored(r.tomorrow); m.State != rapport.Pending {
			t.Errorf("what is for tomorrow is %s", m.State)
		}
		r.status(r.later, rapport.CampaignScheduled)
		r.status(r.draft, rapport.CampaignDraft)
		r.status(r.paused, rapport.CampaignPaused)
		if _, err := r.g.Resume(t.Context(), gateway.Caller{}, r.paused.ID); err != nil {
			t.Fatal(err)
		}
		r.status(r.paused, rapport.CampaignFinished)
		r.want(r.paused, "sent=40")
		if n := r.total(); n != 121 {
			t.Errorf("%d messages went out", n)
		}
		log, _, err := r.st.AuditLog(t.Context(), store.AuditFilter{Subject: "", Page: store.Page{Limit: 100}})
		if err != nil {
			t.Fatal(err)
		}
		actions := map[string]int{}
		for _, e := range log {
			actions[e.Action]++
		}
		if actions["quarantine.began"] != 1 || actions["quarantine.release"] != 6 {
			t.Errorf("the audit log says %v", actions)
		}
	})
}

func TestQuarantine_CloseSendsNothingThatMayHaveBeenSent(t *testing.T) {
	t.Parallel()
	eachRestored(t, func(t *testing.T, r *restored) {
		// Half of the SMS went out between backup and crash: their provider knows.
		known := 0
		for _, m := range r.rows(r.planned) {
			if m.Channel == rapport.SMS && known < 5 {
				r.sms.taken[m.ID], known = 1, known+1
			}
		}
		r.start()
		if q := r.decide(gateway.Close, everything); q.Active {
			t.Errorf("still held: %+v", *q)
		}
		r.status(r.planned, rapport.CampaignFinished)
		r.want(r.planned, "sent=20 unknown=20") // webhooks again, SMS known or sent; email and Telegram
		r.status(r.unplanned, rapport.CampaignFinished)
		r.want(r.unplanned, "sent=10 unknown=30") // a webhook under a new id would not be recognised
		r.status(r.draft, rapport.CampaignCancelled)
		r.status(r.later, rapport.CampaignScheduled)
		if n := r.ledger(r.later); n.Pending != 40 {
			t.Errorf("what is for tomorrow: %+v", *n)
		}
		r.status(r.paused, rapport.CampaignPaused)
		r.until("the transactional mail is sent again", func() bool { return r.stored(r.single).State == rapport.Sent })
		if m := r.stored(r.tomorrow); m.State != rapport.Pending {
			t.Errorf("what is for tomorrow is %s", m.State)
		}
		r.until("the doubt of the paused campaign is settled", func() bool { return r.ledger(r.paused).Doubtful == 0 })
		r.want(r.paused, "pending=20 unknown=20")
		email, _ := r.email.total()
		tele, _ := r.tele.total()
		sms, most := r.sms.total()
		hook, _ := r.hook.total()
		if email != 1 || tele != 0 || sms != 20 || most != 1 || hook != 10 {
			t.Errorf("by email %d, Telegram %d, SMS %d (at most %d times), webhook %d", email, tele, sms, most, hook)
		}
		for _, m := range r.rows(r.planned) {
			if m.Channel == rapport.Webhook && r.hook.taken[m.ID] != 1 {
				t.Errorf("a webhook was not repeated under its own id")
			}
		}
	})
}

func TestQuarantine_CancelSendsNothing(t *testing.T) {
	t.Parallel()
	eachRestored(t, func(t *testing.T, r *restored) {
		r.start()
		one := gateway.QuarantineInput{Campaigns: []string{rapport.KindCampaign.Format(r.planned.ID)}}
		if q := r.decide(gateway.Drop, one); len(q.Campaigns) != 4 || !q.Active {
			t.Errorf("after one of five: %+v", *q)
		}
		if q := r.decide(gateway.Drop, everything); q.Active {
			t.Errorf("still held: %+v", *q)
		}
		for _, c := range []*rapport.Campaign{r.planned, r.unplanned, r.later, r.draft, r.paused} {
			r.status(c, rapport.CampaignCancelled)
			r.until("its rows are closed", func() bool { return r.ledger(c).Pending == 0 })
			r.cancelled(c, 40)
		}
		r.until("the single message is cancelled", func() bool { return r.stored(r.single).State == rapport.Cancelled })
		if n := r.total(); n != 0 {
			t.Errorf("%d messages went out", n)
		}
	})
}

// cancelled checks that all n recipients are.
func (r *restored) cancelled(c *rapport.Campaign, n int64) {
	r.t.Helper()
	if got := r.ledger(c); got.Cancelled != n || got.Planned != n {
		r.t.Errorf("the ledger is %+v", *got)
	}
}

func TestQuarantine_WhatWasBeingSentIsInDoubt(t *testing.T) {
	t.Parallel()
	run := func(name, url string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			before := newWorld(t, url)
			if err := before.g.Start(ctx, "before", gateway.Role{Name: "api"}); err != nil {
				t.Fatal(err)
			}
			c := before.campaign(persons(5, rapport.Email))
			if _, err := before.g.Plan(ctx, c.ID, time.Minute); err != nil {
				t.Fatal(err)
			}
			single := before.message(900, nil)
			claimed := 0
			for _, lane := range []rapport.Lane{rapport.Fast, rapport.Bulk} {
				due, err := before.st.DueBatches(ctx, lane, 10)
				if err != nil {
					t.Fatal(err)
				}
				for _, b := range due {
					b, _, err := before.st.TakeBatch(ctx, b.ID, before.g.Worker())
					if err != nil {
						t.Fatal(err)
					}
					_, res, err := before.st.Commit(ctx, before.g.Worker(), nil, []store.ClaimRequest{{Batch: b, Worker: before.g.Worker(), Provider: "mail", Max: 10}})
					if err != nil {
						t.Fatal(err)
					}
					claimed += len(res[0].Rows)
				}
			}
			if claimed != 6 {
				t.Fatalf("%d rows are being sent", claimed)
			}
			before.g.Stop(context.WithoutCancel(ctx))
			before.st.Close()
			before.hub.Close()
			after := newWorld(t, url)
			if _, err := after.st.BeginQuarantine(t.Context(), time.Now()); err != nil {
				t.Fatal(err)
			}
			after.start()
			after.until("the campaign's rows are in doubt or held as unknown", func() bool {
				n := after.ledger(c)
				return n.Doubtful+n.Unknown == 5
			})
			if m := after.stored(single); m.State != rapport.Doubtful {
				t.Errorf("the single message is %s", m.State)
			}
			time.Sleep(10 * tick)
			if n := after.total(); n != 0 {
				t.Errorf("%d went out in quarantine", n)
			}
			after.decide(gateway.Close, everything)
			after.status(c, rapport.CampaignFinished)
			after.want(c, "unknown=5")
			after.until("the transactional mail is sent again", func() bool { return after.stored(single).State == rapport.Sent })
			if n := after.total(); n != 1 {
				t.Errorf("%d went out", n)
			}
		})
	}
	run("sqlite", storetest.SQLite(t))
	if url, ok := storetest.Postgres(t); ok {
		run("postgres", url)
	}
}
