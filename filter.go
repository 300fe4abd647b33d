package rapport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Filter chooses customers. It is a tree: All, Any and Not hold others, a leaf asks one thing.
type Filter struct {
	All, Any []*Filter
	Not      *Filter

	Field   string
	Op      string
	Name    string        // of an attribute
	Channel Channel       // of channel and consent
	Topic   string        // of consent; empty: said about no topic in particular
	Type    string        // of an event
	Min     int           // event: so often
	Span    time.Duration // within, beyond; of an event 0: ever
	At      time.Time     // after, before
	Values  []any         // strings, float64s, bools
}

// Bounds of a filter.
const (
	MaxFilterBytes  = 16 << 10
	maxFilterDepth  = 8
	maxFilterLeaves = 60
	maxFilterValues = 100
	maxFilterText   = 200
)

// filterFields says which operators a field has.
var filterFields = map[string][]string{
	"locale": {"eq", "in", "exists"}, "audience": {"eq", "in"}, "timezone": {"eq", "in", "exists"},
	"created_at": {"within", "beyond", "after", "before"}, "last_reply": {"within", "beyond", "after", "before", "exists"}, "last_message": {"within", "beyond", "after", "before", "exists"},
	"channel": {"has"}, "consent": {"is"}, "attribute": {"eq", "in", "exists", "contains", "gt", "lt"}, "event": {"happened"},
}

// ParseFilter reads a filter. What cannot be right comes back as one CodeInvalid error with the path of the first place,
// beginning with filter.
func ParseFilter(text json.RawMessage) (*Filter, error) {
	if len(text) > MaxFilterBytes {
		return nil, Invalid("filter", "is longer than %d bytes", MaxFilterBytes)
	}
	if !utf8.Valid(text) {
		return nil, Invalid("filter", "holds broken UTF-8")
	}
	p := filterParser{}
	f, err := p.node("filter", text, 1)
	if err != nil {
		return nil, err
	}
	return f, nil
}

type filterParser struct{ leaves int }

func (p *filterParser) node(path string, text json.RawMessage, depth int) (*Filter, error) {
	if depth > maxFilterDepth {
		return nil, Invalid(path, "is nested more than %d deep", maxFilterDepth)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return nil, Invalid(path, "must be an object")
	}
	for _, name := range []string{"all", "any", "not"} {
		if part, ok := members[name]; ok {
			if len(members) > 1 {
				return nil, Invalid(path, "%s stands alone", name)
			}
			return p.branch(path+"."+name, name, part, depth)
		}
	}
	if p.leaves++; p.leaves > maxFilterLeaves {
		return nil, Invalid("filter", "asks more than %d things", maxFilterLeaves)
	}
	return p.leaf(path, members)
}

