package rapport

import (
	"encoding/json"
	"slices"
	"time"
)

// Side is one of two customers that are to become one, with all that a merge looks at.
type Side struct {
	Customer
	Track    bool // opens and clicks may be recorded
	Consents []Consent
}

// Choice is a field in which two customers differ, and what becomes of it.
type Choice struct {
	Field  string `json:"field"`
	From   string `json:"from"`
	Into   string `json:"into"`
	Result string `json:"result"`
	Winner string `json:"winner"` // from, into or both
}

// Union is what the survivor of a merge is made.
type Union struct {
	Customer Customer // the survivor's own fields; not addresses and preferences
	Track    bool
	Prefs    []Preference // that the survivor gets or that change
	Consents []Consent    // that are said again for the survivor
	Choices  []Choice
}

// Unite says what becomes of into when from is merged into it. It is pure. What into has said of itself wins, what it has not
// said comes from from; of what permits and forbids the stricter wins: a withdrawn consent, a topic switched off, the lower
// cap, no tracking. A suppression stands with its address, and is nobody's here.
func Unite(from, into Side, now time.Time) Union {
	u := Union{Customer: into.Customer, Track: into.Track && from.Track}
	c := &u.Customer
	for _, f := range []struct {
		name string
		from string
		into *string
	}{{"name", from.Name, &c.Name}, {"locale", from.Locale, &c.Locale}, {"timezone", from.Timezone, &c.Timezone}} {
		had := *f.into
		if had == "" {
			*f.into = f.from
		}
		u.choose(f.name, f.from, had, *f.into)
	}
	u.choose("external_id", from.ExternalID, into.ExternalID, into.ExternalID)
	u.choose("audience", from.Audience, into.Audience, into.Audience)
	if len(c.Order) == 0 {
		c.Order = from.Order
	}
	u.choose("channel_order", text(from.Order), text(into.Order), text(c.Order))
	if c.Quiet == nil {
		c.Quiet = from.Quiet
	}
	u.choose("quiet_hours", text(from.Quiet), text(into.Quiet), text(c.Quiet))
	if from.Cap != nil && (c.Cap == nil || stricter(*from.Cap, *c.Cap)) {
		c.Cap = from.Cap
	}
	u.choose("frequency_cap", text(from.Cap), text(into.Cap), text(c.Cap))
	u.choose("tracking", text(from.Track), text(into.Track), text(u.Track))
	u.attributes(from.Attributes, into.Attributes)
	u.preferences(from.Prefs, into.Prefs)
	u.consents(from, into, now)
	return u
}

func (u *Union) choose(field, from, into, result string) {
	if from == into || from == "" || from == "null" {
		return
	}
	winner := "into"
	if result == from {
		winner = "from"
	} else if result != into {
		winner = "both"
	}
	u.Choices = append(u.Choices, Choice{field, from, into, result, winner})
}

func text(v any) string {
	b, _ := json.Marshal(v) // of plain values: cannot fail
	if string(b) == "null" {
		return ""
	}
	return string(b)
}

// stricter tells whether a lets fewer messages through than b.
func stricter(a, b Cap) bool {
	return float64(a.Max)*float64(b.Per) < float64(b.Max)*float64(a.Per)
}

func (u *Union) attributes(from, into json.RawMessage) {
	theirs, ours := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if json.Unmarshal(from, &theirs) != nil || json.Unmarshal(into, &ours) != nil || len(theirs) == 0 {
		return
	}
	if ours == nil {
		ours = map[string]json.RawMessage{}
	}
	added := false
	for _, k := range sortedKeys(theirs) {
		had, ok := ours[k]
		if !ok {
			ours[k], added = theirs[k], true
		}
		u.choose("attributes."+k, string(theirs[k]), string(had), string(ours[k]))
	}
	if added {
		u.Customer.Attributes, _ = json.Marshal(ours) // of what was just read: cannot fail
	}
}

func sortedKeys(m map[string]json.RawMessage) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (u *Union) preferences(from, into []Preference) {
	for _, p := range from {
		i := slices.IndexFunc(into, func(o Preference) bool { return o.Topic == p.Topic && o.Channel == p.Channel })
		if i < 0 || into[i].Enabled && !p.Enabled {
			u.Prefs = append(u.Prefs, p)
		}
		if i >= 0 {
			u.choose("preferences."+p.Topic+"."+string(p.Channel), text(p.Enabled), text(into[i].Enabled), text(p.Enabled && into[i].Enabled))
		}
	}
}

// SourceMerge is the source of a consent that stands for the survivor because the merged customer had said it.
const SourceMerge = "merge"

// consents: what the merged customer has withdrawn is withdrawn now; what they have granted holds where the survivor has said
// nothing about that channel and purpose, with the time and the proof that it was granted with.
func (u *Union) consents(from, into Side, now time.Time) {
	var grants, refusals []Consent
	words := newest(from.Consents)
	for _, k := range newest(into.Consents) { // "no marketing at all" withdraws also what only the survivor has granted
		words = append(words, Consent{Channel: k.Channel, Purpose: k.Purpose, Topic: k.Topic})
	}
	seen := map[Consent]bool{}
	for _, k := range words {
		about := Consent{Channel: k.Channel, Purpose: k.Purpose, Topic: k.Topic}
		if seen[about] {
			continue
		}
		seen[about] = true
		theirs, ours := state(from.Consents, k), state(into.Consents, k)
		said := slices.ContainsFunc(into.Consents, func(c Consent) bool { return c.Channel == k.Channel && c.Purpose == k.Purpose })
		k.ID, k.Customer, k.Source, k.IP = 0, into.ID, SourceMerge, ""
		name := "consents." + string(k.Channel) + "." + string(k.Purpose) + "." + k.Topic
		switch {
		case theirs == ConsentWithdrawn && ours != ConsentWithdrawn:
			k.Granted, k.At = false, now
			refusals = append(refusals, k)
			u.choose(name, "withdrawn", ours.String(), "withdrawn")
		case theirs == ConsentGranted && !said:
			k.Granted = true
			grants = append(grants, k)
			u.choose(name, "granted", ours.String(), "granted")
		case theirs != ours:
			u.choose(name, theirs.String(), ours.String(), ours.String())
		}
	}
	u.Consents = append(grants, refusals...)
}

// String is for people: none, granted, withdrawn, asked.
func (s ConsentState) String() string {
	return [...]string{ConsentNone: "none", ConsentGranted: "granted", ConsentWithdrawn: "withdrawn", ConsentAsked: "asked"}[s]
}

// newest keeps the last word about each channel, purpose and topic, in the order in which they were said.
func newest(all []Consent) (out []Consent) {
	for i, c := range all {
		if !slices.ContainsFunc(all[i+1:], func(o Consent) bool {
			return o.Channel == c.Channel && o.Purpose == c.Purpose && o.Topic == c.Topic && !o.At.Before(c.At)
		}) {
			out = append(out, c)
		}
	}
	return out
}

// state is what the words of one customer come to for the channel, purpose and topic of k: see store.addConsents.
func state(all []Consent, k Consent) ConsentState {
	out, at := ConsentNone, time.Time{}
	for _, c := range all {
		if c.Channel != k.Channel || c.Purpose != k.Purpose || c.Topic != k.Topic && c.Topic != "" || out != ConsentNone && c.At.Before(at) {
			continue
		}
		at = c.At
		if out = ConsentWithdrawn; c.Granted {
			out = ConsentGranted
		}
	}
	return out
}
