package crash

import (
	"context"
	"net/smtp"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport"
)

// A checker that cannot fail proves nothing: each breach is made by hand, in a run in which nothing went wrong.
func TestCheck_NoticesEachBreach(t *testing.T) {
	ctx := t.Context()
	h, err := Start(ctx, Run{Seed: 1, Bin: os.Getenv("RAPPORT_TEST_BIN"), Dir: t.TempDir(), Messages: 40, Window: 24})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	if err := h.Launch(ctx); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Drain(ctx, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	if v, err := h.Check(ctx); err != nil || v.Arrived != 40 {
		t.Fatalf("%v %v", v, err)
	}
	db, err := h.database()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	exec := func(t *testing.T, q string, args ...any) {
		t.Helper()
		if r, err := db.ExecContext(ctx, q, args...); err != nil {
			t.Fatal(err)
		} else if n, _ := r.RowsAffected(); n != 1 {
			t.Fatalf("%s changed %d rows", q, n)
		}
	}
	one := `(SELECT min(id) FROM messages WHERE channel = 'email')`
	for _, tt := range []struct {
		name, breaks, mends, want string
	}{
		{"a row that never arrived", `UPDATE addresses SET address = 'nobody@sink.example' WHERE id = (SELECT address_id FROM messages WHERE id = ` + one + `)`,
			`UPDATE addresses SET address = '` + h.Sinks.Address(rapport.Email, 0) + `' WHERE id = (SELECT address_id FROM messages WHERE id = ` + one + `)`, "1 are lost"},
		{"a row that is not at an end", `UPDATE messages SET state = 2 WHERE id = ` + one, `UPDATE messages SET state = 4 WHERE id = ` + one, "ended as sending"},
		{"a row that is gone", `UPDATE messages SET address_id = -address_id WHERE id = ` + one, `UPDATE messages SET address_id = -address_id WHERE id = ` + one, "39 recipients have a row"},
		{"a counter that drifted", `UPDATE campaign_counts SET n = n + 1 WHERE what = 'sent'`, `UPDATE campaign_counts SET n = n - 1 WHERE what = 'sent'`, "the counters say 41 are sent"},
		{"a campaign that is not finished", `UPDATE campaigns SET status = 'paused'`, `UPDATE campaigns SET status = 'finished'`, "the API says {Status:paused"},
		{"doubt about somebody who can be asked", `UPDATE messages SET state = 10 WHERE id = (SELECT min(id) FROM messages WHERE channel = 'sms')`,
			`UPDATE messages SET state = 4 WHERE id = (SELECT min(id) FROM messages WHERE channel = 'sms')`, "ended as unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			exec(t, tt.breaks)
			defer exec(t, tt.mends)
			if _, err := h.Check(ctx); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("want %q, have %v", tt.want, err)
			}
		})
	}
	if _, err := h.Check(ctx); err != nil {
		t.Fatalf("after mending: %v", err)
	}
	t.Run("a message that came twice", func(t *testing.T) {
		host := h.Sinks.Mail.Host() + ":" + strconv.Itoa(h.Sinks.Mail.Port())
		if err := smtp.SendMail(host, nil, "crash@sink.example", []string{h.Sinks.Address(rapport.Email, 0)}, []byte("Subject: again\r\n\r\nagain\r\n")); err != nil {
			t.Fatal(err)
		}
		if v, err := h.Check(context.Background()); err == nil || v.Duplicates != 1 {
			t.Errorf("%v %v", v, err)
		}
	})
}
