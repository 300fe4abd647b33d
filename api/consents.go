package api

import (
	"context"
	"net/http"
	"time"

	"rapport"
	"rapport/gateway"
)

// Consent is one entry of a customer's history.
type Consent struct {
	ID          string          `json:"id,omitempty" doc:"Absent while it is pending."`
	Channel     rapport.Channel `json:"channel"`
	Purpose     rapport.Purpose `json:"purpose"`
	Topic       string          `json:"topic,omitempty" doc:"Without it: every topic."`
	Granted     bool            `json:"granted"`
	Pending     bool            `json:"pending,omitempty" doc:"It was asked for and is not confirmed yet: nothing is granted."`
	Source      string          `json:"source"`
	TextVersion string          `json:"text_version,omitempty"`
	Proof       string          `json:"proof,omitempty"`
	IP          string          `json:"ip,omitempty"`
	Message     string          `json:"message,omitempty" doc:"The message whose link or answer gave it, or is to give it."`
	At          time.Time       `json:"at,omitzero" doc:"Absent while it is pending."`
}

func consentView(c rapport.Consent) Consent {
	return Consent{ID: rapport.KindConsent.Format(c.ID), Channel: c.Channel, Purpose: c.Purpose, Topic: c.Topic, Granted: c.Granted, Source: c.Source,
		TextVersion: c.TextVersion, Proof: c.Proof, IP: c.IP, Message: rapport.KindMessage.Format(c.Message), At: c.At}
}

func (d *door) consents() {
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/customers/{id}/consents", Scope: "write:customers", Tag: "Consent", Summary: "Record a consent or a withdrawal", Status: 201, Also: 202, Refuses: []int{404},
		About: "The history is append-only; what holds now is derived from it. A withdrawal binds messages that are queued already. With confirm (202) nothing holds until the person has pressed the button."}, d.addConsent)
	handle(d, route{Method: http.MethodGet, Path: "/v1/customers/{id}/consents", Scope: "read:customers", Tag: "Consent", Summary: "The history of consent", About: "Newest first.", Refuses: []int{404}}, d.listConsents)
	handleJSON(d, route{Method: http.MethodPut, Path: "/v1/customers/{id}/preferences", Scope: "write:customers", Tag: "Consent", Summary: "Set what a customer wants", Refuses: []int{404},
		About: "What is not given stays."}, d.putPreferences)
	handle(d, route{Method: http.MethodGet, Path: "/v1/customers/{id}/preferences", Scope: "read:customers", Tag: "Consent", Summary: "What a customer wants", Refuses: []int{404}}, d.getPreferences)
}

// NewConsent is the body of a POST.
type NewConsent struct {
	gateway.ConsentInput
	Confirm string `json:"confirm,omitempty" maxLength:"100" doc:"Double opt-in: the key of a template with data.confirm_url. It is sent, and only the button behind that link makes it a consent."`
}

func (d *door) addConsent(ctx context.Context, in *CustomerPath, body *NewConsent) (*reply[Consent], error) {
	if body.Confirm != "" {
		c, message, err := d.g.AskForConsent(ctx, in.caller(), in.ID, body.ConsentInput, body.Confirm)
		if err != nil {
			return nil, err
		}
		v := consentView(*c)
		v.Granted, v.Pending, v.Message, v.At = false, true, message, time.Time{}
		return accepted("/v1/messages/"+message, v)
	}
	c, err := d.g.AddConsent(ctx, in.ID, body.ConsentInput)
	if err != nil {
		return nil, err
	}
	return created("", consentView(*c))
}

type listConsents struct {
	CustomerPath
	Paging
}

func (d *door) listConsents(ctx context.Context, in *listConsents) (*reply[List[Consent]], error) {
	p, err := in.page("consents")
	if err != nil {
		return nil, err
	}
	c, err := d.st.FindCustomer(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.Consents(ctx, c.ID, p)
	if err != nil {
		return nil, err
	}
	return ok(listOf("consents", rows, next, consentView))
}

func (d *door) putPreferences(ctx context.Context, in *CustomerPath, body *gateway.PreferencesInput) (*reply[Preferences], error) {
	c, err := d.g.SetPreferences(ctx, in.ID, *body)
	if err != nil {
		return nil, err
	}
	return ok(preferencesView(c))
}

func (d *door) getPreferences(ctx context.Context, in *CustomerPath) (*reply[Preferences], error) {
	c, err := d.st.FindCustomer(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(preferencesView(c))
}
