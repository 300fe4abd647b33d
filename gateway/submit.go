package gateway

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rapport"
	"rapport/store"
)

// SendInput is the body of POST /v1/messages: a campaign of one.
type SendInput struct {
	SendSpec
	To *RecipientInput `json:"to" doc:"The customer: id, external_id or a description, with data for them."`
}

// SendResult is the answer: what was decided, before anything was sent.
type SendResult struct {
	ID       string        `json:"id" doc:"The message; with routing all the first of them."`
	Campaign string        `json:"campaign"`
	Customer string        `json:"customer"`
	Messages []SentMessage `json:"messages"`
	Notes    *Notes        `json:"notes,omitempty"`
}

// SentMessage is one row of the ledger.
type SentMessage struct {
	ID      string          `json:"id"`
	Channel rapport.Channel `json:"channel"`
	State   string          `json:"state"`
	Reason  string          `json:"reason,omitempty"`
	DueAt   *time.Time      `json:"due_at,omitempty"`
}

// SubmitMessage decides and stores one message; a worker sends it. replayed: the same Idempotency-Key was
// answered before, and this is that answer.
func (g *Gateway) SubmitMessage(ctx context.Context, by Caller, in SendInput, idem *Idempotency) (SendResult, bool, error) {
	c, created, err := g.campaign(ctx, by, rapport.KindOfMessage, &in.SendSpec)
	if err != nil {
		return SendResult{}, false, err
	}
	if in.To == nil {
		return SendResult{}, false, rapport.Invalid("to", "is required")
	}
	patch, wrong := g.patch(in.To.CustomerInput, "to")
	if store.WhoKey(patch) == 0 && len(wrong) == 0 {
		wrong = append(wrong, rapport.FieldError{Path: "to", Message: "must name a customer: id, external_id or an address"})
	}
	if len(wrong) > 0 {
		return SendResult{}, false, invalid(wrong)
	}
	if c.DryRun {
		return g.drySend(ctx, c, patch, in.To.Data)
	}
	s := &submission{ctx: ctx, campaign: c, patch: patch, data: in.To.Data, idem: idem}
	if created {
		s.notes = &Notes{TopicCreated: true, Message: fmt.Sprintf("Topic %q is new, with policy %s.", c.Topic, g.set.DefaultPolicy)}
	}
	return g.submit.do(ctx, s)
}

// single decides one message and fills in its result.
func (g *Gateway) single(ctx context.Context, x *submission, p *store.Profile, policy rapport.Policy) ([]store.Row, error) {
	c := x.campaign
	set, err := g.rulesUnder(ctx, c, policy)
	if err != nil {
		return nil, err
	}
	x.content = set.content
	// A message that names a variable nobody gives is refused, not skipped: its caller is here to hear it.
	rows := g.decide(nil, set, p, person{customer: p.ID, data: x.data}, g.now())
	if wrong := missingFields(set, rows, x.data); len(wrong) > 0 {
		x.err = invalid(wrong)
		return nil, nil
	}
	c.Status, c.Audience, c.Planned, c.LaunchedAt = rapport.CampaignFinished, 1, int64(len(rows)), c.CreatedAt // the ledger of one is the message itself
	x.result = SendResult{ID: rapport.KindMessage.Format(rows[0].Message.ID), Campaign: rapport.KindCampaign.Format(c.ID), Customer: rapport.KindCustomer.Format(p.ID), Notes: x.notes}
	for _, r := range rows {
		m := SentMessage{ID: rapport.KindMessage.Format(r.Message.ID), Channel: r.Message.Channel, State: r.Message.State.String(), Reason: r.Message.Reason}
		if !r.Message.Due.IsZero() {
			m.DueAt = &r.Message.Due
		}
		x.result.Messages = append(x.result.Messages, m)
	}
	return rows, nil
}

// missingFields names every variable that rows were skipped for, by where the caller can give it: data
// beside the template, or about the customer.
func missingFields(set *rules, rows []store.Row, data map[string]any) (wrong []rapport.FieldError) {
	channels := map[rapport.Channel]bool{}
	for _, r := range rows {
		if strings.HasPrefix(r.Message.Reason, rapport.ReasonMissing) {
			channels[r.Message.Channel] = true
		}
	}
	if len(channels) == 0 {
		return nil
	}
	for _, name := range set.missing(data, channels) {
		message := "the template needs it"
		if about, ok := strings.CutPrefix(name, "customer."); ok {
			name = "to." + about
			if attribute, ok := strings.CutPrefix(about, "attributes."); ok { // as it stands in the request, and not in a template
				message = "the template reads customer." + about + "; an attribute is read as customer." + attribute
			}
		}
		wrong = append(wrong, rapport.FieldError{Path: name, Message: message})
	}
	return wrong
}
