package crash_test

import (
	"context"
	"testing"
	"time"

	"rapport"
	"rapport/channels/email/emailtest"
	"rapport/internal/crash"
)

// keepMail exchanges the mail server for one that keeps what it was sent.
func keepMail(s *crash.Sinks) (err error) {
	s.Mail.Close()
	s.Mail, err = emailtest.Start(emailtest.Options{Latency: s.Latency, Keep: 200_000})
	return err
}

// Of every twentieth message the provider takes it and nobody hears of that: what may be repeated is repeated
// once, where one can ask one is asked, and the rest is unknown, to the last one.
func TestCrash_AmbiguousAnswers(t *testing.T) {
	for _, tt := range []struct {
		name    string
		engine  string
		redis   int
		purpose rapport.Purpose
		long    bool // in the long mode only: the short one has each purpose and each engine once
	}{
		{"marketing on sqlite", "sqlite", 0, rapport.Marketing, false},
		{"transactional on postgres", "postgres", 1, rapport.Transactional, false},
		{"transactional on sqlite", "sqlite", 0, rapport.Transactional, true},
		{"marketing on postgres", "postgres", 2, rapport.Marketing, true},
	} {
		if tt.long && !long() {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, _ := base(t)
			r.Latency, r.Purpose, r.Prepare = 20*time.Millisecond, tt.purpose, keepMail
			if long() {
				r.Messages, r.Impatient = 40_000, true
			}
			if tt.engine == "postgres" && !onPostgres(t, &r, tt.redis) {
				return
			}
			ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
			defer cancel()
			h, err := crash.Start(ctx, r)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(h.Close)
			defer func() {
				if t.Failed() {
					t.Logf("the seed was %d; the processes said last:\n%s", r.Seed, tail(h.Log(), 40))
				}
			}()
			doubts := h.KeepBack(0.05)
			if err := h.Launch(ctx); err != nil {
				t.Fatal(err)
			}
			_, finished, err := h.Drain(ctx, 5*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			v, err := h.CheckDoubt(ctx, doubts)
			t.Logf("crash: %s: seed %d, %d messages: %v; finished after %v", t.Name(), r.Seed, r.Messages, v, finished.Round(time.Millisecond))
			if err != nil {
				t.Error(err)
			}
		})
	}
}
