package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"rapport"
	"rapport/store"
)

// CustomerMergeInput names two customers that are one person.
type CustomerMergeInput struct {
	From  string `json:"from" minLength:"1" maxLength:"300" example:"cus_0b8t9g3kq8x1w" doc:"Becomes a part of the other: cus_..., or ext: and your own id."`
	Into  string `json:"into" minLength:"1" maxLength:"300" example:"ext:crm-1017" doc:"Survives."`
	Agent string `json:"agent,omitempty" maxLength:"200" doc:"Who found them to be one. Default: the key's name."`
}

// MergePreview is what a merge would do.
type MergePreview struct {
	From      rapport.ID
	Into      rapport.ID
	Holdings  store.Holdings
	Addresses []rapport.Address
	Choices   []rapport.Choice
	Consents  []rapport.Consent
}

// PreviewMerge tells what a merge would do, and changes nothing.
func (g *Gateway) PreviewMerge(ctx context.Context, in CustomerMergeInput) (p MergePreview, err error) {
	from, into, err := g.sides(ctx, g.Store, in)
	if err != nil {
		return p, err
	}
	u := rapport.Unite(from, into, g.now())
	p = MergePreview{From: from.ID, Into: into.ID, Addresses: from.Addresses, Choices: u.Choices, Consents: u.Consents}
	p.Holdings, err = g.Store.Holdings(ctx, from.ID)
	return p, err
}

// sides finds both. from must not have been merged already, which is a conflict; into is whom it was merged into.
func (g *Gateway) sides(ctx context.Context, s *store.Store, in CustomerMergeInput) (from, into rapport.Side, err error) {
	find := func(field, ref string) (rapport.ID, error) {
		c, err := s.FindCustomer(ctx, ref)
		if rapport.CodeOf(err) == rapport.CodeNotFound {
			return 0, rapport.Invalid(field, "there is no such customer")
		}
		if err != nil {
			return 0, err
		}
		return c.ID, nil
	}
	a, err := find("from", in.From)
	if err != nil {
		return
	}
	b, err := find("into", in.Into)
	if err != nil {
		return
	}
	if a == b {
		return from, into, rapport.Errorf(rapport.CodeConflict, "These are one customer already.")
	}
	if from, err = s.MergeSide(ctx, a); err != nil {
		return
	}
	into, err = s.MergeSide(ctx, b)
	return
}

// MergeCustomers makes from a part of into, because a person says that they are one.
func (g *Gateway) MergeCustomers(ctx context.Context, by Caller, in CustomerMergeInput) (store.CustomerMerge, error) {
	agent, err := agentOr(in.Agent, by)
	if err != nil {
		return store.CustomerMerge{}, err
	}
	m := store.CustomerMerge{Actor: agent, Key: by.Key}
	return m, g.mergeCustomers(ctx, &m, in)
}

func (g *Gateway) mergeCustomers(ctx context.Context, m *store.CustomerMerge, in CustomerMergeInput) error {
	return g.Store.Tx(ctx, func(s *store.Store) error {
		from, into, err := g.sides(ctx, s, in)
		if err != nil {
			return err
		}
		if err := s.LockCustomers(ctx, from.ID, into.ID); err != nil {
			return err
		}
		// Once more, now that nobody else changes them.
		if from, into, err = g.sides(ctx, s, in); err != nil {
			return err
		}
		m.From, m.Into = from.ID, into.ID
		if err := s.MergeCustomers(ctx, m, from, into, rapport.Unite(from, into, s.Now())); err != nil {
			return err
		}
		if err := g.publish(ctx, s, rapport.Fact{Into: rapport.KindCustomer.Format(m.Into)}.Notice(rapport.CustomerMerged, m.From)); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: m.Key, Action: "customer.merged", Subject: rapport.KindCustomer.Format(m.Into), Detail: mergeDetail(*m)})
	})
}

