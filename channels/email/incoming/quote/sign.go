package quote

import (
	"strings"
	"unicode"
)

const (
	signatureLines = 15   // more below "-- " is no signature
	signatureSize  = 1200 // characters, likewise
	disclaimerSize = 200  // characters: a shorter paragraph of legal words may be the person's own
)

// sign takes the signature off a run of the person's own lines: what HTML says is one, "-- " and what stands below,
// lines such as "Sent from my iPhone", and disclaimers. A courtesy and a name ("Best regards, Anna") are his own words.
func (f *folder) sign(start, end int) {
	f.declared(start, end)
	for ; f.looks < patience; f.looks++ {
		last := end - 1
		for last >= start && (f.lines[last].blank() || f.of[last] == signature) {
			last--
		}
		if last < start {
			return
		}
		if added(f.lines[last].text()) {
			f.of[last], end = signature, last
			continue
		}
		if first := f.disclaimer(start, last); first >= 0 {
			f.give(first, last+1)
			end = first
			continue
		}
		first, until := f.delimiter(start, last)
		if first < 0 {
			return
		}
		f.give(first, until)
		if until > last {
			end = first
		}
	}
}

// give gives lines to the signature.
func (f *folder) give(first, end int) {
	for n := first; n < end; n++ {
		f.of[n] = signature
	}
}

// wrote tells whether the person has words of his own before line n.
func (f *folder) wrote(start, n int) bool {
	if f.spoken > 0 {
		return true
	}
	for i := start; i < n; i++ {
		if f.of[i] == said && !f.lines[i].blank() {
			return true
		}
	}
	return false
}

// declared takes what HTML says is the signature, unless somebody asks something in it, or there is nothing else.
func (f *folder) declared(start, end int) {
	others := f.spoken > 0
	for n := start; n < end; n++ {
		others = others || f.lines[n].flags&signed == 0 && !f.lines[n].blank()
	}
	if !others {
		return
	}
	for n := start; n < end; {
		if f.lines[n].flags&signed == 0 {
			n++
			continue
		}
		first, paragraph, spoken, asks := n, n, -1, false
		for n < end && (f.lines[n].flags&signed != 0 || f.lines[n].blank()) {
			asks = asks || asking(f.lines[n].raw)
			if f.lines[n].blank() {
				paragraph = n + 1
			} else if apart := paragraph > first; spoken < 0 && f.speaks(n, apart) {
				if spoken = n; apart {
					spoken = paragraph
				}
			}
			if n++; n-first > patience {
				return // no signature is so long
			}
		}
		switch {
		case asks:
		case spoken >= 0:
			f.give(first, spoken)
		default:
			f.give(first, n)
		}
	}
}

// delimiter finds "-- " (RFC 3676 §4.3), and where what stands below it ends: at the end, before a postscript, or before
// a paragraph of whole sentences.
func (f *folder) delimiter(start, last int) (first, end int) {
	first = -1
	loose := 0
	for n := last; n >= start && last-n <= 2*signatureLines; n-- {
		if !delimits(f.lines[n].raw) {
			continue
		}
		if first < 0 && f.of[n] == said {
			first = n
		}
		if f.lines[n].raw != "-- " {
			loose++
		}
	}
	if first < 0 || !f.wrote(start, first) || loose > 1 {
		return -1, -1 // several are rules between the lines of a list
	}
	count, size, gap, paragraph := 0, 0, false, first+1
	for end = first + 1; end <= last; end++ {
		l := f.lines[end]
		if l.blank() || f.of[end] == signature {
			gap, paragraph = true, end+1
			continue
		}
		if postscript(l.text()) {
			break
		}
		if f.speaks(end, gap) {
			if gap {
				end = paragraph // somebody writes on below his signature
			}
			break
		}
		count++
		size += length(l.raw)
		if asking(l.raw) {
			return -1, -1
		}
	}
	if count > signatureLines || size > signatureSize {
		return -1, -1
	}
	return first, end
}

// speaks tells whether a line in a signature is what somebody wrote: it asks for something or thanks, or a whole sentence
// stands below a blank line. Whom to call, where somebody works and what the law wants said is of a signature.
func (f *folder) speaks(n int, apart bool) bool {
	raw := f.lines[n].text()
	if len(raw) > 4*longest || empty(raw) {
		return false
	}
	s := " " + strings.Trim(plain(raw), "_~|") + " "
	count := 0
	for _, w := range legal {
		if strings.Contains(s, w) {
			count++
		}
	}
	personal, linked := holds(s, voices), strings.Contains(s, "http") || strings.Contains(s, "www.")
	words := strings.FieldsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' && r != '.' && r != '-'
	})
	switch {
	case holds(s, standing) || added(raw), count >= 2 && !personal, count >= 1 && !personal && f.lawyers(n):
		return false
	case holds(s, wishes) && (len(words) >= 3 || strings.ContainsFunc(s, func(r rune) bool { return r >= 0x2e80 })):
		return !linked || personal
	case personal && len(words) >= 4 && stops(raw):
		return true
	}
	return apart && len(words) >= 3 && stops(raw) && !linked && !strings.Contains(s, "@") && digits(strings.NewReplacer(" ", "", "-", "", "(", "", ")", "").Replace(s)) <= 6 && !labelled(s, words)
}

// stops tells whether a line ends as a sentence does.
func stops(raw string) bool {
	raw = strings.TrimSpace(raw)
	return strings.HasSuffix(raw, ".") || sentence(raw)
}

// labelled tells whether a line says how somebody is reached, or ends in an abbreviation.
func labelled(s string, words []string) bool {
	for _, l := range labels {
		if strings.HasPrefix(s, " "+l) {
			return true
		}
	}
	return abbreviations[strings.TrimRight(words[len(words)-1], ".")]
}

