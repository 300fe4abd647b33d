package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"rapport"
	"rapport/store"
)

// Caller is who asks: a program with its key, or an agent with a session.
type Caller struct {
	Key     rapport.ID // of whoever answers for it: the key's, or the agent's
	Scopes  []string
	Name    string
	Agent   rapport.ID        // of a session; 0: a key, or the command line
	Session rapport.ID        // 0: there is none
	Role    rapport.AgentRole // of a session; the command line is an owner
}

// Notes are what the caller of a campaign should know and did not ask.
type Notes struct {
	TopicCreated bool   `json:"topic_created,omitempty"`
	WillSkip     int64  `json:"will_skip,omitempty"`
	Message      string `json:"message,omitempty"`
}

// Keep stores the answer about a new campaign.
type Keep func(context.Context, *store.Store, *rapport.Campaign, *Notes) error

// SubmitCampaign takes the body of POST /v1/campaigns. Recipients are stored in transactions of at most
// store.MaxRows under a campaign that nobody sees yet; one last small transaction makes it real. An error,
// wherever in the body, leaves nothing behind.
//
// keep, when not nil, runs in that last transaction: what the caller is answered becomes durable with the
// campaign, or not at all, so that a request repeated after a crash cannot make a second one.
func (g *Gateway) SubmitCampaign(ctx context.Context, by Caller, body io.Reader, keep Keep) (*rapport.Campaign, *Notes, error) {
	sp, err := newSpool(body)
	if err != nil {
		return nil, nil, err
	}
	defer sp.close()
	leave, err := g.enterIntake(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	text, err := sp.split()
	if err != nil {
		return nil, nil, err
	}
	in, inline, err := campaignBody(text, nil)
	if err != nil {
		return nil, nil, err
	}
	c, created, err := g.campaign(ctx, by, rapport.KindOfCampaign, &in.SendSpec)
	if err != nil {
		return nil, nil, err
	}
	if err := g.checkAudience(ctx, in, inline, c); err != nil {
		return nil, nil, err
	}
	c.Status = rapport.CampaignAccepting
	if err := g.Store.InsertCampaigns(ctx, c); err != nil {
		g.discard(c.ID) // it may be there all the same: only the answer was lost
		return nil, nil, err
	}
	notes := &Notes{TopicCreated: created}
	if inline >= 0 {
		if text, err = sp.split(); err == nil {
			err = g.stageInline(ctx, c, text, notes)
		}
	}
	if notes.TopicCreated && c.Purpose == rapport.Marketing && g.set.DefaultPolicy == rapport.OptIn {
		notes.Message = fmt.Sprintf("Topic %q is new and opt_in: whoever has no consent for it is skipped.", c.Topic)
	} else {
		notes.WillSkip = 0
	}
	if err == nil {
		err = g.Store.Tx(ctx, func(s *store.Store) error {
			if created {
				if _, err := s.EnsureTopic(ctx, c.Topic, g.set.DefaultPolicy); err != nil {
					return err
				}
			}
			if in.Status == "draft" {
				if err := s.EndStage(ctx, c.ID, c.Audience); err != nil {
					return err
				}
				c.Status = rapport.CampaignDraft
			} else if err := g.launchIn(ctx, s, by, c, rapport.CampaignAccepting); err != nil {
				return err
			}
			if keep != nil {
				return keep(ctx, s, c, notes)
			}
			return nil
		})
	}
	if err != nil {
		g.discard(c.ID)
		return nil, nil, err
	}
	if c.Status == rapport.CampaignPlanning {
		g.hint(Wake{Plan: c.ID})
	}
	return c, notes, nil
}

// intakeWait is how long a campaign that has arrived waits for its turn.
const intakeWait = 250 * time.Millisecond

// enterIntake waits for a place among the inline campaigns that are being stored. There are few: each keeps a
// processor busy, so more of them at once would only be later, and so would everybody else.
func (g *Gateway) enterIntake(ctx context.Context) (leave func(), err error) {
	patience := time.NewTimer(intakeWait)
	defer patience.Stop()
	select {
	case g.intake <- struct{}{}:
		return func() { <-g.intake }, nil
	case <-patience.C:
		return nil, &rapport.Error{Code: rapport.CodeRateLimited, Message: "More campaigns come in than can be stored.", RetryAfter: time.Second}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (g *Gateway) checkAudience(ctx context.Context, in *CampaignInput, inline int, c *rapport.Campaign) error {
	if in.Status != "" && in.Status != "draft" {
		return rapport.Invalid("status", "can only be draft")
	}
	a := in.Audience
	if a == nil {
		if in.Status == "draft" {
			return nil
		}
		return rapport.Invalid("audience", "is required, unless status is draft")
	}
	n := 0
	for _, there := range []bool{inline >= 0, a.Segment != "", a.Everyone} {
		if there {
			n++
		}
	}
	switch {
	case n != 1:
		return rapport.Invalid("audience", "must hold exactly one of customers, segment, everyone")
	case inline > g.set.InlineCustomers:
		return &rapport.Error{Code: rapport.CodeTooLarge, Message: fmt.Sprintf("At most %d customers fit into one request; stream more into a draft.", g.set.InlineCustomers)}
	case inline == 0:
		return rapport.Invalid("audience.customers", "is empty")
	}
	if a.Everyone || a.Segment != "" {
		return g.drawFrom(ctx, c, DrawnInput{a.Segment, a.Everyone})
	}
	return nil
}

// draw counts the audience that is drawn from the customers, and takes over what its segment asks now.
func (g *Gateway) draw(ctx context.Context, s *store.Store, c *rapport.Campaign) (err error) {
	if c.Everyone {
		c.Audience, err = s.CountEveryone(ctx)
		return err
	}
	if c.Segment.ID == 0 {
		return nil
	}
	seg, err := s.Segment(ctx, c.Segment.ID)
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		return rapport.Errorf(rapport.CodeConflict, "The segment %s is gone.", c.Segment.Key)
	}
	if err != nil {
		return err
	}
	c.Segment = rapport.PinnedSegment{ID: seg.ID, Key: seg.Key, Version: seg.Version, Filter: seg.Filter}
	filter, err := rapport.ParseFilter(seg.Filter)
	if err != nil {
		return err
	}
	c.Audience, err = s.CountMatching(ctx, filter, g.now())
	return err
}

// stageInline checks and stores each customer of the body, and counts those without consent.
func (g *Gateway) stageInline(ctx context.Context, c *rapport.Campaign, text *splitter, notes *Notes) error {
	set, err := g.rules(ctx, g.Store, c)
	if err != nil {
		return err
	}
	channels := map[rapport.Channel]bool{}
	for _, ch := range c.Routing.Channels {
		channels[ch] = true
	}
	if len(channels) == 0 {
		channels = set.variants
	}
	var wrong []rapport.FieldError
	var page []store.Recipient
	var first int
	flush := func() error {
		dup, err := g.Store.Stage(ctx, c.ID, page)
		for _, i := range dup {
			wrong = append(wrong, rapport.FieldError{Path: fmt.Sprintf("audience.customers[%d]", first+i), Message: "is there twice"})
		}
		first += len(page)
		page = page[:0]
		return err
	}
	given := map[string]any{}
	_, _, err = campaignBody(text, func(i int, raw []byte) error {
		path := "audience.customers[" + strconv.Itoa(i) + "]"
		var in RecipientInput
		if err := Decode(raw, path, &in); err != nil {
			return err
		}
		patch, bad := g.patch(in.CustomerInput, path)
		given["data"], given["customer"], given["campaign"] = merged(set.content.data, in.Data), in.Data, in.Data
		for _, name := range set.template.Missing(given, channels) {
			if strings.HasPrefix(name, "data.") {
				bad = append(bad, rapport.FieldError{Path: path + "." + name, Message: "the template needs it"})
			}
		}
		if wrong = append(wrong, bad...); len(wrong) >= 20 {
			return invalid(wrong)
		}
		if !granted(patch.Consents, c.Topic) {
			notes.WillSkip++
		}
		c.Audience++
		payload, err := payloadOf(raw, &in)
		if err != nil {
			return err
		}
		page = append(page, store.Recipient{Seq: c.Audience, Dedupe: store.WhoKey(patch), Payload: payload})
		if len(page) == store.MaxRows {
			return flush()
		}
		return nil
	})
	if err == nil && len(page) > 0 {
		err = flush()
	}
	if err == nil && len(wrong) > 0 {
		err = invalid(wrong)
	}
	return err
}

// payloadOf is what the stage keeps of a recipient: raw as it came, unless something in it is escaped. An
// erasure looks for names and addresses in the form in which encoding/json writes them.
func payloadOf(raw []byte, in any) (json.RawMessage, error) {
	if bytes.ContainsAny(raw, `\<>&`) {
		return json.Marshal(in)
	}
	return bytes.Clone(raw), nil
}

func invalid(wrong []rapport.FieldError) *rapport.Error {
	return &rapport.Error{Code: rapport.CodeInvalid, Message: "The request is not valid.", Fields: wrong}
}

func granted(consents []rapport.Consent, topic string) bool {
	for _, c := range consents {
		if c.Granted && (c.Topic == topic || c.Topic == "") {
			return true
		}
	}
	return false
}

// discard takes a stage back in pieces: the first at once, so that a draft is one again when the caller hears
// that nothing was taken; the others in the background. It goes on until the database has done it, because
// sweepers look only at what the dead have left.
func (g *Gateway) discard(id rapport.ID) {
	first, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if done, err := g.Store.DiscardStage(first, id); err == nil && done {
		g.staging.Delete(id)
		return
	}
	g.spawn(func() {
		defer g.staging.Delete(id)
		for !g.engine.closed.Load() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			done, err := g.Store.DiscardStage(ctx, id)
			cancel()
			if err != nil {
				g.Log.Warn("a refused audience is not gone yet; trying again", "campaign", rapport.KindCampaign.Format(id), "error", err)
				time.Sleep(2 * time.Second)
			} else if done {
				return
			}
		}
	})
}

// unstage takes back a draft of which nobody told us whether it became ours: the answer was lost, but perhaps not
// the update. No other request of this process is at it, since staging has it.
func (g *Gateway) unstage(id, worker rapport.ID) {
	for !g.engine.closed.Load() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		ours, err := g.Store.Staging(ctx, id, worker)
		cancel()
		switch {
		case err != nil:
			g.Log.Warn("a draft could not be given back; trying again", "campaign", rapport.KindCampaign.Format(id), "error", err)
			time.Sleep(time.Second)
		case ours:
			g.discard(id)
			return
		default:
			g.staging.Delete(id)
			return
		}
	}
}

