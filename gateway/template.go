package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"rapport"
	"rapport/channels"
	"rapport/store"
	"rapport/templates"
)

// SaveTemplate compiles src and makes it the current version of the template key. created is false when
// it is so already. The warnings are for the author.
func (g *Gateway) SaveTemplate(ctx context.Context, by Caller, key string, src templates.Source) (v store.TemplateVersion, warnings []string, created bool, err error) {
	check := validation{}
	if !validKey(key) {
		check.refuse("key", "must be %s", keyRule)
	}
	if src.Topic != "" && !validKey(src.Topic) {
		check.refuse("topic", "is not a topic key: %s", keyRule)
	}
	if err := g.checkFiles(ctx, &check, src); err != nil {
		return v, nil, false, err
	}
	if len(check.errs) > 0 {
		return v, nil, false, invalid(check.errs)
	}
	compiled, err := templates.Compile(src)
	if err != nil {
		return v, nil, false, err
	}
	source, err := json.Marshal(src)
	if err != nil {
		return v, nil, false, fmt.Errorf("storing a template: %w", err)
	}
	machine, err := json.Marshal(compiled)
	if err != nil {
		return v, nil, false, fmt.Errorf("storing a template: %w", err)
	}
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		if v, created, err = s.SaveTemplate(ctx, key, string(source), machine); err != nil || !created {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "template.saved", Subject: key, Detail: detail("version", rapport.KindTemplate.Format(v.ID))})
	})
	g.current.forget(key)
	return v, compiled.Warnings, created, err
}

func (g *Gateway) checkFiles(ctx context.Context, check *validation, src templates.Source) error {
	for i, v := range src.Variants {
		for j, ref := range v.Attachments {
			id, err := rapport.KindFile.Parse(ref)
			if err == nil {
				_, err = g.Store.File(ctx, id)
			}
			if err != nil && rapport.CodeOf(err) != rapport.CodeNotFound && id != 0 {
				return err
			}
			if err != nil {
				check.refuse(fmt.Sprintf("variants[%d].attachments[%d]", i, j), "is no file of ours; upload it with POST /v1/files")
			}
		}
	}
	return nil
}

// PreviewInput says for whom and where a template is rendered.
type PreviewInput struct {
	Customer string          `json:"customer,omitempty" doc:"Whose variables to use: an id, or ext: and your own."`
	Data     map[string]any  `json:"data,omitempty" doc:"Variables data.*; what stands in data.customer is used as customer.* where no customer is named."`
	Channel  rapport.Channel `json:"channel" enum:"email,sms,whatsapp,telegram,webhook"`
	Locale   string          `json:"locale,omitempty" doc:"Instead of the customer's."`
	Version  int             `json:"version,omitempty" minimum:"1" doc:"Instead of the current one."`
	Purpose  rapport.Purpose `json:"purpose,omitempty" enum:"marketing,transactional" doc:"marketing (the default) shows the footer with the unsubscribe link."`
	// Source is compiled for this answer alone.
	Source *templates.Source `json:"source,omitempty" doc:"A template that is being written, instead of a saved one: the key need not exist, and nothing is saved."`
}

// Preview is what a person would see.
type Preview struct {
	Template    string              `json:"template"`
	Version     int                 `json:"version"`
	Channel     rapport.Channel     `json:"channel"`
	Locale      string              `json:"locale"`
	Subject     string              `json:"subject,omitempty"`
	Preheader   string              `json:"preheader,omitempty"`
	Text        string              `json:"text,omitempty"`
	HTML        string              `json:"html,omitempty"`
	Body        string              `json:"body,omitempty" doc:"Of a webhook, JSON."`
	Headers     map[string]string   `json:"headers,omitempty" doc:"As they are saved: values by name."`
	Buttons     [][]channels.Button `json:"buttons,omitempty"`
	Attachments []string            `json:"attachments,omitempty"`
	Missing     []string            `json:"missing" doc:"Variables that the template needs and nothing supplies: a campaign would skip this person."`
	SMS         *templates.SMSCount `json:"sms,omitempty"`
	Segments    int                 `json:"segments,omitempty"`
	Warnings    []string            `json:"warnings,omitempty"`
}

