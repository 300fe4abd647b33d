package gateway

import "rapport"

// Listens tells tests whether a subscription is known.
func (g *Gateway) Listens(t rapport.NoticeType) bool { return g.listens(t) }

// NoticeOf is what the hot path asks for each message: whether anything is to be told.
func (g *Gateway) NoticeOf(state rapport.State) bool {
	return g.noticeOf(state, about{message: 1, campaign: 2, customer: 3, channel: rapport.Email}) != nil
}
