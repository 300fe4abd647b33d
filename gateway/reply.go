package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rapport"
	"rapport/channels"
	"rapport/store"
	"rapport/templates"
)

// ReplyInput is an agent's answer.
type ReplyInput struct {
	Text        string          `json:"text,omitempty" maxLength:"100000"`
	HTML        string          `json:"html,omitempty" maxLength:"500000" doc:"Email only; sanitised."`
	Channel     rapport.Channel `json:"channel,omitempty" doc:"Default: the thread's. Required where that is phone."`
	Address     string          `json:"address,omitempty" maxLength:"2000" doc:"Which of the customer's addresses on the channel. Default: the thread's, else the primary one."`
	To          []string        `json:"to,omitempty" maxItems:"20" doc:"Email: who gets it instead of the customer, who does not see it."`
	Cc          []string        `json:"cc,omitempty" maxItems:"20" doc:"Email: who gets a copy; reply_all of the thread is who takes part."`
	Bcc         []string        `json:"bcc,omitempty" maxItems:"20" doc:"Email: who gets a copy that nobody sees."`
	Attachments []string        `json:"attachments,omitempty" maxItems:"50" doc:"Files, fil_...; together at most 25 MiB."`
	Agent       string          `json:"agent,omitempty" maxLength:"200" doc:"Who answers. Default: the key's name."`
	ShowAgent   bool            `json:"show_agent,omitempty" doc:"Email: the agent's name stands before the address in From."`
	Quote       *bool           `json:"quote,omitempty" doc:"Email: the customer's last message stands quoted below. Default: true."`
	SendAt      *time.Time      `json:"send_at,omitempty" doc:"When it goes out; until then it can be taken back."`
	UndoFor     string          `json:"undo_for,omitempty" maxLength:"20" example:"10s" doc:"How long it waits to be taken back, at most 1h. Default: not at all."`
	Seen        string          `json:"seen,omitempty" maxLength:"40" doc:"The newest entry that the writer has seen. When customer or colleagues have written since, be it a note, the answer is 409, with the newer entries."`
	Force       bool            `json:"force,omitempty" doc:"Send it whatever came since."`
}

const (
	maxAttachments = 25 << 20 // bytes a message, as most mail providers take them
	longestUndo    = time.Hour
	furthestSend   = 366 * 24 * time.Hour
)

// due is when the answer goes out; zero: at once.
func (in *ReplyInput) due(now time.Time) (time.Time, error) {
	switch {
	case in.SendAt != nil && in.UndoFor != "":
		return time.Time{}, rapport.Invalid("undo_for", "goes not with send_at: until then it can be taken back anyway")
	case in.SendAt != nil && !in.SendAt.After(now):
		return time.Time{}, rapport.Invalid("send_at", "must lie in the future")
	case in.SendAt != nil && in.SendAt.Sub(now) > furthestSend:
		return time.Time{}, rapport.Invalid("send_at", "lies more than a year ahead")
	case in.SendAt != nil:
		return *in.SendAt, nil
	case in.UndoFor == "":
		return time.Time{}, nil
	}
	d, err := time.ParseDuration(in.UndoFor)
	if err != nil || d < 0 || d > longestUndo {
		return time.Time{}, rapport.Invalid("undo_for", "must be a span such as 10s, at most 1h")
	}
	return now.Add(d), nil
}

// check refuses what is wrong whatever thread it is for.
func (in *ReplyInput) check(forward bool) error {
	v := validation{}
	if !forward && strings.TrimSpace(in.Text) == "" && strings.TrimSpace(in.HTML) == "" && len(in.Attachments) == 0 {
		v.refuse("text", "is required")
	}
	for field, text := range map[string]string{"text": in.Text, "html": in.HTML} {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			v.refuse(field, "holds broken UTF-8 or NUL")
		}
		if open := unresolved(text); len(open) > 0 {
			v.refuse(field, "holds variables that nobody has filled in: %s", strings.Join(open, ", "))
		}
	}
	if in.Channel != "" && !rapport.ValidChannel(in.Channel) {
		v.refuse("channel", "must be one of %v", rapport.Channels)
	}
	if in.Address != "" && len(in.To) > 0 {
		v.refuse("address", "goes not with to: those get it instead of the customer")
	}
	if len(v.errs) > 0 {
		return invalid(v.errs)
	}
	return nil
}

// attached finds the files of an answer.
func (g *Gateway) attached(refs []string) (files []channels.Attachment, ids []rapport.ID, err error) {
	var total int64
	for i, ref := range refs {
		id, wrong := rapport.KindFile.Parse(ref)
		f, err := g.attachment(ref)
		switch {
		case wrong != nil || rapport.CodeOf(err) == rapport.CodeNotFound:
			return nil, nil, rapport.Invalid(fmt.Sprintf("attachments[%d]", i), "there is no such file")
		case err != nil:
			return nil, nil, err
		}
		if total += f.Size; total > maxAttachments {
			return nil, nil, rapport.Errorf(rapport.CodeTooLarge, "The attachments are larger than 25 MiB together.")
		}
		files, ids = append(files, f), append(ids, id)
	}
	return files, ids, nil
}

