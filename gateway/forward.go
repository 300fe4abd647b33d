package gateway

import (
	"context"
	"fmt"
	"html"
	"strings"
	"time"

	"rapport"
	"rapport/store"
)

// ForwardInput passes an entry on to somebody else.
type ForwardInput struct {
	To          []string   `json:"to" minItems:"1" maxItems:"20" doc:"Who gets it."`
	Cc          []string   `json:"cc,omitempty" maxItems:"20"`
	Bcc         []string   `json:"bcc,omitempty" maxItems:"20"`
	Text        string     `json:"text,omitempty" maxLength:"100000" doc:"What you say before it."`
	HTML        string     `json:"html,omitempty" maxLength:"500000" doc:"Sanitised."`
	Attachments []string   `json:"attachments,omitempty" maxItems:"50" doc:"Files, fil_..., beside the entry's own."`
	Agent       string     `json:"agent,omitempty" maxLength:"200" doc:"Who forwards it. Default: the key's name."`
	ShowAgent   bool       `json:"show_agent,omitempty" doc:"The agent's name stands before the address in From."`
	SendAt      *time.Time `json:"send_at,omitempty" doc:"When it goes out; until then it can be taken back."`
	UndoFor     string     `json:"undo_for,omitempty" maxLength:"20" example:"10s" doc:"How long it waits to be taken back, at most 1h."`
}

// Forward sends what stands in an entry, with its attachments, to somebody else by mail. It stands in the thread as an
// outbound entry that is aside: the customer does not see it, and still waits. Whoever answers it is a guest in the thread.
func (g *Gateway) Forward(ctx context.Context, by Caller, entry rapport.ID, in ForwardInput) (*rapport.Entry, error) {
	if len(in.To) == 0 {
		return nil, rapport.Invalid("to", "is required: who gets it")
	}
	e, err := g.Store.Entry(ctx, entry)
	if err != nil {
		return nil, err
	}
	if e.Kind != rapport.Inbound && e.Kind != rapport.Outbound {
		return nil, rapport.Errorf(rapport.CodeConflict, "Only what was said can be forwarded: this is for colleagues alone.")
	}
	if strings.TrimSpace(e.Text) == "" && strings.TrimSpace(e.HTML) == "" && len(e.Files) == 0 {
		return nil, rapport.Errorf(rapport.CodeConflict, "There is nothing to forward: the entry is empty, or was erased.")
	}
	reply := ReplyInput{Text: in.Text, HTML: in.HTML, Channel: rapport.Email, To: in.To, Cc: in.Cc, Bcc: in.Bcc, Agent: in.Agent, ShowAgent: in.ShowAgent,
		SendAt: in.SendAt, UndoFor: in.UndoFor}
	for _, f := range e.Files {
		reply.Attachments = append(reply.Attachments, rapport.KindFile.Format(f))
	}
	reply.Attachments = append(reply.Attachments, in.Attachments...)
	return g.answerIn(ctx, by, e.Thread, reply, &e)
}

// passOn puts an entry below the agent's words, in the shape in which mail programs forward.
func (g *Gateway) passOn(ctx context.Context, s *store.Store, t rapport.Thread, e *rapport.Entry, out *Inline) error {
	base := strings.TrimPrefix(out.Subject, "Re: ")
	out.Subject = "Fwd: " + base
	from, err := g.signed(ctx, s, e)
	if err != nil {
		return err
	}
	customer, err := s.Customer(ctx, t.Customer)
	if err != nil {
		return err
	}
	zoned := e.CreatedAt
	if loc, err := zone(customer.Timezone); err == nil && customer.Timezone != "" {
		zoned = zoned.In(loc)
	} else if g.set.DefaultZone != nil {
		zoned = zoned.In(g.set.DefaultZone)
	}
	lines := []string{"---------- Forwarded message ---------", "From: " + from, "Date: " + zoned.Format("Mon, 2 Jan 2006 at 15:04 MST")}
	if e.Channel == rapport.Email {
		lines = append(lines, "Subject: "+base)
	} else {
		lines = append(lines, fmt.Sprintf("By: %s", e.Channel))
	}
	text := strings.TrimSpace(e.Text)
	if e.HTML != "" || out.HTML != "" {
		own, words := out.HTML, cleanHTML(e.HTML)
		if own == "" {
			own = inHTML(out.Text)
		}
		if words == "" {
			words = inHTML(text)
		}
		out.HTML = own + "\n<p>" + inHTML(strings.Join(lines, "\n")) + "</p>\n<div>" + words + "</div>"
	}
	out.Text = strings.TrimLeft(strings.TrimRight(out.Text, " \n")+"\n\n"+strings.Join(lines, "\n")+"\n\n"+text+"\n", "\n")
	return nil
}

// signed is who wrote an entry, as a From line shows them.
func (g *Gateway) signed(ctx context.Context, s *store.Store, e *rapport.Entry) (string, error) {
	name := strings.Join(strings.Fields(e.Author), " ")
	if e.Kind == rapport.Outbound {
		return orDash(name), nil
	}
	a, err := addressOf(ctx, s, e.Address)
	switch {
	case err != nil:
		return "", err
	case a.Value == "" || name == a.Value:
		return orDash(name), nil
	case name == "":
		return a.Value, nil
	}
	return name + " <" + a.Value + ">", nil
}

func inHTML(text string) string {
	return strings.ReplaceAll(html.EscapeString(text), "\n", "<br>\n")
}
