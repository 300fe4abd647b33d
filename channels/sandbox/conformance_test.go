package sandbox

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/channels/channelstest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, ch := range rapport.Channels {
		t.Run(string(ch), func(t *testing.T) {
			t.Parallel()
			channelstest.Run(t, channelstest.Harness{
				Driver:  Driver(NewMemory()),
				Channel: ch,
				New:     newUpstream,
				Bad:     []channelstest.BadSetting{{Key: "from", Value: []any{"a"}}},
				Verdicts: map[channelstest.Mode]channels.Verdict{
					channelstest.Reject:   {Kind: channels.Rejected, Reason: "sandbox_reject"},
					channelstest.Throttle: {Kind: channels.Throttled, Scope: channels.ScopeRecipient, After: channelstest.RetryAfter},
				},
			})
		})
	}
}

// badBox keeps what it is given but can lose the answer, and can stop answering questions.
type badBox struct {
	*Memory
	hang, down atomic.Bool
}

func (b *badBox) Keep(ctx context.Context, s Sent) error {
	if err := b.Memory.Keep(ctx, s); err != nil {
		return err
	}
	if b.hang.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (b *badBox) Find(ctx context.Context, id string) (Sent, bool, error) {
	if b.down.Load() {
		return Sent{}, false, errors.New("the box does not answer")
	}
	return b.Memory.Find(ctx, id)
}

func newUpstream(_ *testing.T, env channels.Env) *channelstest.Upstream {
	box := &badBox{Memory: NewMemory()}
	return &channelstest.Upstream{
		Settings: channels.Settings{"from": "Shop"},
		Open:     Driver(box).Open,
		Address: func(i int) string {
			return map[rapport.Channel]string{
				rapport.Email: fmt.Sprintf("anna%d@example.com", i), rapport.SMS: fmt.Sprintf("+371200000%02d", i), rapport.WhatsApp: fmt.Sprintf("+371200000%02d", i),
				rapport.Telegram: fmt.Sprint(1000 + i), rapport.Webhook: fmt.Sprintf("https://shop.example/%d", i),
			}[env.Channel]
		},
		Play: func(m channelstest.Mode) {
			behaviour := map[channelstest.Mode]Behaviour{
				channelstest.Accept: {Mode: Accept}, channelstest.Reject: {Mode: Reject}, channelstest.Down: {Mode: Down}, channelstest.Cut: {Mode: Ambiguous},
				channelstest.Throttle: {Mode: Throttle, DelayMS: int(channelstest.RetryAfter / time.Millisecond)},
			}[m]
			box.hang.Store(m == channelstest.Hang)
			box.down.Store(m == channelstest.Down)
			box.Behave(env.Channel, "", behaviour)
		},
		Received: func() []channelstest.Received {
			var out []channelstest.Received
			for _, s := range box.Outbox("", "") {
				for range s.Copies {
					out = append(out, channelstest.Received{To: s.To, Text: s.Subject + s.Text + s.HTML + s.Body})
				}
			}
			return out
		},
	}
}
