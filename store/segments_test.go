package store_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

// person is a customer as a filter sees them, in plain Go.
type person struct {
	id                         rapport.ID
	locale, audience, timezone string
	created                    time.Time
	attributes                 map[string]any
	channels                   []rapport.Channel
	consents                   []rapport.Consent // the newest last
	reply, message             time.Time
	events                     []rapport.Event
}

// chosen says what a filter means, without SQL.
func (p *person) chosen(f *rapport.Filter, now time.Time) bool {
	any := func(list []*rapport.Filter) bool {
		return slices.ContainsFunc(list, func(f *rapport.Filter) bool { return p.chosen(f, now) })
	}
	switch {
	case len(f.All) > 0:
		return !slices.ContainsFunc(f.All, func(f *rapport.Filter) bool { return !p.chosen(f, now) })
	case len(f.Any) > 0:
		return any(f.Any)
	case f.Not != nil:
		return !p.chosen(f.Not, now)
	}
	moment := func(t time.Time) bool {
		switch f.Op {
		case "within":
			return !t.IsZero() && !t.Before(now.Add(-f.Span))
		case "beyond":
			return !t.IsZero() && t.Before(now.Add(-f.Span))
		case "after":
			return t.After(f.At)
		case "before":
			return !t.IsZero() && t.Before(f.At)
		}
		return !t.IsZero()
	}
	switch f.Field {
	case "locale", "audience", "timezone":
		own := map[string]string{"locale": p.locale, "audience": p.audience, "timezone": p.timezone}[f.Field]
		return f.Op == "exists" && own != "" || slices.Contains(f.Values, interface{}(own))
	case "created_at":
		return moment(p.created)
	case "last_reply":
		return moment(p.reply)
	case "last_message":
		return moment(p.message)
	case "channel":
		return slices.Contains(p.channels, f.Channel)
	case "consent":
		state := "none"
		for _, c := range p.consents {
			if c.Purpose == rapport.Marketing && c.Channel == f.Channel && (c.Topic == "" || c.Topic == f.Topic) {
				state = map[bool]string{true: "granted", false: "withdrawn"}[c.Granted]
			}
		}
		return state == f.Values[0]
	case "event":
		n := 0
		for _, e := range p.events {
			if e.Type == f.Type && (f.Span == 0 || !e.OccurredAt.Before(now.Add(-f.Span))) {
				n++
			}
		}
		return n >= f.Min
	}
	own := p.attributes[f.Name]
	switch f.Op {
	case "exists":
		return own != nil
	case "contains":
		if list, ok := own.([]interface{}); ok {
			return slices.Contains(list, f.Values[0])
		}
		text, ok := own.(string)
		return ok && strings.Contains(text, f.Values[0].(string))
	case "gt", "lt":
		order := 0
		switch want := f.Values[0].(type) {
		case float64:
			own, ok := own.(float64)
			if !ok {
				return false
			}
			order = int(map[bool]float64{true: 1}[own > want] - map[bool]float64{true: 1}[own < want])
		case string:
			own, ok := own.(string)
			if !ok {
				return false
			}
			order = strings.Compare(own, want)
		}
		return f.Op == "gt" && order > 0 || f.Op == "lt" && order < 0
	}
	return own != nil && slices.ContainsFunc(f.Values, func(v interface{}) bool {
		_, isList := own.([]interface{})
		_, isMap := own.(map[string]interface{})
		return !isList && !isMap && v == own
	})
}

