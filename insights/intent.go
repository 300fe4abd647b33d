package insights

import (
	"slices"
	"strings"
	"unicode"
)

// intent weighs what the words speak for. How somebody feels tips the scales: an angry question is a complaint, a
// pleased remark is thanks.
func (r *Reader) intent(words []string, feeling Guess[Sentiment]) Guess[Intent] {
	score := map[Intent]float64{}
	r.intents.find(words, func(p *pattern, _, _ int) { score[Intent(p.means)] += p.weight })
	for i, w := range words {
		if w == "?" && (i == 0 || words[i-1] != "?") {
			score[Question] += 1.5
		}
	}
	switch {
	case feeling.Value == Negative:
		score[Complaint] += 1.8 * feeling.Confidence
		score[Thanks] *= 0.5 // "thanks for nothing"
	case feeling.Value == Positive && feeling.Confidence >= 0.5:
		score[Thanks] += 0.9 * feeling.Confidence
		score[Complaint] *= 0.6
	}
	if !slices.ContainsFunc(words, spelt) {
		score[Thanks] = 0 // emoji alone may thank, laugh or take note
	}
	// Who thanks in advance, or at the end, wants something else.
	if score[Question] >= 1.5 || score[Order] >= 1.5 || score[Complaint] >= 1.5 || score[Stop] >= 1.5 {
		score[Thanks] *= 0.4
	}
	best, second, intent := 0.9, 0.0, Other // less than that says nothing
	for _, i := range Intents {
		switch n := score[i]; {
		case n > best:
			best, second, intent = n, max(second, score[intent]), i
		default:
			second = max(second, n)
		}
	}
	if intent == Other {
		return Guess[Intent]{Other, round(0.5 - second/3)}
	}
	return Guess[Intent]{intent, round((best - second/2) / (best + 0.8))}
}

// spelt tells whether a word has letters or digits.
func spelt(word string) bool {
	return strings.ContainsFunc(word, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) })
}