// AddRecipients streams rows into a draft. A row that cannot be right is refused, kept and counted; a
// stream that breaks adds nothing.
func (g *Gateway) AddRecipients(ctx context.Context, _ Caller, id rapport.ID, rows *Rows) (added, refused int64, err error) {
	c, err := g.Store.Campaign(ctx, id)
	if err != nil {
		return 0, 0, err
	}
	conflict := rapport.Errorf(rapport.CodeConflict, "Recipients can be added to a draft only, by one request at a time.")
	if c.Drawn() {
		return 0, 0, conflict
	}
	if _, taken := g.staging.LoadOrStore(id, true); taken {
		return 0, 0, conflict
	}
	worker := g.Worker()
	ok, err := g.Store.BeginStage(ctx, id, worker)
	if err != nil {
		g.spawn(func() { g.unstage(id, worker) })
		return 0, 0, err
	}
	if !ok {
		g.staging.Delete(id)
		return 0, 0, conflict
	}
	seq := c.Audience
	rows.Keep = true
	columns, err := g.Store.RowColumns(ctx, id)
	var places []int // of the columns of this file among those of all
	var page []store.Recipient
	flush := func() error {
		dup, err := g.Store.Stage(ctx, id, page)
		refused += int64(len(dup))
		added -= int64(len(dup))
		page = page[:0]
		return err
	}
	for err == nil {
		var row Row
		if row, err = rows.Next(); err != nil {
			break
		}
		seq++
		if places == nil {
			columns, places = joinColumns(columns, rows.columnNames())
		}
		r := store.Recipient{Seq: seq, Line: row.Line, Payload: json.RawMessage("{}"), Cells: inPlace(row.cells, places)}
		var patch store.CustomerPatch
		var bad []rapport.FieldError
		if row.Err == nil {
			patch, bad = g.patch(row.Patch.CustomerInput, "")
		}
		switch {
		case row.Err != nil:
			r.Refusal = rapport.ReasonInvalid + ": " + row.Err.Error()
			refused++
		case len(bad) > 0:
			r.Refusal = fmt.Sprintf("%s: %s %s", rapport.ReasonInvalid, bad[0].Path, bad[0].Message)
			refused++
		default:
			r.Dedupe = store.WhoKey(patch)
			if r.Payload, err = row.payload(); err != nil {
				break
			}
			added++
		}
		if page = append(page, r); len(page) == store.MaxRows {
			err = flush()
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
		if len(page) > 0 {
			err = flush()
		}
		if err == nil {
			err = g.Store.SetRowColumns(ctx, id, columns)
		}
		if err == nil {
			err = g.Store.EndStage(ctx, id, seq)
		}
	}
	if err != nil {
		g.discard(id)
		return 0, 0, err
	}
	g.staging.Delete(id)
	return added, refused, nil
}

// Launch sets a draft going.
func (g *Gateway) Launch(ctx context.Context, by Caller, id rapport.ID) (*rapport.Campaign, error) {
	c, err := g.Store.Campaign(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.Status == rapport.CampaignQuarantined {
		return nil, inQuarantine()
	}
	if c.Status != rapport.CampaignDraft {
		return nil, rapport.Errorf(rapport.CodeConflict, "Only a draft can be launched; this campaign is %s.", c.Status)
	}
	if c.Audience == 0 && !c.Drawn() {
		return nil, rapport.Errorf(rapport.CodeConflict, "The draft has no recipients yet.")
	}
	return c, g.launch(ctx, by, c, rapport.CampaignDraft)
}

func (g *Gateway) launch(ctx context.Context, by Caller, c *rapport.Campaign, from rapport.CampaignStatus) error {
	if err := g.launchIn(ctx, g.Store, by, c, from); err != nil {
		return err
	}
	if c.Status == rapport.CampaignPlanning {
		g.hint(Wake{Plan: c.ID})
	}
	return nil
}

func (g *Gateway) launchIn(ctx context.Context, s *store.Store, by Caller, c *rapport.Campaign, from rapport.CampaignStatus) error {
	to := rapport.CampaignPlanning
	if c.SendAt.After(g.now()) && !c.DryRun {
		// Recipients whose quiet hours or zones move them further are planned then, with the facts of then.
		to = rapport.CampaignScheduled
	}
	if err := g.draw(ctx, s, c); err != nil {
		return err
	}
	err := s.Tx(ctx, func(s *store.Store) error {
		if c.Segment.ID != 0 {
			if err := s.PinSegment(ctx, c); err != nil {
				return err
			}
		}
		ok, err := s.LaunchCampaign(ctx, c, to, from)
		if err != nil {
			return err
		}
		if !ok {
			return rapport.Errorf(rapport.CodeConflict, "The campaign was changed by another request.")
		}
		if c.DryRun {
			return nil
		}
		if err := s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "campaign.launched", Subject: rapport.KindCampaign.Format(c.ID)}); err != nil {
			return err
		}
		return g.publish(ctx, s, aboutCampaign(c, to, nil).Notice(rapport.CampaignLaunched, 0))
	})
	if err != nil {
		return err
	}
	c.Status = to
	return nil
}

