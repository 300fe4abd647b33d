package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

// Thread is one conversation with one customer.
type Thread struct {
	ID           string               `json:"id"`
	Customer     string               `json:"customer"`
	Channel      rapport.Channel      `json:"channel"`
	Subject      string               `json:"subject,omitempty"`
	Status       rapport.ThreadStatus `json:"status" enum:"open,pending,snoozed,resolved"`
	Assignee     string               `json:"assignee,omitempty"`
	Labels       []string             `json:"labels" nullable:"false"`
	Priority     rapport.Priority     `json:"priority" enum:"low,normal,high,urgent"`
	SnoozedUntil *time.Time           `json:"snoozed_until,omitempty"`
	Campaign     string               `json:"campaign,omitempty" doc:"The campaign that it answers."`
	Preview      string               `json:"preview" doc:"How the newest words begin."`
	LastEntryAt  time.Time            `json:"last_entry_at"`
	CreatedAt    time.Time            `json:"created_at"`
	UpdatedAt    time.Time            `json:"updated_at"`
	ReplyUntil   *time.Time           `json:"reply_until,omitempty" doc:"Until when an answer may be sent on the thread's channel (WhatsApp: 24 hours after the customer's last message). Absent: always. Shown where one thread is asked for."`
}

func threadView(t rapport.Thread) Thread {
	return Thread{rapport.KindThread.Format(t.ID), rapport.KindCustomer.Format(t.Customer), t.Channel, t.Subject, t.Status, t.Assignee, append([]string{}, t.Labels...), t.Priority,
		maybe(t.SnoozedUntil), rapport.KindCampaign.Format(t.Campaign), t.Preview, t.LastEntryAt, t.CreatedAt, t.UpdatedAt, nil}
}

// Entry is one line of a thread.
type Entry struct {
	ID          string            `json:"id"`
	Thread      string            `json:"thread"`
	Customer    string            `json:"customer"`
	Kind        rapport.EntryKind `json:"kind" enum:"inbound,outbound,note,event"`
	Channel     rapport.Channel   `json:"channel"`
	Text        string            `json:"text"`
	HTML        string            `json:"html,omitempty" doc:"Sanitised."`
	Author      string            `json:"author,omitempty"`
	Message     string            `json:"message,omitempty" doc:"Of an outbound entry: its row in the ledger."`
	InReplyTo   *InReplyTo        `json:"in_reply_to,omitempty"`
	MatchedBy   string            `json:"matched_by,omitempty" doc:"How in_reply_to was found."`
	Attachments []string          `json:"attachments,omitempty" doc:"Files: fil_…"`
	Meta        json.RawMessage   `json:"meta,omitempty" doc:"What the channel knows beyond this: a pressed button, an edit."`
	CreatedAt   time.Time         `json:"created_at"`
}

// InReplyTo is what an inbound entry answers.
type InReplyTo struct {
	Message         string `json:"message,omitempty"`
	Campaign        string `json:"campaign,omitempty"`
	TemplateVersion string `json:"template_version,omitempty"`
}

func entryView(e rapport.Entry) Entry {
	v := Entry{ID: rapport.KindEntry.Format(e.ID), Thread: rapport.KindThread.Format(e.Thread), Customer: rapport.KindCustomer.Format(e.Customer), Kind: e.Kind, Channel: e.Channel, Text: e.Text,
		HTML: e.HTML, Author: e.Author, Message: rapport.KindMessage.Format(e.Message), MatchedBy: e.MatchedBy, Meta: e.Meta, CreatedAt: e.CreatedAt}
	if e.Answers != (rapport.Answered{}) {
		v.InReplyTo = &InReplyTo{rapport.KindMessage.Format(e.Answers.Message), rapport.KindCampaign.Format(e.Answers.Campaign), rapport.KindTemplate.Format(e.Answers.Template)}
	}
	for _, f := range e.Files {
		v.Attachments = append(v.Attachments, rapport.KindFile.Format(f))
	}
	return v
}

// Reply is one piece of feedback to a campaign.
type Reply struct {
	Entry
	Intent    string `json:"intent,omitempty"`
	Sentiment string `json:"sentiment,omitempty"`
}

func replyView(e rapport.Entry) Reply {
	r := Reply{Entry: entryView(e)}
	var said struct{ Intent, Sentiment string }
	if json.Unmarshal(e.Meta, &said) == nil { // meta is the channel's own, and may be anything
		r.Intent, r.Sentiment = said.Intent, said.Sentiment
	}
	return r
}

