package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"rapport"
	"rapport/store"
	"rapport/templates"
)

// pageSize is how many recipients one transaction plans. With one writer, behind whom the fast lane waits, a page of
// everyone takes 5 ms and one of new customers 12 to 14; elsewhere as many as one transaction may write.
func (g *Gateway) pageSize() int {
	if g.Store.Alone() {
		return 250
	}
	return store.MaxRows
}

// Plan turns recipients into messages, page by page, until the campaign has no more, is paused or
// cancelled, or wait has passed; then more is true. Several processes may try: the cursor lets one page
// be written once.
func (g *Gateway) Plan(ctx context.Context, id rapport.ID, wait time.Duration) (more bool, err error) {
	c, err := g.Store.Campaign(ctx, id)
	if err != nil {
		return false, err
	}
	if c.Status == rapport.CampaignScheduled && !c.SendAt.After(g.now()) {
		if _, err := g.Store.MoveCampaign(ctx, id, rapport.CampaignPlanning, rapport.CampaignScheduled); err != nil {
			return false, err
		}
		c.Status = rapport.CampaignPlanning
	}
	if c.Status != rapport.CampaignPlanning {
		return false, nil
	}
	set, err := g.rules(ctx, g.Store, c)
	if err != nil {
		return false, err
	}
	if c.DryRun {
		return false, g.dryRun(ctx, set)
	}
	for until := time.Now().Add(wait); !g.engine.closed.Load(); {
		if time.Now().After(until) {
			return true, nil
		}
		due, moved, done, err := g.planOne(ctx, set)
		if err != nil {
			return true, fmt.Errorf("planning campaign %s: %w", rapport.KindCampaign.Format(id), err)
		}
		if !moved {
			return false, nil // somebody else plans it, or it was paused
		}
		for _, b := range due {
			g.hint(Wake{Batch: b.ID, Lane: b.Lane})
		}
		if done {
			_, err := g.Store.MoveCampaign(ctx, id, rapport.CampaignRunning, rapport.CampaignPlanning)
			return false, err
		}
	}
	return true, nil
}

// planned is one page's result.
type planned struct {
	rows     []store.Row
	refusals map[int64]string
	next     int64
	last     bool
}

func (g *Gateway) planOne(ctx context.Context, set *rules) (due []store.Batch, moved, done bool, err error) {
	var page *planned
	err = g.Store.Tx(ctx, func(s *store.Store) (err error) {
		if page, err = g.planPage(ctx, s, set, set.campaign.Cursor); err != nil {
			return err
		}
		if moved, err = s.AdvancePlan(ctx, set.campaign.ID, set.campaign.Cursor, page.next, int64(len(page.refusals))); err != nil || !moved {
			return err
		}
		if err := s.Refuse(ctx, set.campaign.ID, page.refusals); err != nil {
			return err
		}
		// Counted under nobody's name: by rows of the worker's, planning and recording would wait for each other.
		if due, err = s.AddMessages(ctx, 0, page.rows); err != nil {
			return err
		}
		return g.tellSkipped(ctx, s, page.rows)
	})
	if err == nil && moved {
		set.campaign.Cursor, done = page.next, page.last
	}
	return
}

// planPage reads the recipients after cursor, upserts who they describe, and decides.
func (g *Gateway) planPage(ctx context.Context, s *store.Store, set *rules, cursor int64) (*planned, error) {
	if set.campaign.Everyone {
		return g.planEveryone(ctx, s, set, cursor)
	}
	if set.filter != nil {
		return g.planSegment(ctx, s, set, cursor)
	}
	p := &planned{refusals: map[int64]string{}, next: cursor}
	people, stored, err := g.people(ctx, s, set, p)
	if err != nil || len(people) == 0 {
		p.last = err == nil && p.last
		return p, err
	}
	ids := make([]rapport.ID, 0, len(people))
	for _, x := range people {
		if !x.created {
			ids = append(ids, x.customer)
		}
	}
	profiles, err := s.ProfilesOf(ctx, stored, set.campaign.Purpose, set.campaign.Topic, set.reads()...)
	if err != nil {
		return nil, err
	}
	already, err := s.PlannedAlready(ctx, set.campaign.ID, ids)
	if err != nil {
		return nil, err
	}
	seen := make(map[rapport.ID]bool, len(people))
	now := g.now()
	for _, x := range people {
		prof := profiles[x.customer]
		switch {
		case prof == nil:
			p.refusals[x.seq] = "unknown_customer"
			continue
		case seen[x.customer] || len(already[x.customer]) > 0:
			p.refusals[x.seq] = rapport.ReasonDuplicate // named in two ways: by its id and by an address
			continue
		}
		seen[x.customer] = true
		p.rows = g.decide(p.rows, set, prof, x, now)
	}
	return p, nil
}

