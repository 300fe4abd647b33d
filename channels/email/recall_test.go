package email

import (
	"context"
	"testing"
	"time"

	"rapport/channels"
	"rapport/channels/email/emailtest"
	"rapport/internal/deadline"
)

// A send that is ended while it waits for its turn on the connection writes nothing of its message.
func TestSend_EndedWhileItWaits(t *testing.T) {
	t.Parallel()
	sink := start(t, emailtest.Options{Latency: 400 * time.Millisecond})
	s := settings(sink)
	s["connections"] = 1
	c := openConn(t, s)
	first := make(chan error, 1)
	left := make(chan struct{})
	o := outgoing()
	o.Wire = func() { close(left) }
	go func() {
		_, err := c.Send(context.Background(), o)
		first <- err
	}()
	<-left
	ctx := deadline.New(context.Background(), time.Hour)
	time.AfterFunc(100*time.Millisecond, ctx.End)
	late := outgoing()
	late.Wire = func() { t.Error("its first byte was announced") }
	_, err := c.Send(ctx, late)
	if v := channels.VerdictOf(err); v == nil || v.Kind != channels.Temporary || v.Reason != "cancelled" {
		t.Errorf("verdict %v", err)
	}
	if err := <-first; err != nil {
		t.Error(err)
	}
	if _, err := c.Send(t.Context(), outgoing()); err != nil {
		t.Errorf("the next one: %v", err)
	}
	if n := len(sink.Messages()); n != 2 {
		t.Errorf("%d messages were taken, want 2", n)
	}
}