func (d *door) threads() {
	const tag = "Threads"
	handle(d, route{Method: http.MethodGet, Path: "/v1/threads", Scope: "read:threads", Tag: tag, Summary: "List threads", About: "Those with the newest entry first."}, d.listThreads)
	handle(d, route{Method: http.MethodGet, Path: "/v1/threads/{id}", Scope: "read:threads", Tag: tag, Summary: "Find a thread", Refuses: []int{404}}, d.getThread)
	handleJSON(d, route{Method: http.MethodPatch, Path: "/v1/threads/{id}", Scope: "write:threads", Tag: tag, Summary: "Change a thread", Refuses: []int{404}}, d.patchThread)
	handle(d, route{Method: http.MethodGet, Path: "/v1/threads/{id}/entries", Scope: "read:threads", Tag: tag, Summary: "The entries of a thread", About: "Oldest first.", Refuses: []int{404}}, d.listEntries)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/threads/{id}/replies", Scope: "write:threads", Tag: tag, Summary: "Answer the customer", Status: 202, Refuses: []int{404},
		About: "409: the customer may not be written to; detail says which rule forbids it."}, d.postReply)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/threads/{id}/notes", Scope: "write:threads", Tag: tag, Summary: "Leave a note for colleagues", Status: 201, Refuses: []int{404}}, d.postNote)
	handle(d, route{Method: http.MethodGet, Path: "/v1/replies", Scope: "read:threads", Tag: tag, Summary: "What customers answered to a campaign", About: "Newest first."}, d.listReplies)
}

type listThreads struct {
	Request
	Paging
	Status   rapport.ThreadStatus `query:"status" enum:"open,pending,snoozed,resolved"`
	Assignee string               `query:"assignee" maxLength:"200"`
	Channel  rapport.Channel      `query:"channel" enum:"email,sms,whatsapp,telegram,webhook"`
	Label    string               `query:"label" maxLength:"100"`
	Customer string               `query:"customer" maxLength:"300" doc:"An id, or ext: and your own."`
	Campaign string               `query:"campaign" maxLength:"40"`
	Q        string               `query:"q" maxLength:"200" doc:"Words of what was said, of the subject or of the customer's name, as for /v1/search; of the newest 2,000 entries that have them."`
}

func (d *door) listThreads(ctx context.Context, in *listThreads) (*reply[List[Thread]], error) {
	f := store.ThreadFilter{Status: in.Status, Assignee: in.Assignee, Channel: in.Channel, Label: in.Label, Q: in.Q, Limit: in.Limit}
	err := in.after("threads", &f.After)
	if err == nil {
		f.Campaign, err = parseQuery(rapport.KindCampaign, in.Campaign, "campaign")
	}
	if err == nil && in.Customer != "" {
		var c *rapport.Customer
		if c, err = d.st.FindCustomer(ctx, in.Customer); err == nil {
			f.Customer = c.ID
		}
	}
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.Threads(ctx, f)
	if err != nil {
		return nil, err
	}
	return ok(listOf("threads", rows, next, threadView))
}

// ThreadPath names a thread in the path.
type ThreadPath struct {
	Request
	ID string `path:"id" maxLength:"40" example:"thr_0b8t9g3kq8x1w"`
}

func (p *ThreadPath) thread() (rapport.ID, error) { return parse(rapport.KindThread, p.ID, "thread") }

func (d *door) getThread(ctx context.Context, in *ThreadPath) (*reply[Thread], error) {
	id, err := in.thread()
	if err != nil {
		return nil, err
	}
	t, err := d.st.Thread(ctx, id)
	if err != nil {
		return nil, err
	}
	v := threadView(t)
	if until, bounded, err := d.g.ReplyUntil(ctx, t); err != nil {
		return nil, err
	} else if bounded {
		v.ReplyUntil = &until
	}
	return ok(v)
}

// ThreadChange is what may be changed about a thread; what is not given stays.
type ThreadChange struct {
	Status       *rapport.ThreadStatus `json:"status,omitempty" enum:"open,pending,snoozed,resolved"`
	SnoozedUntil *time.Time            `json:"snoozed_until,omitempty"`
	Assignee     *string               `json:"assignee,omitempty" maxLength:"200" doc:"Empty: nobody."`
	Labels       *[]string             `json:"labels,omitempty" maxItems:"50"`
	Priority     *rapport.Priority     `json:"priority,omitempty" enum:"low,normal,high,urgent"`
	Subject      *string               `json:"subject,omitempty" maxLength:"500"`
}

