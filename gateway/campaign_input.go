package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"

	"rapport"
)

// SendSpec is what a campaign and a single message have in common.
type SendSpec struct {
	Name            string          `json:"name,omitempty" maxLength:"200" doc:"For people."`
	Purpose         rapport.Purpose `json:"purpose" enum:"marketing,transactional" doc:"Why it is sent: mandatory, never guessed."`
	Topic           string          `json:"topic,omitempty" maxLength:"100" doc:"Subject that people can choose. Empty: the template's."`
	Template        string          `json:"template" maxLength:"128" doc:"Key of the template; its current version is pinned."`
	Data            map[string]any  `json:"data,omitempty" doc:"Variables data.* for everyone."`
	Routing         *RoutingInput   `json:"routing,omitempty"`
	SendAt          *time.Time      `json:"send_at,omitempty" doc:"Not before. Default: now."`
	SendWindow      *WindowInput    `json:"send_window,omitempty"`
	ExpiresAt       *time.Time      `json:"expires_at,omitempty" doc:"What has not been sent by then is closed as expired."`
	CancellationKey string          `json:"cancellation_key,omitempty" maxLength:"200"`
	From            string          `json:"from,omitempty" maxLength:"320" doc:"Email sender, instead of the provider's."`
	ReplyTo         string          `json:"reply_to,omitempty" maxLength:"320" doc:"Where answers go, instead of into a thread here."`
	Metadata        map[string]any  `json:"metadata,omitempty" doc:"Kept and shown. track: false switches tracking off."`
	Settings        *SendSettings   `json:"settings,omitempty"`
}

// RoutingInput says how a message finds its channel.
type RoutingInput struct {
	Method        rapport.Method    `json:"method,omitempty" enum:"preferred,fallback,all" default:"preferred"`
	Channels      []rapport.Channel `json:"channels,omitempty" doc:"Allowed channels, in order."`
	EscalateAfter string            `json:"escalate_after,omitempty" doc:"fallback: how long without a delivery receipt before the next channel, as a Go duration."`
}

// WindowInput is when messages may go out.
type WindowInput struct {
	From     string   `json:"from" doc:"HH:MM"`
	Until    string   `json:"until" doc:"HH:MM, exclusive; earlier than from: past midnight."`
	Days     []string `json:"days,omitempty" doc:"mon tue wed thu fri sat sun; empty: every day."`
	Timezone string   `json:"timezone,omitempty" doc:"recipient (default) or an IANA name."`
}

// SendSettings change how it is carried out.
type SendSettings struct {
	DryRun  bool `json:"dry_run,omitempty" doc:"Decide and render everything, keep and send nothing."`
	Sandbox bool `json:"sandbox,omitempty" doc:"Send to the built-in simulator instead of the providers."`
}

// campaign checks a spec and makes the campaign row of it: the template pinned, the topic known. path is
// where the spec stands in the request. newTopic: nobody has used the topic before.
func (g *Gateway) campaign(ctx context.Context, by Caller, kind rapport.CampaignKind, in *SendSpec) (c *rapport.Campaign, newTopic bool, err error) {
	var wrong []rapport.FieldError
	bad := func(path, format string, args ...any) {
		wrong = append(wrong, rapport.FieldError{Path: path, Message: fmt.Sprintf(format, args...)})
	}
	now := g.now()
	c = &rapport.Campaign{ID: g.Store.NewID(), Kind: kind, Name: strings.TrimSpace(in.Name), Purpose: in.Purpose, Topic: in.Topic,
		CancellationKey: in.CancellationKey, From: in.From, ReplyTo: in.ReplyTo, Key: by.Key, CreatedAt: now, Owner: g.Worker()}
	if in.Purpose != rapport.Marketing && in.Purpose != rapport.Transactional {
		bad("purpose", "must be marketing or transactional")
	}
	if in.Topic != "" && !validKey(in.Topic) {
		bad("topic", "is not a topic key: %s", keyRule)
	}
	type field struct{ path, text string }
	for _, f := range [...]field{{"name", in.Name}, {"cancellation_key", in.CancellationKey}} {
		if strings.IndexFunc(f.text, unicode.IsControl) >= 0 || len(f.text) > 200 {
			bad(f.path, "holds control characters or is longer than 200 bytes")
		}
	}
	for _, f := range [...]field{{"from", in.From}, {"reply_to", in.ReplyTo}} {
		if f.text == "" {
			continue
		}
		if a, err := mail.ParseAddress(f.text); err != nil || strings.IndexFunc(f.text, unicode.IsControl) >= 0 || len(a.Address) > 254 {
			bad(f.path, "is not a mailbox such as Name <name@example.com>")
		}
	}
	g.routing(c, in.Routing, bad)
	c.Window = g.window(in.SendWindow, bad)
	if in.SendAt != nil {
		c.SendAt = in.SendAt.UTC()
	}
	if in.ExpiresAt != nil {
		c.ExpiresAt = in.ExpiresAt.UTC()
		if !c.ExpiresAt.After(now) || !c.SendAt.IsZero() && !c.ExpiresAt.After(c.SendAt) {
			bad("expires_at", "must lie in the future, after send_at")
		}
	}
	if in.Settings != nil {
		c.DryRun, c.Sandbox = in.Settings.DryRun, in.Settings.Sandbox
	}
	c.Data = object("data", in.Data, bad)
	c.Metadata = object("metadata", in.Metadata, bad)
	topic, err := g.pin(ctx, c, in.Template, bad)
	if err != nil {
		return nil, false, err
	}
	if c.Topic == "" {
		c.Topic = topic
	}
	if c.Topic == "" && c.Purpose == rapport.Marketing {
		bad("topic", "is needed for marketing: it is what people consent to")
	}
	if len(wrong) > 0 {
		return nil, false, &rapport.Error{Code: rapport.CodeInvalid, Message: "The request is not valid.", Fields: wrong}
	}
	err = g.topic(ctx, c, &newTopic)
	return c, newTopic, err
}

