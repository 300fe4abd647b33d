package insights

import (
	"math"
	"unicode/utf8"
)

// round keeps two digits: more would promise what a guess cannot hold.
func round(x float64) float64 { return math.Round(100*min(1, max(0, x))) / 100 }

// feeling weighs words that speak well or badly of something. One that says no shortly before turns a word round ("not good",
// "не понравилось"); ! and words like "very" make it stronger. What
// means "nothing" keeps its words from being weighed. manners tells that nothing but a thank-you speaks well of it.
func (r *Reader) feeling(words []string) (feels Guess[Sentiment], manners bool) {
	var good, bad, thanked float64
	taken := make([]bool, len(words))
	r.feelings.find(words, func(p *pattern, from, to int) {
		if taken[from] {
			return
		}
		for i := from; i < to; i++ {
			taken[i] = true
		}
		if p.means == "nothing" { // "if it is not too late" says neither
			return
		}
		weight := p.weight
		denied := false
		for i := from - 1; i > 0 && i >= from-3; i-- {
			if words[i] == boundary || words[i] == "но" || words[i] == "but" {
				break
			}
			denied = denied || denies(words[i]) && near(words[i+1:from])
			if i >= from-2 && strengthens(words[i]) {
				weight *= 1.4
			}
		}
		for i := to; i < len(words) && i < to+2; i++ {
			if words[i] == "!" {
				weight *= 1.15
			}
		}
		if p.means == "thanks" && !denied {
			thanked += weight
		}
		if (p.means != "bad") != denied {
			if denied {
				weight *= 0.5 // "not bad" is not praise
			}
			good += weight
		} else {
			if denied {
				weight *= 0.9
			}
			bad += weight
		}
	})
	sum := good + bad
	lead := math.Abs(good-bad) / (sum + 1)
	switch {
	case sum == 0:
		feels = Guess[Sentiment]{Neutral, 0.5}
	case lead < 0.2:
		feels = Guess[Sentiment]{Neutral, round(0.5 - lead)}
	case good > bad:
		feels = Guess[Sentiment]{Positive, round(0.35 + 0.65*lead)}
	default:
		feels = Guess[Sentiment]{Negative, round(0.35 + 0.65*lead)}
	}
	return feels, good > 0 && good == thanked
}

// near tells whether one that says no reaches over what stands between: "not a very good" does, "не действует, обман" not.
func near(between []string) bool {
	for _, w := range between {
		if !strengthens(w) && utf8.RuneCountInString(w) > 3 {
			return false
		}
	}
	return true
}

func denies(w string) bool {
	switch w {
	case "not", "no", "never", "dont", "doesnt", "didnt", "isnt", "wasnt", "arent", "werent", "wont", "cant", "couldnt", "wouldnt", "hardly", "without",
		"не", "нет", "ни", "никогда", "без", "нельзя":
		return true
	}
	return false
}

func strengthens(w string) bool {
	switch w {
	case "very", "really", "so", "extremely", "absolutely", "totally", "completely", "such", "too",
		"очень", "так", "такой", "такая", "такое", "крайне", "совсем", "абсолютно", "просто", "самый", "самая", "невероятно":
		return true
	}
	return false
}
