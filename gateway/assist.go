package gateway

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rapport"
	"rapport/assistant"
	"rapport/store"
)

// Assistant is the language model that may be asked. The zero value: nobody is, and nothing leaves.
type Assistant struct {
	Client     *assistant.Client
	Understand bool // what customers write, after it is stored
	Drafts     bool // for answers that a person asks for
	Names      bool // names are sent; else [name] stands for those that are known
}

// What is asked of a model at once, and how much may wait: what comes on top keeps its offline guess.
const (
	asksAtOnce  = 2
	asksWaiting = 256
	maxAsked    = 4000 // characters of a text
	maxTurns    = 10   // of a conversation
)

// askLater has the model read an entry that is stored. It never waits: when too many are waiting, or the process ends, the
// offline guess stays.
func (g *Gateway) askLater(entry rapport.ID) {
	if g.set.Assistant.Client == nil || !g.set.Assistant.Understand {
		return
	}
	select {
	case g.asks <- entry:
	default:
		g.Log.Warn("too much waits for the assistant; an entry keeps its offline guess", "entry", rapport.KindEntry.Format(entry))
	}
}

func (g *Gateway) askLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case id := <-g.asks:
			if err := g.askModel(ctx, id); err != nil && ctx.Err() == nil {
				g.Log.Warn("the assistant did not read an entry; its offline guess stays", "entry", rapport.KindEntry.Format(id), "error", err)
			}
		}
	}
}

// askModel has the model read one entry, and keeps its answer unless the words have changed meanwhile (edited, erased). What a
// person has said stands.
func (g *Gateway) askModel(ctx context.Context, id rapport.ID) error {
	e, err := g.Store.Entry(ctx, id)
	if err != nil || strings.TrimSpace(e.Text) == "" {
		return err
	}
	text, err := g.scrubbed(ctx, e.Customer, e.Text)
	if err != nil {
		return err
	}
	r, err := g.set.Assistant.Client.Understand(ctx, text)
	if err != nil {
		return err
	}
	return g.Store.Tx(ctx, func(s *store.Store) error {
		now, err := s.Entry(ctx, id)
		if err != nil || now.Text != e.Text {
			return err
		}
		return s.KeepReading(ctx, id, understandingOf(r, rapport.Modelled))
	})
}

// scrubbed is a text as it may leave.
func (g *Gateway) scrubbed(ctx context.Context, customer rapport.ID, text string) (string, error) {
	c, err := g.Store.Customer(ctx, customer)
	if err != nil {
		return "", err
	}
	var secrets, names []string
	for _, a := range c.Addresses {
		secrets = append(secrets, a.Value)
	}
	if !g.set.Assistant.Names {
		names = append(strings.Fields(c.Name), c.Name)
	}
	return assistant.Scrub(truncate(text, maxAsked), secrets, names), nil
}

// Suggestion is a draft of an answer. Nobody has sent or kept it.
type Suggestion struct {
	Text  string `json:"text"`
	Model string `json:"model"`
}

// Suggest asks the model for an answer to what was said last in a thread. A conflict: no assistant is configured for it, or
// the customer has said nothing.
func (g *Gateway) Suggest(ctx context.Context, thread rapport.ID) (Suggestion, error) {
	a := g.set.Assistant
	t, err := g.Store.Thread(ctx, thread)
	if err != nil {
		return Suggestion{}, err
	}
	if a.Client == nil || !a.Drafts {
		return Suggestion{}, rapport.Errorf(rapport.CodeConflict, "No assistant is configured to draft answers: set assistant.url, assistant.model and assistant.drafts.")
	}
	said, err := g.Store.LastSaid(ctx, t.ID, maxTurns)
	if err != nil {
		return Suggestion{}, err
	}
	said = slices.DeleteFunc(said, func(e rapport.Entry) bool { return e.Aside }) // the customer is not told what others said
	slices.Reverse(said)
	if !slices.ContainsFunc(said, func(e rapport.Entry) bool { return e.Kind == rapport.Inbound && strings.TrimSpace(e.Text) != "" }) {
		return Suggestion{}, rapport.Errorf(rapport.CodeConflict, "The customer has written nothing that could be answered.")
	}
	var turns []assistant.Turn
	for _, e := range said {
		text, err := g.scrubbed(ctx, t.Customer, e.Text)
		if err != nil {
			return Suggestion{}, err
		}
		if strings.TrimSpace(text) != "" {
			turns = append(turns, assistant.Turn{Customer: e.Kind == rapport.Inbound, Text: text})
		}
	}
	text, err := a.Client.Draft(ctx, turns)
	if err != nil {
		g.Log.Warn("the assistant drafted nothing", "thread", rapport.KindThread.Format(t.ID), "error", err)
		return Suggestion{}, fmt.Errorf("drafting an answer: %w", rapport.Errorf(rapport.CodeUnavailable, "The assistant did not answer. Try again, or write the answer yourself."))
	}
	return Suggestion{text, a.Client.Model()}, nil
}