// ReplyInThread sends an answer on the fast lane, now or later, and keeps it in the thread. A customer who may not be
// written to (STOP, a dead address) is a conflict, with the rule that says so, and nothing is kept; so is an answer to
// a thread in which somebody has written that the writer has not seen.
func (g *Gateway) ReplyInThread(ctx context.Context, by Caller, thread rapport.ID, in ReplyInput) (*rapport.Entry, error) {
	return g.answerIn(ctx, by, thread, in, nil)
}

// answerIn sends into a thread that there is; forwarded is what is passed on, or nil.
func (g *Gateway) answerIn(ctx context.Context, by Caller, thread rapport.ID, in ReplyInput, forwarded *rapport.Entry) (*rapport.Entry, error) {
	subject, err := g.subjectFor(ctx, thread, in)
	if err != nil {
		return nil, err
	}
	return g.sendAnswer(ctx, by, answer{in: in, subject: subject, forwarded: forwarded, thread: func(s *store.Store, _ string) (rapport.Thread, error) { return s.LockThread(ctx, thread) }})
}

// answer is what an agent sends.
type answer struct {
	in        ReplyInput
	subject   string         // of a mail in a thread that has none
	forwarded *rapport.Entry // what is passed on, or nil
	begins    bool           // nothing was said before it

	thread func(s *store.Store, agent string) (rapport.Thread, error) // the one that it goes into, locked
}

// sendAnswer is what a reply, a forward and the first word of a conversation have in common.
func (g *Gateway) sendAnswer(ctx context.Context, by Caller, a answer) (*rapport.Entry, error) {
	in, forwarded := a.in, a.forwarded
	if err := in.check(forwarded != nil); err != nil {
		return nil, err
	}
	agent, err := agentOr(in.Agent, by)
	if err != nil {
		return nil, err
	}
	later, err := in.due(g.now())
	if err != nil {
		return nil, err
	}
	attachments, files, err := g.attached(in.Attachments)
	if err != nil {
		return nil, err
	}
	var e *rapport.Entry
	var due []store.Batch
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		t, err := a.thread(s, agent)
		if err != nil {
			return err
		}
		if err := unseen(ctx, s, t, agent, in); err != nil {
			return err
		}
		if agent, err = s.KeepAgent(ctx, agent); err != nil {
			return err
		}
		ch, err := replyChannel(t, in.Channel)
		if err != nil {
			return err
		}
		others, err := g.recipients(ctx, s, t, ch, in)
		if err != nil {
			return err
		}
		to, err := g.addressee(ctx, s, t, others)
		if err != nil {
			return err
		}
		if in.Address != "" {
			if to, err = meant(ctx, s, to, ch, in.Address); err != nil {
				return err
			}
		}
		c := &rapport.Campaign{ID: s.NewID(), Kind: rapport.KindOfReply, Name: "reply", Purpose: rapport.Transactional, Thread: t.ID, Key: by.Key,
			Routing: rapport.Routing{Method: rapport.Preferred, Channels: []rapport.Channel{ch}}, Status: rapport.CampaignFinished, Audience: 1, Planned: 1, CreatedAt: s.Now(), LaunchedAt: s.Now()}
		// The simulator's answers come through the simulator: a thread whose last word came by a sandbox provider
		// is answered there.
		if c.Sandbox, err = g.cameBySandbox(ctx, s, t.ID); err != nil {
			return err
		}
		if err := g.word(ctx, s, c, t, ch, wording{agent, a.subject, in, others, to, forwarded, a.begins}); err != nil {
			return err
		}
		row, err := g.replyRow(ctx, s, c, to, ch)
		if err == nil {
			err = g.withinWindow(ctx, s, c, &row)
		}
		if err != nil {
			return err
		}
		row.Message.Due = latest(row.Message.Due, later)
		if end := row.Message.ExpiresAt; !end.IsZero() && !row.Message.Due.Before(end) {
			return rapport.Invalid("send_at", "lies after %s, until when %s takes answers", end.UTC().Format(time.RFC3339), ch)
		}
		if err := g.fits(ctx, s, c, row, attachments); err != nil {
			return err
		}
		if err := s.InsertCampaigns(ctx, c); err != nil {
			return err
		}
		if due, err = s.AddMessages(ctx, g.Worker(), []store.Row{row}); err != nil {
			return err
		}
		e = &rapport.Entry{Thread: t.ID, Customer: t.Customer, Kind: rapport.Outbound, Channel: ch, Text: in.Text, HTML: cleanHTML(in.HTML), Author: agent, Address: row.Message.Address, Message: row.Message.ID, Files: files,
			Copies: others, Aside: len(others.To) > 0}
		if forwarded != nil {
			e.Forwarded = forwarded.ID
		}
		if err := s.AddEntry(ctx, e); err != nil {
			return err
		}
		if err := s.AddParticipants(ctx, e.Thread, e.ID, brought(others)); err != nil {
			return err
		}
		if err := s.Await(ctx, e.ID); err != nil {
			return err
		}
		if !e.Aside && !row.Message.Due.After(g.now()) { // else the customer waits until it is really sent: see endReply
			if err := g.measure(ctx, s, t, *e, rapport.NextReply); err != nil {
				return err
			}
		}
		if err := written(ctx, s, t.ID, agent, "reply"); err != nil {
			return err
		}
		read := false
		patch := store.ThreadPatch{Unread: &read, Answered: !e.Aside}
		if !e.Aside && (t.Status == rapport.ThreadOpen || t.Status == rapport.ThreadSnoozed) { // else it is still the customer who waits
			pending := rapport.ThreadPending
			patch.Status = &pending
		}
		_, err = s.PatchThread(ctx, t.ID, patch)
		return err
	})
	if err != nil {
		return nil, err
	}
	g.hintAll(due)
	if !e.Aside {
		g.fillRoom(ctx)
	}
	return e, nil
}

