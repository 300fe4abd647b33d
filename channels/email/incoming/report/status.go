package report

import (
	"slices"
	"strings"

	"rapport/channels/email/smtpreply"
)

// deliveries reads delivery fields (RFC 3464 §2): first those of the mail, then a block a recipient.
func (l *letter) deliveries() (Report, bool) {
	content := l.status
	switch {
	case len(content) > 0 && (l.root.ContentType == "multipart/report" || senderOf(l.root).machine() || l.root.FirstChild == nil):
	case senderOf(l.root).machine():
		if f := l.flattened(); f != "" {
			content = []string{f}
			break
		}
		return Report{}, false
	default:
		return Report{}, false // a person who attached one
	}
	if s := senderOf(l.root); s.answered && !s.daemon && !s.null && !s.auto && l.root.ContentType != "multipart/report" {
		return Report{}, false
	}
	var all []delivery
	for _, c := range content {
		all = append(all, split(fields(c))...)
	}
	return l.outcome(all)
}

// delivery is the block of one recipient.
type delivery struct {
	original, final, other string
	action, status, said   string
}

func (d *delivery) empty() bool { return d.original == "" && d.final == "" && d.other == "" }

// split parts the recipients. An empty line alone parts nothing: some servers put one between any two fields.
func split(all []field) []delivery {
	var out []delivery
	var d delivery
	gap := false
	for _, f := range all {
		gap = gap || f.blank
		switch f.name {
		case "final-recipient", "original-recipient":
			if !d.empty() && (gap || f.name == "final-recipient" && d.final != "" || f.name == "original-recipient" && d.original != "") &&
				(d.action != "" || d.status != "" || f.name == "final-recipient" && d.final != "") {
				out, d = append(out, d), delivery{}
			}
			gap = false
			if f.name == "final-recipient" {
				d.final = f.value
			} else {
				d.original = f.value
			}
		case "x-actual-recipient", "x-display-name", "x-failed-recipient", "recipient":
			if d.other == "" {
				d.other = f.value
			}
		case "action":
			d.action = strings.ToLower(f.value)
		case "status":
			d.status = f.value
		case "diagnostic-code":
			kind, text, ok := strings.Cut(f.value, ";")
			if !ok || strings.ContainsAny(strings.TrimSpace(kind), " \t") {
				text = f.value
			}
			d.said = strings.TrimSpace(text)
		case "x-original-diagnostic-code", "x-supplementary-info", "x-notes":
			if d.said == "" {
				d.said = f.value
			}
		}
	}
	out = append(out, d)
	return slices.DeleteFunc(out, func(d delivery) bool { return d.action == "" && d.status == "" && d.said == "" })
}

// kind is what became of the mail for this recipient.
func (d *delivery) kind() Kind {
	switch {
	case strings.HasPrefix(d.action, "fail"):
		return Bounced
	case strings.HasPrefix(d.action, "delay"):
		return Delayed
	case strings.HasPrefix(d.action, "deliver"), strings.HasPrefix(d.action, "relay"), strings.HasPrefix(d.action, "expand"):
		return Delivered
	}
	switch s := statusOf(d.status); {
	case strings.HasPrefix(s, "2"):
		return Delivered
	case strings.HasPrefix(s, "4"):
		return Delayed
	}
	return Bounced
}

// outcome tells the worst that happened, and to whom. What also happened to others is left out: a mail of ours has one
// recipient, so the others are where it was passed on to.
func (l *letter) outcome(all []delivery) (Report, bool) {
	if len(all) == 0 {
		return Report{}, false
	}
	r := Report{Kind: Delivered}
	for i := range all {
		if k := all[i].kind(); k == Bounced || k == Delayed && r.Kind != Bounced {
			r.Kind = k
		}
	}
	var who recipients
	words := strings.Join(l.told(), "\n")
	for i := range all {
		d := &all[i]
		if d.kind() != r.Kind {
			continue
		}
		to := typed(d.final)
		original := typed(d.original)
		if to == "" {
			to = original
		}
		if to == "" {
			to = typed(d.other)
		}
		if to == "" && len(all) == 1 {
			to = l.wroteTo()
		}
		if !who.room(to) {
			continue
		}
		b := Bounce{Recipient: to, Original: original}
		if b.Original == b.Recipient {
			b.Original = ""
		}
		if r.Kind == Delivered {
			b.Status = statusOf(d.status)
		} else {
			around := words
			if len(all) > 1 {
				around = near(words, to)
			}
			j := judge(evidence{status: d.status, said: d.said, around: around, at: stageOf(around), permanent: r.Kind == Bounced})
			b.Class, b.Status, b.Reason, b.Detail = j.Class, j.Status, j.Reason, j.Detail
			if r.Kind == Delayed {
				b.Class = Soft
			}
		}
		who.add(b)
	}
	r.Bounces, r.More = who.list, who.more
	return r, true
}

// wroteTo is the recipient in the returned header, when it names one alone.
func (l *letter) wroteTo() string {
	for _, r := range l.returned {
		h := header(r)
		for _, name := range []string{"x-failed-recipients", "to", "delivered-to", "x-original-to"} {
			if to := first(h, name); to != "" && strings.Count(to, "@") == 1 {
				if a := address(to); a != "" {
					return a
				}
			}
		}
	}
	return ""
}

// near is what the words say about one of several recipients.
func near(words, to string) string {
	if to == "" {
		return ""
	}
	i := strings.Index(words, to)
	if i < 0 {
		return ""
	}
	s := words[i:min(len(words), i+2000)]
	s, _, _ = strings.Cut(s, "\n\n")
	first, rest, _ := strings.Cut(s, "\n")
	for line := range strings.Lines(rest) {
		if strings.Contains(line, "@") && line[0] != ' ' && line[0] != '\t' {
			break // the next recipient
		}
		first += "\n" + line
	}
	return first
}

// stageOf reads what the server answered to, where the system tells (Postfix, Exim, qmail). When nobody says, it is
// the recipient that was refused.
func stageOf(words string) smtpreply.Stage {
	s := strings.ToLower(words[:min(len(words), maxValue)])
	switch {
	case says(s, []string{"in reply to end of data", "after end of data", "after pipelined end of data", "failed after i sent the message", "end of message"}):
		return smtpreply.AtDot
	case says(s, []string{"in reply to mail from", "after mail from", "after pipelined mail from"}):
		return smtpreply.AtMail
	case says(s, []string{"in reply to data", "after data:"}):
		return smtpreply.AtData
	}
	return smtpreply.AtRcpt
}

// recipients keeps the first hundred, each address once.
type recipients struct {
	list []Bounce
	more bool
	has  map[string]bool
}

// room tells whether the address is new and there is place for it.
func (r *recipients) room(address string) bool {
	if r.has[strings.ToLower(address)] {
		return false
	}
	r.more = r.more || len(r.list) == most
	return !r.more
}

func (r *recipients) add(b Bounce) {
	if !r.room(b.Recipient) {
		return
	}
	if r.has == nil {
		r.has = map[string]bool{}
	}
	r.has[strings.ToLower(b.Recipient)] = true
	r.list = append(r.list, b)
}
