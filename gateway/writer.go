package gateway

import (
	"context"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// writer is who wrote a message, as far as we know them.
type writer struct {
	value   string          // the address, normalised; empty: none that can be used
	address rapport.Address // ID 0: nobody that we know
	// Known once identify has found it:
	owner rapport.Address // whose conversation it is
	guest bool            // they write in somebody else's
	aside bool            // what they answer was not for the customer
	// unverified: they have no part in the conversation that they found their way into, or the receiving server doubts
	// that the mail is from that address at all.
	unverified bool
}

// writer finds who wrote, and makes others who bring news of the same address wait. Nobody becomes a customer here.
func (g *Gateway) writer(ctx context.Context, s *store.Store, in *channels.Incoming) (*writer, error) {
	w := &writer{}
	value, wrong := rapport.NormalizeAddress(in.Channel, in.From)
	if wrong != nil {
		return w, nil
	}
	w.value = value
	a, err := s.AddressOf(ctx, in.Channel, value)
	if err != nil && rapport.CodeOf(err) != rapport.CodeNotFound {
		return nil, err
	}
	if err == nil {
		w.address = a
	}
	if err := g.linkChat(ctx, s, in, w); err != nil {
		return nil, err
	}
	if w.address.ID == 0 {
		return w, nil
	}
	return w, s.LockAddress(ctx, w.address.ID)
}

// linkChat gives a chat to whom the /start token was sent, or who has the number that the writer shared as their own.
func (g *Gateway) linkChat(ctx context.Context, s *store.Store, in *channels.Incoming, w *writer) error {
	owner, err := g.ownerOfPhone(ctx, s, in.OwnPhone)
	if err != nil {
		return err
	}
	if id, _, ok := g.readToken(useTelegram, in.Start); ok {
		m, err := known(ctx, s, id)
		if err != nil {
			return err
		}
		if m != nil {
			fresh, err := s.Once(ctx, "link", rapport.KindMessage.Format(id))
			if err != nil {
				return err
			}
			if fresh {
				owner = m.Customer
			}
		}
	}
	if owner != 0 {
		w.address, err = s.GiveAddress(ctx, owner, in.Channel, w.value)
	}
	return err
}

// identify settles whose conversation a message belongs to: that of whom we wrote to, or whose thread it answers; else the
// writer's own. A stranger becomes a customer of whom we know only the address, unless they write in somebody else's
// conversation (a colleague in copy).
func (g *Gateway) identify(ctx context.Context, s *store.Store, in *channels.Incoming, w *writer, f found) error {
	owner, aside, err := g.ownerOf(ctx, s, f)
	if err != nil {
		return err
	}
	if owner.ID != 0 && owner.ID != w.address.ID && (w.address.ID == 0 || owner.Customer != w.address.Customer) {
		w.owner, w.guest, w.aside = owner, true, aside
		return s.LockAddress(ctx, owner.ID)
	}
	if w.address.ID == 0 {
		if w.address, err = g.newcomer(ctx, s, in, w.value, ""); err != nil {
			return err
		}
		if err := s.LockAddress(ctx, w.address.ID); err != nil {
			return err
		}
	}
	w.owner = w.address
	return nil
}

// ownerOf is the address that a found message went to, or on which a found thread began. ID 0: none, or erased. aside: it is
// the thread's, and what was found went to somebody else.
func (g *Gateway) ownerOf(ctx context.Context, s *store.Store, f found) (a rapport.Address, aside bool, err error) {
	var id rapport.ID
	thread := f.thread
	if f.message != nil {
		id = f.message.Address
		if thread, aside, err = asideIn(ctx, s, *f.message); err != nil {
			return a, false, err
		}
	} else {
		aside = f.aside
	}
	if f.message == nil && thread != 0 || aside {
		t, err := s.Thread(ctx, thread)
		if err != nil {
			return a, false, err
		}
		id = t.Address
	}
	a, err = addressOf(ctx, s, id)
	return a, aside, err
}

// newcomer makes a customer of somebody who is none; audience "" is the usual one.
func (g *Gateway) newcomer(ctx context.Context, s *store.Store, in *channels.Incoming, value, audience string) (rapport.Address, error) {
	patch := store.CustomerPatch{Addresses: []store.AddressPatch{{Channel: in.Channel, Value: value, Primary: true}}}
	if in.FromName != "" {
		name := truncate(in.FromName, 200)
		patch.Name = &name
	}
	if audience != "" {
		patch.Audience = &audience
	}
	up, err := s.UpsertCustomers(ctx, []store.CustomerPatch{patch})
	if err != nil {
		return rapport.Address{}, err
	}
	if err := up[0].Err(); err != nil {
		return rapport.Address{}, err
	}
	if err := g.tellCustomers(ctx, s, up, nil); err != nil {
		return rapport.Address{}, err
	}
	return s.AddressOf(ctx, in.Channel, value)
}

// vouch says whether the writer is to be believed: a mail that fails DMARC may be from anybody (RFC 7489), and a guest whom
// nobody with a part in the thread has named may have found the reply address anywhere.
func (g *Gateway) vouch(ctx context.Context, s *store.Store, in *channels.Incoming, w *writer, t rapport.Thread) error {
	if doubted(in) {
		w.unverified = true
	} else if w.guest {
		part, err := s.HasPart(ctx, t.ID, w.value)
		if err != nil {
			return err
		}
		w.unverified = !part
	}
	return nil
}

// noteParticipants remembers who else takes part. Only somebody who is believed can bring others in.
func (g *Gateway) noteParticipants(ctx context.Context, s *store.Store, in *channels.Incoming, w *writer, e *rapport.Entry) error {
	if in.Channel != rapport.Email {
		return nil
	}
	var people []rapport.Participant
	add := func(p channels.Person, isKnown bool) {
		value, wrong := rapport.NormalizeAddress(rapport.Email, p.Address)
		key := rapport.AddressKey(rapport.Email, value)
		if wrong == nil && key != rapport.AddressKey(rapport.Email, w.owner.Value) && !g.ours(value) {
			people = append(people, rapport.Participant{Address: value, Name: truncate(p.Name, 200), Known: isKnown, Aside: w.aside})
		}
	}
	if w.guest {
		add(channels.Person{Name: in.FromName, Address: w.value}, false)
	}
	for _, p := range in.Others[:min(len(in.Others), store.MaxParticipants)] {
		add(p, !w.unverified)
	}
	return s.AddParticipants(ctx, e.Thread, e.ID, people)
}

func truncate(s string, n int) string {
	r := []rune(s)
	if len(r) > n {
		r = r[:n]
	}
	return string(r)
}
