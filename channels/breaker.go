package channels

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

const (
	tripAfter   = 5   // failures in a row
	tripSample  = 20  // or so many sends within tripWindow ...
	tripRatio   = 0.5 // ... of which this share failed
	tripWindow  = 30 * time.Second
	halfOpenTry = 3 // sends that test a provider after the pause; all must succeed to close the breaker
)

// breaker keeps a provider from being asked while it is down. What one recipient causes (a dead address, a
// full mailbox, a refused text) says nothing about the provider: permanent refusals count as success, and
// faults with a recipient's scope not at all. Misconfigured opens it at once, because the next message
// would fare no better.
type breaker struct {
	two   *gobreaker.TwoStepCircuitBreaker[struct{}]
	pause time.Duration
	trip  atomic.Bool
}

func newBreaker(log *slog.Logger, pause time.Duration) *breaker {
	b := &breaker{pause: pause}
	b.two = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests:  halfOpenTry,
		Interval:     tripWindow,
		BucketPeriod: tripWindow / 6,
		Timeout:      pause,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			known := c.TotalSuccesses + c.TotalFailures
			return b.trip.Load() || c.ConsecutiveFailures >= tripAfter ||
				known >= tripSample && float64(c.TotalFailures) >= tripRatio*float64(known)
		},
		OnStateChange: func(_ string, from, to gobreaker.State) {
			b.trip.Store(false)
			log.Warn("the breaker of a provider changed", "was", from.String(), "is", to.String())
		},
		IsSuccessful: func(err error) bool { return err == nil },
		IsExcluded:   func(err error) bool { return errors.Is(err, errNotItsFault) },
	})
	return b
}

var (
	errFault       = errors.New("the provider is at fault")
	errNotItsFault = errors.New("this send says nothing about the provider")
)

// allow returns how to report the outcome, or nil and how long to wait.
func (b *breaker) allow() (settle func(v *Verdict, callerGaveUp bool), wait time.Duration) {
	done, err := b.two.Allow()
	if err != nil {
		return nil, b.pause
	}
	return func(v *Verdict, callerGaveUp bool) {
		fault := blame(v, callerGaveUp)
		if v != nil && v.Kind == Misconfigured && errors.Is(fault, errFault) {
			b.trip.Store(true)
		}
		done(fault)
	}, 0
}

func (b *breaker) open() bool { return b.two.State() == gobreaker.StateOpen }

// state in our words.
func (b *breaker) state() Breaker {
	return map[gobreaker.State]Breaker{gobreaker.StateClosed: BreakerClosed, gobreaker.StateHalfOpen: BreakerTrying, gobreaker.StateOpen: BreakerOpen}[b.two.State()]
}

// blame tells what a verdict says about the provider: nil means it works.
func blame(v *Verdict, callerGaveUp bool) error {
	switch {
	case v == nil:
		return nil
	case callerGaveUp && v.Kind != Misconfigured, v.Scope == ScopeRecipient, v.Scope == ScopeDomain, v.Kind == Throttled:
		return errNotItsFault // a throttling provider works; the pause for it is a row in the store
	case v.Kind == Temporary, v.Kind == Ambiguous, v.Kind == Misconfigured:
		return errFault
	}
	return nil
}
