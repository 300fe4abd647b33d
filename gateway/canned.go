package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"rapport"
	"rapport/channels"
	"rapport/store"
	"rapport/templates"
)

// CannedInput is an answer that agents give often.
type CannedInput struct {
	Title  string       `json:"title" minLength:"1" maxLength:"200" doc:"What agents find it by." example:"Where is my order"`
	Bodies []CannedBody `json:"bodies" minItems:"1" maxItems:"50" doc:"One a language."`
}

// CannedBody is the answer in one language.
type CannedBody struct {
	Locale string `json:"locale,omitempty" maxLength:"35" doc:"BCP 47; empty: for every language without a body of its own."`
	Text   string `json:"text" minLength:"1" maxLength:"20000" doc:"Liquid: customer.*, data.*, with data.agent and data.subject of the thread."`
}

// cannedChannel is the kind of template that bodies are compiled as: text for people without any markup.
const cannedChannel = rapport.WhatsApp

// cannedRoots are what a canned reply may read, besides the company.
var cannedRoots = []string{"customer", "data"}

func (in *CannedInput) source() templates.Source {
	var src templates.Source
	for _, b := range in.Bodies {
		src.Variants = append(src.Variants, templates.Variant{Channel: cannedChannel, Locale: b.Locale, Text: b.Text})
	}
	return src
}

// SaveCanned keeps one; fresh tells whether it is new.
func (g *Gateway) SaveCanned(ctx context.Context, by Caller, key string, in CannedInput) (c store.Canned, fresh bool, err error) {
	v := validation{}
	if !validKey(key) {
		v.refuse("key", "must be %s", keyRule)
	}
	if in.Title = strings.TrimSpace(in.Title); in.Title == "" {
		v.refuse("title", "is required")
	}
	v.text("title", in.Title, 200)
	if len(v.errs) > 0 {
		return c, false, invalid(v.errs)
	}
	if _, err := templates.Compile(in.source()); err != nil {
		if refusal, ok := errors.AsType[*rapport.Error](err); ok { // it speaks of templates and their variants
			refusal.Message = "The canned reply is not valid."
			for i := range refusal.Fields {
				refusal.Fields[i].Path = strings.Replace(refusal.Fields[i].Path, "variants", "bodies", 1)
			}
		}
		return c, false, err
	}
	for i, b := range in.Bodies {
		strange, err := templates.Strangers(b.Text, cannedRoots...)
		if err != nil {
			return c, false, err
		}
		if len(strange) > 0 {
			v.refuse(fmt.Sprintf("bodies[%d].text", i), "reads what nothing supplies: %s; there are customer.*, data.*, company.name and company.postal_address", strings.Join(strange, ", "))
		}
	}
	if len(v.errs) > 0 {
		return c, false, invalid(v.errs)
	}
	bodies, err := json.Marshal(in.Bodies)
	if err != nil {
		return c, false, err
	}
	c = store.Canned{Key: key, Title: in.Title, Bodies: bodies}
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		if fresh, err = s.SaveCanned(ctx, &c); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "canned.saved", Subject: key})
	})
	return c, fresh, err
}

// DropCanned deletes one.
func (g *Gateway) DropCanned(ctx context.Context, by Caller, key string) error {
	return g.Store.Tx(ctx, func(s *store.Store) error {
		was, err := s.DropCanned(ctx, key)
		if err != nil {
			return err
		}
		if !was {
			return rapport.NotFound("canned reply")
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "canned.deleted", Subject: key})
	})
}

// CannedRenderInput says for whom a canned reply is rendered.
type CannedRenderInput struct {
	Thread   string          `json:"thread,omitempty" maxLength:"40"`
	Customer string          `json:"customer,omitempty" maxLength:"300" doc:"Instead of thread, for the first word of a conversation: whom it is for; channel is required."`
	Channel  rapport.Channel `json:"channel,omitempty" enum:"email,sms,whatsapp,telegram,webhook" doc:"Default: the thread's."`
	Agent    string          `json:"agent,omitempty" maxLength:"200" doc:"data.agent. Default: the key's name."`
	Data     map[string]any  `json:"data,omitempty" doc:"Values for data.*."`
}

// CannedRendered is a canned reply as it would be sent. What is missing stands in the text as {{ its name }}: a reply that
// still holds it is refused.
type CannedRendered struct {
	Text    string              `json:"text"`
	Locale  string              `json:"locale"`
	Channel rapport.Channel     `json:"channel"`
	Missing []string            `json:"missing" nullable:"false" doc:"Variables that nothing supplies."`
	SMS     *templates.SMSCount `json:"sms,omitempty" doc:"What it would cost as a text message."`
	TooLong bool                `json:"too_long" doc:"No provider of the channel takes a text of this length."`
}