// pin finds the template's current version and returns the topic that it names.
func (g *Gateway) pin(ctx context.Context, c *rapport.Campaign, key string, bad func(string, string, ...any)) (topic string, err error) {
	if key == "" {
		bad("template", "is required")
		return "", nil
	}
	cur, err := g.current.get(ctx, key)
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		bad("template", "there is no template %q", key)
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if cur.archived {
		bad("template", "%q is archived", key)
		return "", nil
	}
	c.Template, c.TemplateKey, c.TemplateVersion = cur.id, key, cur.version
	return cur.topic, nil
}

// pinned is what a campaign keeps of the current version of a template.
type pinned struct {
	id       rapport.ID
	version  int
	topic    string
	archived bool
}

func (g *Gateway) pinned(ctx context.Context, key string) (pinned, error) {
	v, err := g.Store.CurrentTemplate(ctx, key)
	if err != nil {
		return pinned{}, err
	}
	var src struct{ Topic string }
	if err := json.Unmarshal([]byte(v.Source), &src); err != nil {
		return pinned{}, fmt.Errorf("reading template %q: %w", key, err)
	}
	return pinned{v.ID, v.Version, src.Topic, !v.Archived.IsZero()}, nil
}

// topic makes sure that the campaign's topic allows it. One that does not exist is created when the campaign
// is accepted, and not by a request that is refused in the end.
func (g *Gateway) topic(ctx context.Context, c *rapport.Campaign, isNew *bool) error {
	if c.Topic == "" {
		return nil
	}
	t, err := g.topics.get(ctx, c.Topic)
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		*isNew, t, err = true, rapport.Topic{Policy: g.set.DefaultPolicy}, nil
	}
	if err != nil {
		return err
	}
	if c.Purpose == rapport.Marketing && t.Policy == rapport.NoPolicy {
		return rapport.Invalid("topic", "topic %q is for transactional messages only (policy none)", c.Topic)
	}
	return nil
}

func (g *Gateway) routing(c *rapport.Campaign, in *RoutingInput, bad func(string, string, ...any)) {
	c.Routing.Method = rapport.Preferred
	if in == nil {
		return
	}
	switch in.Method {
	case "":
	case rapport.Preferred, rapport.Fallback, rapport.All:
		c.Routing.Method = in.Method
	default:
		bad("routing.method", "must be preferred, fallback or all")
	}
	seen := map[rapport.Channel]bool{}
	for i, ch := range in.Channels {
		if !rapport.ValidChannel(ch) || seen[ch] {
			bad(fmt.Sprintf("routing.channels[%d]", i), "must be one of %v, each once", rapport.Channels)
		}
		seen[ch] = true
	}
	c.Routing.Channels = in.Channels
	if in.EscalateAfter != "" {
		d, err := time.ParseDuration(in.EscalateAfter)
		if err != nil || d < time.Second || d > 30*24*time.Hour {
			bad("routing.escalate_after", "must be a duration from 1s to 720h, such as 4h")
		}
		c.Routing.EscalateAfter = d
	}
}

var weekdays = map[string]time.Weekday{"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}

func (g *Gateway) window(in *WindowInput, bad func(string, string, ...any)) *rapport.SendWindow {
	if in == nil {
		return nil
	}
	w := &rapport.SendWindow{Zone: in.Timezone}
	var ok bool
	if w.From, ok = clock(in.From); !ok {
		bad("send_window.from", "must be HH:MM")
	}
	if w.Until, ok = clock(in.Until); !ok {
		bad("send_window.until", "must be HH:MM")
	}
	for i, d := range in.Days {
		n, ok := weekdays[strings.ToLower(d)]
		if !ok {
			bad(fmt.Sprintf("send_window.days[%d]", i), "must be one of mon tue wed thu fri sat sun")
		}
		w.Days |= 1 << n
	}
	if w.Zone == "" {
		w.Zone = "recipient"
	}
	if w.Zone != "recipient" {
		if _, err := zone(w.Zone); err != nil || w.Zone == "Local" {
			bad("send_window.timezone", "is neither recipient nor an IANA time zone")
		}
	}
	return w
}

// clock reads "HH:MM" as minutes after midnight.
func clock(s string) (int, bool) {
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != 5 {
		return 0, false
	}
	return t.Hour()*60 + t.Minute(), true
}

func object(path string, m map[string]any, bad func(string, string, ...any)) json.RawMessage {
	if len(m) == 0 {
		return nil
	}
	b, err := json.Marshal(m)
	if err != nil || len(b) > 256<<10 {
		bad(path, "must be a JSON object of at most 256 KiB")
	}
	return b
}
