package gateway_test

import (
	"context"
	"encoding/binary"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"rapport"
	"rapport/gateway"
)

func TestInherit_TheNotesOfTheDeadDecide(t *testing.T) {
	t.Parallel()
	t.Run("at once", func(t *testing.T) { t.Parallel(); inherit(t, false) })
	t.Run("after somebody without the notes took over", func(t *testing.T) { t.Parallel(); inherit(t, true) })
}

// A process that has died had thirty mails in hand: ten were never handed over, ten were taken, ten are anybody's guess.
// Its notes are changed by hand to say so (the file's form is told in internal/journal), and another process finds
// them: at once or, watched, after somebody else has declared all rows doubtful. The result is the same.
func inherit(t *testing.T, watched bool) {
	t.Helper()
	dir := t.TempDir()
	each(t, func(t *testing.T, w *world) {
		const head, slot = 256, 16
		open := w.email.hold()
		c := w.campaign(persons(30, rapport.Email))
		w.until("all are in hand", func() bool { return w.states(c)["sending"] == 30 })
		dead := w.g.Worker()
		name := strconv.FormatInt(int64(dead), 10)
		var raw []byte
		notes := func() (at []int) {
			var err error
			if raw, err = os.ReadFile(filepath.Join(dir, w.st.Engine(), name)); err != nil {
				t.Fatal(err)
			}
			for i := head; i < len(raw); i += slot {
				if binary.LittleEndian.Uint64(raw[i+8:]) != 0 {
					at = append(at, i+8)
				}
			}
			return at
		}
		w.until("all are noted", func() bool { return len(notes()) == 30 })
		for n, at := range notes() {
			note := binary.LittleEndian.Uint64(raw[at:])
			switch n % 3 {
			case 0:
				note = 0
			case 1:
				note = note&^0xff | 2
			}
			binary.LittleEndian.PutUint64(raw[at:], note)
		}
		left := t.TempDir()
		if err := os.WriteFile(filepath.Join(left, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}

		// It ends with everything still on the wire: its sends come back to nobody.
		short, done := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer done()
		w.g.Stop(short)
		start := func(dir string) (stop func()) {
			set := w.set
			set.JournalDir = dir
			g := gateway.New(w.st, w.hub, slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelError})), set)
			if err := g.Start(context.Background(), "successor", gateway.Role{Name: "all", Deliver: true}); err != nil {
				t.Fatal(err)
			}
			return func() {
				limit, done := context.WithTimeout(context.Background(), 20*time.Second)
				defer done()
				g.Stop(limit)
			}
		}
		if watched {
			stop := start("")
			w.until("all is in doubt", func() bool { return w.states(c)["doubtful"] == 30 })
			stop()
		}
		defer start(left)()
		w.until("what was taken is sent, what may be is held to its end, the rest is under way again", func() bool {
			s := w.states(c)
			return s["sent"] == 10 && s["unknown"] == 10 && s["sending"]+s["pending"] == 10
		})
		open()
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=20 unknown=10")
		w.until("the notes are gone", func() bool { _, err := os.Stat(filepath.Join(left, name)); return os.IsNotExist(err) })
	}, func(s *gateway.Settings) { s.JournalDir, s.Hold = filepath.Join(dir, "?"), 3*time.Second })
}
