package gateway

import (
	"context"
	"strings"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// matchWithin is how far back a message without any reference is taken as an answer to the newest message
// sent to that address.
const matchWithin = 30 * 24 * time.Hour

// mostReferences bounds the ids that are looked up for one message.
const mostReferences = 50

// byReplyLink is the sign of what was written on the page of reply_url.
const byReplyLink = "reply_link"

// found is what a message answers, and the sign by which that was seen.
type found struct {
	message *rapport.Message // of ours; nil: none that we know of
	thread  rapport.ID       // of the entry that it answers; 0: as message says
	aside   bool             // that entry was not for the customer
	by      string           // reply_link, reply_token, in_reply_to, references, provider_id, latest; empty: nothing was found
}

// answersTo finds what a message answers, the strongest sign first: our signed token, our Message-ID in In-Reply-To, then
// in References, the provider's id of a message or an entry. A chat message without any of them answers the newest
// message of the last 30 days; a mail without any is a new matter.
func (g *Gateway) answersTo(ctx context.Context, s *store.Store, u *arrival, w *writer) (f found, err error) {
	in := u.Message
	if u.page != nil {
		return found{message: u.page, by: byReplyLink}, nil
	}
	for _, look := range []func() (found, error){
		func() (found, error) { return g.byToken(ctx, s, in.Tokens) },
		func() (found, error) { return g.byOwnID(ctx, s, in, w, in.InReplyTo, "in_reply_to") },
		func() (found, error) { return g.byOwnID(ctx, s, in, w, in.References, "references") },
		func() (found, error) { return g.byProviderID(ctx, s, u, w) },
		func() (found, error) {
			if in.Channel == rapport.Email && in.Auto == "" {
				return found{}, nil
			}
			return g.byLatest(ctx, s, w.address)
		},
	} {
		if f, err = look(); err != nil || f.by != "" {
			return f, err
		}
	}
	return found{}, nil
}

func (g *Gateway) byToken(ctx context.Context, s *store.Store, tokens []string) (found, error) {
	for _, t := range tokens {
		id, _, ok := g.readToken(useReply, t)
		if !ok {
			continue
		}
		if m, err := known(ctx, s, id); m != nil || err != nil {
			return found{message: m, by: "reply_token"}, err
		}
	}
	return found{}, nil
}

// byOwnID looks for our Message-IDs. In a chat such an id says little by itself: the message must be this person's. A mail
// may come from somebody else who got ours; identify sees to that.
func (g *Gateway) byOwnID(ctx context.Context, s *store.Store, in *channels.Incoming, w *writer, ids []string, by string) (found, error) {
	for _, ref := range ids[:min(len(ids), mostReferences)] {
		left, _, _ := strings.Cut(ref, "@")
		id, err := rapport.KindMessage.Parse(left)
		if err != nil {
			continue
		}
		m, err := known(ctx, s, id)
		if err != nil {
			return found{}, err
		}
		if m != nil && (m.Customer == w.address.Customer || in.Channel == rapport.Email && m.Channel == rapport.Email) {
			return found{message: m, by: by}, nil
		}
	}
	return found{}, nil
}

// byProviderID looks for messages and entries under the ids that others gave them.
func (g *Gateway) byProviderID(ctx context.Context, s *store.Store, u *arrival, w *writer) (found, error) {
	in := u.Message
	for i, ref := range append(in.InReplyTo[:len(in.InReplyTo):len(in.InReplyTo)], in.References...) {
		if i == mostReferences {
			break
		}
		id, err := s.MessageByRef(ctx, u.from.Name, ref, w.address.Customer)
		if err != nil {
			return found{}, err
		}
		if id != 0 {
			if m, err := known(ctx, s, id); err != nil || m != nil && m.Customer == w.address.Customer {
				return found{message: m, by: "provider_id"}, err
			}
		}
		e, err := s.EntryByProvider(ctx, u.from.Name, ref)
		if err == nil && (e.Customer == w.address.Customer || in.Channel == rapport.Email && e.Channel == rapport.Email) {
			return found{thread: e.Thread, aside: e.Aside, by: "provider_id"}, nil
		}
		if err != nil && rapport.CodeOf(err) != rapport.CodeNotFound {
			return found{}, err
		}
	}
	return found{}, nil
}

func (g *Gateway) byLatest(ctx context.Context, s *store.Store, a rapport.Address) (found, error) {
	if a.ID == 0 {
		return found{}, nil
	}
	id, err := s.LatestTo(ctx, a, g.now().Add(-matchWithin))
	if err != nil || id == 0 {
		return found{}, err
	}
	m, err := known(ctx, s, id)
	return found{message: m, by: "latest"}, err
}

// known is a message of ours, or nil.
func known(ctx context.Context, s *store.Store, id rapport.ID) (*rapport.Message, error) {
	m, err := s.Message(ctx, id)
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		return nil, nil
	}
	return &m, err
}
