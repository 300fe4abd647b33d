package insights

import (
	"cmp"
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Intent is what a person wants by a reply.
type Intent string

// The intents, in the order in which they win when the words speak for two of them alike: what costs most to overlook first.
const (
	Stop      Intent = "stop"      // to get no more of this
	Complaint Intent = "complaint" // something went wrong
	Order     Intent = "order"     // to buy, book or change an order
	Question  Intent = "question"  // to know something
	Thanks    Intent = "thanks"    // nothing: they are pleased
	Other     Intent = "other"     // none of these, or no words to tell by
)

// Intents lists all of them.
var Intents = []Intent{Stop, Complaint, Order, Question, Thanks, Other}

// Sentiment is how a person feels about it.
type Sentiment string

const (
	Positive Sentiment = "positive"
	Neutral  Sentiment = "neutral"
	Negative Sentiment = "negative"
)

// Sentiments lists all of them.
var Sentiments = []Sentiment{Positive, Neutral, Negative}

// Guess is a value and how far to trust it: Confidence from 0 (no idea) to 1.
type Guess[T ~string] struct {
	Value      T       `json:"value"`
	Confidence float64 `json:"confidence"`
}

// Reading is what a [Reader] makes of a text.
type Reading struct {
	Language  Guess[string]    `json:"language"` // BCP 47, "und" for none that it knows
	Intent    Guess[Intent]    `json:"intent"`
	Sentiment Guess[Sentiment] `json:"sentiment"`
}

// maxWords and maxText (bytes) bound what is read of a text. Who has said nothing within a thousand words says nothing after them.
const (
	maxWords = 1000
	maxText  = 32 << 10
)

//go:embed words/*.txt
var files embed.FS

// Reader reads replies. It does not change after New, and is safe for concurrent use.
type Reader struct {
	intents  lexicon
	feelings lexicon
	speech   speech
}

// New reads the word lists, which are part of the binary: an error is a mistake in them.
func New() (*Reader, error) {
	r := &Reader{intents: newLexicon(), feelings: newLexicon(), speech: newSpeech()}
	for _, f := range []struct {
		name string
		to   *lexicon
	}{{"intent-en", &r.intents}, {"intent-ru", &r.intents}, {"feeling-en", &r.feelings}, {"feeling-ru", &r.feelings}} {
		b, err := files.ReadFile("words/" + f.name + ".txt")
		if err != nil {
			return nil, fmt.Errorf("reading word lists: %w", err)
		}
		for i, line := range strings.Split(string(b), "\n") {
			if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
				continue
			}
			if err := f.to.add(line); err != nil {
				return nil, fmt.Errorf("word list %s, line %d: %w", f.name, i+1, err)
			}
		}
	}
	return r, nil
}

// Read guesses. locale, which may be empty, is what is known of the person's language: it decides where the text does not.
func (r *Reader) Read(text, locale string) Reading {
	if len(text) > maxText {
		text = text[:maxText]
	}
	words := split(text)
	feeling, manners := r.feeling(words)
	intent := r.intent(words, feeling)
	if wants := intent.Value == Stop || intent.Value == Order || intent.Value == Question; wants && manners && feeling.Value == Positive {
		feeling = Guess[Sentiment]{Neutral, 0.5} // "please remove me, thank you" is manners
	}
	return Reading{Language: r.speech.language(text, words, locale), Intent: intent, Sentiment: feeling}
}

// lexicon is patterns by their first word, or by the first two bytes of it where it is only a beginning.
type lexicon struct {
	exact map[string][]*pattern
	begin map[string][]*pattern
}

func newLexicon() lexicon {
	return lexicon{map[string][]*pattern{}, map[string][]*pattern{}}
}

// add reads a line: what it speaks for, a weight, and a pattern.
func (l *lexicon) add(line string) error {
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return fmt.Errorf("%q is not: meaning, weight, words", line)
	}
	weight, err := strconv.ParseFloat(fields[1], 64)
	if err != nil || weight == 0 {
		return fmt.Errorf("%q is no weight", fields[1])
	}
	p := &pattern{means: fields[0], weight: weight}
	for _, f := range fields[2:] {
		p.steps = append(p.steps, newStep(f))
	}
	if p.steps[0].gap {
		return fmt.Errorf("%q begins with a gap", line)
	}
	for _, w := range p.steps[0].words {
		l.exact[w] = append(l.exact[w], p)
	}
	for _, w := range p.steps[0].begins {
		if len(w) < 2 {
			return fmt.Errorf("%q begins too many words", w)
		}
		l.begin[w[:2]] = append(l.begin[w[:2]], p)
	}
	return nil
}

// find calls found for each pattern that matches, with the places of its first word and behind its last. Of several patterns
// that begin at a word and mean the same the heaviest counts; of several meanings at a word the heaviest comes first.
func (l *lexicon) find(words []string, found func(p *pattern, from, to int)) {
	var hits []hit
	for i, w := range words {
		hits = hits[:0]
		try := func(p *pattern) {
			end, ok := p.match(words, i)
			if !ok {
				return
			}
			for k, h := range hits {
				if h.means == p.means {
					if abs(p.weight) > abs(h.weight) {
						hits[k] = hit{p, end}
					}
					return
				}
			}
			hits = append(hits, hit{p, end})
		}
		for _, p := range l.exact[w] {
			try(p)
		}
		if len(w) >= 2 {
			for _, p := range l.begin[w[:2]] {
				try(p)
			}
		}
		slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(abs(b.weight), abs(a.weight)) })
		for _, h := range hits {
			found(h.pattern, i, h.end)
		}
	}
}

// hit is a pattern that matches, and the place behind its last word.
type hit struct {
	*pattern
	end int
}

func abs(x float64) float64 { return max(x, -x) }

// pattern is words one after the other: "stop send*|writ* .. me". A * ends the beginning of a word, | parts alternatives, ..
// stands for up to three words of any kind, and ^ and $ for the beginning and end of a sentence.
type pattern struct {
	means  string
	weight float64
	steps  []step
}

type step struct {
	words, begins []string
	gap           bool
}

func newStep(s string) (out step) {
	if s == ".." {
		return step{gap: true}
	}
	for w := range strings.SplitSeq(s, "|") {
		if begin, ok := strings.CutSuffix(w, "*"); ok {
			out.begins = append(out.begins, begin)
		} else {
			out.words = append(out.words, w)
		}
	}
	return out
}

func (s *step) takes(word string) bool {
	for _, w := range s.words {
		if w == word {
			return true
		}
	}
	for _, w := range s.begins {
		if strings.HasPrefix(word, w) {
			return true
		}
	}
	return false
}

// match tells whether the pattern stands at words[i], and where it ends.
func (p *pattern) match(words []string, i int) (end int, ok bool) {
	return match(p.steps, words, i)
}

func match(steps []step, words []string, i int) (int, bool) {
	for k := range steps {
		s := &steps[k]
		if s.gap {
			for skip := 0; skip <= 3 && i+skip <= len(words); skip++ {
				if end, ok := match(steps[k+1:], words, i+skip); ok {
					return end, true
				}
				if i+skip < len(words) && words[i+skip] == boundary {
					return 0, false // not from one sentence into the next
				}
			}
			return 0, false
		}
		if i >= len(words) || !s.takes(words[i]) {
			return 0, false
		}
		i++
	}
	return i, true
}
