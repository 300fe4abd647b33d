package report

import (
	"bytes"
	"slices"
	"strings"

	"github.com/jhillyerd/enmime/v2"
)

// letter is a mail taken apart into what a report consists of.
type letter struct {
	root     *enmime.Part
	words    string   // what it says to people
	status   []string // delivery fields (RFC 3464)
	feedback []string // feedback fields (RFC 5965)
	returned []string // what it gives back of the mail that it is about
	report   string   // the report-type of multipart/report, "?" when it names none, "" when it is no report
	parts    int
}

const maxParts = 200

func open(root *enmime.Part, text string) *letter {
	l := &letter{root: root}
	l.walk(root, 0)
	if strings.TrimSpace(l.words) == "" {
		l.words = text[:min(len(text), maxBlock)]
	}
	if len(l.status)+len(l.feedback) == 0 {
		l.unwrap()
	}
	return l
}

func (l *letter) walk(p *enmime.Part, depth int) {
	for ; p != nil && l.parts < maxParts && depth < 20; p = p.NextSibling {
		l.parts++
		if p.FirstChild != nil {
			if p.ContentType == "multipart/report" && l.report == "" {
				l.report = strings.ToLower(p.ContentTypeParams["report-type"])
				if l.report == "" {
					l.report = reportType(p.Header.Get("Content-Type"))
				}
			}
			l.walk(p.FirstChild, depth+1)
		} else {
			l.leaf(p)
		}
		if p == l.root {
			return
		}
	}
}

// reportType reads the parameter where the parser did not keep it.
func reportType(contentType string) string {
	_, v, ok := strings.Cut(strings.ToLower(contentType), "report-type")
	if !ok {
		return "?"
	}
	v, _, _ = strings.Cut(strings.TrimLeft(v, " \t="), ";")
	if v = strings.Trim(v, " \t\r\n\""); v == "" {
		return "?"
	}
	return v
}

func (l *letter) leaf(p *enmime.Part) {
	b := p.Content[:min(len(p.Content), maxBlock)]
	content := string(bytes.ToValidUTF8(b, []byte("?")))
	switch t := p.ContentType; {
	case t == "message/disposition-notification":
	case t == "message/feedback-report":
		l.feedback = keep(l.feedback, content)
	case t == "message/delivery-status", t == "message/global-delivery-status", p != l.root && statusLike(content):
		l.status = keep(l.status, content)
	case t == "message/rfc822", t == "message/global", t == "message/news", t == "message/partial", strings.HasSuffix(t, "rfc822-headers"), strings.HasSuffix(t, "rfc822-header"), t == "message/global-headers":
		l.returned = keep(l.returned, content)
	case t == "text/plain", t == "", strings.HasPrefix(t, "multipart/"): // the last: its boundary is broken
		if len(l.words) < maxBlock {
			l.words += content[:min(len(content), maxBlock-len(l.words))] + "\n"
		}
	}
}

// keep holds the first few of a kind: a report has one.
func keep(all []string, content string) []string {
	if len(all) < 3 {
		return append(all, content)
	}
	return all
}

// statusLike knows delivery fields under a wrong name (text/plain, application/octet-stream) by how they begin.
func statusLike(content string) bool {
	line, _, _ := strings.Cut(strings.TrimLeft(content, " \t\r\n"), "\n")
	name, _, ok := cutField(line)
	if !ok {
		return false
	}
	switch strings.ToLower(name) {
	case "reporting-mta", "original-envelope-id", "dsn-gateway", "received-from-mta", "arrival-date", "final-recipient", "original-recipient":
		return strings.Contains(strings.ToLower(content), "final-recipient:") || strings.Contains(strings.ToLower(content), "original-recipient:")
	}
	return false
}

// unwrap reads a report that a gateway has put whole into another mail. Only a machine's: a person who attaches a
// bounce writes about it. The inner mail is not parsed again: what is looked for begins a line and ends at a boundary.
func (l *letter) unwrap() {
	if l.report == "" && !senderOf(l.root).machine() {
		return
	}
	for _, r := range l.returned {
		if t := strings.ToLower(first(header(r), "content-type")); !strings.Contains(t, "multipart/report") {
			continue
		}
		l.status = inner(r, "message/delivery-status", "message/global-delivery-status")
		l.feedback = inner(r, "message/feedback-report")
		if len(l.status)+len(l.feedback) == 0 {
			continue
		}
		l.returned = inner(r, "message/rfc822", "text/rfc822-headers", "message/global-headers", "message/global")
		l.words += strings.Join(inner(r, "text/plain"), "\n")
		return
	}
}

// inner cuts the first parts of a kind out of a mail, as they stand there.
func inner(mail string, kinds ...string) []string {
	low := strings.ToLower(mail)
	if len(low) != len(mail) { // letters that change their length with their case: places would not fit
		return nil
	}
	var out []string
	for at := 0; len(out) < 3; {
		i := strings.Index(low[at:], "\ncontent-type:")
		if i < 0 {
			break
		}
		at += i + len("\ncontent-type:")
		kind := strings.TrimLeft(low[at:min(len(low), at+200)], " \t")
		if !slices.ContainsFunc(kinds, func(k string) bool { return strings.HasPrefix(kind, k) }) {
			continue
		}
		body := strings.ReplaceAll(mail[at:], "\r\n", "\n")
		_, body, ok := strings.Cut(body, "\n\n")
		if !ok {
			break
		}
		body, _, _ = strings.Cut(body, "\n--")
		out = append(out, body)
	}
	return out
}

// flattened finds delivery fields among the words, where a gateway made one text of a report.
func (l *letter) flattened() string {
	low := strings.ToLower(l.words)
	if len(low) != len(l.words) || !strings.Contains(low, "\naction:") {
		return ""
	}
	for _, name := range []string{"\nreporting-mta:", "\noriginal-recipient:", "\nfinal-recipient:"} {
		if i := strings.Index(low, name); i >= 0 && strings.Contains(low[i:], "final-recipient:") {
			return l.words[i+1:]
		}
	}
	return ""
}
