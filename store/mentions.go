package store

import (
	"context"
	"strings"

	"rapport"
)

// Mention is one note that names an agent.
type Mention struct {
	ID    rapport.ID
	Agent string // lower case
	Entry rapport.Entry
}

// AddMentions keeps that a note names agents.
func (s *Store) AddMentions(ctx context.Context, entry rapport.ID, agents []string) error {
	for _, agent := range agents {
		if _, err := s.exec(ctx, `INSERT INTO mentions (id, entry_id, agent) VALUES ($1, $2, $3)`, s.NewID(), entry, strings.ToLower(agent)); err != nil {
			return err
		}
	}
	return nil
}

// Mentions lists the notes that name an agent, by whatever case, newest first. Somebody who signs in can be named in two
// ways: as rapport.MentionName has it, and by the id.
func (s *Store) Mentions(ctx context.Context, agent string, p Page) ([]Mention, rapport.ID, error) {
	if !storable(agent) {
		return []Mention{}, 0, nil
	}
	agent = strings.ToLower(agent)
	mention, id := rapport.MentionName(agent), agent
	if known, err := rapport.KindAgent.Parse(agent); err == nil {
		a, err := s.FindAgent(ctx, known)
		if err == nil {
			mention = rapport.MentionName(a.Name)
		} else if rapport.CodeOf(err) != rapport.CodeNotFound {
			return nil, 0, err
		}
	} else if a, err := s.AgentByName(ctx, agent); err == nil {
		id = rapport.KindAgent.Format(a.ID)
	} else if rapport.CodeOf(err) != rapport.CodeNotFound {
		return nil, 0, err
	}
	rows, err := collect(ctx, s, func(scan func(...any) error) (m Mention, err error) {
		m.Entry, err = scanEntry(func(to ...any) error { return scan(append([]any{&m.ID, &m.Agent}, to...)...) })
		return
	}, `SELECT m.id, m.agent, `+qualified("e", entryColumns)+` FROM mentions m JOIN entries e ON e.id = m.entry_id WHERE m.agent IN ($1, $2, $3) AND m.id < $4 ORDER BY m.id DESC LIMIT $5`,
		agent, mention, id, p.after(), p.Limit+1)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, p.Limit, func(m Mention) rapport.ID { return m.ID })
	return out, next, nil
}

// qualified puts the name of a table before each column of a list.
func qualified(table, columns string) string {
	all := strings.Split(columns, ",")
	for i := range all {
		all[i] = table + "." + strings.TrimSpace(all[i])
	}
	return strings.Join(all, ", ")
}
