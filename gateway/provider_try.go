package gateway

import (
	"context"
	"encoding/json"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// TryInput is a test message.
type TryInput struct {
	To   string `json:"to" maxLength:"2000" doc:"An address of the provider's channel." example:"me@shop.example"`
	Text string `json:"text,omitempty" maxLength:"1000" doc:"A sentence of ours, unless something else is said."`
}

// TryResult is what the provider answered.
type TryResult struct {
	Accepted   bool          `json:"accepted" doc:"The provider has taken the message; whether it arrives is another question."`
	ProviderID string        `json:"provider_id,omitempty" doc:"What the provider calls it."`
	Verdict    channels.Kind `json:"verdict,omitempty" enum:"rejected,address_dead,opted_out,address_moved,throttled,temporary,misconfigured,ambiguous" doc:"Why not. ambiguous: it may have been taken all the same."`
	Reason     string        `json:"reason,omitempty"`
	Code       string        `json:"code,omitempty" doc:"The provider's own."`
	Detail     string        `json:"detail,omitempty" doc:"What the provider said."`
	Took       int64         `json:"took_ms"`
}

// tryFor is how long a person waits for a test.
const tryFor = 25 * time.Second

// TryProvider hands one message to exactly this provider, now, and tells its answer. The message is no row of the ledger:
// nothing tries it again, another provider never gets it, and a receipt for it finds nothing. A suppressed address is refused
// whatever the suppression is about.
func (g *Gateway) TryProvider(ctx context.Context, by Caller, name string, in TryInput) (TryResult, error) {
	p, ok := g.Hub.Provider(name)
	if !ok {
		return TryResult{}, rapport.NotFound("provider")
	}
	v := validation{}
	to, wrong := g.address(p.Entry().Channel, in.To)
	if wrong != nil {
		v.refuse("to", "%s", wrong.Message)
	}
	v.text("text", in.Text, 1000)
	if len(v.errs) > 0 {
		return TryResult{}, invalid(v.errs)
	}
	switch _, err := g.Store.Suppression(ctx, p.Entry().Channel, to); {
	case err == nil:
		return TryResult{}, rapport.Errorf(rapport.CodeConflict, "This address is suppressed: nothing is sent to it.")
	case rapport.CodeOf(err) != rapport.CodeNotFound:
		return TryResult{}, err
	}
	// Written down before it is sent: a test that nobody can find again would be worse than one that was not sent.
	if err := g.Store.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "provider.tested", Subject: name}); err != nil {
		return TryResult{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	began := time.Now()
	id, verdict := p.Send(ctx, g.trial(p.Entry(), to, in.Text))
	out := TryResult{Accepted: verdict == nil, ProviderID: id, Took: time.Since(began).Milliseconds()}
	if verdict != nil {
		out.Verdict, out.Reason, out.Code, out.Detail = verdict.Kind, verdict.Reason, verdict.Code, verdict.Detail
		if out.Detail == "" && verdict.Err != nil {
			out.Detail = verdict.Err.Error()
		}
	}
	return out, nil
}

func (g *Gateway) trial(e channels.Entry, to, text string) *channels.Outgoing {
	if text == "" {
		text = "A test of the provider " + e.Name + ". If you can read this, it works."
	}
	id := g.Store.NewID()
	o := &channels.Outgoing{ID: id, Attempt: 1, Token: rapport.KindMessage.Format(id), Channel: e.Channel, Purpose: rapport.Transactional, Locale: g.set.DefaultLocale, To: to}
	switch e.Channel {
	case rapport.Webhook:
		body, _ := json.Marshal(map[string]any{"type": "test", "text": text}) // two texts: cannot fail
		o.Body = channels.Text(string(body))
	case rapport.Email:
		o.Subject = channels.Text("Test of " + e.Name)
		fallthrough
	default:
		o.Text = channels.Text(text)
	}
	return o
}
