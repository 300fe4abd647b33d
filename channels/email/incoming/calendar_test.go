package incoming

import (
	"strings"
	"testing"
)

func TestRead_ACalendarAnswerIsPutIntoWords(t *testing.T) {
	t.Parallel()
	const event = "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VTIMEZONE\r\nCOMMENT:not this\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nATTENDEE;CN=\"Anna: home\";PARTSTAT=ACCEPTED:mailto:anna@customers.exam\r\n ple\r\nSUMMARY:Fitting of the so\r\n fa\\, second floor\r\nCOMMENT:I am there from 10:00.\\nRing twice.\r\nBEGIN:VALARM\r\nSUMMARY:not this\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	const want = "Accepted: Fitting of the sofa, second floor\n\nI am there from 10:00.\nRing twice."
	const head = "From: anna@customers.example\r\nSubject: Accepted: Fitting\r\nMIME-Version: 1.0\r\n"
	alternative := func(text, html string) string {
		return head + "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text + "\r\n--b\r\nContent-Type: text/html\r\n\r\n" + html +
			"\r\n--b\r\nContent-Type: text/calendar; charset=utf-8; method=REPLY\r\n\r\n" + event + "--b--\r\n"
	}
	for _, c := range []struct{ name, raw, want string }{
		{"alone", head + "Content-Type: text/calendar; charset=utf-8; method=REPLY\r\n\r\n" + event, want},
		{"below an empty line", alternative("", ""), want},
		{"below empty HTML", alternative(" ", "<html><body><p>&nbsp;</p></body></html>"), want},
		{"below words", alternative("With pleasure.", "<p>With pleasure.</p>"), "With pleasure."},
		{"the method in the type only", head + "Content-Type: text/calendar; method=REPLY\r\n\r\n" + strings.Replace(strings.Replace(event, "METHOD:REPLY\r\n", "", 1), "ACCEPTED", "declined", 1), strings.Replace(want, "Accepted", "Declined", 1)},
		{"cut off", head + "Content-Type: text/calendar\r\n\r\n" + event[:strings.Index(event, "COMMENT:I")], "Accepted: Fitting of the sofa, second floor"},
		{"folded within a letter", head + "Content-Type: text/calendar; charset=utf-8\r\n\r\n" + strings.Replace(event, "SUMMARY:Fitting of the so\r\n fa\\, second floor", "SUMMARY:При\xd0\r\n \xbcерка", 1), "Accepted: Примерка\n\nI am there from 10:00.\nRing twice."},
		{"an invitation", head + "Content-Type: text/calendar\r\n\r\n" + strings.Replace(event, "REPLY", "REQUEST", 1), ""},
	} {
		m, err := Read([]byte(c.raw))
		if err != nil {
			t.Fatal(err)
		}
		if m.Text != c.want || m.Quoted != "" || m.Signature != "" {
			t.Errorf("%s: %q, quoted %q, signature %q", c.name, m.Text, m.Quoted, m.Signature)
		}
		if len(m.Attachments) != 1 {
			t.Errorf("%s: %d files", c.name, len(m.Attachments))
		}
	}
}