// RenderCanned fills a canned reply in for a thread, in the language of its customer.
func (g *Gateway) RenderCanned(ctx context.Context, by Caller, key string, in CannedRenderInput) (*CannedRendered, error) {
	agent, err := agentOr(in.Agent, by)
	if err != nil {
		return nil, err
	}
	if in.Channel != "" && !rapport.ValidChannel(in.Channel) {
		return nil, rapport.Invalid("channel", "must be one of %s", channelList())
	}
	canned, err := g.Store.Canned(ctx, key)
	if err != nil {
		return nil, err
	}
	t, customer, err := g.saidTo(ctx, in)
	if err != nil {
		return nil, err
	}
	var kept CannedInput
	if err := json.Unmarshal(canned.Bodies, &kept.Bodies); err != nil {
		return nil, fmt.Errorf("reading canned reply %q: %w", key, err)
	}
	person, err := whole(customer)
	if err != nil {
		return nil, err
	}
	data := map[string]any{"agent": agent}
	if t.Subject != "" {
		data["subject"] = t.Subject
	}
	for k, v := range in.Data {
		data[k] = v
	}
	out := &CannedRendered{Channel: in.Channel}
	if out.Channel == "" {
		out.Channel = t.Channel
	}
	roots := map[string]any{"customer": person, "data": data}
	how := templates.Input{Locale: customer.Locale, DefaultLocale: g.set.DefaultLocale, Zone: g.set.DefaultZone, Now: g.now(), Vars: roots, Company: g.set.Company}
	if loc, err := zone(customer.Timezone); err == nil && customer.Timezone != "" {
		how.Zone = loc
	}
	// Once to learn which language is chosen, because only what that one needs is missing.
	body, r, err := kept.render(key, how)
	if err != nil {
		return nil, err
	}
	if bodies := kept.in(r.Locale); len(bodies) < len(kept.Bodies) {
		if body, _, err = (&CannedInput{Bodies: bodies}).render(key, how); err != nil {
			return nil, err
		}
	}
	for _, b := range kept.in(r.Locale) { // saved before they were refused
		strange, err := templates.Strangers(b.Text, cannedRoots...)
		if err != nil {
			return nil, fmt.Errorf("reading canned reply %q: %w", key, err)
		}
		for _, path := range strange {
			if root, _, _ := strings.Cut(path, "."); !slices.Contains(cannedRoots, root) {
				templates.HoldPlace(roots, path)
			}
		}
	}
	for _, path := range body.Missing(roots, map[rapport.Channel]bool{cannedChannel: true}) {
		templates.HoldPlace(roots, path)
	}
	if r, err = body.Render(cannedChannel, how); err != nil {
		return nil, err
	}
	out.Text, out.Locale = strings.TrimSpace(r.Text.String()), r.Locale
	out.Missing = unresolved(out.Text) // of the language that was chosen
	if out.Missing == nil {
		out.Missing = []string{}
	}
	if out.Channel == rapport.SMS {
		n := templates.CountSMS(out.Text)
		out.SMS = &n
	}
	out.TooLong = g.tooLong(out.Channel, out.Text)
	return out, nil
}

func (in *CannedInput) render(key string, how templates.Input) (*templates.Template, *templates.Rendered, error) {
	compiled, err := templates.Compile(in.source())
	if err != nil {
		return nil, nil, fmt.Errorf("reading canned reply %q: %w", key, err)
	}
	t, err := templates.Load("canned/"+key, compiled)
	if err != nil {
		return nil, nil, err
	}
	r, err := t.Render(cannedChannel, how)
	return t, r, err
}

// in are the bodies of a language, else those without one.
func (in *CannedInput) in(locale string) []CannedBody {
	for _, want := range []string{locale, ""} {
		for _, b := range in.Bodies {
			if strings.EqualFold(strings.ReplaceAll(b.Locale, "_", "-"), want) {
				return []CannedBody{b}
			}
		}
	}
	return in.Bodies
}

// tooLong tells whether every provider of a channel refuses a text for its length.
func (g *Gateway) tooLong(ch rapport.Channel, text string) bool {
	content, err := templates.Inline(templates.InlineContent{Text: text})
	if err != nil {
		return false
	}
	r, err := content.Render(ch, templates.Input{})
	if err != nil {
		return true
	}
	route := g.Hub.Route(ch, false)
	o := &channels.Outgoing{To: "-", Text: r.Text}
	return len(route) > 0 && !slices.ContainsFunc(route, func(p *channels.Provider) bool { return p.Caps().Check(o) == nil })
}

// placeholder is Liquid that was not filled in: what stands between its braces, or after the opening ones.
var placeholder = regexp.MustCompile(`\{\{-?\s*([^{}|]{1,100}?)\s*(?:\|[^{}]*)?-?\}\}|(\{[{%][^{}\r\n]{0,60}[%}]{0,2})`)

// unresolved names the Liquid that stands in a text as such.
func unresolved(text string) []string {
	var out []string
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		what := strings.TrimSpace(m[1] + m[2])
		if !slices.Contains(out, what) && len(out) < 20 {
			out = append(out, what)
		}
	}
	slices.Sort(out)
	return out
}

// saidTo is the thread that a canned reply is for, if there is one yet, and its customer.
func (g *Gateway) saidTo(ctx context.Context, in CannedRenderInput) (t rapport.Thread, c *rapport.Customer, err error) {
	if in.Customer != "" {
		switch {
		case in.Thread != "":
			return t, nil, rapport.Invalid("customer", "goes not with thread, which says who it is")
		case in.Channel == "":
			return t, nil, rapport.Invalid("channel", "is required: there is no thread to go by")
		}
		if c, err = g.Store.FindCustomer(ctx, in.Customer); rapport.CodeOf(err) == rapport.CodeNotFound {
			err = rapport.Invalid("customer", "there is no such customer")
		}
		return t, c, err
	}
	id, err := rapport.KindThread.Parse(in.Thread)
	if err != nil {
		return t, nil, rapport.Invalid("thread", "is no thread's id (thr_...)")
	}
	if t, err = g.Store.Thread(ctx, id); err == nil {
		c, err = g.Store.Customer(ctx, t.Customer)
	}
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		err = rapport.Invalid("thread", "there is no such thread")
	}
	return t, c, err
}
