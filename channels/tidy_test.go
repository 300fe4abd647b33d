package channels

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestTidy_LeavesNothingThatADatabaseRefuses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) })
		draw := func(name string) string { return s.Draw(t, name) }
		m := &Incoming{FromName: draw("name"), Text: draw("text"), Subject: draw("subject"), InReplyTo: []string{draw("ref")}, Others: []Person{{draw("other"), draw("address")}}, Attachments: []Attachment{{Name: draw("file")}}}
		tidy([]Update{{Message: m}, {}})
		for _, got := range []string{m.FromName, m.Text, m.Subject, m.InReplyTo[0], m.Others[0].Name, m.Others[0].Address, m.Attachments[0].Name} {
			if !utf8.ValidString(got) || strings.ContainsRune(got, 0) {
				t.Fatalf("%q", got)
			}
		}
	})
	m := &Incoming{Text: "naïve \x00\xffДа 👍"}
	if tidy([]Update{{Message: m}}); m.Text != "naïve \uFFFDДа 👍" {
		t.Errorf("%q", m.Text)
	}
}
