package gateway

import (
	"bytes"
	"strings"
	"testing"

	"rapport"
	"rapport/internal/fuzzing"
)

// FuzzReadToken: only the text that we made opens anything, and only for the use it was made for. Mail servers may change
// its case.
func FuzzReadToken(f *testing.F) {
	keys := [][]byte{bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)}
	g, older := &Gateway{set: Settings{Keys: keys}}, &Gateway{set: Settings{Keys: keys[1:]}}
	stranger := &Gateway{set: Settings{Keys: [][]byte{bytes.Repeat([]byte{3}, 32)}}}
	const id, n = rapport.ID(123456789012345), 7
	uses := []string{useReply, useUnsubscribe, usePreferences, useClick, useOpen, useTelegram, useAnswer, useFile}
	good := g.token(useClick, id, n)
	for _, s := range []string{good, strings.ToUpper(good), good[1:], good + "0", good[:20] + "\n" + good[20:], good[:41] + "z", older.token(useClick, id, n), stranger.token(useClick, id, n), "", "=", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		defer fuzzing.Budget(t)()
		if _, _, ok := stranger.readToken(useClick, text); ok && strings.ToLower(text) != stranger.token(useClick, id, n) {
			t.Errorf("%q opened a stranger's door", text)
		}
		for _, use := range uses {
			gotID, gotN, ok := g.readToken(use, text)
			if !ok {
				continue
			}
			if same := strings.ToLower(text); same != g.token(use, gotID, gotN) && same != older.token(use, gotID, gotN) {
				t.Errorf("%q was taken for %s", text, use)
			}
		}
		if strings.ToLower(text) == good {
			if gotID, gotN, ok := g.readToken(useClick, text); !ok || gotID != id || gotN != n {
				t.Errorf("our own token was not taken: %d, %d, %v", gotID, gotN, ok)
			}
		}
	})
}
