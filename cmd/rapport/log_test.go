package main

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"rapport/config"
)

func TestLog_HoldsNoPeopleAndNoSecrets(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		var b bytes.Buffer
		log := newLog(&b, config.Log{Level: "info", Format: format})
		log.Debug("not at this level")
		log.Info("sent", "message", "msg_01", "to", "anna@example.com", "Text", "Dear Anna", "provider", "mail",
			"error", errors.New(`550 <anna@example.com>: no such user, +371 20000001 neither; rpt_live_abc_DEF-123`), slog.Group("reply", "subject", "Hello Anna", "attempt", 3))
		got := b.String()
		for _, secret := range []string{"anna", "Anna", "20000001", "DEF", "not at this level"} {
			if strings.Contains(got, secret) {
				t.Errorf("%s: the log holds %q:\n%s", format, secret, got)
			}
		}
		for _, kept := range []string{"sent", "msg_01", "mail", "550", "no such user", "3"} {
			if !strings.Contains(got, kept) {
				t.Errorf("%s: the log lacks %q:\n%s", format, kept, got)
			}
		}
	}
}