// Preview renders a template with the very engine that sends. Nothing is kept; links lead nowhere.
func (g *Gateway) Preview(ctx context.Context, key string, in PreviewInput) (*Preview, error) {
	check := validation{}
	switch {
	case in.Channel == "":
		check.refuse("channel", "is required")
	case !rapport.ValidChannel(in.Channel):
		check.refuse("channel", "must be one of %s", channelList())
	}
	check.locale("locale", &in.Locale)
	if len(check.errs) > 0 {
		return nil, invalid(check.errs)
	}
	version, t, c, err := g.previewed(ctx, key, in)
	if err != nil {
		return nil, err
	}
	customer := map[string]any{}
	if in.Customer != "" {
		known, err := g.Store.FindCustomer(ctx, in.Customer)
		if err != nil {
			return nil, err
		}
		if customer, err = whole(known); err != nil {
			return nil, err
		}
	} else if own, ok := in.Data["customer"].(map[string]any); ok {
		customer = own
	}
	values := map[string]any{"customer": customer, "data": in.Data, "campaign": map[string]any{"id": "cmp_preview", "name": "Preview", "topic": c.Topic, "purpose": string(in.Purpose)}}
	how := templates.Input{DefaultLocale: g.set.DefaultLocale, Zone: g.set.DefaultZone, Now: g.now(), Vars: values, Company: g.set.Company, Marketing: in.Purpose != rapport.Transactional,
		URLs: templates.URLs{Unsubscribe: g.set.PublicURL + "/u/preview", Preferences: g.set.PublicURL + "/p/preview", LinkTelegram: "https://t.me/preview", Reply: g.set.PublicURL + "/r/preview"}}
	how.Locale, _ = customer["locale"].(string)
	if in.Locale != "" {
		how.Locale = in.Locale
	}
	if z, _ := customer["timezone"].(string); z != "" {
		if loc, err := zone(z); err == nil {
			how.Zone = loc
		}
	}
	r, err := t.Render(in.Channel, how)
	if err != nil {
		return nil, err
	}
	out := &Preview{Template: key, Version: version, Channel: in.Channel, Locale: r.Locale, Subject: r.Subject.String(), Preheader: r.Preheader, Text: r.Text.String(), HTML: r.HTML.String(),
		Body: r.Body.String(), Headers: headersByName(r.Headers), Buttons: r.Buttons, Attachments: r.Attachments, Warnings: c.Warnings,
		Missing: append([]string{}, t.Missing(values, map[rapport.Channel]bool{in.Channel: true})...)}
	if in.Channel == rapport.SMS {
		out.SMS, out.Segments = &r.SMS, r.SMS.Segments
	}
	return out, nil
}

// previewed is what a preview shows: what is being written (version 0), or a saved version.
func (g *Gateway) previewed(ctx context.Context, key string, in PreviewInput) (version int, t *templates.Template, c *templates.Compiled, err error) {
	if in.Source != nil {
		if c, err = templates.Compile(*in.Source); err == nil {
			t, err = templates.Load(key, c)
		}
		return 0, t, c, err
	}
	v, err := g.TemplateVersion(ctx, key, in.Version)
	if err != nil {
		return 0, nil, nil, err
	}
	if t, err = g.templates.Get(ctx, v.ID); err != nil {
		return 0, nil, nil, err
	}
	c = &templates.Compiled{}
	if err := json.Unmarshal(v.Compiled, c); err != nil {
		return 0, nil, nil, fmt.Errorf("reading template %q: %w", key, err)
	}
	return v.Version, t, c, nil
}

