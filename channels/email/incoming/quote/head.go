package quote

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// head introduces a quoted message.
type head struct {
	end  int // the line after its last
	kind headKind
}

type headKind uint8

const (
	noHead      headKind = iota
	weak                 // "Anna <anna@example.com> wrote:": counts only when quoted lines follow
	attribution          // "On Tue, 5 Mar 2024 at 12:30, Anna <anna@example.com> wrote:"
	block                // "From: ... Sent: ... To: ... Subject: ...", "-----Original Message-----"
	forward              // "---------- Forwarded message ---------"
)

const (
	longest  = 400  // bytes in a line that may introduce a quote
	reach    = 40   // lines in which a block of headers ends
	patience = 2000 // lines that are looked at closely: what a hostile mail may cost
)

// heads finds what introduces quotes, at a bounded cost.
type heads struct {
	lines []line
	tries int
}

// at tells what begins in line i.
func (h *heads) at(i int) head {
	l := h.lines[i]
	if l.hollow() || len(l.text()) > longest || h.tries > patience {
		return head{}
	}
	if l.flags&intro != 0 {
		return h.marked(i)
	}
	text := l.text()
	if dashed(text) || strings.ContainsAny(text, ":：") {
		if found := h.separator(i); found.kind != noHead {
			return found
		}
		if found := h.block(i, i); found.kind != noHead {
			return found
		}
	}
	return h.attribution(i)
}

// marked is an introduction of which HTML says that it is one.
func (h *heads) marked(i int) head {
	if found := h.separator(i); found.kind == forward {
		return found
	}
	end := i
	for end < len(h.lines) && h.lines[end].flags&intro != 0 {
		end++
	}
	if h.lines[i].flags&letterhead != 0 {
		return head{end: end, kind: block}
	}
	return head{end: end, kind: attribution}
}

// separator is a line of words between dashes, "-----Original Message-----", with what follows it of headers.
func (h *heads) separator(i int) head {
	text := h.lines[i].text()
	words, between := undash(text)
	if words = strings.TrimRight(words, " :："); ruled(text) {
		words = ""
	}
	switch {
	case words == "":
		next := h.next(i + 1)
		if next < 0 {
			return head{}
		}
		if f, _ := heading(h.lines[next].text()); f == none {
			return head{}
		}
		h.tries++
		return h.block(next, i)
	case forwards[words] && (between || strings.HasSuffix(strings.TrimRight(text, " *\t"), ":")):
		return head{end: i + 1, kind: forward}
	case originals[words] && between:
		h.tries++
		end := i + 1
		if next := h.next(i + 1); next >= 0 {
			if found := h.block(next, i); found.kind != noHead {
				return head{end: found.end, kind: found.kind}
			}
			if found := h.attribution(next); found.kind == attribution {
				return found
			}
		}
		return head{end: end, kind: block}
	}
	return head{}
}

// next is the first line from i on that holds something, not far away.
func (h *heads) next(i int) int {
	for n := i; n < len(h.lines) && n < i+reach; n++ {
		if !h.lines[n].hollow() {
			return n
		}
	}
	return -1
}

// block is a block of headers that begins in line i. opened is the line of dashes before it, or i.
func (h *heads) block(i, opened int) head {
	first, _ := heading(h.lines[i].text())
	if first == none || first == other || first == to && opened == i {
		return head{}
	}
	h.tries++
	if h.tries > patience {
		return head{}
	}
	var seen [other + 1]bool
	end, strange := i, 0
	mailed, proven := false, false // a sender with an address; an address, or a date with its time, anywhere
	for n := i; n < len(h.lines) && n < i+reach; n++ {
		l := h.lines[n]
		if l.hollow() {
			if strange++; h.lines[n-1].hollow() { // several blank lines are one
				strange--
			}
			if strange > 2 {
				break
			}
			continue
		}
		if len(l.text()) > 4*longest {
			break
		}
		f, value := heading(l.text())
		if f == none {
			if end > i && opened < i {
				if found := h.attribution(n); found.kind == attribution {
					return found
				}
			}
			if strange++; strange > 2 || n > end && h.lines[end].hollow() {
				break
			}
			continue
		}
		if f != other && seen[f] {
			break
		}
		strange = 0
		seen[f] = true
		at := strings.Contains(value, "@") || strings.Contains(value, "mailto")
		dated, timed := moments(value)
		mailed, proven = mailed || at && f == from, proven || at || dated && timed && f == date
		end = n + 1
	}
	count := 0
	for _, f := range []field{from, date, to, subject} {
		if seen[f] {
			count++
		}
	}
	switch {
	case !seen[from] && !(seen[to] && seen[subject] && seen[date]):
	case !proven && !h.titled(i, opened): // somebody's own list: "From: Riga, To: Moscow, Date: Monday"
	case seen[date] && seen[subject], mailed && count >= 3, opened < i && count >= 2:
		return head{end: end, kind: block}
	}
	return head{}
}