func (p *filterParser) branch(path, name string, text json.RawMessage, depth int) (*Filter, error) {
	if name == "not" {
		f, err := p.node(path, text, depth+1)
		return &Filter{Not: f}, err
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(text, &parts); err != nil || len(parts) == 0 || len(parts) > maxFilterLeaves {
		return nil, Invalid(path, "must be a list of 1 to %d filters", maxFilterLeaves)
	}
	list := make([]*Filter, len(parts))
	for i, part := range parts {
		f, err := p.node(fmt.Sprintf("%s[%d]", path, i), part, depth+1)
		if err != nil {
			return nil, err
		}
		list[i] = f
	}
	if name == "all" {
		return &Filter{All: list}, nil
	}
	return &Filter{Any: list}, nil
}

// leafText is a leaf as it is written.
type leafText struct {
	Field   string          `json:"field"`
	Op      string          `json:"op"`
	Value   json.RawMessage `json:"value"`
	Name    string          `json:"name"`
	Channel Channel         `json:"channel"`
	Topic   string          `json:"topic"`
	Type    string          `json:"type"`
	Min     *int            `json:"min"`
	Within  string          `json:"within"`
}

// leafMembers are those that a field takes besides field, op and value.
var leafMembers = map[string][]string{"channel": {"channel"}, "consent": {"channel", "topic"}, "attribute": {"name"}, "event": {"type", "min", "within"}}

func (p *filterParser) leaf(path string, members map[string]json.RawMessage) (*Filter, error) {
	whole, err := json.Marshal(members)
	if err != nil {
		return nil, Invalid(path, "is not JSON")
	}
	var in leafText
	d := json.NewDecoder(bytes.NewReader(whole))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, Invalid(path, "is not a question of a filter: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	ops, ok := filterFields[in.Field]
	if !ok {
		return nil, Invalid(path+".field", "%.40q is none of attribute, audience, channel, consent, created_at, event, last_message, last_reply, locale, timezone", in.Field)
	}
	if in.Op == "" && len(ops) == 1 {
		in.Op = ops[0]
	}
	if !slices.Contains(ops, in.Op) {
		return nil, Invalid(path+".op", "of %s must be one of %s", in.Field, strings.Join(ops, ", "))
	}
	for name := range members {
		known := name == "field" || name == "op" || name == "value" && in.Field != "channel" && in.Field != "event" && in.Op != "exists" || slices.Contains(leafMembers[in.Field], name)
		if !known {
			return nil, Invalid(path+"."+name, "does not belong to %s %s", in.Field, in.Op)
		}
	}
	f := &Filter{Field: in.Field, Op: in.Op, Name: in.Name, Channel: in.Channel, Topic: in.Topic, Type: in.Type, Min: 1}
	for _, t := range []struct{ member, text string }{{"name", in.Name}, {"topic", in.Topic}, {"type", in.Type}} {
		if utf8.RuneCountInString(t.text) > maxFilterText || strings.IndexByte(t.text, 0) >= 0 {
			return nil, Invalid(path+"."+t.member, "is longer than %d characters, or holds NUL", maxFilterText)
		}
	}
	switch in.Field {
	case "channel", "consent":
		if !ValidChannel(in.Channel) {
			return nil, Invalid(path+".channel", "must be one of %v", Channels)
		}
		if in.Field == "consent" {
			return f, p.oneOf(path, in.Value, f, "granted", "withdrawn", "none")
		}
	case "attribute":
		if in.Name == "" {
			return nil, Invalid(path+".name", "is required")
		}
		return f, p.attribute(path, in.Value, f)
	case "event":
		if in.Type == "" {
			return nil, Invalid(path+".type", "is required")
		}
		if in.Min != nil {
			f.Min = *in.Min
		}
		if f.Min < 1 || f.Min > 1000 {
			return nil, Invalid(path+".min", "must be from 1 to 1000")
		}
		if in.Within != "" {
			return f, p.span(path+".within", in.Within, f)
		}
	case "audience":
		return f, p.texts(path, in.Value, f, "customer", "employee", "partner", "shareholder")
	case "locale", "timezone":
		return f, p.texts(path, in.Value, f)
	default:
		return f, p.moment(path, in.Value, f)
	}
	return f, nil
}

func (p *filterParser) oneOf(path string, value json.RawMessage, f *Filter, known ...string) error {
	var text string
	if err := json.Unmarshal(value, &text); err != nil || !slices.Contains(known, text) {
		return Invalid(path+".value", "must be one of %s", strings.Join(known, ", "))
	}
	f.Values = []any{text}
	return nil
}

// texts reads one text, or of in a list; known, when there are any, are all that can be meant.
func (p *filterParser) texts(path string, value json.RawMessage, f *Filter, known ...string) error {
	if err := p.values(path, value, f); err != nil {
		return err
	}
	for _, v := range f.Values {
		text, ok := v.(string)
		if !ok || len(known) > 0 && !slices.Contains(known, text) {
			if len(known) > 0 {
				return Invalid(path+".value", "must be one of %s", strings.Join(known, ", "))
			}
			return Invalid(path+".value", "must be text")
		}
	}
	return nil
}

// values reads what eq compares with, or in.
func (p *filterParser) values(path string, value json.RawMessage, f *Filter) error {
	path += ".value"
	if f.Op == "exists" {
		return nil
	}
	if len(value) == 0 {
		return Invalid(path, "is required")
	}
	if f.Op == "in" {
		if err := json.Unmarshal(value, &f.Values); err != nil || len(f.Values) == 0 || len(f.Values) > maxFilterValues {
			return Invalid(path, "must be a list of 1 to %d values", maxFilterValues)
		}
	} else {
		f.Values = make([]any, 1)
		if err := json.Unmarshal(value, &f.Values[0]); err != nil {
			return Invalid(path, "cannot be compared with")
		}
	}
	for _, v := range f.Values {
		switch v := v.(type) {
		case string:
			if utf8.RuneCountInString(v) > maxFilterText || strings.IndexByte(v, 0) >= 0 {
				return Invalid(path, "is longer than %d characters, or holds NUL", maxFilterText)
			}
		case bool:
		case float64:
			if math.Abs(v) > 1<<53 {
				return Invalid(path, "is a number that is too large")
			}
		default:
			return Invalid(path, "must be text, a number, true or false")
		}
	}
	return nil
}

func (p *filterParser) attribute(path string, value json.RawMessage, f *Filter) error {
	if err := p.values(path, value, f); err != nil || f.Op == "exists" {
		return err
	}
	text, isText := f.Values[0].(string)
	_, isBool := f.Values[0].(bool)
	switch {
	case f.Op == "contains" && (!isText || text == ""):
		return Invalid(path+".value", "of contains must be text")
	case (f.Op == "gt" || f.Op == "lt") && isBool:
		return Invalid(path+".value", "of %s must be a number or text", f.Op)
	}
	return nil
}

func (p *filterParser) moment(path string, value json.RawMessage, f *Filter) error {
	if f.Op == "exists" {
		return nil
	}
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return Invalid(path+".value", "must be text")
	}
	if f.Op == "within" || f.Op == "beyond" {
		return p.span(path+".value", text, f)
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Year() < 1970 || t.Year() > 9000 {
		return Invalid(path+".value", "must be a time such as 2026-01-31T00:00:00Z")
	}
	f.At = t.UTC()
	return nil
}

func (p *filterParser) span(path, text string, f *Filter) error {
	days, isDays := strings.CutSuffix(text, "d")
	span, err := time.ParseDuration(text)
	if n, err2 := strconv.Atoi(days); isDays && err2 == nil && n <= 36500 {
		span, err = time.Duration(n)*24*time.Hour, nil
	}
	if err != nil || span < time.Second || span > 36500*24*time.Hour {
		return Invalid(path, "must be a span such as 720h or 30d")
	}
	f.Span = span
	return nil
}
