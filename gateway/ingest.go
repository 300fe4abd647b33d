package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// Receive takes a provider's callback: checked and translated by the provider, stored, and only then
// answered, so that what was not stored comes again.
func (g *Gateway) Receive(ctx context.Context, provider string, cb *channels.Callback) (channels.Reply, error) {
	p, ok := g.Hub.Provider(provider)
	if !ok {
		return channels.Reply{}, rapport.NotFound("provider")
	}
	r, ok := p.Receiver()
	if !ok {
		return channels.Reply{}, rapport.NotFound("provider that takes callbacks")
	}
	updates, reply, err := r.Receive(ctx, cb)
	if err != nil {
		return channels.Reply{}, err
	}
	return reply, g.Ingest(ctx, p.Entry(), updates, nil)
}

// arrival is one update on its way into the store.
type arrival struct {
	from channels.Entry
	channels.Update
	original *original // nil: there is none
	// page is set for what was written on the page of a message of ours.
	page *rapport.Message
}

// Ingest stores updates, each with its effects exactly once, in one transaction; also, when not nil, runs
// in it (a poller's cursor). What has to happen outside follows the commit.
func (g *Gateway) Ingest(ctx context.Context, from channels.Entry, updates []channels.Update, also func(context.Context, *store.Store) error) error {
	if len(updates) > 0 {
		g.heard(from.Name)
	}
	updates = slices.Clone(updates)
	for i := range updates {
		mend(&updates[i])
	}
	for len(updates) > 0 || also != nil {
		n := oneTransaction(updates)
		last := n == len(updates)
		group, err := g.arrivals(ctx, from, updates[:n])
		if err != nil {
			return err
		}
		var after []func()
		err = g.Store.Tx(ctx, func(s *store.Store) error {
			after = nil
			fresh, err := unheard(ctx, s, from.Name, updates[:n])
			if err != nil {
				return err
			}
			for i := range group {
				if !fresh[i] {
					continue
				}
				then, err := g.update(ctx, s, &group[i])
				if err != nil {
					return fmt.Errorf("storing an update of %s: %w", from.Name, err)
				}
				if then != nil {
					after = append(after, then)
				}
			}
			if last && also != nil {
				return also(ctx, s)
			}
			return nil
		})
		g.dropUnused(ctx, group, err == nil)
		if err != nil {
			return err
		}
		for _, then := range after {
			then()
		}
		updates = updates[n:]
		if last {
			return nil
		}
	}
	return nil
}

// unheard tells of each update whether it is new, and takes note of it: in the order of their ids, so that two callers
// with copies of the same updates wait for each other and not both for both.
func unheard(ctx context.Context, s *store.Store, provider string, updates []channels.Update) (fresh []bool, err error) {
	order := make([]int, len(updates))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return strings.Compare(updates[i].EventID, updates[j].EventID) })
	fresh = make([]bool, len(updates))
	for _, i := range order {
		if fresh[i], err = s.Once(ctx, provider, updates[i].EventID); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

func (g *Gateway) update(ctx context.Context, s *store.Store, u *arrival) (after func(), err error) {
	if u.At.IsZero() {
		u.At = g.now()
	}
	switch {
	case u.Receipt != nil:
		return g.receipt(ctx, s, u)
	case u.Change != nil:
		return nil, g.change(ctx, s, u.Change)
	case u.Message != nil:
		return g.incoming(ctx, s, u)
	}
	return nil, nil
}

// change applies news about an address: blocked, unblocked, moved.
func (g *Gateway) change(ctx context.Context, s *store.Store, c *channels.Change) error {
	value, wrong := rapport.NormalizeAddress(c.Channel, c.Address)
	if wrong != nil {
		return nil
	}
	a, err := s.AddressOf(ctx, c.Channel, value)
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if c.MovedTo != "" {
		if to, wrong := rapport.NormalizeAddress(c.Channel, c.MovedTo); wrong == nil {
			return s.MoveAddress(ctx, a, to)
		}
		return nil
	}
	reason := ""
	if c.Off {
		if reason = c.Reason; reason == "" {
			reason = "blocked"
		}
	}
	return s.SwitchAddress(ctx, a.ID, reason)
}

// incoming stores what a person sent: in the thread it belongs to, tied to the message and campaign that
// it answers, with what it means for consent.
func (g *Gateway) incoming(ctx context.Context, s *store.Store, u *arrival) (after func(), err error) {
	in := u.Message
	w, err := g.writer(ctx, s, in)
	if err != nil {
		return nil, err
	}
	if edited, err := g.edited(ctx, s, u, w); edited || err != nil {
		return nil, err
	}
	if first, err := g.album(ctx, s, in, w); first != 0 || err != nil {
		return g.fetching(first, in), err
	}
	answers, err := g.answersTo(ctx, s, u, w)
	if err != nil {
		return nil, err
	}
	if in.Auto != "" {
		return nil, g.autoReply(ctx, s, u, w, answers)
	}
	if w.value == "" {
		return nil, g.stray(ctx, s, u, "", "no_sender")
	}
	if err := g.identify(ctx, s, in, w, answers); err != nil {
		return nil, err
	}
	if err := canText(ctx, s, u, w); err != nil {
		return nil, err
	}
	asked := w.asks(in)
	if u.page != nil && commandIn(in.Channel, in.Text) != stopIt { // whoever has the link can write there
		asked = noCommand
	}
	if w.guest && asked != noCommand && w.address.ID == 0 { // what binds an address needs somebody whose it is
		if w.address, err = g.newcomer(ctx, s, in, w.value, partner); err != nil {
			return nil, err
		}
	}
	bare := asked != noCommand && isBare(in, answers)
	t, err := g.threadFor(ctx, s, in, w.owner, answers, bare)
	if err == nil && !bare {
		t, err = g.assign(ctx, s, t)
	}
	if err != nil {
		return nil, err
	}
	if err := g.vouch(ctx, s, in, w, t); err != nil {
		return nil, err
	}
	e, err := g.entryOf(ctx, s, u, w, t, answers)
	if err != nil {
		return nil, err
	}
	if e.Meta, err = metaOf(in, w, asked, bare); err != nil {
		return nil, err
	}
	if err := s.AddEntry(ctx, e); err != nil {
		return nil, err
	}
	if !e.Aside { // what somebody else writes to us says nothing of the customer
		if err := g.understand(ctx, s, in, e, asked == stopIt); err != nil {
			return nil, err
		}
	}
	if err := g.noteParticipants(ctx, s, in, w, e); err != nil {
		return nil, err
	}
	if answers.message != nil && !w.guest {
		if err := g.replied(ctx, s, *answers.message); err != nil {
			return nil, err
		}
	}
	due, err := g.obey(ctx, s, w.hears(in, t, e, answers.message, asked), asked)
	if err != nil {
		return nil, err
	}
	fetch := g.fetching(e.ID, in)
	return func() {
		g.hints(due)
		fetch()
		if !bare && !e.Aside {
			g.askLater(e.ID)
		}
	}, nil
}

// fetching is what follows the commit of an entry that has attachments.
func (g *Gateway) fetching(entry rapport.ID, in *channels.Incoming) func() {
	return func() {
		if len(in.Attachments) > 0 {
			g.fetchAttachments(entry, in.Attachments)
		}
	}
}

// edited replaces the words of an earlier message by the person's correction. One whose first form never came is an
// entry like any other; so are words in place of a command, which stays as the proof of what was obeyed, and which nobody
// waits for.
func (g *Gateway) edited(ctx context.Context, s *store.Store, u *arrival, w *writer) (bool, error) {
	if u.Message.EditOf == "" || w.address.ID == 0 {
		return false, nil
	}
	old, err := s.EntryByProvider(ctx, u.from.Name, u.Message.EditOf)
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		return false, nil
	}
	if err != nil || isCommand(old) && askedBy(u.Message) == noCommand {
		return false, err
	}
	if err := s.CorrectEntry(ctx, old.ID, u.Message.Text, cleanHTML(u.Message.HTML)); err != nil {
		return true, err
	}
	old.Text = u.Message.Text
	return true, g.understand(ctx, s, u.Message, &old, false)
}

