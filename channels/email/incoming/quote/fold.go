package quote

import "strings"

const (
	aside  = 4   // lines: so short a quote that nothing introduces was put there on purpose
	terse  = 300 // characters: so short an answer needs the line it answers
	nearby = 3   // lines of a quoted paragraph that are kept for it
)

// fold puts each line where it belongs.
func fold(lines []line) Parts {
	f := decide(lines)
	return join(lines, f.of, f.all)
}

// decide says whose each line is.
func decide(lines []line) *folder {
	f := &folder{lines: lines, of: make([]part, len(lines)), heads: heads{lines: lines}}
	for _, l := range lines {
		f.coloured = f.coloured || l.flags&mine != 0
	}
	f.walk()
	f.judge()
	f.context()
	f.whole()
	return f
}

type folder struct {
	lines []line
	of    []part
	heads heads
	looks int // how often the end of a run was looked at for a signature

	coloured bool // somebody answers in another colour
	spoken   int  // lines of the person's own so far
	own      int  // where his present run of lines began
	quotes   []quotation
	reply    bool // an attribution was seen: this is an answer, not a message passed on
	all      bool // nothing of it is folded but the signature
}

// quotation is a run of lines with quote marks.
type quotation struct {
	start, end int
	known      bool // something introduces it
	before     int  // own lines before it
	run        int  // where the run of own lines before it began
}

// walk goes through the body once.
func (f *folder) walk() {
	introduced := false
	for i := 0; i < len(f.lines); {
		l := f.lines[i]
		if l.blank() {
			i++
			continue
		}
		if l.depth > 0 {
			q := quotation{start: i, end: f.endOfQuote(i), known: introduced}
			found := f.introduction(q)
			q.run = f.own
			f.close(i)
			if found.kind == forward && !q.known {
				if len(f.quotes) > 0 {
					f.unsign(q.run, i)
				}
				return // a message passed on
			}
			q.known = q.known || found.kind != noHead
			f.reply = f.reply || found.kind == attribution
			q.before = f.spoken
			f.quotes = append(f.quotes, q)
			introduced = q.known
			i, f.own = q.end, q.end
			continue
		}
		found := f.heads.at(i)
		switch found.kind {
		case noHead:
			i++
			continue
		case forward:
			f.close(i)
			return
		}
		next := found.end
		for next < len(f.lines) && f.lines[next].blank() {
			next++
		}
		markedBelow := next < len(f.lines) && f.lines[next].depth > 0
		if found.kind == weak && !markedBelow {
			i++
			continue
		}
		f.close(i)
		if markedBelow || next == len(f.lines) || l.flags&(intro|letterhead) == intro {
			// Programs that mark the introduction in HTML mark the quote too: what stands below it unmarked is an answer.
			f.take(i, found.end)
			f.introduce(i, found.end)
			introduced = true
			f.reply = f.reply || found.kind != block
			i, f.own = found.end, found.end
			continue
		}
		f.rest(i, found)
		return
	}
	f.close(len(f.lines))
}

// endOfQuote is where a run of quoted lines ends; blank lines between two are of it.
func (f *folder) endOfQuote(i int) int {
	end := i
	for n := i; n < len(f.lines); n++ {
		switch l := f.lines[n]; {
		case l.depth > 0:
			end = n + 1
		case !l.blank():
			return end
		}
	}
	return end
}

// introduction looks for what introduces a quote in its own first lines, or for HTML's word that it is one.
func (f *folder) introduction(q quotation) head {
	looked := 0
	for n := q.start; n < q.end && looked < 6; n++ {
		if f.lines[n].hollow() {
			continue
		}
		if looked++; looked == 1 && f.lines[n].flags&sure != 0 && f.lines[n].flags&intro == 0 {
			if found := f.heads.at(n); found.kind == forward || found.kind == block {
				return found
			}
			return head{end: n, kind: attribution}
		}
		if found := f.heads.at(n); found.kind == attribution || found.kind == block || found.kind != noHead && looked == 1 {
			if found.kind != forward {
				f.introduce(n, found.end)
			}
			return found
		}
	}
	return head{}
}

