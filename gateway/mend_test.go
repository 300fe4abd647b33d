package gateway

import (
	"strings"
	"testing"
	"unicode/utf8"

	"rapport/channels"
	"rapport/internal/fuzzing"
)

// FuzzIncomingText: whatever a stranger sends comes out as a text that both databases take, and one that was fine is not
// touched. Reading the header of the same bytes ends.
func FuzzIncomingText(f *testing.F) {
	for _, seed := range []string{"", "a", "a\x00b", "\xff\xfe", "ok ✓", "Auto-Submitted: no\r\n\r\n", "List-Id: <x>\n", ":\n :\n", "\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		defer fuzzing.Budget(t)()
		u := channels.Update{EventID: text, Message: &channels.Incoming{Text: text, References: []string{text}, Others: []channels.Person{{Name: text}}}}
		before := u.Message
		mend(&u)
		for _, got := range []string{u.EventID, u.Message.Text, u.Message.References[0], u.Message.Others[0].Name} {
			if !utf8.ValidString(got) || strings.ContainsRune(got, 0) || len(got) > 3*mostWords {
				t.Errorf("%.100q became %.100q", text, got)
			}
			if utf8.ValidString(text) && !strings.ContainsRune(text, 0) && len(text) <= mostWords && got != text {
				t.Errorf("%.100q was changed to %.100q", text, got)
			}
		}
		if before.Text != text || before.Others[0].Name != text {
			t.Error("the caller's own was changed")
		}
		machineMade([]byte(text))
	})
}
