package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rapport"
	"rapport/store"
)

// AddNote keeps a note that only colleagues see, and whom it calls (rapport.Mentions).
func (g *Gateway) AddNote(ctx context.Context, by Caller, thread rapport.ID, text, agent string) (*rapport.Entry, error) {
	if strings.TrimSpace(text) == "" || len(text) > 100_000 || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil, rapport.Invalid("text", "is required, valid UTF-8 of at most 100,000 bytes")
	}
	agent, err := agentOr(agent, by)
	if err != nil {
		return nil, err
	}
	var e *rapport.Entry
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		t, err := s.Thread(ctx, thread)
		if err != nil {
			return err
		}
		if agent, err = s.KeepAgent(ctx, agent); err != nil {
			return err
		}
		e = &rapport.Entry{Thread: t.ID, Customer: t.Customer, Kind: rapport.Note, Channel: t.Channel, Text: text, Author: agent}
		if err := s.AddEntry(ctx, e); err != nil {
			return err
		}
		if err := written(ctx, s, t.ID, agent, "note"); err != nil {
			return err
		}
		return s.AddMentions(ctx, e.ID, rapport.Mentions(text))
	})
	return e, err
}

// agentOr is who acts: the agent that was named, else the key. A session acts as its own agent.
func agentOr(agent string, by Caller) (string, error) {
	agent = agentName(agent)
	v := validation{}
	v.text("agent", agent, 200)
	if len(v.errs) > 0 {
		return "", invalid(v.errs)
	}
	if err := by.Self(agent); err != nil {
		return "", err
	}
	if agent == "" || by.Agent != 0 {
		agent = by.Name
	}
	return agent, nil
}

// As is the same caller in an agent's name, if one is given: what is done is noted as theirs.
func (c Caller) As(agent string) (Caller, error) {
	name, err := agentOr(agent, c)
	c.Name = name
	return c, err
}

// agentName takes the blanks around a name away; control characters are left to be refused.
func agentName(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) && !unicode.IsControl(r) })
}

// happened keeps what was done to a thread. meta says it for machines.
func happened(ctx context.Context, s *store.Store, t rapport.Thread, by, text string, meta map[string]any) (e rapport.Entry, err error) {
	e = rapport.Entry{Thread: t.ID, Customer: t.Customer, Kind: rapport.Happened, Channel: t.Channel, Text: text, Author: by}
	if e.Meta, err = json.Marshal(meta); err == nil {
		err = s.AddEntry(ctx, &e)
	}
	return e, err
}

// PatchThread changes a thread; what happened is an entry of its own. Snoozed without a time it sleeps until the
// customer writes.
func (g *Gateway) PatchThread(ctx context.Context, by Caller, thread rapport.ID, p store.ThreadPatch) (rapport.Thread, error) {
	if p.SnoozedUntil != nil && !p.SnoozedUntil.After(g.now()) {
		return rapport.Thread{}, rapport.Invalid("snoozed_until", "must lie in the future")
	}
	if p.SnoozedUntil != nil && p.SnoozedUntil.Sub(g.now()) > furthestSend {
		return rapport.Thread{}, rapport.Invalid("snoozed_until", "lies more than a year ahead")
	}
	if p.Labels != nil {
		tidy, err := Labels("labels", *p.Labels)
		if err != nil {
			return rapport.Thread{}, err
		}
		p.Labels = &tidy
	}
	if p.Status != nil && *p.Status == rapport.ThreadSnoozed && p.SnoozedUntil == nil {
		p.SnoozedUntil = &time.Time{}
	}
	if p.Assignee != nil {
		name := agentName(*p.Assignee)
		p.Assignee = &name
	}
	var t rapport.Thread
	freed := false
	err := g.Store.Tx(ctx, func(s *store.Store) error {
		before, err := s.LockThread(ctx, thread)
		if err != nil {
			return err
		}
		status := before.Status
		if p.Status != nil {
			status = *p.Status
		}
		if p.SnoozedUntil != nil && status != rapport.ThreadSnoozed {
			return rapport.Invalid("snoozed_until", "goes with the status snoozed")
		}
		if t, err = s.PatchThread(ctx, before.ID, p); err != nil {
			return err
		}
		if len(p.AddLabels) > 0 && len(t.Labels) > mostLabels {
			return rapport.Invalid("labels_add", "leaves the thread with more than %d labels", mostLabels)
		}
		if done(before.Status) && !done(t.Status) { // nobody who wrote before is forgotten
			if t, err = s.RefreshThread(ctx, t.ID); err != nil {
				return err
			}
		}
		freed = takesRoom(before) && (!takesRoom(t) || t.Assignee != before.Assignee)
		text, changed := difference(before, t)
		if len(changed) == 0 {
			return nil
		}
		e, err := happened(ctx, s, t, by.Name, text, map[string]any{"event": "changed", "changed": changed})
		if err != nil {
			return err
		}
		if before.Status != t.Status && t.Status == rapport.ThreadResolved {
			return g.measure(ctx, s, t, e, rapport.Resolution)
		}
		t, err = g.assign(ctx, s, t)
		return err
	})
	if err == nil && freed {
		g.fillRoom(ctx)
	}
	return t, err
}

// mostLabels bounds the labels of a thread, and longestLabel each of them, in characters.
const (
	mostLabels   = 50
	longestLabel = 100
)

// Labels trims those of a field. Two that differ in case alone are one.
func Labels(of string, in []string) ([]string, error) {
	v := validation{}
	if len(in) > mostLabels {
		v.refuse(of, "holds more than %d labels", mostLabels)
		return nil, invalid(v.errs)
	}
	seen := map[string]bool{}
	out := make([]string, 0, len(in))
	for i, l := range in {
		field, l := fmt.Sprintf("%s[%d]", of, i), strings.TrimSpace(l)
		v.text(field, l, longestLabel)
		if key := rapport.NameKey(l); key == "" || seen[key] {
			v.refuse(field, "is empty, or there twice")
		} else {
			seen[key] = true
		}
		out = append(out, l)
	}
	if len(v.errs) > 0 {
		return nil, invalid(v.errs)
	}
	return out, nil
}

// done tells whether nobody waits in a thread of this status.
func done(status rapport.ThreadStatus) bool {
	return status == rapport.ThreadResolved || status == rapport.ThreadSpam
}

// difference tells what is not as it was, for people and for machines.
func difference(a, b rapport.Thread) (string, map[string]any) {
	var text []string
	changed := map[string]any{}
	note := func(field, from, to string) {
		if from != to {
			text = append(text, fmt.Sprintf("%s: %s → %s", field, orDash(from), orDash(to)))
			changed[field] = []string{from, to}
		}
	}
	note("status", string(a.Status), string(b.Status))
	if until := b.SnoozedUntil; !until.IsZero() && !until.Equal(a.SnoozedUntil) {
		text = append(text, "until "+until.Format(time.RFC3339))
		changed["snoozed_until"] = until
	}
	note("assignee", a.Assignee, b.Assignee)
	note("priority", string(a.Priority), string(b.Priority))
	note("labels", strings.Join(a.Labels, ", "), strings.Join(b.Labels, ", "))
	note("subject", a.Subject, b.Subject)
	return strings.Join(text, "; "), changed
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// wakeThreads opens threads whose snooze is over.
func (g *Gateway) wakeThreads(ctx context.Context) error {
	for {
		ids, err := g.Store.WakeThreads(ctx)
		if err != nil || len(ids) < store.MaxRows {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}