func (c *ThreadChange) check() error {
	var wrong []rapport.FieldError
	bad := func(path, format string, args ...any) {
		wrong = append(wrong, rapport.FieldError{Path: path, Message: fmt.Sprintf(format, args...)})
	}
	line := func(path, s string, max int) {
		if utf8.RuneCountInString(s) > max || slices.ContainsFunc([]rune(s), unicode.IsControl) {
			bad(path, "holds control characters or is longer than %d characters", max)
		}
	}
	if c.Status != nil && !slices.Contains(rapport.ThreadStatuses, *c.Status) {
		bad("status", "must be one of %v", rapport.ThreadStatuses)
	}
	if c.Priority != nil && !slices.Contains(rapport.Priorities, *c.Priority) {
		bad("priority", "must be one of %v", rapport.Priorities)
	}
	if c.Assignee != nil {
		line("assignee", *c.Assignee, 200)
	}
	if c.Subject != nil {
		line("subject", *c.Subject, 500)
	}
	if c.Labels != nil {
		if len(*c.Labels) > 50 {
			bad("labels", "holds more than 50 labels")
		}
		for i, l := range *c.Labels {
			line(fmt.Sprintf("labels[%d]", i), l, 100)
		}
	}
	if len(wrong) > 0 {
		return &rapport.Error{Code: rapport.CodeInvalid, Message: "The request is not valid.", Fields: wrong}
	}
	return nil
}

func (d *door) patchThread(ctx context.Context, in *ThreadPath, body *ThreadChange) (*reply[Thread], error) {
	id, err := in.thread()
	if err != nil {
		return nil, err
	}
	if err := body.check(); err != nil {
		return nil, err
	}
	t, err := d.g.PatchThread(ctx, in.caller(), id, store.ThreadPatch{Status: body.Status, SnoozedUntil: body.SnoozedUntil, Assignee: body.Assignee, Labels: body.Labels, Priority: body.Priority, Subject: body.Subject})
	if err != nil {
		return nil, err
	}
	return ok(threadView(t))
}

type listEntries struct {
	ThreadPath
	Paging
}

func (d *door) listEntries(ctx context.Context, in *listEntries) (*reply[List[Entry]], error) {
	id, err := in.thread()
	if err != nil {
		return nil, err
	}
	p, err := in.page("entries")
	if err != nil {
		return nil, err
	}
	if _, err := d.st.Thread(ctx, id); err != nil {
		return nil, err
	}
	rows, next, err := d.st.Entries(ctx, id, p)
	if err != nil {
		return nil, err
	}
	return ok(listOf("entries", rows, next, entryView))
}

func (d *door) postReply(ctx context.Context, in *ThreadPath, body *gateway.ReplyInput) (*reply[Entry], error) {
	id, err := in.thread()
	if err != nil {
		return nil, err
	}
	e, err := d.g.ReplyInThread(ctx, in.caller(), id, *body)
	if err != nil {
		return nil, err
	}
	return accepted("/v1/messages/"+rapport.KindMessage.Format(e.Message), entryView(*e))
}

// NoteInput is a note.
type NoteInput struct {
	Text  string `json:"text" minLength:"1" maxLength:"100000"`
	Agent string `json:"agent,omitempty" maxLength:"200" doc:"Who wrote it; without it the key's name."`
}

func (d *door) postNote(ctx context.Context, in *ThreadPath, body *NoteInput) (*reply[Entry], error) {
	id, err := in.thread()
	if err != nil {
		return nil, err
	}
	e, err := d.g.AddNote(ctx, in.caller(), id, body.Text, body.Agent)
	if err != nil {
		return nil, err
	}
	return created("", entryView(*e))
}

type listReplies struct {
	Request
	Paging
	Campaign string `query:"campaign" required:"true" maxLength:"40"`
}

func (d *door) listReplies(ctx context.Context, in *listReplies) (*reply[List[Reply]], error) {
	id, err := parseQuery(rapport.KindCampaign, in.Campaign, "campaign")
	if err != nil {
		return nil, err
	}
	p, err := in.page("replies")
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.Replies(ctx, id, p)
	if err != nil {
		return nil, err
	}
	return ok(listOf("replies", rows, next, replyView))
}
