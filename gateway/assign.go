package gateway

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"rapport"
	"rapport/store"
)

// assign gives an open thread that nobody has to the agent whose turn it is, where that is the rule and somebody is there with
// room. It is called in the transaction that opened the thread, or opened it again.
func (g *Gateway) assign(ctx context.Context, s *store.Store, t rapport.Thread) (rapport.Thread, error) {
	if t.Assignee != "" || t.Status != rapport.ThreadOpen {
		return t, nil
	}
	rule, err := s.Assignment(ctx)
	if err != nil || !rule.Automatic {
		return t, err
	}
	agent, err := s.NextAgent(ctx, rule.Cap)
	if err != nil || agent == "" {
		return t, err
	}
	if t, err = s.PatchThread(ctx, t.ID, store.ThreadPatch{Assignee: &agent}); err != nil {
		return t, err
	}
	return t, s.AddEntry(ctx, &rapport.Entry{Thread: t.ID, Customer: t.Customer, Kind: rapport.Happened, Channel: t.Channel, Text: "assigned to " + agent + ", whose turn it was"})
}

// SetPresence notes whether an agent is there. Who comes online gets what waits, as far as the rule allows.
func (g *Gateway) SetPresence(ctx context.Context, agent string, status rapport.PresenceStatus) (rapport.Presence, error) {
	agent = agentName(agent)
	if agent == "" || utf8.RuneCountInString(agent) > 200 || !utf8.ValidString(agent) || strings.ContainsFunc(agent, unicode.IsControl) {
		return rapport.Presence{}, rapport.Invalid("agent", "must be a name of at most 200 characters")
	}
	if !slices.Contains(rapport.PresenceStatuses, status) {
		return rapport.Presence{}, rapport.Invalid("status", "must be one of %v", rapport.PresenceStatuses)
	}
	p, err := g.Store.SetPresence(ctx, agent, status)
	if err != nil || status != rapport.Online {
		return p, err
	}
	return p, g.assignWaiting(ctx)
}

// PutAssignment replaces the rule of who gets threads that nobody has, and applies it to those that wait.
func (g *Gateway) PutAssignment(ctx context.Context, by Caller, a rapport.Assignment) error {
	if a.Cap < 0 || a.Cap > 100_000 {
		return rapport.Invalid("cap", "must be from 0 (any number) to 100,000")
	}
	err := g.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.PutAssignment(ctx, a); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "assignment.changed", Subject: "assignment"})
	})
	if err != nil {
		return err
	}
	return g.assignWaiting(ctx)
}

// takesRoom tells whether a thread counts against the cap of the agent who has it.
func takesRoom(t rapport.Thread) bool { return t.Assignee != "" && t.Status == rapport.ThreadOpen }

// fillRoom gives what waits to whom a thread has left, after its commit. The next heartbeat of an agent would do so too.
func (g *Gateway) fillRoom(ctx context.Context) {
	if err := g.assignWaiting(ctx); err != nil {
		g.Log.Warn("giving out threads that wait", "error", err)
	}
}

// assignWaiting gives out threads that nobody has, those that waited longest first, until nobody has room: at most a thousand at
// a time, a transaction each.
func (g *Gateway) assignWaiting(ctx context.Context) error {
	rule, err := g.Store.Assignment(ctx)
	if err != nil || !rule.Automatic {
		return err
	}
	waiting, err := g.Store.Unassigned(ctx, 1000)
	if err != nil {
		return err
	}
	for _, t := range waiting {
		given := false
		err := g.Store.Tx(ctx, func(s *store.Store) error {
			now, err := s.Thread(ctx, t.ID)
			if err != nil {
				return err
			}
			had := now.Assignee
			now, err = g.assign(ctx, s, now)
			given = now.Assignee != had || had != ""
			return err
		})
		if err != nil || !given {
			return err
		}
	}
	return nil
}