// rest is a message without quote marks that stands below its introduction, up to the end of the body.
func (f *folder) rest(i int, found head) {
	answers := f.answers(found.end, len(f.lines), false)
	if f.spoken == 0 && answers == 0 || answers == 0 && f.announced() {
		f.all = f.spoken == 0
		return // a message passed on, or answers stand in it and nothing shows where
	}
	f.take(i, len(f.lines))
	f.introduce(i, found.end)
	f.answers(found.end, len(f.lines), true)
	f.arrows(found.end)
	f.postscript(found.end)
	f.reply = f.reply || found.kind != block
}

// arrows gives back the answers that somebody marked with ">>> " in a message without quote marks. Where "> " stands in it, or
// more than a few lines in a row, or an introduction above them, it is what that message quotes.
func (f *folder) arrows(from int) {
	for n := from; n < len(f.lines); n++ {
		if f.lines[n].depth == 1 && !f.lines[n].hollow() {
			return
		}
	}
	above := -1 // the last line that holds something
	for n := from; n < len(f.lines); {
		if l := f.lines[n]; l.depth < 2 || f.of[n] == said {
			if !l.hollow() {
				above = n
			}
			n++
			continue
		}
		end := f.endOfQuote(n)
		if end-n <= aside && (above < 0 || f.heads.at(above).kind == noHead) {
			f.restore(n, end)
		}
		n = end
	}
}

// postscript gives back a last paragraph that begins with "PS": it is added below everything, as soon by the person as by whom
// he answers.
func (f *folder) postscript(from int) {
	last := len(f.lines) - 1
	for last >= from && f.lines[last].hollow() {
		last--
	}
	for n := last; n >= from && last-n < aside && f.lines[n].depth == 0; n-- {
		if postscript(f.lines[n].text()) {
			f.restore(n, last+1)
			return
		}
	}
}

// restore gives lines inside a quote back to the person.
func (f *folder) restore(first, end int) {
	for n := first; n < end; n++ {
		if f.of[n] == quoted && !f.lines[n].hollow() {
			f.of[n] = said
			f.lines[n].flags |= restored
			f.spoken++
		}
	}
}

// take gives lines to the quoted part.
func (f *folder) take(i, end int) {
	for n := i; n < end; n++ {
		f.of[n] = quoted
	}
}

// introduce marks the lines that introduce a quote.
func (f *folder) introduce(i, end int) {
	for n := i; n < end; n++ {
		f.lines[n].flags |= intro
	}
}

// answers counts the lines between i and end in which somebody answers in another colour, and may give them back to
// him. They stand in the message that is answered, not in what that one quotes, where the colour is of an older answer.
func (f *folder) answers(i, end int, give bool) int {
	if !f.coloured {
		return 0
	}
	count, begun := 0, false
	for n := i; n < end; n++ {
		l := f.lines[n]
		if l.hollow() || !begun && l.flags&intro != 0 {
			continue
		}
		if begun && f.heads.at(n).kind > weak {
			break
		}
		begun = true
		if l.flags&mine != 0 && l.depth <= 1 {
			count++
			if give {
				f.of[n], f.lines[n] = said, line{raw: l.text()}
				f.spoken++
			}
		}
	}
	return count
}

// announced tells whether the person says that his answers stand below.
func (f *folder) announced() bool {
	for n, l := range f.lines[:min(len(f.lines), 500)] {
		if f.of[n] != said || l.depth > 0 || l.blank() || len(l.raw) > 4*longest {
			continue
		}
		if f.heads.at(n).kind > weak {
			return false
		}
		s := plain(l.raw)
		if holds(s, announcements) || holds(s, colours) && holds(s, answering) || holds(s, places) && holds(s, answered) {
			return true
		}
	}
	return false
}