func (g *Gateway) hintAll(due []store.Batch) {
	for _, b := range due {
		g.hint(Wake{Batch: b.ID, Lane: b.Lane})
	}
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// unseen refuses an answer when the customer or a colleague has written since the writer looked. The thread is locked,
// so nobody writes between this and the answer.
func unseen(ctx context.Context, s *store.Store, t rapport.Thread, agent string, in ReplyInput) error {
	if in.Seen == "" || in.Force {
		return nil
	}
	seen, err := rapport.KindEntry.Parse(in.Seen)
	if err != nil {
		return rapport.Invalid("seen", "is no entry's id (ent_...)")
	}
	e, err := s.Entry(ctx, seen)
	if err == nil {
		var home rapport.Thread
		if home, err = s.Thread(ctx, e.Thread); err == nil && home.ID != t.ID {
			err = rapport.NotFound("entry")
		}
	}
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		return rapport.Invalid("seen", "is no entry of this thread")
	}
	if err != nil {
		return err
	}
	newer, err := s.WrittenAfter(ctx, t.ID, seen, 50)
	if err != nil {
		return err
	}
	sent, err := s.AnswerStates(ctx, newer)
	if err != nil {
		return err
	}
	refusal := rapport.Errorf(rapport.CodeConflict, "Somebody has written in this thread meanwhile; errors names the newer entries. Look at them, or send with force.")
	for _, e := range newer {
		if own := e.Kind != rapport.Inbound && rapport.NameKey(e.Author) == rapport.NameKey(agent) || e.Kind == rapport.Outbound && sent[e.Message].State == rapport.Cancelled; !own {
			refusal.Fields = append(refusal.Fields, rapport.FieldError{Path: "seen", Message: rapport.KindEntry.Format(e.ID)})
		}
	}
	if len(refusal.Fields) == 0 {
		return nil
	}
	return refusal
}

// wording is what an answer says, to whom, and as whom.
type wording struct {
	agent     string
	subject   string // where the thread has none
	in        ReplyInput
	others    rapport.Recipients
	to        rapport.Thread // see addressee
	forwarded *rapport.Entry
	begins    bool
}

// word puts the answer, and for email what makes it part of the conversation, into c.
func (g *Gateway) word(ctx context.Context, s *store.Store, c *rapport.Campaign, t rapport.Thread, ch rapport.Channel, w wording) error {
	content := Inline{InlineContent: templates.InlineContent{Text: w.in.Text, HTML: w.in.HTML}, Attachments: w.in.Attachments, Recipients: w.others}
	if ch == rapport.Email {
		content.Subject = w.subject
		if err := g.mail(ctx, s, c, t, w, &content); err != nil {
			return err
		}
	} else if last, err := s.LastInbound(ctx, t.ID, ch, 1); err != nil {
		return err
	} else if len(last) > 0 {
		content.InReplyTo = last[0].ProviderID
	}
	raw, err := json.Marshal(content)
	c.Inline = raw
	return err
}

// fits refuses what no provider of the channel could send, before anything is kept.
func (g *Gateway) fits(ctx context.Context, s *store.Store, c *rapport.Campaign, row store.Row, files []channels.Attachment) error {
	to, err := s.Address(ctx, row.Message.Address)
	if err != nil {
		return err
	}
	said, err := g.said(ctx, c)
	if err != nil {
		return err
	}
	said.inline.Attachments = nil // their files are known, and reading them again here would take a second connection
	o, _, err := g.compose(said, row.Message.ID, row.Message.Channel, to.Value, row.Vars, g.now(), nil)
	if err != nil {
		return err
	}
	o.Attachments = files
	var v *channels.Verdict
	for _, p := range g.Hub.Route(row.Message.Channel, c.Sandbox) {
		if v = p.Caps().Check(o); v == nil {
			return nil
		}
	}
	if v == nil {
		return nil // no provider at all: the rules have spoken already
	}
	field := "text"
	if strings.HasPrefix(v.Reason, "attachments") {
		field = "attachments"
	}
	return rapport.Invalid(field, "cannot be sent on %s: %s", row.Message.Channel, strings.TrimPrefix(v.Detail+" ("+v.Reason+")", " "))
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
		f.Addresses = slices.DeleteFunc(slices.Clone(f.Addresses), func(a rapport.AddressFacts) bool { return a.ID != t.Address })
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
