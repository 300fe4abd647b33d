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
	Channel      rapport.Channel      `json:"channel" doc:"Where it began. phone: with a missed call; an answer there must name its channel."`
	Subject      string               `json:"subject,omitempty"`
	Status       rapport.ThreadStatus `json:"status" enum:"open,pending,snoozed,resolved,spam"`
	Assignee     string               `json:"assignee,omitempty"`
	Labels       []string             `json:"labels" nullable:"false"`
	Priority     rapport.Priority     `json:"priority" enum:"low,normal,high,urgent"`
	SnoozedUntil *time.Time           `json:"snoozed_until,omitempty" doc:"Without it a snoozed thread sleeps until the customer writes."`
	Unread       bool                 `json:"unread" doc:"The customer wrote, and nobody has answered or marked it as read since."`
	WaitingSince *time.Time           `json:"waiting_since,omitempty" doc:"When the oldest word of the customer came that nobody has answered."`
	Campaign     string               `json:"campaign,omitempty" doc:"The campaign that it answers."`
	Preview      string               `json:"preview" doc:"How the newest words begin."`
	LastEntryAt  time.Time            `json:"last_entry_at"`
	CreatedAt    time.Time            `json:"created_at"`
	UpdatedAt    time.Time            `json:"updated_at"`
	ReplyUntil   *time.Time           `json:"reply_until,omitempty" doc:"Until when an answer may be sent on the thread's channel (WhatsApp: 24 hours after the customer's last message). Absent: always. Shown where one thread is asked for."`
	Files        gateway.FileLimits   `json:"files,omitempty" doc:"What files an answer may carry, by channel; none on a channel that is not here. Shown where one thread is asked for."`
	ReplyAll     []string             `json:"reply_all,omitempty" doc:"Of mail: who takes part beside the customer, for cc of an answer to all. Shown where one thread is asked for."`
	Channels     []gateway.Way        `json:"channels,omitempty" doc:"On which channels the customer can be answered, where, at what price and within what limits; the thread's own address first. Shown where one thread is asked for."`
	Merged       []string             `json:"merged,omitempty" doc:"Threads that were merged into this one; not in lists."`
}

func threadView(t rapport.Thread) Thread {
	return Thread{ID: rapport.KindThread.Format(t.ID), Customer: rapport.KindCustomer.Format(t.Customer), Channel: t.Channel, Subject: t.Subject, Status: t.Status, Assignee: t.Assignee,
		Labels: append([]string{}, t.Labels...), Priority: t.Priority, SnoozedUntil: maybe(t.SnoozedUntil), Unread: t.Unread, WaitingSince: maybe(t.WaitingSince),
		Campaign: rapport.KindCampaign.Format(t.Campaign), Preview: t.Preview, LastEntryAt: t.LastEntryAt, CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt}
}

// Entry is one line of a thread.
type Entry struct {
	ID            string            `json:"id"`
	Thread        string            `json:"thread"`
	Origin        string            `json:"origin_thread,omitempty" doc:"The thread it was written in, where that was merged into this one or it was split off."`
	Customer      string            `json:"customer"`
	Kind          rapport.EntryKind `json:"kind" enum:"inbound,outbound,note,event"`
	Channel       rapport.Channel   `json:"channel"`
	Text          string            `json:"text"`
	HTML          string            `json:"html,omitempty" doc:"Sanitised."`
	Author        string            `json:"author,omitempty"`
	Message       string            `json:"message,omitempty" doc:"Of an outbound entry: its row in the ledger."`
	State         string            `json:"state,omitempty" doc:"How the message fares: scheduled until due_at, then as in the ledger (pending, sending, sent, delivered, failed, cancelled, ...)."`
	Reason        string            `json:"reason,omitempty" doc:"Why the message failed or was skipped; of a scheduled one, why it will be."`
	DueAt         *time.Time        `json:"due_at,omitempty" doc:"When a scheduled message goes out."`
	InReplyTo     *InReplyTo        `json:"in_reply_to,omitempty"`
	MatchedBy     string            `json:"matched_by,omitempty" doc:"How in_reply_to was found."`
	Attachments   []string          `json:"attachments,omitempty" doc:"Files: fil_…"`
	Quoted        string            `json:"quoted,omitempty" doc:"Of a mail: the earlier words that its program put under or between the new ones."`
	Signature     string            `json:"signature,omitempty" doc:"Of a mail."`
	Understanding *Understanding    `json:"understanding,omitempty" doc:"Of what a customer wrote: what it is taken to mean."`
	HasHTML       bool              `json:"has_html,omitempty" doc:"A document for a sandboxed frame is at /v1/entries/{id}/html."`
	RemoteImages  int               `json:"remote_images,omitempty" doc:"How many pictures from elsewhere the HTML names. That document leaves them out unless asked for them: loading one tells its sender."`
	Original      bool              `json:"original,omitempty" doc:"The mail as it came is at /v1/entries/{id}/original."`
	To            []string          `json:"to,omitempty" doc:"Of a mail of ours: who got it instead of the customer."`
	Cc            []string          `json:"cc,omitempty" doc:"Of a mail of ours: who got a copy."`
	Bcc           []string          `json:"bcc,omitempty" doc:"Of a mail of ours: who got a copy that nobody sees."`
	Aside         bool              `json:"aside,omitempty" doc:"Between us and somebody else: the customer does not see it."`
	Forwarded     string            `json:"forwarded,omitempty" doc:"The entry that this one passes on."`
	Meta          json.RawMessage   `json:"meta,omitempty" doc:"What the channel knows beyond this: button, album, auto (a machine wrote it), command (stop, start or help: nothing but that, obeyed, and nobody waits), phone (a number that they shared as their own), checks (spf, dkim, dmarc), sender (somebody else than the customer), unverified (who that is, is not certain), edited_at and before (the customer corrected it then, and what the last correction replaced)."`
	CreatedAt     time.Time         `json:"created_at"`
}

