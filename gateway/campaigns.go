package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"rapport"
	"rapport/store"
)

// Caller is who asks.
type Caller struct {
	Key    rapport.ID
	Scopes []string
	Name   string
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
	r, err := sp.reader()
	if err != nil {
		return nil, nil, err
	}
	in, inline, err := campaignBody(r, nil)
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
		return nil, nil, err
	}
	notes := &Notes{TopicCreated: created}
	if inline >= 0 {
		if r, err = sp.reader(); err == nil {
			err = g.stageInline(ctx, c, r, notes)
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
			} else if err := g.launchIn(ctx, s, c, rapport.CampaignAccepting); err != nil {
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
	case a.Segment != "":
		return rapport.Invalid("audience.segment", "segments do not exist yet; name the customers, or everyone")
	case n != 1:
		return rapport.Invalid("audience", "must hold exactly one of customers, segment, everyone")
	case inline > g.set.InlineCustomers:
		return &rapport.Error{Code: rapport.CodeTooLarge, Message: fmt.Sprintf("At most %d customers fit into one request; stream more into a draft.", g.set.InlineCustomers)}
	case inline == 0:
		return rapport.Invalid("audience.customers", "is empty")
	}
	if a.Everyone {
		c.Everyone = true
	}
	return nil
}

// stageInline checks and stores each customer of the body, and counts those without consent.
func (g *Gateway) stageInline(ctx context.Context, c *rapport.Campaign, r io.Reader, notes *Notes) error {
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
	_, _, err = campaignBody(r, func(i int, raw json.RawMessage) error {
		path := fmt.Sprintf("audience.customers[%d]", i)
		var in RecipientInput
		if err := Decode(raw, path, &in); err != nil {
			return err
		}
		patch, bad := g.patch(in.CustomerInput, path)
		for _, name := range set.template.Missing(map[string]any{"data": merged(set.content.data, in.Data), "customer": in.Data, "campaign": in.Data}, channels) {
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
		page = append(page, store.Recipient{Seq: c.Audience, Dedupe: store.WhoKey(patch), Payload: raw})
		if len(page) == store.MaxRows {
			if err := flush(); err != nil {
				return err
			}
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

// discard takes a stage back in pieces, in the background: the caller has its answer. What a crash leaves
// is taken back by the sweeper.
func (g *Gateway) discard(id rapport.ID) {
	g.spawn(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for {
			done, err := g.Store.DiscardStage(ctx, id)
			if err != nil {
				g.Log.Warn("a refused audience is not gone yet; the sweeper will finish", "campaign", rapport.KindCampaign.Format(id), "error", err)
				return
			}
			if done {
				return
			}
		}
	})
}

// AddRecipients streams rows into a draft. A row that cannot be right is refused, kept and counted; a
// stream that breaks adds nothing.
func (g *Gateway) AddRecipients(ctx context.Context, _ Caller, id rapport.ID, rows *Rows) (added, refused int64, err error) {
	c, err := g.Store.Campaign(ctx, id)
	if err != nil {
		return 0, 0, err
	}
	ok, err := g.Store.BeginStage(ctx, id, g.Worker())
	if err != nil {
		return 0, 0, err
	}
	if !ok || c.Everyone {
		return 0, 0, rapport.Errorf(rapport.CodeConflict, "Recipients can be added to a draft only, by one request at a time.")
	}
	seq := c.Audience
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
		r := store.Recipient{Seq: seq, Line: row.Line, Payload: json.RawMessage("{}")}
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
			if r.Payload, err = json.Marshal(row.Patch); err != nil {
				break
			}
			added++
		}
		if page = append(page, r); len(page) == store.MaxRows {
			err = flush()
		}
	}
	if err == io.EOF {
		err = nil
		if len(page) > 0 {
			err = flush()
		}
		if err == nil {
			err = g.Store.EndStage(ctx, id, seq)
		}
	}
	if err != nil {
		g.discard(id)
		return 0, 0, err
	}
	return added, refused, nil
}

// Launch sets a draft going.
func (g *Gateway) Launch(ctx context.Context, id rapport.ID) (*rapport.Campaign, error) {
	c, err := g.Store.Campaign(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.Status != rapport.CampaignDraft {
		return nil, rapport.Errorf(rapport.CodeConflict, "Only a draft can be launched; this campaign is %s.", c.Status)
	}
	if c.Audience == 0 && !c.Everyone {
		return nil, rapport.Errorf(rapport.CodeConflict, "The draft has no recipients yet.")
	}
	return c, g.launch(ctx, c, rapport.CampaignDraft)
}

func (g *Gateway) launch(ctx context.Context, c *rapport.Campaign, from rapport.CampaignStatus) error {
	if err := g.launchIn(ctx, g.Store, c, from); err != nil {
		return err
	}
	if c.Status == rapport.CampaignPlanning {
		g.hint(Wake{Plan: c.ID})
	}
	return nil
}

func (g *Gateway) launchIn(ctx context.Context, s *store.Store, c *rapport.Campaign, from rapport.CampaignStatus) error {
	to := rapport.CampaignPlanning
	if c.SendAt.After(g.now()) && !c.DryRun {
		// Recipients whose quiet hours or zones move them further are planned then, with the facts of then.
		to = rapport.CampaignScheduled
	}
	if c.Everyone {
		n, _, err := s.CountCustomers(ctx)
		if err != nil {
			return err
		}
		c.Audience = n
	}
	ok, err := s.LaunchCampaign(ctx, c, to, from)
	if err != nil {
		return err
	}
	if !ok {
		return rapport.Errorf(rapport.CodeConflict, "The campaign was changed by another request.")
	}
	c.Status = to
	return nil
}

// Pause stops new sends within a second; what is on the wire is recorded.
func (g *Gateway) Pause(ctx context.Context, id rapport.ID) (*rapport.Campaign, error) {
	return g.move(ctx, id, rapport.CampaignPaused, "paused", rapport.CampaignScheduled, rapport.CampaignPlanning, rapport.CampaignRunning)
}

// Resume returns to where Pause found the campaign.
func (g *Gateway) Resume(ctx context.Context, id rapport.ID) (*rapport.Campaign, error) {
	c, err := g.Store.Campaign(ctx, id)
	if err != nil {
		return nil, err
	}
	to := c.PausedFrom
	if to == "" {
		to = rapport.CampaignPlanning
	}
	if c, err = g.move(ctx, id, to, "resumed", rapport.CampaignPaused); err != nil {
		return nil, err
	}
	if to == rapport.CampaignPlanning {
		g.hint(Wake{Plan: id})
	}
	return c, nil
}

// Cancel closes what has not been sent. It takes hold within a second; the rows are closed 500 at a time.
func (g *Gateway) Cancel(ctx context.Context, id rapport.ID) (*rapport.Campaign, error) {
	return g.move(ctx, id, rapport.CampaignCancelled, "cancelled", rapport.CampaignDraft, rapport.CampaignScheduled, rapport.CampaignPlanning, rapport.CampaignRunning, rapport.CampaignPaused)
}

func (g *Gateway) move(ctx context.Context, id rapport.ID, to rapport.CampaignStatus, word string, from ...rapport.CampaignStatus) (*rapport.Campaign, error) {
	ok, err := g.Store.MoveCampaign(ctx, id, to, from...)
	if err != nil {
		return nil, err
	}
	c, err := g.Store.Campaign(ctx, id)
	if err != nil {
		return nil, err
	}
	if !ok && c.Status != to {
		return nil, rapport.Errorf(rapport.CodeConflict, "A campaign that is %s cannot be %s.", c.Status, word)
	}
	return c, nil
}

// CancelByKey cancels every open campaign and message with that key, or only what is for some customers
// ("cus_..." or "ext:..."). It returns how many campaigns it touched and, with customers, how many
// messages it closed at once.
func (g *Gateway) CancelByKey(ctx context.Context, key string, customers []string) (campaigns int, messages int64, err error) {
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
	return c.Refused + n, err
}

func (g *Gateway) refusedAhead(ctx context.Context, c *rapport.Campaign) (int64, error) {
	if c.Everyone || c.Cursor >= c.Audience {
		return 0, nil
	}
	return g.Store.CountRefused(ctx, c.ID, c.Cursor, c.Audience)
}

// Ledger sums up a campaign. Recipients that are not planned yet count as planned and pending, unless they
// are refused already; when it was cancelled before they were, as cancelled.
func (g *Gateway) Ledger(ctx context.Context, c *rapport.Campaign) (*rapport.Counts, error) {
	n, err := g.Store.Counts(ctx, c)
	if err != nil {
		return nil, err
	}
	left := int64(0)
	open := c.Status == rapport.CampaignCancelled || c.Status == rapport.CampaignScheduled || c.Status == rapport.CampaignPlanning || c.Status == rapport.CampaignDraft || c.Status == rapport.CampaignPaused && c.PausedFrom != rapport.CampaignRunning
	if open && !c.DryRun {
		refused, err := g.refusedAhead(ctx, c)
		if err != nil {
			return nil, err
		}
		if left = c.Audience - c.Cursor - refused; c.Everyone {
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
	return n, nil
}
