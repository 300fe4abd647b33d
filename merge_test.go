package rapport_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rapport"
)

// The union of two never permits what one of them forbade.
func TestUnite_TheStricterWins(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	topics := []string{"", "news", "sale"}
	side := rapid.Custom(func(t *rapid.T) rapport.Side {
		s := rapport.Side{Track: rapid.Bool().Draw(t, "track")}
		s.Attributes = []byte(rapid.SampledFrom([]string{`{}`, `{"a":1}`, `{"a":2,"b":3}`}).Draw(t, "attributes"))
		s.Name = rapid.SampledFrom([]string{"", "Anna", "Eva"}).Draw(t, "name")
		if rapid.Bool().Draw(t, "capped") {
			s.Cap = &rapport.Cap{Max: rapid.IntRange(1, 5).Draw(t, "max"), Per: time.Duration(rapid.IntRange(1, 5).Draw(t, "per")) * time.Hour}
		}
		for range rapid.IntRange(0, 5).Draw(t, "consents") {
			s.Consents = append(s.Consents, rapport.Consent{Channel: rapport.Email, Purpose: rapport.Marketing, Topic: rapid.SampledFrom(topics).Draw(t, "topic"),
				Granted: rapid.Bool().Draw(t, "granted"), At: now.Add(-time.Duration(rapid.IntRange(1, 50).Draw(t, "ago")) * time.Hour)})
		}
		for _, topic := range []string{"*", "news"} {
			if rapid.Bool().Draw(t, "preference") {
				s.Prefs = append(s.Prefs, rapport.Preference{Topic: topic, Channel: rapport.Email, Enabled: rapid.Bool().Draw(t, "on")})
			}
		}
		return s
	})
	// withdrawn is what a claim makes of the words of one customer about a topic: see store.addConsents.
	withdrawn := func(words []rapport.Consent, topic string) bool {
		out, at := false, time.Time{}
		for _, k := range words {
			if (k.Topic == topic || k.Topic == "") && !k.At.Before(at) {
				out, at = !k.Granted, k.At
			}
		}
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		from, into := side.Draw(t, "from"), side.Draw(t, "into")
		u := rapport.Unite(from, into, now)
		words := append(slices.Clone(into.Consents), u.Consents...)
		for _, topic := range topics {
			if (withdrawn(from.Consents, topic) || withdrawn(into.Consents, topic)) && !withdrawn(words, topic) {
				t.Fatalf("topic %q was withdrawn and is granted: %+v", topic, u.Consents)
			}
		}
		prefs := map[string]bool{}
		for _, p := range append(slices.Clone(into.Prefs), u.Prefs...) {
			prefs[p.Topic] = p.Enabled
		}
		for _, p := range append(slices.Clone(from.Prefs), into.Prefs...) {
			if !p.Enabled && prefs[p.Topic] {
				t.Fatalf("%q was off and is on", p.Topic)
			}
		}
		if u.Track && (!from.Track || !into.Track) {
			t.Fatal("who did not want to be tracked is")
		}
		for _, c := range []*rapport.Cap{from.Cap, into.Cap} {
			if c != nil && (u.Customer.Cap == nil || float64(u.Customer.Cap.Max)/float64(u.Customer.Cap.Per) > float64(c.Max)/float64(c.Per)) {
				t.Fatalf("cap %+v of %+v", u.Customer.Cap, c)
			}
		}
		if into.Name != "" && u.Customer.Name != into.Name || into.Name == "" && u.Customer.Name != from.Name {
			t.Fatalf("name %q", u.Customer.Name)
		}
		again := rapport.Unite(from, rapport.Side{Customer: u.Customer, Track: u.Track, Consents: words}, now.Add(time.Hour))
		for _, k := range again.Consents {
			if k.Granted && withdrawn(words, k.Topic) {
				t.Fatal("a second time permits more")
			}
		}
	})
}
