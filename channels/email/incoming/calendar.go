package incoming

import (
	"strings"

	"github.com/jhillyerd/enmime/v2"
)

// maxCalendar bounds what is read of a calendar, in bytes; an answer to an invitation has two or three kilobytes.
const maxCalendar = 256 << 10

// calendarAnswer puts into words what a mail without any says by its calendar: "Accepted: Fitting of the sofa", and the comment.
// "": it holds no answer to an invitation (RFC 5546 §3.2.3).
func (t *tree) calendarAnswer() (text string) {
	each(t.root, func(p *enmime.Part) {
		if text == "" && (p.ContentType == "text/calendar" || p.ContentType == "application/ics") {
			content := unfold.Replace(string(p.Content[:min(len(p.Content), maxCalendar)]))
			text = answerIn(decode([]byte(content), p.Charset), p.ContentTypeParams["method"])
		}
	})
	return text
}

// answerIn reads iCalendar (RFC 5545). method is that of the Content-Type, where the calendar itself has none.
func answerIn(calendar, method string) string {
	var summary, comment, status string
	in := ""
	for l := range strings.Lines(calendar) {
		name, params, value := property(strings.TrimRight(l, "\r\n"))
		switch {
		case name == "METHOD":
			method = value
		case name == "BEGIN" && in == "" && (strings.EqualFold(value, "VEVENT") || strings.EqualFold(value, "VTODO")):
			in = value
		case name == "BEGIN" && in != "": // an alarm
			in += "+"
		case name == "END" && strings.HasSuffix(in, "+"):
			in = strings.TrimSuffix(in, "+")
		case name == "END" && in != "": // the first event of a series says it for all
			return answerText(method, status, summary, comment)
		case in == "" || strings.HasSuffix(in, "+"):
		case name == "SUMMARY":
			summary = line(unescaped(value))
		case name == "COMMENT" && strings.TrimSpace(value) != "":
			comment = strings.TrimSpace(comment + "\n" + unescaped(value))
		case name == "ATTENDEE" && status == "":
			status = params["PARTSTAT"]
		}
	}
	return answerText(method, status, summary, comment)
}

func answerText(method, status, summary, comment string) string {
	word := attendance[strings.ToUpper(strings.TrimSpace(status))]
	if !strings.EqualFold(strings.TrimSpace(method), "REPLY") || word == "" {
		return ""
	}
	text := word
	if summary != "" {
		text += ": " + cut(summary, 1000)
	}
	if comment != "" {
		text += "\n\n" + comment
	}
	return text
}

// attendance are the values of PARTSTAT (RFC 5545 §3.2.12).
var attendance = map[string]string{"ACCEPTED": "Accepted", "DECLINED": "Declined", "TENTATIVE": "Tentatively accepted", "DELEGATED": "Delegated", "COMPLETED": "Completed", "IN-PROCESS": "In process", "NEEDS-ACTION": "Not yet answered"}

// unfold undoes RFC 5545 §3.1: a line that begins with a blank goes on with the one before it, perhaps within a letter.
var unfold = strings.NewReplacer("\r\n ", "", "\r\n\t", "", "\n ", "", "\n\t", "")

// property parts a line "ATTENDEE;PARTSTAT=ACCEPTED;CN="A: B":mailto:a@b.example". Names are in upper case.
func property(l string) (name string, params map[string]string, value string) {
	quoted, from := false, 0
	for i := range len(l) {
		switch c := l[i]; {
		case c == '"':
			quoted = !quoted
		case quoted || c != ';' && c != ':':
		default:
			if name == "" {
				name = strings.ToUpper(strings.TrimSpace(l[:i]))
			} else if key, v, ok := strings.Cut(l[from:i], "="); ok {
				if params == nil {
					params = map[string]string{}
				}
				params[strings.ToUpper(key)] = strings.Trim(v, `"`)
			}
			if from = i + 1; c == ':' {
				return name, params, l[from:]
			}
		}
	}
	return "", nil, ""
}

// unescaped undoes what RFC 5545 §3.3.11 escapes.
func unescaped(s string) string {
	return strings.NewReplacer(`\n`, "\n", `\N`, "\n", `\,`, ",", `\;`, ";", `\\`, `\`).Replace(s)
}