// InReplyTo is what an inbound entry answers.
type InReplyTo struct {
	Message         string `json:"message,omitempty"`
	Campaign        string `json:"campaign,omitempty"`
	TemplateVersion string `json:"template_version,omitempty"`
}

func entryView(e rapport.Entry) Entry {
	v := Entry{ID: rapport.KindEntry.Format(e.ID), Thread: rapport.KindThread.Format(e.Thread), Origin: rapport.KindThread.Format(e.Origin), Customer: rapport.KindCustomer.Format(e.Customer), Kind: e.Kind, Channel: e.Channel, Text: e.Text,
		HTML: e.HTML, Author: e.Author, Message: rapport.KindMessage.Format(e.Message), MatchedBy: e.MatchedBy, Meta: e.Meta, CreatedAt: e.CreatedAt, Quoted: e.Quoted, Signature: e.Signature, Original: e.Original != 0,
		HasHTML: e.HTML != "", RemoteImages: gateway.RemoteImages(e.HTML), To: e.Copies.To, Cc: e.Copies.Cc, Bcc: e.Copies.Bcc, Aside: e.Aside, Forwarded: rapport.KindEntry.Format(e.Forwarded)}
	if e.Answers != (rapport.Answered{}) {
		v.InReplyTo = &InReplyTo{rapport.KindMessage.Format(e.Answers.Message), rapport.KindCampaign.Format(e.Answers.Campaign), rapport.KindTemplate.Format(e.Answers.Template)}
	}
	for _, f := range e.Files {
		v.Attachments = append(v.Attachments, rapport.KindFile.Format(f))
	}
	return v
}

// delivered adds how the answers among entries fare.
func (d *door) delivered(ctx context.Context, rows []rapport.Entry) (func(rapport.Entry) Entry, error) {
	sent, err := d.st.AnswerStates(ctx, rows)
	if err != nil {
		return nil, err
	}
	taken, err := d.st.Readings(ctx, rows)
	now := time.Now()
	return func(e rapport.Entry) Entry {
		v := entryView(e)
		if u, ok := taken[e.ID]; ok {
			v.Understanding = understandingView(u)
		}
		if m, ok := sent[e.Message]; ok {
			v.State, v.Reason = m.State.String(), m.Reason
			if m.State == rapport.Pending && m.Due.After(now) {
				v.State, v.DueAt = "scheduled", maybe(m.Due)
			}
		}
		return v
	}, err
}

// Reply is one piece of feedback to a campaign.
type Reply struct {
	Entry
	Intent    string `json:"intent,omitempty" doc:"As in understanding."`
	Sentiment string `json:"sentiment,omitempty" doc:"As in understanding."`
}

