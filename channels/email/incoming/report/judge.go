package report

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"rapport/channels"
	"rapport/channels/email/smtpreply"
)

// evidence is what a report says of one recipient.
type evidence struct {
	status    string          // of the report itself
	said      string          // the server's words, perhaps with codes
	around    string          // what stands around them: written for people, in any language
	at        smtpreply.Stage // what the server answered to; RCPT when nobody says
	permanent bool
}

var (
	reply    = regexp.MustCompile(`(?:^|[\s:;,'"(<\[>])([45][0-9]{2})(?:[ \t]*[- :,]|[ \t]*\n)[ \t]*(?:[45][0-9]{2}[ -]+)?(?:[\[(]?#?([245]\.[0-9]{1,3}\.[0-9]{1,3})[\])]?:?)?`)
	enhanced = regexp.MustCompile(`(?:^|[\s(#\[:;'"=])([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:$|[\s)\]:;,.'"-])`)
	// A server that hands on what another said: the last one knows.
	handedOn = regexp.MustCompile(`(?i)(?:-> ?|\breturned '|\bresponse was: ?|\bserver said: ?|\bhost said: ?|\bserver replied: ?|\bresponse: '?)([45][0-9]{2}[ -])`)
)

// judge says what the evidence proves. The words of the server that refused weigh most, in the very table that judges
// a refusal while we send; then the status, which some systems make up from the code alone (Sendmail calls every 550 a
// 5.1.1); then the words around.
func judge(e evidence) Bounce {
	status := statusOf(e.status)
	code, theirs, text := e.reply()
	class := byte('4')
	switch {
	case code != 0:
		class = byte('0' + code/100)
	case theirs != "":
		class = theirs[0]
	case status != "":
		class = status[0]
	case e.permanent:
		class = '5'
	}
	if class == '4' && e.permanent && says(strings.ToLower(e.said), nowhere) {
		class, code, theirs = '5', 0, "" // Gmail reports a domain that does not exist as 4.0.0, days later
	}
	if code == 0 {
		code = 450
		if class == '5' {
			code = 550
		}
	}
	if theirs == "" && vague(status) && status != "" && text == "" {
		theirs = status
	}
	r := smtpreply.New(code, join(theirs, text))
	v := r.Verdict(e.at)
	if tellsLittle(v) && status != "" && status[0] == class && !vague(status) {
		other := smtpreply.New(code, join(status, text)).Verdict(e.at)
		if !tellsLittle(other) || other.Reason == "unroutable" {
			v = other
		}
	}
	b := Bounce{Status: status, Detail: oneLine(r.Text)}
	if theirs != "" && (status == "" || vague(status) && !vague(theirs)) {
		b.Status = theirs
	}
	b.Reason, b.Class = v.Reason, classOf(v, b.Status)
	if code == 421 && v.Reason == "domain_rate" { // said of every connection that closes
		if reason, _ := spoken(text); reason == "deferred" || strings.HasPrefix(b.Status, "4.4.") {
			b.Reason, b.Class = "deferred", Soft
		}
	}
	if tellsLittle(v) {
		if reason, class := spoken(e.said + "\n" + e.around); reason != "" && (v.Kind != channels.Temporary || class == Soft) {
			b.Reason, b.Class = reason, class
		}
	}
	return b
}

func join(status, text string) string { return strings.TrimSpace(status + " " + text) }

// reply finds the SMTP reply among the words: its code, its enhanced code, and its text with lines that were glued
// together ("550-5.1.1 The account 550 5.1.1 does not exist") cleared of the codes within.
func (e *evidence) reply() (code int, theirs, text string) {
	s := strings.ReplaceAll(e.said[:min(len(e.said), maxValue)], "ERROR_CODE :", "") // Zoho
	if all := handedOn.FindAllStringSubmatchIndex(s, -1); len(all) > 0 {
		s = s[all[len(all)-1][2]:]
	}
	m := reply.FindStringSubmatchIndex(s)
	if m == nil {
		if x := enhanced.FindStringSubmatch(s); x != nil && x[1][0] != '2' {
			theirs = x[1]
		}
		return 0, theirs, strings.TrimSpace(s)
	}
	code, _ = strconv.Atoi(s[m[2]:m[3]])
	if m[4] >= 0 {
		theirs = s[m[4]:m[5]]
	}
	rest := s[m[1]:]
	if end := strings.Index(rest, "\n\n"); end > 0 {
		rest = rest[:end]
	}
	again := strconv.Itoa(code)
	var b strings.Builder
	for word := range strings.FieldsSeq(rest) {
		switch {
		case word == again, word == theirs, strings.TrimPrefix(word, again+"-") == theirs && theirs != "":
			continue
		case strings.HasPrefix(word, again+"-"):
			word = word[len(again)+1:]
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word)
	}
	text = strings.Trim(b.String(), "'\"")
	for _, s := range []string{text, s[:m[0]]} {
		if x := enhanced.FindStringSubmatch(s); theirs == "" && x != nil && x[1][0] == again[0] {
			theirs = x[1]
		}
	}
	if theirs != "" && theirs[0] != again[0] {
		theirs = ""
	}
	return code, theirs, text
}

// statusOf reads a Status field: "5.1.1 (bad destination mailbox)".
func statusOf(s string) string {
	m := enhanced.FindStringSubmatch(" " + s)
	if m == nil {
		return ""
	}
	return m[1]
}

// nowhere is what name servers say for good.
var nowhere = []string{"nxdomain", "domain name not found", "no such domain", "domain does not exist"}

// vague tells whether a status says no more than yes or no.
func vague(status string) bool { return status == "" || strings.HasSuffix(status, ".0.0") }

// tellsLittle tells whether a verdict is only the rest that no words decided.
func tellsLittle(v *channels.Verdict) bool {
	return slices.Contains([]string{"refused", "mailbox_unavailable", "address", "unroutable", "deferred", "protocol"}, v.Reason)
}

// classes of the reasons that smtpreply gives; what is not here is soft. docs/bounces.md explains the table.
var classes = map[string]Class{
	"hard_bounce":      Hard,
	"mailbox_disabled": Hard,
	"policy":           Policy,
	"content":          Policy,
	"sender_rejected":  Policy,
	"relay_denied":     Policy,
	"login":            Policy,
}

// classOf is what a verdict proves. A limit is policy when the server calls it so (X.7.x), else it passes.
func classOf(v *channels.Verdict, status string) Class {
	if v.Kind == channels.Throttled && v.Scope == channels.ScopeDomain && strings.Contains(status, ".7.") {
		return Policy
	}
	if c, ok := classes[v.Reason]; ok {
		return c
	}
	return Soft
}

// oneLine bounds what the server said and takes out what would not show, or would show what it is not.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
	if len(s) > 400 {
		s = strings.ToValidUTF8(s[:400], "")
	}
	return strings.TrimSpace(s)
}