// titled tells whether words such as "Original Message" stand in the line above a block, not only a rule.
func (h *heads) titled(i, opened int) bool {
	if opened == i {
		return false
	}
	words, _ := undash(h.lines[opened].text())
	return originals[strings.TrimRight(words, " :：")]
}

// heading reads "Subject: Re: Order": which field, and its value.
func heading(text string) (field, string) {
	i := strings.IndexAny(text, ":：")
	if i <= 0 || i > 60 {
		return none, ""
	}
	name := plain(text[:i])
	_, size := utf8.DecodeRuneInString(text[i:])
	return fields[strings.TrimRight(name, " *")], text[i+size:]
}

// attribution is "On DATE, NAME <ADDRESS> wrote:" in any order, on up to four lines.
func (h *heads) attribution(i int) head {
	for e := i; e < len(h.lines) && e < i+4; e++ {
		l := h.lines[e]
		if e > i && (l.hollow() || l.depth != h.lines[i].depth) || len(l.text()) > longest {
			break
		}
		if !ends(l.text()) {
			if sentence(l.text()) {
				break
			}
			continue
		}
		// The shortest that will do, so that no sentence before it is taken along.
		joined, begins, best := "", -1, noHead
		for s := e; s >= i && best != attribution; s-- {
			if h.tries++; h.tries > patience {
				return head{}
			}
			joined = plain(h.lines[s].text()) + " " + joined
			if kind := judge(strings.TrimSpace(joined)); kind > best && (kind == attribution || s == e) {
				begins, best = s, kind
			}
		}
		if begins != i {
			return head{} // there is none, or it begins further down
		}
		if e+1 < len(h.lines) {
			if f := h.block(e+1, e); f.kind == block {
				return head{end: f.end, kind: attribution} // Lotus puts headers below it
			}
		}
		return head{end: e + 1, kind: best}
	}
	return head{}
}

// ends tells whether a line could be the last of an attribution.
func ends(text string) bool {
	text = strings.TrimRightFunc(text, func(r rune) bool { return unicode.IsSpace(r) || invisible(r) || r == '*' })
	if strings.HasSuffix(text, ":") || strings.HasSuffix(text, "：") {
		return true
	}
	if cut := strings.TrimRight(text, "- "); cut != text {
		cut = strings.ToLower(cut)
		return strings.HasSuffix(cut, ":") || strings.HasSuffix(cut, "wrote")
	}
	return false
}

// sentence tells whether a line ends as a sentence does, not as half of an attribution ("5 мар. 2024 г.").
func sentence(text string) bool {
	text = strings.TrimSpace(text)
	for _, stop := range []string{"!", "?", "。", "！", "？", "…"} {
		if strings.HasSuffix(text, stop) {
			return true
		}
	}
	rest, found := strings.CutSuffix(text, ".")
	if !found {
		return false
	}
	last := rest[strings.LastIndexByte(rest, ' ')+1:]
	return length(last) > 4
}

// several tells whether a sentence ends within a line: "Thanks! On 5 March 2024 Anna <anna@example.com> wrote:" is not
// only an attribution.
func several(s string) bool {
	if strings.Contains(s, "! ") || strings.Contains(s, "? ") {
		return true
	}
	for rest := s; ; {
		i := strings.Index(rest, ". ")
		if i < 0 {
			return false
		}
		word := rest[strings.LastIndexByte(rest[:i], ' ')+1 : i]
		if length(word) > 5 && !strings.HasSuffix(word, "k") && !strings.ContainsAny(word, "0123456789.@") { // "maalisk." is a month
			return true
		}
		rest = rest[i+2:]
	}
}

// judge says whether a joined line is an attribution.
func judge(s string) headKind {
	s = strings.Trim(s, "- ‐—")
	if len(s) < 8 || len(s) > 2*longest {
		return noHead
	}
	if several(s) {
		return noHead
	}
	at := address(s)
	dated, timed := moments(s)
	lead, verb := leading(s), says(s)
	switch {
	case at && dated && (lead || verb && nameFirst(s)):
		return attribution
	case verb && (at && strings.ContainsAny(s, "<([") || dated && timed) && !about(s):
		return weak
	}
	return noHead
}