// lawyers tells whether the paragraph of line n holds several words of disclaimers.
func (f *folder) lawyers(n int) bool {
	first, end := n, n+1
	for first > 0 && n-first < 20 && !f.lines[first-1].blank() {
		first--
	}
	for end < len(f.lines) && end-n < 20 && !f.lines[end].blank() {
		end++
	}
	var b strings.Builder
	for _, l := range f.lines[first:end] {
		if len(l.raw) <= 4*longest {
			b.WriteString(plain(l.raw) + " ")
		}
	}
	paragraph, count := b.String(), 0
	for _, w := range legal {
		if strings.Contains(paragraph, w) {
			count++
		}
	}
	return count >= 3
}

// delimits tells whether a line is "-- ", or what programs and people make of it.
func delimits(raw string) bool {
	if len(raw) > 12 {
		return false
	}
	s := strings.TrimSpace(strings.TrimFunc(raw, invisible))
	return s == "--" || s == "—" || s == "––"
}

// postscript tells whether a line is something added below the signature.
func postscript(text string) bool {
	if len(text) > longest {
		text = text[:longest]
	}
	s := plain(text)
	for _, w := range afterwords {
		if rest, found := strings.CutPrefix(s, w); found && (rest == "" || !unicode.IsLetter([]rune(rest)[0])) {
			return true
		}
	}
	return false
}

func asking(raw string) bool {
	return strings.HasSuffix(strings.TrimRightFunc(raw, unicode.IsSpace), "?") || strings.HasSuffix(raw, "？")
}

// added tells whether a program added the line: "Sent from my iPhone", "Virus-free. www.example.com". A line that goes on
// with other words is the person's: "Sent from my iPhone. Please also cancel order 7."
func added(text string) bool {
	if len(text) < 8 || len(text) > longest {
		return false
	}
	s := strings.Trim(plain(unlink(text)), "-–— .!()<>[]_*")
	if holds(" "+s+" ", wishes) && !holds(s, standing) || strings.HasSuffix(s, "?") {
		return false
	}
	for _, n := range notices {
		if strings.HasPrefix(s, strings.TrimRight(n, ".")) {
			return true
		}
	}
	if length(s) > 90 || len(strings.Fields(s)) > 12 || digits(s) > 4 {
		return false
	}
	for _, p := range sentBy {
		if rest, found := strings.CutPrefix(s, p); found && programs(s, rest) {
			return true
		}
	}
	return sent(s) && holds(s, devices)
}

// programs tells whether a line that begins as a program's goes on as one: at most three words up to a device or a program,
// and no other behind it. rest is what stands behind the beginning, which may itself name the program.
func programs(s, rest string) bool {
	named, before := holds(s[:len(s)-len(rest)], devices), 0
	for w := range strings.FieldsSeq(rest) {
		w = strings.TrimFunc(w, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		switch {
		case w == "" || wares[w] || strings.ContainsAny(w, "0123456789") && length(w) <= 6 && named:
		case device(w):
			named = true
		case named:
			return false
		default:
			before++
		}
	}
	return named && before <= 3 || before == 0 && holds(s, devices) // "for windows" is of two words
}

// device tells whether a word names a device or a program, with the ending that its language gives it. Of a script without
// spaces a whole sentence would be such an ending.
func device(w string) bool {
	for _, d := range devices {
		if i := strings.Index(w, d); i >= 0 {
			rest := w[i+len(d):]
			return !strings.ContainsFunc(rest, func(r rune) bool { return r >= 0x2e80 }) || wares[rest]
		}
	}
	return false
}

// sent tells whether a line says at its end that something was sent from somewhere, as programs say it.
func sent(s string) bool {
	if strings.HasPrefix(s, "von meinem") && strings.HasSuffix(s, "gesendet") {
		return len(strings.Fields(s)) <= 6
	}
	if several(s) {
		return false
	}
	for _, p := range sentWith {
		if strings.HasSuffix(s, p) {
			before := 0
			for w := range strings.FieldsSeq(s) {
				if holds(w, devices) {
					break
				}
				before++
			}
			return before <= 2
		}
	}
	return false
}

// unlink takes the addresses of links out of a line: "Get Outlook for iOS<https://aka.ms/x>".
func unlink(s string) string {
	for _, pair := range []string{"<>", "()", "[]"} {
		for {
			i := strings.Index(s, pair[:1]+"http")
			if i < 0 {
				break
			}
			end := strings.IndexByte(s[i:], pair[1])
			if end < 0 {
				break
			}
			s = s[:i] + s[i+end+1:]
		}
	}
	return strings.NewReplacer("[", "", "]", "").Replace(s)
}

// digits is the longest run of digits in a line: a number of a parcel or a telephone is not a program's.
func digits(s string) int {
	longest, run := 0, 0
	for i := 0; i < len(s); i++ {
		if run++; !digit(s[i]) {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

// disclaimer tells where the paragraph that ends in line last begins, when it is one; -1 otherwise.
func (f *folder) disclaimer(start, last int) int {
	first, size := last, length(f.lines[last].raw)
	for first > start && !f.lines[first-1].blank() && f.of[first-1] == said && last-first < 40 {
		first--
		size += length(f.lines[first].raw)
	}
	if size < disclaimerSize || size > 6000 || !f.wrote(start, first) {
		return -1
	}
	var b strings.Builder
	for n := first; n <= last; n++ {
		b.WriteString(plain(f.lines[n].raw))
		b.WriteByte(' ')
	}
	s, count := b.String(), 0
	for _, w := range legal {
		if strings.Contains(s, w) {
			count++
		}
	}
	if count < 3 || holds(" "+s, voices) {
		return -1
	}
	return first
}
