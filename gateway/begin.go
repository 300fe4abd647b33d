package gateway

import (
	"context"
	"strings"
	"time"

	"rapport"
	"rapport/store"
)

// BeginInput is the first word of a conversation that an agent begins.
type BeginInput struct {
	Customer    string          `json:"customer" minLength:"1" maxLength:"300" doc:"An id, or ext: and your own."`
	Channel     rapport.Channel `json:"channel" enum:"email,sms,whatsapp,telegram,webhook"`
	Address     string          `json:"address,omitempty" maxLength:"2000" doc:"Which of the customer's addresses on the channel. Default: the primary one."`
	Subject     string          `json:"subject,omitempty" maxLength:"300" doc:"Of a mail, where it is required; elsewhere colleagues alone see it."`
	Text        string          `json:"text,omitempty" maxLength:"100000"`
	HTML        string          `json:"html,omitempty" maxLength:"500000" doc:"Email only; sanitised."`
	Cc          []string        `json:"cc,omitempty" maxItems:"20" doc:"Email: who gets a copy."`
	Bcc         []string        `json:"bcc,omitempty" maxItems:"20" doc:"Email: who gets a copy that nobody sees."`
	Attachments []string        `json:"attachments,omitempty" maxItems:"50" doc:"Files, fil_...; together at most 25 MiB."`
	Agent       string          `json:"agent,omitempty" maxLength:"200" doc:"Who writes, and has the thread. Default: the key's name."`
	ShowAgent   bool            `json:"show_agent,omitempty" doc:"Email: the agent's name stands before the address in From."`
	SendAt      *time.Time      `json:"send_at,omitempty" doc:"When it goes out; until then it can be taken back."`
	UndoFor     string          `json:"undo_for,omitempty" maxLength:"20" example:"10s" doc:"How long it waits to be taken back, at most 1h. Default: not at all."`
}

// Begin writes to a customer who has not written: the same rules say whether that may be as for an answer, and nothing is
// kept where it may not. A mail begins a thread. In a chat nothing says that a new matter begins, so there the open thread
// of the address goes on, if there is one.
func (g *Gateway) Begin(ctx context.Context, by Caller, in BeginInput) (*rapport.Entry, error) {
	v := validation{}
	subject := strings.Join(strings.Fields(in.Subject), " ")
	v.text("subject", subject, 300)
	if in.Channel == "" {
		v.refuse("channel", "is required")
	} else if in.Channel == rapport.Email && subject == "" {
		v.refuse("subject", "is required: a mail has one")
	}
	if len(v.errs) > 0 {
		return nil, invalid(v.errs)
	}
	customer, err := g.Store.FindCustomer(ctx, in.Customer)
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		return nil, rapport.Invalid("customer", "is nobody's id (cus_... or ext:...)")
	}
	if err != nil {
		return nil, err
	}
	reply := ReplyInput{Text: in.Text, HTML: in.HTML, Channel: in.Channel, Address: in.Address, Cc: in.Cc, Bcc: in.Bcc, Attachments: in.Attachments, Agent: in.Agent, ShowAgent: in.ShowAgent,
		SendAt: in.SendAt, UndoFor: in.UndoFor}
	return g.sendAnswer(ctx, by, answer{in: reply, subject: subject, begins: true, thread: func(s *store.Store, agent string) (rapport.Thread, error) {
		return g.threadWith(ctx, s, customer.ID, reply, subject, agent)
	}})
}

// threadWith is the thread in which an agent writes to a customer first.
func (g *Gateway) threadWith(ctx context.Context, s *store.Store, customer rapport.ID, in ReplyInput, subject, agent string) (t rapport.Thread, err error) {
	c, err := s.Customer(ctx, customer)
	if err != nil {
		return t, err
	}
	to, err := addressOn(c, in.Channel, in.Address)
	if err != nil {
		return t, err
	}
	if err := s.LockAddress(ctx, to.ID); err != nil { // two agents who begin at once begin one thread
		return t, err
	}
	if in.Channel != rapport.Email {
		open, err := s.OpenThread(ctx, to.ID)
		switch {
		case err == nil && open.Status != rapport.ThreadSpam:
			return s.LockThread(ctx, open.ID)
		case err != nil && rapport.CodeOf(err) != rapport.CodeNotFound:
			return t, err
		}
	}
	if agent, err = s.KeepAgent(ctx, agent); err != nil {
		return t, err
	}
	t = rapport.Thread{Customer: c.ID, Address: to.ID, Channel: in.Channel, Subject: subject, Status: rapport.ThreadPending, Assignee: agent}
	return t, s.CreateThread(ctx, &t)
}

// meant is a thread as it would be if it were about another address of its customer.
func meant(ctx context.Context, s *store.Store, t rapport.Thread, ch rapport.Channel, value string) (rapport.Thread, error) {
	c, err := s.Customer(ctx, t.Customer)
	if err != nil {
		return t, err
	}
	a, err := addressOn(c, ch, value)
	t.Address, t.Channel = a.ID, ch
	return t, err
}

// addressOn is the address of a customer that is meant: the one that is named, else the primary one, else one that works.
func addressOn(c *rapport.Customer, ch rapport.Channel, value string) (found rapport.Address, err error) {
	for _, a := range c.Addresses {
		switch {
		case a.Channel != ch || value != "" && rapport.AddressKey(ch, a.Value) != rapport.AddressKey(ch, value):
		case found.ID == 0, found.Off != "" && a.Off == "", a.Primary && a.Off == "":
			found = a
		}
	}
	switch {
	case found.ID != 0:
		return found, nil
	case value != "":
		return found, rapport.Invalid("address", "is not an address of the customer on %s", ch)
	}
	return found, rapport.Errorf(rapport.CodeConflict, "The customer cannot be written to on %s: %s.", ch, rapport.ReasonNoAddress)
}