// Pause stops new sends within a second; what is on the wire is recorded.
func (g *Gateway) Pause(ctx context.Context, by Caller, id rapport.ID) (*rapport.Campaign, error) {
	return g.move(ctx, by, id, rapport.CampaignPaused, "paused", rapport.CampaignScheduled, rapport.CampaignPlanning, rapport.CampaignRunning)
}

// Resume returns to where Pause found the campaign.
func (g *Gateway) Resume(ctx context.Context, by Caller, id rapport.ID) (*rapport.Campaign, error) {
	c, err := g.Store.Campaign(ctx, id)
	if err != nil {
		return nil, err
	}
	to := c.PausedFrom
	if to == "" {
		to = rapport.CampaignPlanning
	}
	if c, err = g.move(ctx, by, id, to, "resumed", rapport.CampaignPaused); err != nil {
		return nil, err
	}
	if to == rapport.CampaignPlanning {
		g.hint(Wake{Plan: id})
	}
	return c, nil
}

// Cancel closes what has not been sent. It takes hold within a second; the rows are closed 500 at a time.
func (g *Gateway) Cancel(ctx context.Context, by Caller, id rapport.ID) (*rapport.Campaign, error) {
	return g.move(ctx, by, id, rapport.CampaignCancelled, "cancelled", rapport.CampaignDraft, rapport.CampaignScheduled, rapport.CampaignPlanning, rapport.CampaignRunning, rapport.CampaignPaused, rapport.CampaignQuarantined)
}

