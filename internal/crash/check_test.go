package crash

import (
	"context"
	"maps"
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
	var moves int // so many have been made honestly
	if err := db.QueryRowContext(ctx, `SELECT max(n) FROM crash_moves`).Scan(&moves); err != nil {
		t.Fatal(err)
	}
	forget := func(t *testing.T) {
		t.Helper()
		if _, err := db.ExecContext(ctx, `DELETE FROM crash_moves WHERE n > $1`, moves); err != nil {
			t.Fatal(err)
		}
	}
	one := `(SELECT min(id) FROM messages WHERE channel = 'email')`
	for _, tt := range []struct {
		name, breaks, mends, want string
	}{
		{"a row that never arrived", `UPDATE addresses SET address = 'nobody@sink.example' WHERE id = (SELECT address_id FROM messages WHERE id = ` + one + `)`,
			`UPDATE addresses SET address = '` + h.Sinks.Address(rapport.Email, 0) + `' WHERE id = (SELECT address_id FROM messages WHERE id = ` + one + `)`, "1 are lost"},
		{"a row that is not at an end", `UPDATE messages SET state = 2 WHERE id = ` + one, `UPDATE messages SET state = 4 WHERE id = ` + one, "ended as sending"},
		{"a row that a dead worker is still sending", `UPDATE messages SET state = 2, owner = 1 WHERE id = ` + one, `UPDATE messages SET state = 4 WHERE id = ` + one, "1 rows are still being sent by the dead"},
		{"a state that moved back", `UPDATE messages SET state = 1 WHERE id = ` + one, `UPDATE messages SET state = 4 WHERE id = ` + one, "from sent (attempt 1) to pending (attempt 1): no rule"},
		{"an attempt that was not counted", `UPDATE messages SET attempt = 2 WHERE id = ` + one, `UPDATE messages SET attempt = 1 WHERE id = ` + one, "no rule allows that"},
		{"a batch that is left", `INSERT INTO batches (id, campaign_id, lane, channel, due_at, size) VALUES (1, 1, 1, 'sms', 0, 0)`, `DELETE FROM batches WHERE id = 1`, "1 batches are left"},
		{"a row that is gone", `UPDATE messages SET address_id = -address_id WHERE id = ` + one, `UPDATE messages SET address_id = -address_id WHERE id = ` + one, "39 recipients have a row"},
		{"a counter that drifted", `UPDATE campaign_counts SET n = n + 1 WHERE what = 'sent'`, `UPDATE campaign_counts SET n = n - 1 WHERE what = 'sent'`, "the counters say 41 are sent"},
		{"a campaign that is not finished", `UPDATE campaigns SET status = 'paused'`, `UPDATE campaigns SET status = 'finished'`, "the API says {Status:paused"},
		{"doubt about somebody who can be asked", `UPDATE messages SET state = 10 WHERE id = (SELECT min(id) FROM messages WHERE channel = 'sms')`,
			`UPDATE messages SET state = 4 WHERE id = (SELECT min(id) FROM messages WHERE channel = 'sms')`, "ended as unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			exec(t, tt.breaks)
			defer forget(t)
			defer exec(t, tt.mends)
			if _, err := h.Check(ctx); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("want %q, have %v", tt.want, err)
			}
		})
	}
	if _, err := h.Check(ctx); err != nil {
		t.Fatalf("after mending: %v", err)
	}
	for _, tt := range []struct {
		name   string
		breaks func()
		want   string
	}{
		{"a late first send", func() { h.first = Spread{2100 * time.Millisecond} }, "the first send after a restart came after 2.1s"},
		{"a slow exit", func() { h.exits = Spread{61 * time.Second} }, "ended 1m1s after SIGTERM"},
		{"rows of the dead that wait", func() { h.killed[h.procs[0].cmd.Process.Pid] = time.Now().Add(-time.Minute) }, "rows of the dead waited"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			killed := maps.Clone(h.killed)
			defer func() { h.first, h.exits, h.killed = nil, nil, killed }()
			tt.breaks()
			if _, err := h.Check(ctx); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("want %q, have %v", tt.want, err)
			}
		})
	}
	t.Run("a move that nobody wrote down", func(t *testing.T) {
		exec(t, `UPDATE crash_moves SET id = -id WHERE n = (SELECT min(n) FROM crash_moves WHERE new = 2)`)
		defer exec(t, `UPDATE crash_moves SET id = -id WHERE id < 0`)
		if _, err := h.Check(ctx); err == nil || !strings.Contains(err.Error(), "but it stood at pending (attempt 0)") {
			t.Error(err)
		}
	})
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