func (d *door) threads() {
	const tag = "Threads"
	handle(d, route{Method: http.MethodGet, Path: "/v1/threads", Scope: "read:threads", Tag: tag, Summary: "List threads",
		About: "Each with what stands on its line. Those with the newest entry first, unless sort says otherwise; with sort=waiting only those whose customer waits, the longest first. Spam is there only where status asks for it, and a merged thread not at all."}, d.listThreads)
	handle(d, route{Method: http.MethodGet, Path: "/v1/threads/counts", Scope: "read:threads", Tag: tag, Summary: "How many threads there are", About: "Of all that the filter leaves, of those among them that are the agent's, and of those that are nobody's."}, d.countThreads)
	handle(d, route{Method: http.MethodGet, Path: "/v1/threads/{id}", Scope: "read:threads", Tag: tag, Summary: "Find a thread", Refuses: []int{404}, About: "Who asks for one that was merged gets the thread it was merged into."}, d.getThread)
	handleJSON(d, route{Method: http.MethodPatch, Path: "/v1/threads/{id}", Scope: "write:threads", Tag: tag, Summary: "Change a thread", Refuses: []int{404}}, d.patchThread)
	handle(d, route{Method: http.MethodGet, Path: "/v1/threads/{id}/entries", Scope: "read:threads", Tag: tag, Summary: "The entries of a thread", About: "Oldest first, unless order says otherwise.", Refuses: []int{404}}, d.listEntries)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/threads/{id}/replies", Scope: "write:threads", Tag: tag, Summary: "Answer the customer", Status: 202, Refuses: []int{404},
		About: "409: the customer may not be written to, and detail says which rule forbids it; or somebody has written that the writer has not seen, and errors names those entries. A draft of the agent is deleted."}, d.postReply)
	handle(d, route{Method: http.MethodDelete, Path: "/v1/threads/{id}/replies/{entry}", Scope: "write:threads", Tag: tag, Summary: "Take an answer back", Refuses: []int{404, 409},
		About: "While nobody has begun to send it. 409: too late. It is either sent or cancelled, never both; taking it back again changes nothing."}, d.deleteReply)
	handle(d, route{Method: http.MethodPost, Path: "/v1/threads/{id}/replies/{entry}/retry", Scope: "write:threads", Tag: tag, Summary: "Send an answer again that failed", Status: 202, Refuses: []int{404, 409},
		About: "Another attempt at the same message: the customer cannot get it twice as two messages. 409: it has not failed."}, d.retryReply)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/threads/{id}/notes", Scope: "write:threads", Tag: tag, Summary: "Leave a note for colleagues", Status: 201, Refuses: []int{404},
		About: "@name and @agt_... in the text call a colleague: see GET /v1/mentions. Any other @ is just text."}, d.postNote)
	d.begin()
	d.entries()
	d.understanding()
	handle(d, route{Method: http.MethodGet, Path: "/v1/replies", Scope: "read:threads", Tag: tag, Summary: "What customers answered to a campaign", About: "Newest first."}, d.listReplies)
}

// ReadingFilter narrows by what the customer's newest words are taken to mean.
type ReadingFilter struct {
	Intent    string `query:"intent" enum:"stop,question,complaint,thanks,order,other"`
	Sentiment string `query:"sentiment" enum:"positive,neutral,negative"`
}

// ThreadFilter narrows lists and counts.
type ThreadFilter struct {
	Assignee   string           `query:"assignee" maxLength:"200" doc:"A name, in whatever case. me: the key's name. none: nobody's. any: as without it."`
	Unassigned bool             `query:"unassigned" doc:"Only those that are nobody's."`
	Unread     bool             `query:"unread" doc:"Only unread ones."`
	Waiting    bool             `query:"waiting" doc:"Only those whose customer waits."`
	Status     []string         `query:"status" maxItems:"5" enum:"open,pending,snoozed,resolved,spam" doc:"One or several, separated by commas."`
	Channel    rapport.Channel  `query:"channel" enum:"email,sms,whatsapp,telegram,webhook,phone"`
	Label      string           `query:"label" maxLength:"100" doc:"In whatever case."`
	Priority   rapport.Priority `query:"priority" enum:"low,normal,high,urgent"`
	Customer   string           `query:"customer" maxLength:"300" doc:"An id, or ext: and your own."`
	Campaign   string           `query:"campaign" maxLength:"40"`
	ReadingFilter
	Q string `query:"q" maxLength:"200" doc:"Words of what was said, of the subject or of the customer's name, as for /v1/search; of the newest 2,000 entries that have them."`
}

func (d *door) filter(ctx context.Context, by gateway.Caller, in ThreadFilter) (f store.ThreadFilter, err error) {
	f = store.ThreadFilter{Unassigned: in.Unassigned || in.Assignee == "none", Unread: in.Unread, Waiting: in.Waiting, Channel: in.Channel, Label: in.Label, Priority: in.Priority, Q: in.Q, Reading: store.ReadingFilter(in.ReadingFilter)}
	switch in.Assignee {
	case "me":
		f.Assignee = by.Name
	case "none", "any":
	default:
		f.Assignee = in.Assignee
	}
	for _, status := range in.Status {
		f.Status = append(f.Status, rapport.ThreadStatus(status))
	}
	if f.Campaign, err = parseQuery(rapport.KindCampaign, in.Campaign, "campaign"); err == nil && in.Customer != "" {
		var c *rapport.Customer
		if c, err = d.st.FindCustomer(ctx, in.Customer); err == nil {
			f.Customer = c.ID
		}
	}
	return f, err
}

