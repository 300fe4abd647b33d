package emailtest

import (
	"path"
	"strconv"
	"strings"

	"github.com/emersion/go-smtp"
)

// Stage is a point of the dialogue at which a rule takes hold.
type Stage int

const (
	Mail Stage = iota // MAIL FROM; the recipient is not known yet
	Rcpt              // RCPT TO
	Data              // DATA, before the message; the connection is closed after the reply
	Body              // in the middle of the message; only Cut and Hang can happen here
	Dot               // after the whole message
)

// Rule says what happens instead of taking the message. Exactly one of Reply, Cut, Hang is set.
type Rule struct {
	To    string // recipient as a pattern of path.Match, such as "*@slow.example"; "": all
	At    Stage
	Times int    // how often; 0: always
	Reply string // "550 5.1.1 No such user"; "\n" parts its lines
	Cut   bool   // close the connection (reset, as a crashing server does)
	Hang  bool   // say nothing until the Sink is closed
}

// rule finds the first rule for a recipient at a stage and uses it up.
func (s *Sink) rule(at Stage, to string) (Rule, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.rules {
		r := &s.rules[i]
		if r.At != at || r.Times < 0 {
			continue
		}
		if ok, _ := path.Match(r.To, to); r.To != "" && !ok {
			continue
		}
		found := *r
		if r.Times > 0 {
			if r.Times--; r.Times == 0 {
				r.Times = -1
			}
		}
		return found, true
	}
	return Rule{}, false
}

// parse turns "550 5.1.1 text" into go-smtp's error.
func parse(reply string) *smtp.SMTPError {
	e := &smtp.SMTPError{Code: 554, EnhancedCode: smtp.NoEnhancedCode, Message: reply}
	code, rest, _ := strings.Cut(reply, " ")
	if n, err := strconv.Atoi(code); err == nil {
		e.Code, e.Message = n, rest
	}
	word, rest, _ := strings.Cut(e.Message, " ")
	var enhanced smtp.EnhancedCode
	parts := strings.Split(word, ".")
	if len(parts) != 3 {
		return e
	}
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil {
			return e
		}
		enhanced[i] = n
	}
	e.EnhancedCode, e.Message = enhanced, rest
	return e
}
