package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"

	"rapport"
	"rapport/store"
)

// AddConsent appends to the history of a customer, also what repeats an earlier entry.
func (g *Gateway) AddConsent(ctx context.Context, ref string, in ConsentInput) (*rapport.Consent, error) {
	c, err := g.newConsent(ctx, ref, in)
	if err != nil {
		return nil, err
	}
	said := []rapport.Consent{*c}
	if err := g.Store.AddConsents(ctx, said); err != nil {
		return nil, err
	}
	return &said[0], nil
}

// AskForConsent begins a double opt-in with a message made of template, and names that message.
func (g *Gateway) AskForConsent(ctx context.Context, by Caller, ref string, in ConsentInput, template string) (c *rapport.Consent, message string, err error) {
	if c, err = g.newConsent(ctx, ref, in); err != nil {
		return nil, "", err
	}
	if !c.Granted {
		return nil, "", rapport.Invalid("confirm", "a withdrawal needs no confirmation")
	}
	sent, err := g.AskConsent(ctx, by, c.Customer, *c, template)
	return c, sent.ID, err
}

// newConsent checks one and finds its customer.
func (g *Gateway) newConsent(ctx context.Context, ref string, in ConsentInput) (*rapport.Consent, error) {
	v := validation{}
	c := v.consent("", in)
	if strings.TrimSpace(in.TextVersion) == "" {
		v.refuse("text_version", "must say which wording the person saw")
	}
	if c.At.After(g.now().Add(time.Hour)) {
		v.refuse("at", "lies in the future")
	}
	if len(v.errs) > 0 {
		return nil, invalid(v.errs)
	}
	known, err := g.Store.FindCustomer(ctx, ref)
	if err != nil {
		return nil, err
	}
	c.Customer = known.ID
	return &c, nil
}

// SetPreferences stores what a customer wants. What is not given stays.
func (g *Gateway) SetPreferences(ctx context.Context, ref string, in PreferencesInput) (*rapport.Customer, error) {
	v := validation{}
	var p store.CustomerPatch
	v.preferences("", &in, &p)
	if len(v.errs) > 0 {
		for i := range v.errs {
			v.errs[i].Path = strings.TrimPrefix(v.errs[i].Path, ".")
		}
		return nil, invalid(v.errs)
	}
	known, err := g.Store.FindCustomer(ctx, ref)
	if err != nil {
		return nil, err
	}
	p.ID = known.ID
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		done, err := s.UpsertCustomers(ctx, []store.CustomerPatch{p})
		if err != nil {
			return err
		}
		if err := done[0].Err(); err != nil {
			return err
		}
		return g.tellCustomers(ctx, s, done, nil)
	})
	if err != nil {
		return nil, err
	}
	return g.Store.Customer(ctx, known.ID)
}

// SuppressionInput says why an address is forbidden, and for which purposes.
type SuppressionInput struct {
	Reason string                   `json:"reason,omitempty" maxLength:"100" doc:"manual, unless something else is said." example:"manual"`
	Scope  rapport.SuppressionScope `json:"scope,omitempty" enum:"all,marketing" doc:"all (the default) or marketing."`
	Source string                   `json:"source,omitempty" maxLength:"200"`
}

// Suppress forbids an address, whether a customer has it or not. One that is forbidden already keeps its
// reason, unless the scope gets wider.
func (g *Gateway) Suppress(ctx context.Context, by Caller, channel rapport.Channel, address string, in SuppressionInput) (*rapport.Suppression, error) {
	value, wrong := g.address(channel, address)
	v := validation{}
	if wrong != nil {
		v.refuse(wrong.Path, "%s", wrong.Message)
	}
	x := rapport.Suppression{Channel: channel, Address: value, Reason: in.Reason, Scope: in.Scope, Source: in.Source, At: g.now()}
	if x.Reason == "" {
		x.Reason = "manual"
	}
	if x.Source == "" {
		x.Source = "api"
	}
	if x.Scope == "" {
		x.Scope = rapport.SuppressAll
	}
	if x.Scope != rapport.SuppressAll && x.Scope != rapport.SuppressMarketing {
		v.refuse("scope", "must be all or marketing")
	}
	v.text("reason", x.Reason, 100)
	v.text("source", x.Source, 200)
	if len(v.errs) > 0 {
		return nil, invalid(v.errs)
	}
	err := g.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.Suppress(ctx, []rapport.Suppression{x}); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "address.suppressed", Subject: string(channel), Detail: detail("reason", x.Reason)})
	})
	if err != nil {
		return nil, err
	}
	return g.Suppression(ctx, channel, value)
}

// Suppression finds what forbids an address. NotFound: nothing does.
func (g *Gateway) Suppression(ctx context.Context, channel rapport.Channel, address string) (*rapport.Suppression, error) {
	value, wrong := g.address(channel, address)
	if wrong != nil {
		return nil, invalid([]rapport.FieldError{*wrong})
	}
	x, err := g.Store.Suppression(ctx, channel, value)
	return &x, err
}

// Unsuppress allows an address again. It is written down who did so.
func (g *Gateway) Unsuppress(ctx context.Context, by Caller, channel rapport.Channel, address string) error {
	value, wrong := g.address(channel, address)
	if wrong != nil {
		return invalid([]rapport.FieldError{*wrong})
	}
	return g.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.Unsuppress(ctx, channel, value); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "address.allowed", Subject: string(channel)})
	})
}

// TopicInput is a topic as callers write it.
type TopicInput struct {
	Policy      rapport.Policy    `json:"policy" enum:"opt_in,opt_out,none" doc:"What marketing on this topic needs: consent, no withdrawal; none is for transactional topics."`
	Title       map[string]string `json:"title,omitempty" doc:"What people read on the preference page, by locale." example:"{\"en\":\"News\",\"ru\":\"Новости\"}"`
	TrackOpens  bool              `json:"track_opens,omitempty"`
	TrackClicks bool              `json:"track_clicks,omitempty"`
}

// PutTopic creates or replaces a topic.
func (g *Gateway) PutTopic(ctx context.Context, by Caller, key string, in TopicInput) (*rapport.Topic, error) {
	v := validation{}
	if !validKey(key) {
		v.refuse("key", "must be %s", keyRule)
	}
	if !slices.Contains([]rapport.Policy{rapport.OptIn, rapport.OptOut, rapport.NoPolicy}, in.Policy) {
		v.refuse("policy", "must be opt_in, opt_out or none")
	}
	title := make(map[string]string, len(in.Title))
	for locale, text := range in.Title {
		tag, err := language.Raw.Parse(locale)
		if err != nil {
			v.refuse("title."+locale, "is not a language tag (BCP 47)")
			continue
		}
		v.text("title."+locale, text, 200)
		title[tag.String()] = text
	}
	if len(in.Title) > 100 {
		v.refuse("title", "holds more than 100 languages")
	}
	if len(v.errs) > 0 {
		return nil, invalid(v.errs)
	}
	t := rapport.Topic{Key: key, Policy: in.Policy, Title: title, TrackOpens: in.TrackOpens, TrackClicks: in.TrackClicks}
	err := g.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.PutTopic(ctx, t); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "topic.changed", Subject: key, Detail: detail("policy", string(in.Policy))})
	})
	if err != nil {
		return nil, err
	}
	g.topics.forget(key)
	t, err = g.Store.Topic(ctx, key)
	return &t, err
}

// detail is what the audit log says about an act, in pairs of name and value.
func detail(pairs ...string) json.RawMessage {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("a map of texts is not JSON: %v", err)) // cannot happen
	}
	return b
}
