package gateway

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/nyaruka/phonenumbers/v2"

	"rapport"
	"rapport/store"
)

// CallReport is what a telephone exchange says about a call, in the shape of Zammad's generic CTI.
// https://docs.zammad.org/en/latest/api/generic-cti/index.html
type CallReport struct {
	Event     CallEvent
	CallID    string
	Direction rapport.Direction
	From, To  string
	Agent     string // who was called, or calls
	Answering string // the number that answered
	Cause     string // why it ended
}

// CallEvent is what happened to a call.
type CallEvent string

const (
	NewCall CallEvent = "newCall"
	Answer  CallEvent = "answer"
	Hangup  CallEvent = "hangup"
)

// ReportCall keeps a report in the call it is about. Reports may be repeated and come in any order. A call is in the
// timeline of whose number it is; one that nobody took opens a thread, for a stranger's number too. A call from a
// number that is nobody's, and was answered, waits until somebody has that number.
func (g *Gateway) ReportCall(ctx context.Context, door string, r CallReport) error {
	other, line := r.From, r.To
	if r.Direction == rapport.CallOut {
		other, line = r.To, r.From
	}
	number, dialable := g.number(other)
	return g.Store.Tx(ctx, func(s *store.Store) error {
		of, err := caller(ctx, s, number, dialable)
		if err != nil {
			return err
		}
		c, fresh, err := s.ReportedCall(ctx, rapport.Call{Door: door, CallID: r.CallID, Direction: r.Direction, Number: number, Line: line, Customer: of.Customer, Agent: r.Agent, StartedAt: s.Now()})
		if err != nil {
			return err
		}
		was := c.State()
		if r.Agent != "" {
			c.Agent = r.Agent
		}
		switch now := s.Now(); r.Event {
		case NewCall: // which the call was made of, or it is known
		case Answer:
			if c.AnsweredAt.IsZero() {
				if c.AnsweredAt, c.AnsweredBy = now, r.Answering; !c.EndedAt.IsZero() {
					c.AnsweredAt = c.EndedAt // its end was reported before
				}
			}
		case Hangup:
			if c.EndedAt.IsZero() {
				c.EndedAt, c.Cause = now, r.Cause
			}
		}
		switch is := c.State(); {
		case is == rapport.CallMissed && c.Entry == 0 && dialable:
			err = g.missedCall(ctx, s, &c)
		case is == rapport.CallEnded && c.Entry != 0:
			err = notMissed(ctx, s, c)
		}
		if err != nil {
			return err
		}
		if err := s.KeepCall(ctx, c); err != nil {
			return err
		}
		if !fresh && c.State() == was {
			return nil
		}
		f := rapport.Fact{Call: rapport.KindCall.Format(c.ID), Direction: c.Direction, State: string(c.State()), Thread: rapport.KindThread.Format(c.Thread)}
		if c.Customer != 0 {
			f.Number = c.Number // an erasure finds what was told of somebody, not of nobody
		}
		return g.publish(ctx, s, f.Notice(rapport.CallUpdated, c.Customer))
	})
}

// number brings a number of an exchange into E.164. Exchanges write those without "+" as often as with it, or as they
// are dialled. What is no number of the network is kept if it is an extension; else it was hidden.
func (g *Gateway) number(s string) (number string, dialable bool) {
	s = strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(s, "00"); ok {
		s = "+" + rest
	}
	if len(s) > 9 && s[0] >= '1' && s[0] <= '9' {
		far, err := phonenumbers.Parse("+"+s, "")
		near, err2 := phonenumbers.Parse(s, g.set.DefaultRegion)
		ours := err2 == nil && phonenumbers.IsValidNumber(near)
		if err == nil && (phonenumbers.IsValidNumber(far) || !ours && phonenumbers.IsPossibleNumber(far)) {
			s = "+" + s
		}
	}
	if value, wrong := g.address(rapport.SMS, s); wrong == nil {
		return value, true
	}
	if len(s) > 20 || strings.Trim(s, "0123456789*#+") != "" {
		return "", false
	}
	return s, false
}

// caller is the address whose number it is; a zero one: nobody's.
func caller(ctx context.Context, s *store.Store, number string, dialable bool) (rapport.Address, error) {
	if dialable {
		for _, ch := range []rapport.Channel{rapport.SMS, rapport.WhatsApp} {
			a, err := s.AddressOf(ctx, ch, number)
			if err == nil || rapport.CodeOf(err) != rapport.CodeNotFound {
				return a, err
			}
		}
	}
	return rapport.Address{}, nil
}

// missedCall opens a thread that says so, or adds it to the one that is open.
func (g *Gateway) missedCall(ctx context.Context, s *store.Store, c *rapport.Call) error {
	a, err := caller(ctx, s, c.Number, true)
	if err != nil {
		return err
	}
	if a.ID == 0 { // a stranger, of whom we know that now
		up, err := s.UpsertCustomers(ctx, []store.CustomerPatch{{Addresses: []store.AddressPatch{{Channel: rapport.SMS, Value: c.Number, Primary: true}}}})
		if err != nil {
			return err
		}
		if err := up[0].Err(); err != nil {
			return err
		}
		if err := g.tellCustomers(ctx, s, up, nil); err != nil {
			return err
		}
		if a, err = s.AddressOf(ctx, rapport.SMS, c.Number); err != nil {
			return err
		}
		if landline(c.Number) { // known by its number, and never texted
			if err := s.SwitchAddress(ctx, a.ID, landlineReason); err != nil {
				return err
			}
		}
	}
	if err := s.LockAddress(ctx, a.ID); err != nil {
		return err
	}
	t, err := s.OpenThread(ctx, a.ID)
	switch {
	case rapport.CodeOf(err) == rapport.CodeNotFound:
		t = rapport.Thread{Customer: a.Customer, Address: a.ID, Channel: rapport.Phone, Subject: "Missed call"}
		err = s.CreateThread(ctx, &t)
	case err == nil && t.Status != rapport.ThreadOpen:
		open := rapport.ThreadOpen
		t, err = s.PatchThread(ctx, t.ID, store.ThreadPatch{Status: &open})
	}
	if err != nil {
		return err
	}
	meta, err := json.Marshal(map[string]string{"call": rapport.KindCall.Format(c.ID)})
	if err != nil {
		return err
	}
	e := &rapport.Entry{Thread: t.ID, Customer: a.Customer, Kind: rapport.Inbound, Channel: rapport.Phone, Text: "Missed call from " + c.Number, Address: a.ID, Meta: meta}
	c.Customer, c.Thread = a.Customer, t.ID
	err = s.AddEntry(ctx, e)
	c.Entry = e.ID
	return err
}

// notMissed takes back what was said when the end of a call was heard of before its answer. A thread that holds
// nothing else is done with.
func notMissed(ctx context.Context, s *store.Store, c rapport.Call) error {
	if err := s.EditEntry(ctx, c.Entry, "Call from "+c.Number+", answered", ""); err != nil {
		return err
	}
	t, err := s.Thread(ctx, c.Thread)
	if err != nil || t.Status != rapport.ThreadOpen {
		return err
	}
	all, _, err := s.Entries(ctx, c.Thread, store.Page{Limit: 2})
	if err != nil || len(all) != 1 {
		return err
	}
	resolved := rapport.ThreadResolved
	_, err = s.PatchThread(ctx, c.Thread, store.ThreadPatch{Status: &resolved})
	return err
}
