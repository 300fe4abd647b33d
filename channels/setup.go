package channels

import "context"

// Setup is implemented by a Conn that can prove its login, or has something to arrange with its provider
// before messages flow (Telegram: which way updates come).
type Setup interface {
	// Setup may be called at every start and by several processes: it changes nothing that is right already,
	// and what it arranges follows from the settings alone. Its error is what a Send would meet.
	Setup(ctx context.Context) error
}

// Setup, if the provider has one. Its error is a *Verdict without secrets; panics become one too.
func (p *Provider) Setup() (Setup, bool) {
	s, ok := p.link.conn.(Setup)
	return guardedSetup{p.link, s}, ok
}

type guardedSetup struct {
	link *link
	s    Setup
}

func (g guardedSetup) Setup(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			g.link.panicked("set up", r)
			err = &Verdict{Kind: Ambiguous, Reason: "panic"}
		}
	}()
	if err := g.s.Setup(ctx); err != nil {
		return g.link.clean(VerdictOf(err))
	}
	return nil
}
