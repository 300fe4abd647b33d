package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"rapport"
	"rapport/store"
	"rapport/templates"
)

// ReplyInput is an agent's answer.
type ReplyInput struct {
	Text        string          `json:"text,omitempty" maxLength:"100000"`
	HTML        string          `json:"html,omitempty" maxLength:"500000" doc:"Email only; sanitised."`
	Channel     rapport.Channel `json:"channel,omitempty" doc:"Default: the thread's."`
	Attachments []string        `json:"attachments,omitempty" doc:"Files, fil_..."`
	Agent       string          `json:"agent,omitempty" maxLength:"200" doc:"Who answers. Default: the key's name."`
}

// ReplyInThread sends an answer on the fast lane, and keeps it in the thread. A customer who may not be
// written to (STOP, a dead address) is a conflict, with the rule that says so, and nothing is kept.
func (g *Gateway) ReplyInThread(ctx context.Context, by Caller, thread rapport.ID, in ReplyInput) (*rapport.Entry, error) {
	if strings.TrimSpace(in.Text) == "" && strings.TrimSpace(in.HTML) == "" && len(in.Attachments) == 0 {
		return nil, rapport.Invalid("text", "is required")
	}
	if !utf8.ValidString(in.Text) || strings.ContainsRune(in.Text, 0) {
		return nil, rapport.Invalid("text", "holds broken UTF-8 or NUL")
	}
	for i, f := range in.Attachments {
		if _, err := g.attachment(f); err != nil {
			return nil, rapport.Invalid(fmt.Sprintf("attachments[%d]", i), "there is no such file")
		}
	}
	var e *rapport.Entry
	var due []store.Batch
	err := g.Store.Tx(ctx, func(s *store.Store) error {
		t, err := s.Thread(ctx, thread)
		if err != nil {
			return err
		}
		ch := in.Channel
		if ch == "" {
			ch = t.Channel
		}
		if !rapport.ValidChannel(ch) {
			return rapport.Invalid("channel", "must be one of %v", rapport.Channels)
		}
		content := Inline{InlineContent: templates.InlineContent{Subject: replySubject(t.Subject), Text: in.Text, HTML: in.HTML}, Attachments: in.Attachments}
		if content.InReplyTo, content.References, err = g.lineage(ctx, s, thread, ch); err != nil {
			return err
		}
		raw, err := json.Marshal(content)
		if err != nil {
			return err
		}
		c := &rapport.Campaign{ID: s.NewID(), Kind: rapport.KindOfReply, Name: "reply", Purpose: rapport.Transactional, Inline: raw, Thread: thread, Key: by.Key,
			Routing: rapport.Routing{Method: rapport.Preferred, Channels: []rapport.Channel{ch}}, Status: rapport.CampaignFinished, Audience: 1, Planned: 1, CreatedAt: s.Now(), LaunchedAt: s.Now()}
		row, err := g.replyRow(ctx, s, c, t, ch)
		if err == nil {
			err = g.withinWindow(ctx, s, c, &row)
		}
		if err != nil {
			return err
		}
		if err := s.InsertCampaigns(ctx, c); err != nil {
			return err
		}
		rows := []store.Row{row}
		if due, err = s.AddMessages(ctx, g.Worker(), rows); err != nil {
			return err
		}
		agent := in.Agent
		if agent == "" {
			agent = by.Name
		}
		e = &rapport.Entry{Thread: thread, Customer: t.Customer, Kind: rapport.Outbound, Channel: ch, Text: in.Text, HTML: cleanHTML(in.HTML), Author: agent, Address: row.Message.Address, Message: row.Message.ID}
		for _, f := range in.Attachments {
			id, err := rapport.KindFile.Parse(f)
			if err != nil {
				return err
			}
			e.Files = append(e.Files, id)
		}
		if err := s.AddEntry(ctx, e); err != nil {
			return err
		}
		if err := g.measure(ctx, s, t, *e, rapport.NextReply); err != nil {
			return err
		}
		if t.Status == rapport.ThreadOpen || t.Status == rapport.ThreadSnoozed {
			pending := rapport.ThreadPending
			_, err = s.PatchThread(ctx, thread, store.ThreadPatch{Status: &pending})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, b := range due {
		g.hint(Wake{Batch: b.ID, Lane: b.Lane})
	}
	return e, nil
}

// replyRow asks the rules, about the thread's own address on its channel, else the customer's.
func (g *Gateway) replyRow(ctx context.Context, s *store.Store, c *rapport.Campaign, t rapport.Thread, ch rapport.Channel) (row store.Row, err error) {
	set, err := g.rules(ctx, s, c)
	if err != nil {
		return row, err
	}
	set.variants = map[rapport.Channel]bool{ch: true}
	profiles, err := s.Profiles(ctx, []rapport.ID{t.Customer}, c.Purpose, "")
	if err != nil {
		return row, err
	}
	p := profiles[t.Customer]
	if p == nil {
		return row, rapport.NotFound("customer")
	}
	f := g.facts(set, p, g.now())
	if ch == t.Channel {
		var own []rapport.AddressFacts
		for _, a := range f.Addresses {
			if a.ID == t.Address {
				own = append(own, a)
			}
		}
		f.Addresses = own
	}
	// The simulator's answers come through the simulator: a thread whose last word came by a sandbox provider
	// is answered there.
	if c.Sandbox, err = g.cameBySandbox(ctx, s, t.ID); err != nil {
		return row, err
	}
	if c.Sandbox {
		f.Providers = map[rapport.Channel]bool{ch: true}
	}
	d := rapport.Decide(f, nil)[0]
	if !d.Send {
		return row, rapport.Errorf(rapport.CodeConflict, "The customer cannot be written to on %s: %s.", ch, d.Reason)
	}
	set.portrait.take(p)
	stored, err := set.portrait.encode(nil, false)
	if err != nil {
		return row, err
	}
	return g.row(set, p, d, 0, stored), nil
}

func (g *Gateway) cameBySandbox(ctx context.Context, s *store.Store, thread rapport.ID) (bool, error) {
	last, err := s.LastInbound(ctx, thread, "", 1)
	if err != nil || len(last) == 0 {
		return false, err
	}
	p, ok := g.Hub.Provider(last[0].Provider)
	return ok && p.Entry().Driver == "sandbox", nil
}

// lineage is what an answer refers to: the customer's newest message on the channel, and the ones before it,
// oldest first, as RFC 5322 §3.6.4 orders References.
func (g *Gateway) lineage(ctx context.Context, s *store.Store, thread rapport.ID, ch rapport.Channel) (inReplyTo string, references []string, err error) {
	last, err := s.LastInbound(ctx, thread, ch, 20)
	if err != nil {
		return "", nil, err
	}
	for _, e := range last {
		if e.ProviderID != "" {
			references = append([]string{e.ProviderID}, references...)
		}
	}
	if n := len(references); n > 0 {
		inReplyTo = references[n-1]
	}
	return inReplyTo, references, nil
}

func replySubject(s string) string {
	if s == "" || strings.HasPrefix(strings.ToLower(s), "re:") {
		return s
	}
	return "Re: " + s
}

// AddNote keeps a note that only colleagues see.
func (g *Gateway) AddNote(ctx context.Context, by Caller, thread rapport.ID, text, agent string) (*rapport.Entry, error) {
	if strings.TrimSpace(text) == "" || len(text) > 100_000 || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil, rapport.Invalid("text", "is required, valid UTF-8 of at most 100,000 bytes")
	}
	t, err := g.Store.Thread(ctx, thread)
	if err != nil {
		return nil, err
	}
	if agent == "" {
		agent = by.Name
	}
	e := &rapport.Entry{Thread: thread, Customer: t.Customer, Kind: rapport.Note, Channel: t.Channel, Text: text, Author: agent}
	return e, g.Store.AddEntry(ctx, e)
}

// PatchThread changes a thread; what happened is an entry of its own.
func (g *Gateway) PatchThread(ctx context.Context, by Caller, thread rapport.ID, p store.ThreadPatch) (rapport.Thread, error) {
	if p.Status != nil && *p.Status == rapport.ThreadSnoozed && (p.SnoozedUntil == nil || !p.SnoozedUntil.After(g.now())) {
		return rapport.Thread{}, rapport.Invalid("snoozed_until", "must lie in the future")
	}
	var t rapport.Thread
	err := g.Store.Tx(ctx, func(s *store.Store) error {
		before, err := s.Thread(ctx, thread)
		if err != nil {
			return err
		}
		if t, err = s.PatchThread(ctx, thread, p); err != nil {
			return err
		}
		var what []string
		if before.Status != t.Status {
			what = append(what, fmt.Sprintf("status: %s → %s", before.Status, t.Status))
		}
		if before.Assignee != t.Assignee {
			what = append(what, fmt.Sprintf("assignee: %q → %q", before.Assignee, t.Assignee))
		}
		if before.Priority != t.Priority {
			what = append(what, fmt.Sprintf("priority: %s → %s", before.Priority, t.Priority))
		}
		if len(what) == 0 {
			return nil
		}
		e := rapport.Entry{Thread: thread, Customer: t.Customer, Kind: rapport.Happened, Channel: t.Channel, Text: strings.Join(what, "; "), Author: by.Name}
		if err := s.AddEntry(ctx, &e); err != nil {
			return err
		}
		if before.Status != t.Status && t.Status == rapport.ThreadResolved {
			return g.measure(ctx, s, t, e, rapport.Resolution)
		}
		t, err = g.assign(ctx, s, t)
		return err
	})
	return t, err
}

// wakeThreads opens threads whose snooze is over.
func (g *Gateway) wakeThreads(ctx context.Context) error {
	for {
		ids, err := g.Store.WakeThreads(ctx)
		if err != nil || len(ids) < store.MaxRows {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}