// whole is all that templates can see of a customer.
func whole(c *rapport.Customer) (map[string]any, error) {
	prof := &store.Profile{Customer: *c}
	for _, a := range c.Addresses {
		prof.Facts = append(prof.Facts, rapport.AddressFacts{Address: a})
	}
	p := newPortrait(templates.Reads{})
	p.take(prof)
	stored, err := p.encode(nil, false)
	if err != nil {
		return nil, err
	}
	var v vars
	err = v.decode(stored)
	return v.Customer, err
}

// headersByName is the shape in which an author gives them, where no name is there twice.
func headersByName(list []channels.Header) map[string]string {
	out := make(map[string]string, len(list))
	for _, h := range list {
		out[h.Name] = h.Value
	}
	return out
}

// ArchiveTemplate puts a template away, or takes it out again. Nothing new is sent with an archived one; what was accepted
// before is.
func (g *Gateway) ArchiveTemplate(ctx context.Context, by Caller, key string, archived bool) (v store.TemplateVersion, err error) {
	action := "template.restored"
	if archived {
		action = "template.archived"
	}
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.ArchiveTemplate(ctx, key, archived); err != nil {
			return err
		}
		if v, err = s.CurrentTemplate(ctx, key); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: action, Subject: key})
	})
	g.current.forget(key)
	return v, err
}

// TemplateVersion finds version n of a template; 0: the current one.
func (g *Gateway) TemplateVersion(ctx context.Context, key string, n int) (store.TemplateVersion, error) {
	v, err := g.Store.CurrentTemplate(ctx, key)
	if err != nil || n == 0 || v.Version == n {
		return v, err
	}
	for after := rapport.ID(0); ; {
		page, next, err := g.Store.Versions(ctx, key, store.Page{Limit: 100, After: after})
		if err != nil {
			return v, err
		}
		for _, v := range page {
			if v.Version == n {
				return v, nil
			}
		}
		if next == 0 {
			return v, rapport.NotFound("version of this template")
		}
		after = next
	}
}

// TestInput says where a test of a template goes.
type TestInput struct {
	Channel rapport.Channel `json:"channel" enum:"email,sms,whatsapp,telegram,webhook"`
	Address string          `json:"address" doc:"Yours: a real message is sent there."`
	Locale  string          `json:"locale,omitempty" doc:"Used when nobody has this address yet."`
	Data    map[string]any  `json:"data,omitempty"`
	Sandbox bool            `json:"sandbox,omitempty" doc:"Send it to the sandbox instead."`
}

// TestSend sends a template to one address, as a transactional message: whoever asks for it expects it.
// Suppressions hold nevertheless.
func (g *Gateway) TestSend(ctx context.Context, by Caller, key string, in TestInput, idem *Idempotency) (SendResult, bool, error) {
	value, wrong := g.address(in.Channel, in.Address)
	if wrong != nil {
		return SendResult{}, false, invalid([]rapport.FieldError{*wrong})
	}
	if _, err := g.Store.CurrentTemplate(ctx, key); err != nil {
		return SendResult{}, false, err
	}
	to := RecipientInput{Data: in.Data, CustomerInput: CustomerInput{Addresses: []AddressInput{{Channel: in.Channel, Address: value}}}}
	if _, err := g.Store.AddressOf(ctx, in.Channel, value); rapport.CodeOf(err) == rapport.CodeNotFound {
		name, audience := "Test", "employee" // most templates greet somebody; who tries them is of the house, no customer
		to.Name, to.Audience = &name, &audience
		if strings.TrimSpace(in.Locale) != "" {
			to.Locale = &in.Locale
		}
	}
	return g.SubmitMessage(ctx, by, SendInput{To: &to, SendSpec: SendSpec{Name: "Test of " + key, Purpose: rapport.Transactional, Template: key,
		Routing: &RoutingInput{Channels: []rapport.Channel{in.Channel}}, Settings: &SendSettings{Sandbox: in.Sandbox}}}, idem)
}