type listThreads struct {
	Request
	Paging
	ThreadFilter
	Sort  string `query:"sort" enum:"last_activity,created,priority,waiting" default:"last_activity"`
	Order string `query:"order" enum:"asc,desc" doc:"Default: desc, the newest or the most urgent first; with sort=waiting asc, the longest first."`
}

func (d *door) listThreads(ctx context.Context, in *listThreads) (*reply[List[ThreadRow]], error) {
	f, err := d.filter(ctx, in.caller(), in.ThreadFilter)
	if err != nil {
		return nil, err
	}
	f.Limit, f.Reverse = in.Limit, in.Order == "asc"
	if in.Sort != "last_activity" {
		f.Sort = store.ThreadSort(in.Sort)
	}
	if f.Sort == store.ByWaiting {
		f.Reverse = in.Order == "desc"
	}
	name := fmt.Sprintf("threads by %s, %t", in.Sort, f.Reverse)
	if err := in.after(name, &f.After); err != nil {
		return nil, err
	}
	rows, next, err := d.st.Threads(ctx, f)
	if err != nil {
		return nil, err
	}
	view, err := d.threadRows(ctx, rows)
	if err != nil {
		return nil, err
	}
	return ok(listOf(name, rows, next, view))
}

// ThreadCounts is how many threads there are by status. Unassigned, unread and waiting count among those that are neither
// resolved nor spam.
type ThreadCounts struct {
	StatusCounts
	Unassigned int64        `json:"unassigned"`
	Unread     int64        `json:"unread"`
	Waiting    int64        `json:"waiting"`
	Mine       StatusCounts `json:"mine" doc:"Of them, the agent's."`
	Nobodys    StatusCounts `json:"nobodys" doc:"Of them, those that are nobody's."`
}

// StatusCounts is how many threads there are of each status.
type StatusCounts struct {
	Open     int64 `json:"open"`
	Pending  int64 `json:"pending"`
	Snoozed  int64 `json:"snoozed"`
	Resolved int64 `json:"resolved"`
	Spam     int64 `json:"spam"`
}

func statusCounts(by map[rapport.ThreadStatus]int64) StatusCounts {
	return StatusCounts{by[rapport.ThreadOpen], by[rapport.ThreadPending], by[rapport.ThreadSnoozed], by[rapport.ThreadResolved], by[rapport.ThreadSpam]}
}

type countThreads struct {
	Request
	ThreadFilter
	Agent string `query:"agent" maxLength:"200" doc:"Whose threads count as mine. Default: the key's name."`
}

func (d *door) countThreads(ctx context.Context, in *countThreads) (*reply[ThreadCounts], error) {
	by, err := in.caller().As(in.Agent)
	if err != nil {
		return nil, err
	}
	f, err := d.filter(ctx, by, in.ThreadFilter)
	if err != nil {
		return nil, err
	}
	n, err := d.st.CountThreads(ctx, f, by.Name)
	if err != nil {
		return nil, err
	}
	return ok(ThreadCounts{statusCounts(n.Status), n.Unassigned, n.Unread, n.Waiting, statusCounts(n.Mine), statusCounts(n.Nobodys)})
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
	v, err := d.whole(ctx, t)
	if err != nil {
		return nil, err
	}
	return ok(v)
}

// whole is a thread with what was merged into it, and until when it can be answered.
func (d *door) whole(ctx context.Context, t rapport.Thread) (Thread, error) {
	v := threadView(t)
	until, bounded, err := d.g.ReplyUntil(ctx, t)
	if err != nil {
		return v, err
	}
	if bounded {
		v.ReplyUntil = &until
	}
	if v.Files, err = d.g.FileLimits(ctx, t.ID); err != nil {
		return v, err
	}
	if v.ReplyAll, err = d.g.ReplyAll(ctx, t.ID); err != nil {
		return v, err
	}
	if v.Channels, err = d.g.WaysIn(ctx, t); err != nil {
		return v, err
	}
	merged, err := d.st.Merged(ctx, t.ID)
	if err != nil {
		return v, err
	}
	for _, m := range merged {
		v.Merged = append(v.Merged, rapport.KindThread.Format(m))
	}
	return v, nil
}

