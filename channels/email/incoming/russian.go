package incoming

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
)

// Russian mails lie about their charset more than others: programs call windows-1251 what is KOI8-R, or iso-8859-1 whatever they
// send. What such a label makes of them are no words of any language, and that can be seen.

// russians are what such mails are written in.
var russians = []*charmap.Charmap{charmap.Windows1251, charmap.KOI8R, charmap.CodePage866}

// reread is the charset that b is plainly written in though its label says another; nil: the label may be right. labelled is
// nil where there is no label.
func reread(b []byte, labelled *charmap.Charmap) encoding.Encoding {
	sample := b[:min(len(b), 16<<10)]
	least := 4
	switch {
	case labelled == nil:
		least = 3
		if !alone(sample) {
			return nil
		}
	case latin(labelled):
		if !alone(sample) {
			return nil
		}
	case !slices.Contains(russians, labelled) && labelled != charmap.KOI8U && labelled != charmap.ISO8859_5:
		return nil // Greek, Hebrew, Thai: their words are beyond ASCII as a whole too
	}
	var best *charmap.Charmap
	var first, second reading
	for _, c := range russians {
		switch r := read(sample, c); {
		case r.letters < least || !r.clear():
		case best == nil || r.score() > first.score():
			best, first, second = c, r, first
		case r.score() > second.score():
			second = r
		}
	}
	if best == nil || best == labelled || second.letters > 0 && first.score() < second.score()+3 {
		return nil
	}
	if labelled == nil || latin(labelled) {
		return best
	}
	said := read(sample, labelled)
	swapped := said.upper > said.lower && first.lower > first.upper // what is small in KOI8-R is capital in windows-1251
	if said.strange*2 > said.words || swapped && (said.strange > 0 || first.letters >= 6 && said.score()+12 <= first.score()) {
		return best
	}
	return nil
}

// latin tells whether a charset is one of languages in which no word is of letters beyond ASCII alone.
func latin(c *charmap.Charmap) bool {
	switch c {
	case charmap.Windows1252, charmap.ISO8859_1, charmap.ISO8859_15, charmap.Windows1250, charmap.ISO8859_2, charmap.Windows1254, charmap.ISO8859_9,
		charmap.Windows1257, charmap.ISO8859_13, charmap.ISO8859_4, charmap.ISO8859_10, charmap.ISO8859_16, charmap.Macintosh:
		return true
	}
	return false
}

// alone tells whether bytes beyond ASCII make words of their own, and hardly any together with ASCII letters: "Größe" does not.
func alone(b []byte) bool {
	runs, mixed, longest := 0, 0, 0
	letter := func(i int) bool { return i >= 0 && i < len(b) && (b[i]|0x20 >= 'a' && b[i]|0x20 <= 'z') }
	for i := 0; i < len(b); i++ {
		if b[i] < 0x80 {
			continue
		}
		from := i
		for i < len(b) && b[i] >= 0x80 {
			i++
		}
		if letter(from-1) || letter(i) {
			mixed++
		}
		runs++
		longest = max(longest, i-from)
	}
	return longest >= 3 && mixed*10 <= runs
}

// reading is how a text looks in a charset.
type reading struct {
	words, strange      int // strange: no word of Russian looks so
	letters             int // Cyrillic ones
	upper, lower        int
	weight, differences int
	pairs, usual        int // of letters in a row, and those of them that are frequent
}

// score is how frequent its letters and pairs of letters are in Russian: 60 to 80 is usual, a wrong charset gives 20 to 55. Few
// write in capitals.
func (r reading) score() int {
	if r.letters == 0 {
		return 0
	}
	s := r.weight/r.letters + 20*r.usual/max(r.pairs, 1)
	if r.upper > r.lower {
		s -= 6
	}
	return s - 20*r.strange/max(r.words, 1)
}