// entryOf is what comes to stand in the thread.
func (g *Gateway) entryOf(ctx context.Context, s *store.Store, u *arrival, w *writer, t rapport.Thread, answers found) (*rapport.Entry, error) {
	in := u.Message
	e := &rapport.Entry{Thread: t.ID, Customer: w.owner.Customer, Kind: rapport.Inbound, Channel: in.Channel, Text: wordsOf(in), HTML: cleanHTML(in.HTML), Author: in.FromName,
		Address: w.owner.ID, MatchedBy: answers.by, Provider: u.from.Name, ProviderID: in.ProviderID, Quoted: in.Quoted, Signature: in.Signature}
	if w.guest {
		e.Address, e.Aside = w.address.ID, w.aside
		if w.address.ID != 0 {
			e.Customer = w.address.Customer
		}
		if e.Author == "" {
			e.Author = w.value
		}
	}
	if m := answers.message; m != nil {
		e.Answers.Message = m.ID
		if !w.guest && in.Auto == "" { // else it is no feedback to the campaign
			e.Answers.Campaign = m.Campaign
			if c, err := s.Campaign(ctx, m.Campaign); err == nil {
				e.Answers.Template = c.Template
			}
		}
	}
	var err error
	e.Original, err = u.original.keep(ctx, s)
	return e, err
}

// wordsOf is what a message says: by a button, what this stands for.
func wordsOf(in *channels.Incoming) string {
	return cmp.Or(in.Text, in.Button)
}

// metaOf is what else is known about a message: what its channel says, and how far its sender is to be believed.
func metaOf(in *channels.Incoming, w *writer, asked command, aside bool) (json.RawMessage, error) {
	meta := map[string]any{}
	if in.Button != "" {
		meta["button"] = in.Button
	}
	if in.Album != "" {
		meta["album"] = in.Album
	}
	if in.Auto != "" {
		meta["auto"] = in.Auto
	}
	if in.Channel == rapport.Email && in.To != "" {
		meta["to"] = in.To // the mailbox that the answer comes from
	}
	if in.OwnPhone != "" {
		meta["phone"] = in.OwnPhone
	}
	if len(in.Checks) > 0 {
		meta["checks"] = in.Checks
	}
	if w.guest {
		meta["sender"] = map[string]string{"name": in.FromName, "address": w.value}
	}
	if w.unverified {
		meta["unverified"] = true
	}
	if asked == stopIt {
		meta["intent"] = "stop"
	}
	if aside {
		meta["command"] = string(asked)
	}
	if len(meta) == 0 {
		return nil, nil
	}
	return json.Marshal(meta)
}

// replied counts an answer, which proves that what it answers had arrived.
func (g *Gateway) replied(ctx context.Context, s *store.Store, m rapport.Message) error {
	if _, err := s.Engage(ctx, g.Worker(), m.ID, rapport.Replied, false); err != nil {
		return err
	}
	return g.prove(ctx, s, m, "replied")
}