// planEveryone is planPage where the audience is all customers: the cursor is the id of the last one.
func (g *Gateway) planEveryone(ctx context.Context, s *store.Store, set *rules, cursor int64) (*planned, error) {
	p := &planned{refusals: map[int64]string{}, next: cursor}
	size := g.pageSize()
	people, err := s.ProfilesAfter(ctx, rapport.ID(cursor), size, set.campaign.Purpose, set.campaign.Topic, set.reads()...)
	p.last = len(people) < size
	if err != nil || len(people) == 0 {
		return p, err
	}
	first, last := people[0].ID, people[len(people)-1].ID
	p.next = int64(last)
	already, err := s.PlannedBetween(ctx, set.campaign.ID, first, last)
	if err != nil {
		return nil, err
	}
	p.rows = make([]store.Row, 0, len(people))
	now := g.now()
	for i := range people {
		prof := &people[i]
		if already[prof.ID] {
			p.refusals[int64(prof.ID)] = rapport.ReasonDuplicate
			continue
		}
		p.rows = g.decide(p.rows, set, prof, person{seq: int64(prof.ID)}, now)
	}
	return p, nil
}

// planSegment is planPage where the audience is whom a segment chooses of all customers, as they are now: the cursor is the
// id of the last one that was looked at.
func (g *Gateway) planSegment(ctx context.Context, s *store.Store, set *rules, cursor int64) (*planned, error) {
	p := &planned{refusals: map[int64]string{}, next: cursor}
	now := g.now()
	ids, last, more, err := s.MatchingAfter(ctx, set.filter, now, rapport.ID(cursor), g.pageSize())
	p.last = !more
	if err != nil || last == 0 {
		return p, err
	}
	p.next = int64(last)
	profiles, err := s.Profiles(ctx, ids, set.campaign.Purpose, set.campaign.Topic, set.reads()...)
	if err != nil {
		return nil, err
	}
	already, err := s.PlannedAlready(ctx, set.campaign.ID, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		switch prof := profiles[id]; {
		case len(already[id]) > 0:
			p.refusals[int64(id)] = rapport.ReasonDuplicate
		case prof != nil:
			p.rows = g.decide(p.rows, set, prof, person{seq: int64(id)}, now)
		}
	}
	return p, nil
}

// person is a recipient whose customer is known.
type person struct {
	seq      int64
	customer rapport.ID
	created  bool // just now: nobody has written to them before
	data     map[string]any
}

// people reads one page of a staged audience and stores it. It moves p.next, and p.last when there is no more.
func (g *Gateway) people(ctx context.Context, s *store.Store, set *rules, p *planned) ([]person, []store.Upserted, error) {
	size := g.pageSize()
	rows, err := s.Recipients(ctx, set.campaign.ID, p.next, size)
	if err != nil {
		return nil, nil, err
	}
	p.last = len(rows) < size
	var patches []store.CustomerPatch
	var out []person
	for _, r := range rows {
		p.next = r.Seq
		if r.Refusal != "" {
			p.refusals[r.Seq] = r.Refusal
			continue
		}
		var in staged
		if err := json.Unmarshal(r.Payload, &in); err != nil {
			p.refusals[r.Seq] = rapport.ReasonInvalid
			continue
		}
		patch, wrong := g.patch(in.CustomerInput, "")
		if len(wrong) > 0 {
			p.refusals[r.Seq] = rapport.ReasonInvalid + ": " + wrong[0].Path + " " + wrong[0].Message
			continue
		}
		patches = append(patches, patch)
		out = append(out, person{seq: r.Seq, data: in.Data})
	}
	upserted, err := s.UpsertCustomers(ctx, patches)
	if err == nil && !set.campaign.DryRun {
		err = g.tellMany(ctx, s, upserted, patches)
	}
	if err != nil {
		return nil, nil, err
	}
	kept := out[:0]
	for i, u := range upserted {
		if u.Refusal != "" {
			p.refusals[out[i].seq] = u.Refusal
			continue
		}
		out[i].customer, out[i].created = u.ID, u.Created
		kept = append(kept, out[i])
	}
	return kept, upserted, nil
}

// staged is the payload of a staged recipient.
type staged struct {
	CustomerInput
	Data map[string]any `json:"data,omitempty"`
}

// decide asks the rules about one customer and appends the rows.
func (g *Gateway) decide(rows []store.Row, set *rules, prof *store.Profile, x person, now time.Time) []store.Row {
	var stored json.RawMessage
	shown := false
	for _, d := range rapport.Decide(g.facts(set, prof, now), nil) {
		if d.Send && !shown {
			shown = true
			set.portrait.take(prof)
			stored, _ = set.portrait.encode(x.data, !prof.Track) // of values that came as JSON
		}
		if d.Send && set.content.inline == nil {
			if missing := set.missing(x.data, map[rapport.Channel]bool{d.Channel: true}); len(missing) > 0 {
				d.Send, d.State, d.Reason = false, rapport.Skipped, rapport.ReasonMissing+": "+missing[0]
			}
		}
		rows = append(rows, g.row(set, prof, d, x.seq, stored))
	}
	return rows
}

// missing lists the variables that the template reads on these channels and that neither the campaign, nor the customer
// in the portrait, nor the data supply.
func (r *rules) missing(data map[string]any, channels map[rapport.Channel]bool) []string {
	return r.template.Lacking(func(path []string) bool {
		if path[0] == "campaign" {
			return templates.Supplied(r.content.about, path[1:])
		}
		return r.portrait.supplies(path, data, r.content.data)
	}, channels)
}

var errRollback = errors.New("rolled back on purpose")
