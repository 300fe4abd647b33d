package gateway

import (
	"context"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// MayAutoAnswer is for tests that answer by themselves.
func (g *Gateway) MayAutoAnswer(ctx context.Context, s *store.Store, in *channels.Incoming, to rapport.Address, kind string) (bool, error) {
	return g.mayAutoAnswer(ctx, s, in, to, kind)
}

// MachineMade is what mayAutoAnswer makes of a mail's header.
var MachineMade = machineMade

// Listens tells tests whether a subscription is known.
func (g *Gateway) Listens(t rapport.NoticeType) bool { return g.listens(t) }

// NoticeOf is what the hot path asks for each message: whether anything is to be told.
func (g *Gateway) NoticeOf(state rapport.State) bool {
	return g.noticeOf(state, about{message: 1, campaign: 2, customer: 3, channel: rapport.Email}) != nil
}

// HashCheaply is for tests in which passwords protect nothing.
func (a *Agents) HashCheaply() { a.hash.memory, a.hash.passes = 8, 1 }
