package gateway

import (
	"strings"
	"unicode"
)

// Words that end or begin consent when they are the whole message. Sources: Twilio's standard and advanced
// opt-out words, 47 CFR 64.1200(a)(10), 38-FZ art. 18. They are compared folded: see fold.
var (
	stopWords  = words("stop stopall unsubscribe cancel end quit revoke optout", "стоп отписаться отписка отказ отпишите")
	startWords = words("start unstop", "старт подписаться")
)

func words(lists ...string) map[string]bool {
	m := map[string]bool{}
	for _, l := range lists {
		for _, w := range strings.Fields(l) {
			m[fold(w)] = true
		}
	}
	return m
}

// lookalikes are Cyrillic letters that a phone may mix into a Latin word, and the other way round.
var lookalikes = strings.NewReplacer("а", "a", "в", "b", "е", "e", "к", "k", "м", "m", "н", "h", "о", "o", "р", "p", "с", "c", "т", "t", "у", "y", "х", "x", "ё", "e")

// fold takes away case, spaces, punctuation, emoji and the difference between look-alikes.
func fold(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
	return lookalikes.Replace(s)
}

// isStop: the whole message is a stop word. "please stop sending blue socks" is a reply.
func isStop(text string) bool { return len(text) <= 64 && stopWords[fold(text)] }

func isStart(text string) bool { return len(text) <= 64 && startWords[fold(text)] }