// ThreadChange is what may be changed about a thread; what is not given stays.
type ThreadChange struct {
	Status       *rapport.ThreadStatus `json:"status,omitempty" enum:"open,pending,snoozed,resolved,spam"`
	SnoozedUntil *time.Time            `json:"snoozed_until,omitempty" doc:"Goes with the status snoozed, at most a year ahead. Without it: until the customer writes, who ends any snooze."`
	Unread       *bool                 `json:"unread,omitempty"`
	Assignee     *string               `json:"assignee,omitempty" maxLength:"200" doc:"Empty: nobody."`
	Labels       *[]string             `json:"labels,omitempty" maxItems:"50" doc:"Of at most 100 characters; in whatever case, a label is spelled as it was first."`
	Priority     *rapport.Priority     `json:"priority,omitempty" enum:"low,normal,high,urgent"`
	Subject      *string               `json:"subject,omitempty" maxLength:"500"`
	Agent        string                `json:"agent,omitempty" maxLength:"200" doc:"Who changes it. Default: the key's name."`
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
	by, err := in.caller().As(body.Agent)
	if err != nil {
		return nil, err
	}
	t, err := d.g.PatchThread(ctx, by, id, store.ThreadPatch{Status: body.Status, SnoozedUntil: body.SnoozedUntil, Assignee: body.Assignee, Labels: body.Labels, Priority: body.Priority, Subject: body.Subject, Unread: body.Unread})
	if err != nil {
		return nil, err
	}
	return ok(threadView(t))
}

type listEntries struct {
	ThreadPath
	Paging
	Order string `query:"order" enum:"asc,desc" doc:"asc: oldest first (default). desc: newest first, as a screen that opens at the end needs them."`
}

func (d *door) listEntries(ctx context.Context, in *listEntries) (*reply[List[Entry]], error) {
	id, err := in.thread()
	if err != nil {
		return nil, err
	}
	list, read := "entries", d.st.Entries
	if in.Order == "desc" {
		list, read = "entries back", d.st.EntriesBack
	}
	p, err := in.page(list)
	if err != nil {
		return nil, err
	}
	t, err := d.st.Thread(ctx, id)
	if err != nil {
		return nil, err
	}
	rows, next, err := read(ctx, t.ID, p)
	if err != nil {
		return nil, err
	}
	view, err := d.delivered(ctx, rows)
	if err != nil {
		return nil, err
	}
	return ok(listOf(list, rows, next, view))
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
	view, err := d.delivered(ctx, []rapport.Entry{*e})
	if err != nil {
		return nil, err
	}
	return accepted("/v1/messages/"+rapport.KindMessage.Format(e.Message), view(*e))
}

type oneReply struct {
	ThreadPath
	Entry string `path:"entry" maxLength:"40" example:"ent_0b8t9g3kq8x1w"`
}

func (p *oneReply) ids() (thread, entry rapport.ID, err error) {
	if thread, err = p.thread(); err == nil {
		entry, err = parse(rapport.KindEntry, p.Entry, "reply in this thread")
	}
	return
}

func (d *door) deleteReply(ctx context.Context, in *oneReply) (*reply[Entry], error) {
	thread, entry, err := in.ids()
	if err != nil {
		return nil, err
	}
	e, err := d.g.TakeBack(ctx, in.caller(), thread, entry)
	if err != nil {
		return nil, err
	}
	view, err := d.delivered(ctx, []rapport.Entry{e})
	if err != nil {
		return nil, err
	}
	return ok(view(e))
}

func (d *door) retryReply(ctx context.Context, in *oneReply) (*reply[Entry], error) {
	thread, entry, err := in.ids()
	if err != nil {
		return nil, err
	}
	e, err := d.g.Retry(ctx, in.caller(), thread, entry)
	if err != nil {
		return nil, err
	}
	view, err := d.delivered(ctx, []rapport.Entry{e})
	if err != nil {
		return nil, err
	}
	return accepted("/v1/messages/"+rapport.KindMessage.Format(e.Message), view(e))
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
	ReadingFilter
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
	rows, next, err := d.st.Replies(ctx, id, store.ReadingFilter(in.ReadingFilter), p)
	if err != nil {
		return nil, err
	}
	view, err := d.delivered(ctx, rows)
	if err != nil {
		return nil, err
	}
	return ok(listOf("replies", rows, next, func(e rapport.Entry) Reply {
		r := Reply{Entry: view(e)}
		if u := r.Understanding; u != nil {
			r.Intent, r.Sentiment = u.Intent.Value, u.Sentiment.Value
		}
		return r
	}))
}
