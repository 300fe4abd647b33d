package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// matchWithin is how far back a message without any reference is taken as an answer to the newest message
// sent to that address.
const matchWithin = 30 * 24 * time.Hour

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

// Ingest stores updates, each with its effects exactly once, in one transaction; also, when not nil, runs
// in it (a poller's cursor). What has to happen outside follows the commit.
func (g *Gateway) Ingest(ctx context.Context, from channels.Entry, updates []channels.Update, also func(context.Context, *store.Store) error) error {
	for len(updates) > 0 || also != nil {
		n := min(len(updates), 100)
		last := n == len(updates)
		var after []func()
		err := g.Store.Tx(ctx, func(s *store.Store) error {
			after = nil
			fresh, err := unheard(ctx, s, from.Name, updates[:n])
			if err != nil {
				return err
			}
			for i, u := range updates[:n] {
				if !fresh[i] {
					continue
				}
				then, err := g.update(ctx, s, from, u)
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

func (g *Gateway) update(ctx context.Context, s *store.Store, from channels.Entry, u channels.Update) (after func(), err error) {
	if u.At.IsZero() {
		u.At = g.now()
	}
	switch {
	case u.Receipt != nil:
		return g.receipt(ctx, s, from, u)
	case u.Change != nil:
		return nil, g.change(ctx, s, u.Change)
	case u.Message != nil:
		return g.incoming(ctx, s, from, u)
	}
	return nil, nil
}

// reported finds the message that a receipt is about; 0: none.
func reported(ctx context.Context, s *store.Store, from channels.Entry, r *channels.Receipted) (rapport.ID, error) {
	if r.MessageID != 0 || r.ProviderID == "" {
		return r.MessageID, nil
	}
	var to rapport.Address
	if value, wrong := rapport.NormalizeAddress(r.Channel, r.To); wrong == nil {
		var err error
		if to, err = s.AddressOf(ctx, r.Channel, value); err != nil && rapport.CodeOf(err) != rapport.CodeNotFound {
			return 0, err
		}
	}
	return s.MessageByRef(ctx, from.Name, r.ProviderID, to.Customer)
}

// receipt applies a provider's report. One about a message that we do not know is kept as seen and
// otherwise ignored: the provider must not call for ever.
func (g *Gateway) receipt(ctx context.Context, s *store.Store, from channels.Entry, u channels.Update) (after func(), err error) {
	r := u.Receipt
	id, err := reported(ctx, s, from, r)
	if err != nil {
		return nil, err
	}
	if id == 0 {
		g.Log.Warn("a receipt names no message of ours", "provider", from.Name, "kind", string(r.Kind))
		return nil, nil
	}
	was, is, err := s.ApplyReceipt(ctx, g.Worker(), id, from.Name, store.ReceiptRow{Kind: r.Kind, Reason: r.Reason, Code: r.Code, Detail: r.Detail, At: u.At})
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		g.Log.Warn("a receipt names no message of ours", "provider", from.Name, "kind", string(r.Kind))
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := s.Message(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := g.tellReceipt(ctx, s, m, was, is); err != nil {
		return nil, err
	}
	if r.Kind == rapport.ReceiptRead {
		first, err := s.Engage(ctx, g.Worker(), id, rapport.Opened, false)
		if err == nil {
			err = g.tellEngaged(ctx, s, m, rapport.Opened, first)
		}
		if err != nil {
			return nil, err
		}
	}
	if (r.Suppress || r.Kind == rapport.ReceiptBounced) && m.Address != 0 {
		a, err := s.Address(ctx, m.Address)
		if err == nil {
			reason, scope := r.Reason, rapport.SuppressAll
			if reason == "" {
				reason = "hard_bounce"
			}
			if reason == "complaint" {
				scope = rapport.SuppressMarketing
			}
			err = s.Suppress(ctx, []rapport.Suppression{{Channel: a.Channel, Address: a.Value, Reason: reason, Scope: scope, Source: "provider " + from.Name, Message: id, At: u.At}})
		}
		if err != nil && rapport.CodeOf(err) != rapport.CodeNotFound {
			return nil, err
		}
	}
	if is == rapport.Failed && was != is {
		return func() { g.escalateNow(m) }, nil
	}
	return nil, nil
}

// escalateNow moves on to the next channel when a message that seemed sent turns out not to arrive.
func (g *Gateway) escalateNow(m rapport.Message) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := g.campaigns.get(ctx, m.Campaign)
	if err != nil || c.Routing.Method != rapport.Fallback {
		return
	}
	stored, err := g.Store.Vars(ctx, m.ID)
	if err == nil {
		err = g.escalate(ctx, store.SettleRow{Message: m, Purpose: c.Purpose, Kind: c.Kind, Vars: stored})
	}
	if err != nil {
		g.Log.Error("escalating after a failed receipt", "message", rapport.KindMessage.Format(m.ID), "error", err)
	}
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
func (g *Gateway) incoming(ctx context.Context, s *store.Store, from channels.Entry, u channels.Update) (after func(), err error) {
	in := u.Message
	value, wrong := rapport.NormalizeAddress(in.Channel, in.From)
	if wrong != nil {
		g.Log.Warn("an incoming message has no usable sender", "provider", from.Name, "channel", string(in.Channel))
		return nil, nil
	}
	a, err := g.sender(ctx, s, in, value)
	if err != nil {
		return nil, err
	}
	if err := s.LockAddress(ctx, a.ID); err != nil {
		return nil, err
	}
	if in.EditOf != "" {
		old, err := s.EntryByProvider(ctx, from.Name, in.EditOf)
		if err == nil {
			return nil, s.EditEntry(ctx, old.ID, in.Text, cleanHTML(in.HTML))
		}
		if rapport.CodeOf(err) != rapport.CodeNotFound {
			return nil, err
		}
	}
	answers, by, thread, err := g.answersTo(ctx, s, from, in, a)
	if err != nil {
		return nil, err
	}
	t, err := g.threadFor(ctx, s, in, a, answers, thread)
	if err != nil {
		return nil, err
	}
	meta := map[string]any{}
	if in.Button != "" {
		meta["button"] = in.Button
	}
	if in.Auto != "" {
		meta["auto"] = in.Auto
	}
	text := in.Text
	if text == "" && in.Button != "" {
		text = in.Button
	}
	e := &rapport.Entry{Thread: t.ID, Customer: a.Customer, Kind: rapport.Inbound, Channel: in.Channel, Text: text, HTML: cleanHTML(in.HTML), Author: in.FromName,
		Address: a.ID, MatchedBy: by, Provider: from.Name, ProviderID: in.ProviderID}
	if answers != nil {
		e.Answers = rapport.Answered{Message: answers.ID, Campaign: answers.Campaign}
		if c, err := s.Campaign(ctx, answers.Campaign); err == nil {
			e.Answers.Template = c.Template
		}
	}
	stop, start := in.OptOut || in.Channel != rapport.Email && isStop(text), in.OptIn || in.Channel != rapport.Email && isStart(text)
	if stop {
		meta["intent"] = "stop"
	}
	if len(meta) > 0 {
		if e.Meta, err = json.Marshal(meta); err != nil {
			return nil, err
		}
	}
	if err := s.AddEntry(ctx, e); err != nil {
		return nil, err
	}
	if answers != nil && in.Auto == "" {
		if _, err := s.Engage(ctx, g.Worker(), answers.ID, rapport.Replied, false); err != nil {
			return nil, err
		}
		if err := g.prove(ctx, s, *answers, "replied"); err != nil {
			return nil, err
		}
	}
	if stop || start {
		if err := g.optChange(ctx, s, a, stop, e, answers); err != nil {
			return nil, err
		}
	}
	if n := len(in.Attachments); n > 0 {
		return func() { g.fetchAttachments(e.ID, in.Attachments) }, nil
	}
	return nil, nil
}

// sender finds whose address it is. A stranger becomes a customer of whom we know only that. A one-time
// token from a link that we sent to somebody makes the chat theirs.
func (g *Gateway) sender(ctx context.Context, s *store.Store, in *channels.Incoming, value string) (rapport.Address, error) {
	a, err := s.AddressOf(ctx, in.Channel, value)
	known := err == nil
	if err != nil && rapport.CodeOf(err) != rapport.CodeNotFound {
		return a, err
	}
	if in.Start != "" {
		if id, _, ok := g.readToken(useTelegram, in.Start); ok {
			m, err := s.Message(ctx, id)
			if err == nil {
				fresh, err := s.Once(ctx, "link", rapport.KindMessage.Format(id))
				if err != nil {
					return a, err
				}
				if fresh {
					return s.GiveAddress(ctx, m.Customer, in.Channel, value)
				}
			} else if rapport.CodeOf(err) != rapport.CodeNotFound {
				return a, err
			}
		}
	}
	if known {
		return a, nil
	}
	patch := store.CustomerPatch{Addresses: []store.AddressPatch{{Channel: in.Channel, Value: value, Primary: true}}}
	if in.FromName != "" {
		name := truncate(in.FromName, 200)
		patch.Name = &name
	}
	up, err := s.UpsertCustomers(ctx, []store.CustomerPatch{patch})
	if err != nil {
		return a, err
	}
	if err := up[0].Err(); err != nil {
		return a, err
	}
	if err := g.tellCustomers(ctx, s, up, nil); err != nil {
		return a, err
	}
	return s.AddressOf(ctx, in.Channel, value)
}

func truncate(s string, n int) string {
	r := []rune(s)
	if len(r) > n {
		r = r[:n]
	}
	return string(r)
}

// answersTo finds the message that in answers, the strongest sign first: our signed token, our Message-ID,
// the provider's id; else the newest message sent to that address within 30 days.
func (g *Gateway) answersTo(ctx context.Context, s *store.Store, from channels.Entry, in *channels.Incoming, a rapport.Address) (m *rapport.Message, by string, thread rapport.ID, err error) {
	find := func(id rapport.ID) (*rapport.Message, error) {
		m, err := s.Message(ctx, id)
		if rapport.CodeOf(err) == rapport.CodeNotFound {
			return nil, nil
		}
		return &m, err
	}
	for _, t := range in.Tokens {
		if id, _, ok := g.readToken(useReply, t); ok {
			if m, err = find(id); m != nil || err != nil {
				return m, "reply_token", 0, err
			}
		}
	}
	for _, ref := range in.InReplyTo {
		left, _, _ := strings.Cut(ref, "@")
		id, perr := rapport.KindMessage.Parse(left)
		word := "in_reply_to"
		if perr != nil {
			if id, err = s.MessageByRef(ctx, from.Name, ref, a.Customer); err != nil {
				return nil, "", 0, err
			}
			word = "provider_id"
		}
		if id != 0 {
			// A provider's number says little by itself (a leaked id, another bot): it must be this person's message.
			if m, err = find(id); err != nil || m != nil && m.Customer == a.Customer {
				return m, word, 0, err
			}
		}
		if e, err := s.EntryByProvider(ctx, from.Name, ref); err == nil && e.Customer == a.Customer {
			return nil, "provider_id", e.Thread, nil
		}
	}
	id, err := s.LatestTo(ctx, a, g.now().Add(-matchWithin))
	if err != nil || id == 0 {
		return nil, "", 0, err
	}
	m, err = find(id)
	return m, "latest", 0, err
}

// threadFor is the thread of the message that is answered, else the open one of the address, else new. A
// thread that waited for the customer is open again.
func (g *Gateway) threadFor(ctx context.Context, s *store.Store, in *channels.Incoming, a rapport.Address, answers *rapport.Message, thread rapport.ID) (t rapport.Thread, err error) {
	var campaign rapport.ID
	if answers != nil {
		c, err := s.Campaign(ctx, answers.Campaign)
		if err != nil {
			return t, err
		}
		campaign = c.ID
		if c.Thread != 0 {
			thread = c.Thread
		} else if thread, err = s.ThreadOfMessage(ctx, answers.ID); err != nil {
			return t, err
		}
	}
	if thread != 0 {
		t, err = s.Thread(ctx, thread)
	} else {
		t, err = s.OpenThread(ctx, a.ID)
	}
	if err == nil && t.Status != rapport.ThreadResolved {
		if t.Status != rapport.ThreadOpen && in.Auto == "" {
			open := rapport.ThreadOpen
			return s.PatchThread(ctx, t.ID, store.ThreadPatch{Status: &open})
		}
		return t, nil
	}
	if err != nil && rapport.CodeOf(err) != rapport.CodeNotFound {
		return t, err
	}
	t = rapport.Thread{Customer: a.Customer, Address: a.ID, Channel: a.Channel, Subject: truncate(in.Subject, 300), Status: rapport.ThreadOpen, Priority: rapport.Normal, Campaign: campaign}
	return t, s.CreateThread(ctx, &t)
}

// optChange writes what STOP or START means: the suppression of the address, and the consent history with
// the message as proof. It binds whatever is queued, because the address's epoch moves.
func (g *Gateway) optChange(ctx context.Context, s *store.Store, a rapport.Address, stop bool, e *rapport.Entry, answers *rapport.Message) error {
	consent := rapport.Consent{Customer: a.Customer, Channel: a.Channel, Purpose: rapport.Marketing, Granted: !stop, Source: "reply",
		Proof: rapport.KindEntry.Format(e.ID), At: g.now()}
	if answers != nil {
		consent.Message = answers.ID
	}
	if stop {
		err := s.Suppress(ctx, []rapport.Suppression{{Channel: a.Channel, Address: a.Value, Reason: "stop", Scope: rapport.SuppressAll, Source: "reply", Message: consent.Message, At: g.now()}})
		if err != nil {
			return err
		}
		if answers != nil {
			if _, err := s.Engage(ctx, g.Worker(), answers.ID, rapport.Unsubscribed, false); err != nil {
				return err
			}
		}
	} else {
		old, err := s.Suppression(ctx, a.Channel, a.Value)
		if err != nil && rapport.CodeOf(err) != rapport.CodeNotFound {
			return err
		}
		if err == nil && old.Reason == "stop" {
			if err := s.Unsuppress(ctx, a.Channel, a.Value); err != nil {
				return err
			}
		}
		if a.Off == "blocked" {
			if err := s.SwitchAddress(ctx, a.ID, ""); err != nil {
				return err
			}
		}
	}
	return s.AddConsents(ctx, []rapport.Consent{consent})
}