// leading tells whether a line begins as an attribution with its date does: "On 5", "вт, 5", "2024年".
func leading(s string) bool {
	head := s
	if len(head) > 60 {
		head = head[:60]
	}
	digits := strings.IndexAny(head, "0123456789")
	if digits < 0 {
		return false
	}
	if digits == 0 {
		return true
	}
	for _, l := range leads {
		if strings.HasPrefix(s, l) {
			return true
		}
	}
	// A day of the week, in whatever language: one or two short words before the digits.
	before := strings.Fields(head[:digits])
	return len(before) == 1 && (strings.HasSuffix(before[0], ",") || strings.HasSuffix(before[0], ".") || length(before[0]) <= 3) || len(before) == 2 && strings.HasSuffix(before[0], ",")
}

// nameFirst tells whether a line begins with a name and its address: at most six words before it.
func nameFirst(s string) bool {
	i := strings.IndexByte(s, '@')
	return i > 0 && len(strings.Fields(s[:i])) <= 7
}

// says tells whether a verb of quoting stands in the line, as a word where the script has words.
func says(s string) bool {
	for _, v := range verbs {
		for from := 0; ; {
			i := strings.Index(s[from:], v)
			if i < 0 {
				break
			}
			i += from
			before, _ := utf8.DecodeLastRuneInString(s[:i])
			after, _ := utf8.DecodeRuneInString(s[i+len(v):])
			if v[0] >= 0xe0 || !unicode.IsLetter(before) && !unicode.IsLetter(after) {
				return true
			}
			from = i + len(v)
		}
	}
	return false
}

// about tells whether the person speaks of himself, or goes on after the verb: "on Monday I wrote to you:".
func about(s string) bool {
	for _, w := range selves {
		if strings.Contains(s, w) {
			return true
		}
	}
	return strings.Contains(s, " to you") || strings.Contains(s, " to me") || strings.Contains(s, " вам") || strings.Contains(s, " мне") || strings.Contains(s, " нам")
}

// address tells whether a mail address stands in the line.
func address(s string) bool {
	for i := strings.IndexByte(s, '@'); i >= 0 && i+1 < len(s); {
		if i > 0 && s[i-1] > ' ' && s[i+1] > ' ' {
			return true
		}
		next := strings.IndexByte(s[i+1:], '@')
		if next < 0 {
			return false
		}
		i += 1 + next
	}
	return false
}

// moments tells whether a date with its year, and whether a time of the day, stands in the line.
func moments(s string) (dated, timed bool) {
	for i := 0; i < len(s); {
		if !digit(s[i]) {
			i++
			continue
		}
		j := i
		for j < len(s) && digit(s[j]) {
			j++
		}
		switch run := s[i:j]; {
		case len(run) == 4 && (run[:2] == "19" || run[:2] == "20"):
			dated = true
		case len(run) <= 2 && j+1 < len(s) && digit(s[j+1]):
			switch s[j] {
			case ':':
				timed = true
			case '.', '/', '-':
				k := j + 1
				for k < len(s) && digit(s[k]) {
					k++
				}
				if k+1 < len(s) && s[k] == s[j] && digit(s[k+1]) {
					dated = true
				} else if s[j] == '.' {
					timed = true
				}
			}
		}
		i = j
	}
	return dated, timed
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// dashed tells whether a line begins with dashes or a rule.
func dashed(text string) bool {
	text = strings.TrimLeft(text, " \t*")
	for _, d := range []string{"--", "__", "==", "‐‐", "––", "——", "──"} {
		if strings.HasPrefix(text, d) {
			return true
		}
	}
	return false
}

// undash takes the dashes off both ends of a line, and tells whether there were any on both.
func undash(text string) (words string, between bool) {
	isDash := func(r rune) bool { return r == '-' || r >= 0x2010 && r <= 0x2015 || r == '─' }
	s := plain(text)
	left := strings.TrimLeftFunc(s, isDash)
	words = strings.TrimRightFunc(strings.TrimSpace(left), isDash)
	between = len(s)-len(left) >= 2 && (len(words) < len(strings.TrimSpace(left)) || words == "")
	return strings.Trim(words, " *"), between
}

// ruled tells whether a line is a rule of five or more underscores or the like.
func ruled(text string) bool {
	text = strings.Trim(text, " \t*")
	return len(text) >= 5 && strings.Trim(text, "_=") == ""
}
