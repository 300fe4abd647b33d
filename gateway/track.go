package gateway

import (
	"context"
	"net/http"
	"strings"
	"time"

	"rapport"
	"rapport/store"
)

// Click finds where a tracked link goes, and notes that it was followed. The target is rendered again
// from the pinned template and the stored variables: nothing in the URL says where to go, so nobody can
// make us redirect elsewhere.
func (g *Gateway) Click(ctx context.Context, token, userAgent, method string) (target string, err error) {
	id, n, ok := g.readToken(useClick, token)
	if !ok {
		return "", rapport.NotFound("link")
	}
	m, err := g.Store.Message(ctx, id)
	if err != nil {
		return "", err
	}
	r, err := g.Shown(ctx, m)
	if err != nil {
		return "", err
	}
	if r == nil || n >= len(r.Links) {
		return "", rapport.NotFound("link")
	}
	if err := g.engage(ctx, m, rapport.Clicked, g.machine(m, userAgent, method)); err != nil {
		g.Log.Warn("a click was not counted", "message", rapport.KindMessage.Format(id), "error", err)
	}
	return r.Links[n], nil
}

// Open notes that the pixel was fetched.
func (g *Gateway) Open(ctx context.Context, token, userAgent, method string) error {
	id, _, ok := g.readToken(useOpen, token)
	if !ok {
		return rapport.NotFound("image")
	}
	m, err := g.Store.Message(ctx, id)
	if err != nil {
		return err
	}
	return g.engage(ctx, m, rapport.Opened, g.machine(m, userAgent, method))
}

// engage counts what was done with a message. Done by a person, it proves that the message arrived.
func (g *Gateway) engage(ctx context.Context, m rapport.Message, kind rapport.Engagement, machine bool) error {
	return g.Store.Tx(ctx, func(s *store.Store) error {
		first, err := s.Engage(ctx, g.Worker(), m.ID, kind, machine)
		if err != nil || machine {
			return err
		}
		if err := g.tellEngaged(ctx, s, m, kind, first); err != nil {
			return err
		}
		return g.prove(ctx, s, m, string(kind))
	})
}

// prove raises a message to delivered by what its reader did: the best evidence where a provider reports
// nothing. It settles doubt, and ends a fallback that waited for a receipt.
func (g *Gateway) prove(ctx context.Context, s *store.Store, m rapport.Message, by string) error {
	if rapport.Advance(m.State, rapport.ReceiptDelivered) == m.State {
		return nil
	}
	was, is, err := s.ApplyReceipt(ctx, g.Worker(), m.ID, m.Provider, store.ReceiptRow{Kind: rapport.ReceiptDelivered, Reason: by, At: g.now()})
	if err != nil {
		return err
	}
	return g.tellReceipt(ctx, s, m, was, is)
}

// scanners are words in the User-Agent of programs that fetch links and images before, or instead of, a
// person: mail security, link previews, image proxies that prefetch.
var scanners = []string{"bot", "crawler", "spider", "preview", "barracuda", "proofpoint", "mimecast", "safelinks", "urldefense", "symantec", "trendmicro",
	"curl/", "wget/", "python-", "go-http-client", "java/", "headless", "facebookexternalhit", "whatsapp", "telegrambot", "slackbot", "scanner"}

// machine guesses whether a program fetched it. It errs towards machine: a metric that flatters is worth
// nothing. Nobody reads a mail within two seconds of its acceptance by the next hop.
func (g *Gateway) machine(m rapport.Message, userAgent, method string) bool {
	if method != http.MethodGet || userAgent == "" || !m.SentAt.IsZero() && g.now().Sub(m.SentAt) < 2*time.Second {
		return true
	}
	ua := strings.ToLower(userAgent)
	for _, s := range scanners {
		if strings.Contains(ua, s) {
			return true
		}
	}
	return ua == "mozilla/5.0" // Apple's mail privacy proxy says no more than this
}
