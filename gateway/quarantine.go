package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// Decision is what becomes of something that is held after a restore.
type Decision string

const (
	// Release sends what is pending. What went out between the backup and the restore goes out again.
	Release Decision = "release"
	// Close sends nothing that may have been sent: such rows are in doubt, and doubt is settled as always
	// (docs/states.md). What cannot have gone out yet stays and is sent in its time.
	Close Decision = "close"
	// Drop cancels: nothing of it is sent any more.
	Drop Decision = "cancel"
)

// closeFor bounds how long one call of Decide works: closing a large campaign takes several.
const closeFor = 10 * time.Second

// Quarantine is what waits for a decision after a restore.
type Quarantine struct {
	Active    bool           `json:"active" doc:"Something is held."`
	Since     *time.Time     `json:"since,omitempty" doc:"When the restored backup was taken. What was sent later is not in it."`
	BeganAt   *time.Time     `json:"began_at,omitempty" doc:"When it was restored."`
	Campaigns []HeldCampaign `json:"campaigns" nullable:"false"`
	Messages  HeldMessages   `json:"messages" doc:"Single messages and answers; they are decided together."`
	More      bool           `json:"more,omitempty" doc:"Closing a large campaign takes more than one request: send the same one again."`
}

// HeldCampaign is one in quarantine.
type HeldCampaign struct {
	ID         string                 `json:"id"`
	Name       string                 `json:"name"`
	Purpose    rapport.Purpose        `json:"purpose"`
	Was        rapport.CampaignStatus `json:"was" doc:"Its status at the backup, to which release returns."`
	Counts     *rapport.Counts        `json:"counts" doc:"As of the backup."`
	CreatedAt  time.Time              `json:"created_at"`
	LaunchedAt *time.Time             `json:"launched_at,omitempty"`
	SendAt     *time.Time             `json:"send_at,omitempty"`
}

// HeldMessages are single messages in quarantine.
type HeldMessages struct {
	Pending  int64      `json:"pending"`
	Doubtful int64      `json:"doubtful"`
	Oldest   *time.Time `json:"oldest,omitempty" doc:"When the first of them was accepted."`
}

// QuarantineInput names what is decided about.
type QuarantineInput struct {
	Campaigns []string `json:"campaigns,omitempty" maxItems:"1000" doc:"Ids, cmp_..."`
	Messages  bool     `json:"messages,omitempty" doc:"All single messages and answers."`
	All       bool     `json:"all,omitempty" doc:"Everything that is held."`
}

func inQuarantine() error {
	return rapport.Errorf(rapport.CodeConflict, "The campaign was restored from a backup and may have been sent since. Decide first: POST /v1/quarantine/release, close or cancel.")
}

// Quarantine tells what is held.
func (g *Gateway) Quarantine(ctx context.Context) (*Quarantine, error) {
	out := &Quarantine{Campaigns: []HeldCampaign{}}
	mark, ok, err := g.Store.Quarantine(ctx)
	if err != nil {
		return nil, err
	}
	if ok {
		out.Since, out.BeganAt = &mark.Since, &mark.Began
	}
	campaigns, err := g.Store.OpenCampaigns(ctx, 1000, rapport.CampaignQuarantined)
	if err != nil {
		return nil, err
	}
	ledgers, err := g.Ledgers(ctx, campaigns...)
	if err != nil {
		return nil, err
	}
	for i, c := range campaigns {
		v := HeldCampaign{ID: rapport.KindCampaign.Format(c.ID), Name: c.Name, Purpose: c.Purpose, Was: c.PausedFrom, CreatedAt: c.CreatedAt, LaunchedAt: given(c.LaunchedAt), SendAt: given(c.SendAt)}
		if paused(c) {
			v.Was = rapport.CampaignPaused
		}
		v.Counts = ledgers[i]
		out.Campaigns = append(out.Campaigns, v)
	}
	h, err := g.Store.HeldMessages(ctx)
	if err != nil {
		return nil, err
	}
	out.Messages = HeldMessages{Pending: h.Pending, Doubtful: h.Doubtful, Oldest: given(h.Oldest)}
	out.Active = len(campaigns) > 0 || h.Batches > 0
	return out, nil
}

func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// paused tells whether a campaign in quarantine was paused at the backup.
func paused(c *rapport.Campaign) bool {
	return strings.HasPrefix(string(c.PausedFrom), string(rapport.CampaignPaused))
}