func (r reading) clear() bool {
	return r.letters > 0 && r.strange*10 <= r.words && r.weight/r.letters >= 42 && r.differences >= 2
}

// read looks at the words of a text that are not ASCII.
func read(b []byte, c *charmap.Charmap) (r reading) {
	s, err := c.NewDecoder().Bytes(b)
	if err != nil {
		return reading{}
	}
	var seen [64]bool
	for _, word := range strings.FieldsFunc(string(s), func(c rune) bool {
		return c < 0x80 && !unicode.IsLetter(c) || strings.ContainsRune("\u00a0«»–—“”„‘’…№•©®™°§€", c)
	}) {
		runes := []rune(word)
		if !slices.ContainsFunc(runes, func(c rune) bool { return c >= 0x80 }) {
			continue
		}
		r.words++
		if odd(runes) {
			r.strange++
		}
		for i, c := range runes {
			if i > 0 {
				if r.pairs++; usualPairs[string([]rune{unicode.ToLower(runes[i-1]), unicode.ToLower(c)})] {
					r.usual++
				}
			}
			if !unicode.Is(unicode.Cyrillic, c) {
				continue
			}
			r.letters++
			if unicode.IsUpper(c) {
				r.upper++
			} else {
				r.lower++
			}
			l := unicode.ToLower(c)
			r.weight += frequency[l]
			if i := l - 'а'; i >= 0 && i < 64 && !seen[i] {
				seen[i] = true
				r.differences++
			}
		}
	}
	return r
}

// odd tells whether no word of Russian looks so: a sign or another script in it, a capital behind a small letter, a beginning or
// a row of letters that the language does not have.
func odd(word []rune) bool {
	vowels, consonants, spoken := 0, 0, false
	for i, c := range word {
		l := unicode.ToLower(c)
		if _, ok := frequency[l]; !ok {
			return true
		}
		if i > 0 && unicode.IsUpper(c) && unicode.IsLower(word[i-1]) {
			return true
		}
		if i == 0 && (l == 'ь' || l == 'ъ' || l == 'ы') {
			return true
		}
		if vowel := strings.ContainsRune("аеёиоуыэюяіїє", l); vowel {
			if vowels++; i > 0 && unicode.ToLower(word[i-1]) == 'й' && l != 'о' && l != 'е' {
				return true
			}
			consonants, spoken = 0, true
		} else {
			consonants++
			vowels = 0
		}
		if vowels > 3 || consonants > 5 {
			return true
		}
	}
	return !spoken && len(word) > 3
}

// frequency of letters in Russian, of a thousand; those of its neighbours are not strange.
var frequency = map[rune]int{
	'о': 109, 'е': 85, 'а': 80, 'и': 74, 'н': 67, 'т': 63, 'с': 55, 'р': 47, 'в': 45, 'л': 44, 'к': 35, 'м': 32, 'д': 30, 'п': 28, 'у': 26, 'я': 20, 'ы': 19,
	'ь': 17, 'г': 17, 'з': 16, 'б': 16, 'ч': 14, 'й': 12, 'х': 10, 'ж': 9, 'ш': 7, 'ю': 6, 'ц': 5, 'щ': 4, 'э': 3, 'ф': 3, 'ё': 2, 'ъ': 1, 'і': 50, 'ї': 6, 'є': 6, 'ґ': 1,
}

// usualPairs are those that half of all Russian text is made of.
var usualPairs = func() map[string]bool {
	pairs := map[string]bool{}
	for p := range strings.FieldsSeq("ст но то на ен ов ни ра во ко ал ли по пр ос го не ро ер ор ол от ре ет ка ло та ва ес ам да ел ан ав де ри те ве ть ит ом ат за ле об ил ас ог ны ки ви ме од ин ед ти ми ак ла ма до же ем из ар ль ую ая ый ой ие ия их сь ся мо со бы ше ча зд те см ск зн ен") {
		pairs[p] = true
	}
	return pairs
}()