func (g *Gateway) move(ctx context.Context, by Caller, id rapport.ID, to rapport.CampaignStatus, word string, from ...rapport.CampaignStatus) (*rapport.Campaign, error) {
	ok := false
	err := g.Store.Tx(ctx, func(s *store.Store) (err error) {
		if ok, err = s.MoveCampaign(ctx, id, to, from...); err != nil || !ok {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "campaign." + word, Subject: rapport.KindCampaign.Format(id)})
	})
	if err != nil {
		return nil, err
	}
	c, err := g.Store.Campaign(ctx, id)
	if err != nil {
		return nil, err
	}
	if !ok && c.Status == rapport.CampaignQuarantined {
		return nil, inQuarantine()
	}
	if !ok && c.Status != to {
		return nil, rapport.Errorf(rapport.CodeConflict, "A campaign that is %s cannot be %s.", c.Status, word)
	}
	return c, nil
}

// CancelByKey cancels every open campaign and message with that key, or only what is for some customers
// ("cus_..." or "ext:..."). It returns how many campaigns it touched and, with customers, how many
// messages it closed at once.
func (g *Gateway) CancelByKey(ctx context.Context, by Caller, key string, customers []string) (campaigns int, messages int64, err error) {
	if key == "" {
		return 0, 0, rapport.Invalid("cancellation_key", "is required")
	}
	found, err := g.Store.CampaignsByCancellation(ctx, key)
	if err != nil {
		return 0, 0, err
	}
	var only []rapport.ID
	for i, ref := range customers {
		cu, err := g.Store.FindCustomer(ctx, ref)
		if err != nil {
			return 0, 0, rapport.Invalid(fmt.Sprintf("customers[%d]", i), "there is no such customer")
		}
		only = append(only, cu.ID)
	}
	for _, c := range found {
		campaigns++
		if only == nil {
			if _, err := g.Store.MoveCampaign(ctx, c.ID, rapport.CampaignCancelled, c.Status); err != nil {
				return campaigns, messages, err
			}
		}
		if err := g.Store.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "campaign.cancelled", Subject: rapport.KindCampaign.Format(c.ID), Detail: detail("cancellation_key", key, "customers", strconv.Itoa(len(only)))}); err != nil {
			return campaigns, messages, err
		}
		for {
			n, err := g.Store.CancelRows(ctx, g.Worker(), c, only)
			if err != nil {
				return campaigns, messages, err
			}
			if messages += int64(n); n < store.MaxRows {
				break
			}
		}
	}
	return campaigns, messages, nil
}

