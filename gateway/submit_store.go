package gateway

import (
	"context"
	"errors"
	"slices"

	"rapport"
	"rapport/store"
)

// errRefused rolls a group back because one of it is refused after its customer was written.
var errRefused = errors.New("refused")

// store writes a group's customers, campaigns, messages and answers in one transaction. Of a request that
// is refused nothing is kept, not even the customer that it described: the others are written without it.
func (g *Gateway) store(ctx context.Context, group []*submission) error {
	for tries := 0; len(group) > 0; tries++ {
		err := g.storeAndSend(ctx, group)
		if errors.Is(err, errOvertaken) && tries < 5 {
			continue
		}
		if !errors.Is(err, errRefused) {
			return err
		}
		group = slices.DeleteFunc(slices.Clone(group), func(x *submission) bool { return x.err != nil })
	}
	return nil
}

// storeAndSend stores a group and, where this process delivers and has a place, sends what is due at once: by the
// queue a message would cost more than itself.
func (g *Gateway) storeAndSend(ctx context.Context, group []*submission) error {
	own := g.delivers && g.engine.reserve()
	worker := g.Worker()
	due, err := g.storeAll(ctx, group, worker, own)
	if !own {
		return err
	}
	if err != nil { // what was stored all the same, because only the answer was lost, has no owner then
		for _, b := range due {
			if g.engine.hold(b.ID) {
				g.spawn(func() { g.untake(b.ID, worker) })
			}
		}
		due = nil
	}
	known := make(map[rapport.ID]*content, len(group))
	for _, x := range group {
		known[x.campaign.ID] = x.content
	}
	g.deliverOwn(due, known)
	return err
}

// storeAll returns the batches that are due now and the worker's own.
func (g *Gateway) storeAll(ctx context.Context, group []*submission, worker rapport.ID, own bool) (mine []store.Batch, err error) {
	err = g.Store.Urgent().Tx(ctx, func(s *store.Store) error {
		mine = nil
		live, err := g.unanswered(ctx, s, group)
		if err != nil {
			return err
		}
		patches := make([]store.CustomerPatch, len(live))
		for i, x := range live {
			patches[i] = x.patch
		}
		upserted, err := s.UpsertCustomers(ctx, patches)
		if err != nil {
			return err
		}
		type about struct {
			purpose rapport.Purpose
			topic   string
		}
		stored := map[about][]store.Upserted{}
		for i, x := range live {
			if x.err = upserted[i].Err(); x.err != nil {
				continue
			}
			a := about{x.campaign.Purpose, x.campaign.Topic}
			stored[a] = append(stored[a], upserted[i])
		}
		profiles := map[about]map[rapport.ID]*store.Profile{}
		policies := map[string]rapport.Policy{}
		for a, list := range stored {
			if profiles[a], err = s.ProfilesOf(ctx, list, a.purpose, a.topic); err != nil {
				return err
			}
			if policies[a.topic], err = g.policy(ctx, s, a.topic); err != nil {
				return err
			}
		}
		var campaigns []*rapport.Campaign
		var rows []store.Row
		var owners []*submission
		refused := false
		for i, x := range live {
			if x.err != nil {
				continue
			}
			p := profiles[about{x.campaign.Purpose, x.campaign.Topic}][upserted[i].ID]
			made, err := g.single(ctx, x, p, policies[x.campaign.Topic])
			if err != nil {
				return err
			}
			if x.err != nil {
				refused = true
				continue
			}
			if x.notes != nil && x.notes.TopicCreated {
				if _, err := s.EnsureTopic(ctx, x.campaign.Topic, g.set.DefaultPolicy); err != nil {
					return err
				}
			}
			campaigns = append(campaigns, x.campaign)
			for _, r := range made {
				r.Own = own
				rows = append(rows, r)
				owners = append(owners, x)
			}
		}
		if refused {
			return errRefused
		}
		if err := s.InsertCampaigns(ctx, campaigns...); err != nil {
			return err
		}
		due, err := s.AddMessages(ctx, worker, rows)
		if err != nil {
			return err
		}
		if err := g.tellMany(ctx, s, upserted, patches); err != nil {
			return err
		}
		if err := g.tellSkipped(ctx, s, rows); err != nil {
			return err
		}
		for _, b := range due { // one hint a batch, however many of the group are in it
			if b.Owner != 0 {
				mine = append(mine, b)
				continue
			}
			i := slices.IndexFunc(rows, func(r store.Row) bool { return r.Message.Batch == b.ID })
			owners[i].due = append(owners[i].due, b)
		}
		return g.answer(ctx, s, live)
	})
	return mine, err
}