func holds(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// close ends a run of the person's own lines: his signature is taken off, the others are counted.
func (f *folder) close(end int) {
	f.sign(f.own, end)
	for n := f.own; n < end; n++ {
		if f.of[n] == said && !f.lines[n].blank() {
			f.spoken++
		}
	}
	f.own = end
}

// judge folds the quotes: those that something introduces, and the longer ones below own words when nothing introduces
// any. The others the person put there on purpose.
func (f *folder) judge() {
	later := false
	for k := len(f.quotes) - 1; k >= 0; k-- {
		q := f.quotes[k]
		count := 0
		for n := q.start; n < q.end; n++ {
			if !f.lines[n].hollow() {
				count++
			}
		}
		if q.known || !later && count > aside && q.before > 0 {
			f.take(q.start, q.end)
			f.answers(q.start, q.end, true)
			later = later || q.known
			continue
		}
		f.spoken += count
		f.unsign(q.run, q.start)
	}
}

// unsign gives a signature back: none stands before what the person shows on purpose.
func (f *folder) unsign(start, end int) {
	for n := start; n < end; n++ {
		if f.of[n] == signature {
			f.of[n] = said
			f.spoken++
		}
	}
}

// context keeps the quoted lines that short answers between quotes need, marked "> ".
func (f *folder) context() {
	type answer struct{ quote, size int } // the last quoted line before it, its length
	var answers []answer
	last, open := -1, false // the last quoted line; whether an answer to it has begun
	for n, l := range f.lines {
		switch {
		case l.hollow():
		case f.of[n] == quoted:
			last, open = n, false
		case f.of[n] == said && last >= 0 && l.flags&restored == 0:
			if !open {
				answers = append(answers, answer{quote: last})
				open = true
			}
			answers[len(answers)-1].size += length(l.raw)
		}
	}
	for _, a := range answers {
		first := f.paragraph(a.quote)
		if first < 0 || courteous(f.lines[first].text()) || a.size > terse || len(answers) == 1 && last == a.quote && !f.opens(first) {
			continue // it speaks for itself, or stands below the whole message
		}
		for n := first; n <= a.quote; n++ {
			if f.of[n] = said; f.lines[n].depth == 0 {
				f.lines[n].raw = "> " + f.lines[n].raw
			}
		}
	}
}

// courteous tells whether a line begins the end of a letter, which nobody answers.
func courteous(text string) bool {
	if len(text) > longest {
		return false
	}
	s := plain(text)
	for _, c := range courtesies {
		if strings.HasPrefix(s, c) {
			return true
		}
	}
	return false
}

// paragraph is where the quoted paragraph that ends in line last begins, or last itself when that is long; -1 when it is
// what introduces the quote.
func (f *folder) paragraph(last int) int {
	if f.lines[last].flags&intro != 0 {
		return -1
	}
	first := last
	for first > 0 && f.of[first-1] == quoted && f.lines[first-1].flags&intro == 0 && f.lines[first-1].depth == f.lines[last].depth && !f.lines[first-1].hollow() {
		if first--; last-first >= nearby {
			return last
		}
	}
	return first
}

// opens tells whether nothing of the quoted message stands before line first.
func (f *folder) opens(first int) bool {
	n := first - 1
	for n >= 0 && f.lines[n].hollow() {
		n--
	}
	return n < 0 || f.of[n] != quoted || f.lines[n].flags&intro != 0
}

// whole gives everything back when there is no word of the person's own and nothing says that this is a reply. Of a reply
// without a word it gives back what was taken for a signature; then the quote, where it has marks that people delete and
// write behind: somebody's only words may stand there. A quote that HTML encloses is a program's.
func (f *folder) whole() {
	if f.spoken > 0 {
		return
	}
	for n, l := range f.lines {
		if f.of[n] == signature && !added(l.text()) && !delimits(l.raw) {
			f.of[n] = said
			f.spoken++
		}
	}
	typed := false
	for n, l := range f.lines {
		typed = typed || f.of[n] == quoted && l.depth > 0 && l.flags&(marked|sure) == 0 && !l.hollow()
	}
	if f.spoken > 0 || f.reply && !typed {
		return
	}
	for n := range f.of {
		if f.of[n] == quoted {
			f.of[n] = said
		}
	}
	f.all = true
}
