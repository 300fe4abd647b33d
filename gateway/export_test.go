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
