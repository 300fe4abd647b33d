package api

import (
	"context"
	"net/http"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/gateway"
	"rapport/store"
	"rapport/templates"
)

// Message is one row of the ledger.
type Message struct {
	ID        string          `json:"id"`
	Campaign  string          `json:"campaign"`
	Customer  string          `json:"customer"`
	Channel   rapport.Channel `json:"channel" doc:"none: no channel could reach the customer."`
	State     string          `json:"state" enum:"pending,sending,doubtful,sent,delivered,skipped,failed,expired,cancelled,unknown"`
	Reason    string          `json:"reason,omitempty" doc:"Why it stands there."`
	Attempt   int             `json:"attempt"`
	Provider  string          `json:"provider,omitempty"`
	DueAt     *time.Time      `json:"due_at,omitempty"`
	SentAt    *time.Time      `json:"sent_at,omitempty"`
	ExpiresAt *time.Time      `json:"expires_at,omitempty"`
	CreatedAt time.Time       `json:"created_at"`
	UpdatedAt time.Time       `json:"updated_at"`
}

func messageView(m rapport.Message) Message {
	return Message{ID: rapport.KindMessage.Format(m.ID), Campaign: rapport.KindCampaign.Format(m.Campaign), Customer: rapport.KindCustomer.Format(m.Customer), Channel: m.Channel,
		State: m.State.String(), Reason: m.Reason, Attempt: m.Attempt, Provider: m.Provider, DueAt: maybe(m.Due), SentAt: maybe(m.SentAt), ExpiresAt: maybe(m.ExpiresAt),
		CreatedAt: m.ID.Time().UTC(), UpdatedAt: m.UpdatedAt}
}

// maybe is nil for no time.
func maybe(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// WholeMessage is a message with its content and its story.
type WholeMessage struct {
	Message
	Address     string                `json:"address,omitempty" doc:"Empty after an erasure."`
	Content     *Content              `json:"content,omitempty" doc:"Rendered again from the pinned version with the stored variables; absent after an erasure."`
	Attempts    []store.Attempt       `json:"attempts" nullable:"false" doc:"Those that did not simply succeed."`
	Receipts    []store.ReceiptRow    `json:"receipts" nullable:"false" doc:"What the provider reported afterwards."`
	Engagements []store.EngagementRow `json:"engagements" nullable:"false"`
}

// Content is what the person sees.
type Content struct {
	Locale      string              `json:"locale,omitempty"`
	Subject     string              `json:"subject,omitempty"`
	Preheader   string              `json:"preheader,omitempty"`
	Text        string              `json:"text,omitempty"`
	HTML        string              `json:"html,omitempty"`
	Body        string              `json:"body,omitempty" doc:"Of a webhook, JSON."`
	Buttons     [][]channels.Button `json:"buttons,omitempty"`
	Attachments []string            `json:"attachments,omitempty"`
	Segments    int                 `json:"segments,omitempty" doc:"Of an SMS."`
}

func contentView(r *templates.Rendered) *Content {
	if r == nil {
		return nil
	}
	return &Content{r.Locale, r.Subject.String(), r.Preheader, r.Text.String(), r.HTML.String(), r.Body.String(), r.Buttons, r.Attachments, r.SMS.Segments}
}

func (d *door) messages() {
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/messages", Scope: "write:messages", Tag: "Messages", Summary: "Send one message", Status: 202, Own: true, Refuses: []int{404},
		About: "The same engine and fields as a campaign, with `to` instead of `audience`. The answer says what was decided; the message may be skipped by a rule, and then nothing is sent."}, d.sendMessage)
	handle(d, route{Method: http.MethodGet, Path: "/v1/messages/{id}", Scope: "read:messages", Tag: "Messages", Summary: "A message, its content and its story", Refuses: []int{404}}, d.getMessage)
}

type justRequest struct{ Request }

func (d *door) sendMessage(ctx context.Context, in *justRequest, body *gateway.SendInput) (*reply[gateway.SendResult], error) {
	res, replayed, err := d.g.SubmitMessage(ctx, in.caller(), *body, in.idem)
	return sent(res, replayed, err)
}

func sent(res gateway.SendResult, replayed bool, err error) (*reply[gateway.SendResult], error) {
	if err != nil {
		return nil, err
	}
	out, err := accepted("/v1/messages/"+res.ID, res)
	if replayed {
		out.Replayed = "true"
	}
	return out, err
}

type oneMessage struct {
	Request
	ID string `path:"id" maxLength:"40" example:"msg_0b8t9g3kq8x1w"`
}

func (d *door) getMessage(ctx context.Context, in *oneMessage) (*reply[WholeMessage], error) {
	id, err := parse(rapport.KindMessage, in.ID, "message")
	if err != nil {
		return nil, err
	}
	m, err := d.st.Message(ctx, id)
	if err != nil {
		return nil, err
	}
	out := WholeMessage{Message: messageView(m)}
	if a, err := d.st.Address(ctx, m.Address); err == nil {
		out.Address = a.Value
	} else if rapport.CodeOf(err) != rapport.CodeNotFound {
		return nil, err
	}
	if m.Channel != rapport.NoChannel {
		shown, err := d.g.Shown(ctx, m)
		if err != nil && rapport.CodeOf(err) == "" {
			return nil, err
		}
		out.Content = contentView(shown) // a template that cannot be rendered for it is why it failed
	}
	if out.Attempts, err = d.st.Attempts(ctx, id); err != nil {
		return nil, err
	}
	if out.Receipts, err = d.st.Receipts(ctx, id); err != nil {
		return nil, err
	}
	if out.Engagements, err = d.st.Engagements(ctx, id); err != nil {
		return nil, err
	}
	return ok(out)
}

// parse reads an id in a path. What is no id names nothing.
func parse(k rapport.Kind, text, what string) (rapport.ID, error) {
	id, err := k.Parse(text)
	if err != nil {
		return 0, rapport.NotFound(what)
	}
	return id, nil
}

// parseQuery reads an id in a query; empty is none.
func parseQuery(k rapport.Kind, text, name string) (rapport.ID, error) {
	if text == "" {
		return 0, nil
	}
	id, err := k.Parse(text)
	if err != nil {
		return 0, rapport.Invalid("query."+name, "is not an id of the form %s_…", k)
	}
	return id, nil
}