func mergeDetail(m store.CustomerMerge) json.RawMessage {
	said := map[string]string{"merge": rapport.KindMerge.Format(m.ID), "from": rapport.KindCustomer.Format(m.From), "rule": m.Rule}
	if m.UndoneBy != "" {
		said["undone_by"] = m.UndoneBy
	}
	b, _ := json.Marshal(said) // of texts: cannot fail
	return b
}

// UndoMerge makes two of one again, each with its own timeline: what has come in or gone out since belongs to whose address
// it was. A merge that was undone is a conflict, and so is one whose survivor was merged itself since: that one comes first.
func (g *Gateway) UndoMerge(ctx context.Context, by Caller, id rapport.ID, agent string) (m store.CustomerMerge, err error) {
	if agent, err = agentOr(agent, by); err != nil {
		return m, err
	}
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		if m, err = s.CustomerMergeByID(ctx, id); err != nil {
			return err
		}
		if err := s.LockCustomers(ctx, m.From, m.Into); err != nil {
			return err
		}
		if m, err = s.CustomerMergeByID(ctx, id); err != nil {
			return err
		}
		if !m.UndoneAt.IsZero() {
			return rapport.Errorf(rapport.CodeConflict, "This merge was undone already.")
		}
		from, err := s.MergeSide(ctx, m.From)
		if rapport.CodeOf(err) == rapport.CodeNotFound {
			return rapport.Errorf(rapport.CodeConflict, "The customers have been erased since.")
		}
		if err != nil {
			return err
		}
		if from.MergedInto != m.Into {
			return rapport.Errorf(rapport.CodeConflict, "Customer %s was merged again since: undo that merge first.", rapport.KindCustomer.Format(m.Into))
		}
		m.UndoneBy = agent
		if err := s.UndoMerge(ctx, &m); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "customer.unmerged", Subject: rapport.KindCustomer.Format(m.Into), Detail: mergeDetail(m)})
	})
	return m, err
}

// MergeRules are the merges that happen without a person. All are off until somebody switches them on.
type MergeRules struct {
	SamePhone bool `json:"same_phone" doc:"Customers with one phone number on SMS and WhatsApp are merged: the later one into the earlier one."`
}

const mergeRulesKey = "merge_rules"

// MergeRules are those that stand.
func (g *Gateway) MergeRules(ctx context.Context) (r MergeRules, err error) {
	text, err := g.Store.Meta(ctx, mergeRulesKey)
	if err != nil || text == "" {
		return r, err
	}
	if err = json.Unmarshal([]byte(text), &r); err != nil {
		err = fmt.Errorf("reading the rules of merging: %w", err)
	}
	return r, err
}

// SetMergeRules keeps rules; they hold from then on, also for those who are customers already.
func (g *Gateway) SetMergeRules(ctx context.Context, by Caller, r MergeRules) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return g.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.SetMeta(ctx, mergeRulesKey, string(text)); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "merge_rules.changed", Subject: "merge_rules", Detail: text})
	})
}

// MergeByRules merges who the rules say are one, and returns how many it did; the next call goes on. It is called once a
// minute.
func (g *Gateway) MergeByRules(ctx context.Context) (n int, err error) {
	r, err := g.MergeRules(ctx)
	if err != nil || !r.SamePhone {
		return 0, err
	}
	found, err := g.Store.SamePhones(ctx, 0, store.MaxRows, true)
	if err != nil {
		return 0, err
	}
	for _, p := range found {
		m := store.CustomerMerge{Rule: "same_phone", Actor: "rule same_phone"}
		err := g.mergeCustomers(ctx, &m, CustomerMergeInput{From: rapport.KindCustomer.Format(p.From), Into: rapport.KindCustomer.Format(p.Into)})
		switch rapport.CodeOf(err) {
		case rapport.CodeConflict, rapport.CodeInvalid: // somebody was faster
			continue
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// mergeLoop applies the rules.
func (g *Gateway) mergeLoop(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if n, err := g.MergeByRules(ctx); err != nil && ctx.Err() == nil {
			g.Log.Warn("merging customers by rule", "error", err)
		} else if n > 0 {
			g.Log.Info("customers were merged by rule", "merges", n)
		}
	}
}