// Refused counts the recipients that could not become a message, also those refused when they were staged
// that planning has not come to.
func (g *Gateway) Refused(ctx context.Context, c *rapport.Campaign) (int64, error) {
	n, err := g.refusedAhead(ctx, c)
	return c.Refused + n[c.ID], err
}

func (g *Gateway) refusedAhead(ctx context.Context, cs ...*rapport.Campaign) (map[rapport.ID]int64, error) {
	var staged []rapport.ID
	for _, c := range cs {
		if !c.Drawn() && c.Cursor < c.Audience {
			staged = append(staged, c.ID)
		}
	}
	return g.Store.CountRefused(ctx, staged...)
}

// Ledger sums up a campaign. Recipients that are not planned yet count as planned and pending, unless they
// are refused already; when it was cancelled before they were, as cancelled.
func (g *Gateway) Ledger(ctx context.Context, c *rapport.Campaign) (*rapport.Counts, error) {
	ns, err := g.Ledgers(ctx, c)
	if err != nil {
		return nil, err
	}
	return ns[0], nil
}

// Ledgers sums up many campaigns by two questions to the database, each at its place.
func (g *Gateway) Ledgers(ctx context.Context, cs ...*rapport.Campaign) ([]*rapport.Counts, error) {
	ns, err := g.Store.Counts(ctx, cs...)
	if err != nil {
		return nil, err
	}
	refused, err := g.refusedAhead(ctx, cs...)
	if err != nil {
		return nil, err
	}
	for i, c := range cs {
		n, left := ns[i], int64(0)
		open := c.Status == rapport.CampaignCancelled || c.Status == rapport.CampaignScheduled || c.Status == rapport.CampaignPlanning || c.Status == rapport.CampaignDraft || (c.Status == rapport.CampaignPaused || c.Status == rapport.CampaignQuarantined) && !strings.HasSuffix(string(c.PausedFrom), string(rapport.CampaignRunning))
		if open && !c.DryRun {
			if left = c.Audience - c.Cursor - refused[c.ID]; c.Drawn() {
				left = c.Audience - n.Planned - c.Refused
			}
		}
		if left > 0 {
			n.Planned += left
			if c.Status == rapport.CampaignCancelled {
				n.Cancelled += left
			} else {
				n.Pending += left
			}
		}
	}
	return ns, nil
}