// names and values that JSON, SQL and their paths have signs of their own for.
var (
	oddKeys   = []string{"plan", "$.x", `a"b`, "a.b", "ё", "<&>", "0", "it's"}
	oddValues = []any{"gold", "Gold", "", "a%b", "<b>&amp;", "Ёлка", "ёлка 2", "z", `"`, `\`, 0.0, 1.0, -2.5, 1e9, 12345678.0, true, false, nil, []any{"gold", "x"}, []any{1.0}, []any{}, map[string]any{"a": "gold"}}
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// randomFilter is the text of a filter.
func randomFilter(r *rand.Rand, depth int) map[string]any {
	if depth > 0 && r.IntN(2) == 0 {
		var list []any
		for range 1 + r.IntN(3) {
			list = append(list, randomFilter(r, depth-1))
		}
		return pick(r, []map[string]any{{"all": list}, {"any": list}, {"not": list[0]}})
	}
	scalar := func() any {
		for {
			switch v := pick(r, oddValues).(type) {
			case string, float64, bool:
				return v
			}
		}
	}
	text := func() string { return pick(r, []string{"gold", "G", "%", "<", "ё", "Ёлка", `"`, "2"}) }
	moment := func(field string) map[string]any {
		return pick(r, []map[string]any{{"field": field, "op": "within", "value": "48h"}, {"field": field, "op": "beyond", "value": "3d"}, {"field": field, "op": "after", "value": "2026-02-26T00:00:00Z"}, {"field": field, "op": "before", "value": "2026-02-27T12:00:00Z"}})
	}
	switch r.IntN(9) {
	case 0:
		return pick(r, []map[string]any{{"field": "locale", "op": "eq", "value": "lv"}, {"field": "locale", "op": "in", "value": []any{"en", "ru"}}, {"field": "timezone", "op": "exists"}, {"field": "audience", "op": "in", "value": []any{"partner"}}})
	case 1:
		return moment("created_at")
	case 2:
		return pick(r, []map[string]any{moment("last_reply"), {"field": "last_reply", "op": "exists"}})
	case 3:
		return pick(r, []map[string]any{moment("last_message"), {"field": "last_message", "op": "exists"}})
	case 4:
		return map[string]any{"field": "channel", "channel": pick(r, []string{"email", "sms", "telegram"})}
	case 5:
		return map[string]any{"field": "consent", "channel": pick(r, []string{"email", "sms"}), "topic": pick(r, []string{"news", "", "other"}), "value": pick(r, []string{"granted", "withdrawn", "none"})}
	case 6:
		f := map[string]any{"field": "event", "type": pick(r, []string{"order", "visit"}), "min": 1 + r.IntN(3)}
		if r.IntN(2) == 0 {
			f["within"] = "48h"
		}
		return f
	}
	f := map[string]any{"field": "attribute", "name": pick(r, oddKeys), "op": pick(r, []string{"eq", "in", "exists", "contains", "gt", "lt"})}
	switch f["op"] {
	case "eq":
		f["value"] = scalar()
	case "in":
		f["value"] = []any{scalar(), scalar()}
	case "contains":
		f["value"] = text()
	case "gt", "lt":
		f["value"] = pick(r, []any{text(), float64(r.IntN(5) - 2), 1e8})
	}
	return f
}

func TestSegments_ChooseWhomPlainGoChooses(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	for _, url := range urls(t) {
		clock := &clock{}
		clock.set(time.Date(2026, 2, 25, 0, 0, 0, 0, time.UTC))
		s := storetest.Open(t, url, clock.now)
		db := raw(t, url)
		r := rand.New(rand.NewPCG(seed, 1))
		var people []*person
		for i := range 80 {
			p := &person{locale: pick(r, []string{"", "en", "lv", "ru"}), audience: pick(r, []string{"customer", "partner"}), timezone: pick(r, []string{"", "Europe/Riga"}), attributes: map[string]any{}}
			for range r.IntN(5) {
				p.attributes[pick(r, oddKeys)] = pick(r, oddValues)
			}
			attributes, err := json.Marshal(p.attributes)
			if err != nil {
				t.Fatal(err)
			}
			clock.set(time.Date(2026, 2, 25, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.IntN(72)) * time.Hour))
			p.created = clock.now()
			patch := store.CustomerPatch{ExternalID: fmt.Sprint(i), Locale: &p.locale, Audience: &p.audience, Timezone: &p.timezone, Attributes: attributes}
			for _, c := range []rapport.Channel{rapport.Email, rapport.SMS} {
				if r.IntN(2) == 0 {
					patch.Addresses = append(patch.Addresses, store.AddressPatch{Channel: c, Value: fmt.Sprintf("%s-%d@shop.example", c, i)})
					p.channels = append(p.channels, c)
				}
			}
			p.id = upsert(t, s, patch)[0]
			for range r.IntN(4) {
				p.consents = append(p.consents, rapport.Consent{Customer: p.id, Channel: pick(r, []rapport.Channel{rapport.Email, rapport.SMS}), Purpose: pick(r, []rapport.Purpose{rapport.Marketing, rapport.Transactional}), Topic: pick(r, []string{"", "news"}), Granted: r.IntN(2) == 0, Source: "test", At: clock.now()})
				clock.pass(time.Duration(r.IntN(2)) * time.Minute)
			}
			if err := s.AddConsents(ctx, p.consents); err != nil {
				t.Fatal(err)
			}
			if r.IntN(3) == 0 {
				th := thread(t, s, rapport.Thread{Customer: p.id, Address: p.id})
				clock.pass(time.Duration(r.IntN(40)) * time.Hour)
				e := rapport.Entry{Thread: th.ID, Customer: p.id, Kind: pick(r, []rapport.EntryKind{rapport.Inbound, rapport.Note}), Text: "x"}
				if err := s.AddEntry(ctx, &e); err != nil {
					t.Fatal(err)
				}
				if e.Kind == rapport.Inbound {
					p.reply = e.CreatedAt
				}
			}
			for k := range r.IntN(4) {
				p.events = append(p.events, rapport.Event{ExternalID: fmt.Sprint(i, k), Customer: p.id, Type: pick(r, []string{"order", "visit"}), OccurredAt: clock.now(), Properties: json.RawMessage(`{}`)})
				clock.pass(time.Duration(r.IntN(20)) * time.Hour)
			}
			if _, err := s.InsertEvents(ctx, p.events); err != nil {
				t.Fatal(err)
			}
			if r.IntN(2) == 0 {
				p.message = clock.now()
				_, err := db.Exec(fmt.Sprintf(`INSERT INTO messages (id, campaign_id, customer_id, address_id, batch_id, epoch, due_at, window_end, expires_at, updated_at, state, channel, sent_at)
					VALUES (%d, 1, %d, 1, 1, 0, 0, 0, 0, 0, 4, 'sms', %d)`, i+1, p.id, p.message.UnixMilli()))
				if err != nil {
					t.Fatal(err)
				}
			}
			people = append(people, p)
		}
		slices.SortFunc(people, func(a, b *person) int { return int(a.id - b.id) })
		clock.set(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		some := 0
		for range 300 {
			text, err := json.Marshal(randomFilter(r, 3))
			if err != nil {
				t.Fatal(err)
			}
			f, err := rapport.ParseFilter(text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			want, got := []rapport.ID{}, []rapport.ID{}
			for _, p := range people {
				if p.chosen(f, clock.now()) {
					want = append(want, p.id)
				}
			}
			for after, more := rapport.ID(0), true; more; {
				var page []rapport.ID
				if page, after, more, err = s.MatchingAfter(ctx, f, clock.now(), after, 40); err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				got = append(got, page...)
			}
			n, err := s.CountMatching(ctx, f, clock.now())
			if err != nil || !slices.Equal(got, want) || n != int64(len(want)) {
				t.Fatalf("%s, seed %d: %s chooses %d (counted %d), want %d, %v\n%v\n%v", s.Engine(), seed, text, len(got), n, len(want), err, got, want)
			}
			if n > 0 && int(n) < len(people) {
				some++
			}
		}
		if some < 75 {
			t.Errorf("%s: only %d filters chose some", s.Engine(), some)
		}
	}
}

func TestSegments_AreKeptWithTheirVersions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		g := store.Segment{Key: "loyal", Name: "Loyal", Filter: json.RawMessage(`{"field":"locale","op":"exists"}`)}
		if err := s.CreateSegment(ctx, &g); err != nil {
			t.Fatal(err)
		}
		if err := s.CreateSegment(ctx, &store.Segment{Key: "loyal", Filter: g.Filter}); !s.Duplicate(err) {
			t.Errorf("the same key twice: %v", err)
		}
		for want, filter := range []string{1: string(g.Filter), 2: `{"field":"timezone","op":"exists"}`} {
			if want == 0 {
				continue
			}
			if got, err := s.ChangeSegment(ctx, g.ID, "Other", json.RawMessage(filter)); err != nil || got.Version != want || got.Name != "Other" || string(got.Filter) != filter {
				t.Errorf("%+v, %v", got, err)
			}
		}
		for _, ref := range []string{"loyal", rapport.KindSegment.Format(g.ID)} {
			if got, err := s.FindSegment(ctx, ref); err != nil || got.ID != g.ID {
				t.Errorf("%s: %+v, %v", ref, got, err)
			}
		}
		code(t, second(s.FindSegment(ctx, "\x00")), rapport.CodeNotFound)
		code(t, second(s.ChangeSegment(ctx, 5, "x", g.Filter)), rapport.CodeNotFound)
		if rows, next, err := s.Segments(ctx, store.Page{Limit: 5}); err != nil || len(rows) != 1 || next != 0 {
			t.Error(rows, next, err)
		}
		if ok, err := s.DropSegment(ctx, g.ID); !ok || err != nil {
			t.Error(ok, err)
		}
	})
}