// Decide does with held campaigns and messages what a person has decided, and tells what is left. It can be
// repeated at any time; what was decided already is not held any more and is left alone. More: the time of
// one call was over, and the same call goes on where this one stopped.
func (g *Gateway) Decide(ctx context.Context, by Caller, what Decision, in QuarantineInput) (*Quarantine, error) {
	mark, _, err := g.Store.Quarantine(ctx)
	if err != nil {
		return nil, err
	}
	ids, err := g.toDecide(ctx, in)
	if err != nil {
		return nil, err
	}
	if what == Close {
		if err := g.takeOver(ctx); err != nil { // rows that were being sent are in doubt before the others are
			return nil, err
		}
	}
	until, more := time.Now().Add(closeFor), false
	for _, id := range ids {
		finished, err := g.decideCampaign(ctx, by, what, id, mark, until)
		if err != nil {
			return nil, err
		}
		more = more || !finished
	}
	if (in.All || in.Messages) && !more {
		if more, err = g.decideMessages(ctx, by, what, mark, until); err != nil {
			return nil, err
		}
	}
	out, err := g.Quarantine(ctx)
	if err == nil {
		out.More = more
	}
	return out, err
}

func (g *Gateway) toDecide(ctx context.Context, in QuarantineInput) ([]rapport.ID, error) {
	if !in.All && !in.Messages && len(in.Campaigns) == 0 {
		return nil, rapport.Invalid("campaigns", "name campaigns, or say messages or all")
	}
	var ids []rapport.ID
	if in.All {
		held, err := g.Store.OpenCampaigns(ctx, 1000, rapport.CampaignQuarantined)
		for _, c := range held {
			ids = append(ids, c.ID)
		}
		return ids, err
	}
	for _, text := range in.Campaigns {
		id, err := rapport.KindCampaign.Parse(text)
		if err != nil {
			return nil, rapport.NotFound("campaign " + text)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// decideCampaign tells whether it came to the end of it.
func (g *Gateway) decideCampaign(ctx context.Context, by Caller, what Decision, id rapport.ID, mark store.Quarantine, until time.Time) (finished bool, err error) {
	c, err := g.Store.Campaign(ctx, id)
	if err != nil || c.Status != rapport.CampaignQuarantined {
		return true, err
	}
	if what == Close {
		if c.PausedFrom == rapport.CampaignDraft { // nobody can tell whether it was launched: what may have been sent is not sent
			what = Drop
		} else if finished, err = g.closeCampaign(ctx, c, mark, until); err != nil || !finished {
			return false, err
		}
	}
	if what == Drop {
		_, err = g.Store.MoveCampaign(ctx, id, rapport.CampaignCancelled, rapport.CampaignQuarantined)
	} else {
		_, err = g.Store.FreeCampaign(ctx, id)
	}
	if err != nil {
		return false, err
	}
	if c.PausedFrom == rapport.CampaignPlanning {
		g.hint(Wake{Plan: id})
	}
	return true, g.auditDecision(ctx, by, what, rapport.KindCampaign.Format(id))
}

// closeCampaign plans what was not planned, so that every recipient has a row to be counted in, and then
// declares doubtful what may have been sent. Nothing of it is sent meanwhile: the campaign is still held.
func (g *Gateway) closeCampaign(ctx context.Context, c *rapport.Campaign, mark store.Quarantine, until time.Time) (finished bool, err error) {
	if c.SendAt.After(mark.Began) && c.Planned == 0 && c.Cursor == 0 {
		return true, nil // its hour had not come
	}
	if !strings.HasSuffix(string(c.PausedFrom), string(rapport.CampaignRunning)) {
		set, err := g.rules(ctx, g.Store, c)
		if err != nil {
			return false, err
		}
		for done := false; !done; {
			if time.Now().After(until) {
				return false, nil
			}
			moved := false
			if _, moved, done, err = g.planOne(ctx, set); err != nil {
				return false, err
			}
			if !moved {
				return false, nil // somebody else is at it
			}
		}
		if err := g.Store.PlannedInQuarantine(ctx, c.ID); err != nil {
			return false, err
		}
	}
	for after := rapport.ID(0); ; {
		batches, err := g.Store.HeldBatches(ctx, c.ID, after)
		if err != nil || len(batches) == 0 {
			return err == nil, err
		}
		for _, b := range batches {
			if time.Now().After(until) {
				return false, nil
			}
			if err := g.doubtBatch(ctx, b, mark); err != nil {
				return false, err
			}
			after = b.ID
		}
	}
}

// doubtBatch declares doubtful what may have been sent of a batch, under the name of the provider who would
// have carried it.
func (g *Gateway) doubtBatch(ctx context.Context, b store.Batch, mark store.Quarantine) error {
	d := store.Doubts{Quarantine: mark, Worker: g.Worker()}
	var caps channels.Caps
	if route := g.Hub.Route(b.Channel, b.Sandbox); len(route) > 0 {
		d.Provider, caps = route[0].Entry().Name, route[0].Caps()
	}
	when := func(p rapport.Purpose) time.Time {
		if doubtOf(caps, p) == hold {
			return g.now().Add(g.set.Hold)
		}
		return g.now() // any send was over long ago
	}
	d.Marketing, d.Transactional = when(rapport.Marketing), when(rapport.Transactional)
	return g.Store.Tx(ctx, func(s *store.Store) error {
		_, err := s.DoubtBatch(ctx, b, d)
		return err
	})
}

// decideMessages works on the batches of single messages, one transaction each.
func (g *Gateway) decideMessages(ctx context.Context, by Caller, what Decision, mark store.Quarantine, until time.Time) (more bool, err error) {
	found := false
	for _, list := range []func(context.Context) ([]store.Batch, error){
		func(ctx context.Context) ([]store.Batch, error) { return g.Store.HeldBatches(ctx, 0, 0) },
		g.Store.HeldEscalations,
	} {
		for {
			batches, err := list(ctx)
			if err != nil {
				return false, err
			}
			if len(batches) == 0 {
				break
			}
			found = true
			for _, b := range batches {
				if time.Now().After(until) {
					return true, nil
				}
				if err := g.decideBatch(ctx, what, b, mark); err != nil {
					return false, err
				}
			}
		}
	}
	if !found {
		return false, nil
	}
	return false, g.auditDecision(ctx, by, what, "messages")
}

func (g *Gateway) decideBatch(ctx context.Context, what Decision, b store.Batch, mark store.Quarantine) error {
	switch {
	case what == Close && b.What != store.WhatEscalate:
		return g.doubtBatch(ctx, b, mark)
	case what == Drop:
		return g.Store.Tx(ctx, func(s *store.Store) error {
			if err := s.CancelSingles(ctx, b); err != nil {
				return err
			}
			return s.Thaw(ctx, b)
		})
	}
	return g.Store.Thaw(ctx, b)
}

func (g *Gateway) auditDecision(ctx context.Context, by Caller, what Decision, subject string) error {
	detail, err := json.Marshal(map[string]string{"by": by.Name})
	if err != nil {
		return err
	}
	return g.Store.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "quarantine." + string(what), Subject: subject, Detail: detail})
}

// doubtAfterRestore is the policy about a row that may have been sent since a backup. One that was planned
// only after the restore may have gone out under another id: a receiver does not recognise the repetition then,
// and a text with the id in it (a tracked link) is not found at the provider. Such a row is held.
func (g *Gateway) doubtAfterRestore(ctx context.Context, policy doubt, caps channels.Caps, r store.SettleRow) (doubt, error) {
	mark, _, err := g.Store.Quarantine(ctx)
	if err != nil || r.ID.Time().Before(mark.Began) {
		return policy, err
	}
	if policy == ask && !g.sameUnderAnyID(ctx, r) || policy == resend && caps.Idempotent {
		return hold, nil
	}
	return policy, nil
}

// sameUnderAnyID tells whether the message would have said the same under another id.
func (g *Gateway) sameUnderAnyID(ctx context.Context, r store.SettleRow) bool {
	c, err := g.content(ctx, r.Campaign)
	if err != nil {
		return false
	}
	one, _, err := g.compose(c, r.ID, r.Channel, r.Value, r.Vars, r.UpdatedAt, nil)
	if err != nil {
		return false
	}
	other, _, err := g.compose(c, r.ID+1, r.Channel, r.Value, r.Vars, r.UpdatedAt, nil)
	return err == nil && one.Text.String() == other.Text.String()
}

// askEverybody asks each provider that may have carried a message since the backup. Only when all of them say
// no is it certain that none has.
func (g *Gateway) askEverybody(ctx context.Context, p *channels.Provider, r store.SettleRow) (channels.Answer, error) {
	providers := []*channels.Provider{p}
	if p.Entry().Driver != "sandbox" {
		for _, other := range g.Hub.Route(r.Channel, false) {
			if other.Entry().Name != p.Entry().Name {
				providers = append(providers, other)
			}
		}
	}
	var unsure error
	for _, p := range providers {
		answer, err := g.askOne(ctx, p, r, g.now())
		if answer.Found {
			return answer, nil
		}
		unsure = errors.Join(unsure, err)
	}
	return channels.Answer{}, unsure
}
