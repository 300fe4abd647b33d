package insights

import (
	"strings"
	"unicode"
)

// speech is what languages are told apart by.
type speech struct {
	marks  map[rune]string     // a letter that one language of a script has and its neighbours lack
	common map[string][]string // words that stand in nearly every text of a language, to the languages that have them
}

func newSpeech() speech {
	s := speech{map[rune]string{}, map[string][]string{}}
	for lang, letters := range map[string]string{
		"ru": "ыэёъ", "uk": "іїєґ", "be": "ў", "kk": "әқңұһ", "de": "ß", "es": "ñ¿¡", "pt": "ãõ", "pl": "łąęśż", "tr": "ğış", "da": "ø", "hu": "őű", "cs": "řěů", "lv": "āēņļ",
	} {
		for _, c := range letters {
			s.marks[c] = lang
		}
	}
	for lang, words := range map[string]string{
		"en": "the and is are you your my it to of for in not i have was this that with please thanks thank hello hi hey when where how what do does can could would no yes dont cant im its on at be will me stop order",
		"ru": "и в не на я что с по это как вы мне за у к а но из от меня вам нас ваш мой спасибо здравствуйте привет пожалуйста добрый день где когда почему сколько можно нет да уже еще только бы ли все очень до для если хочу так был была стоп spasibo privet kogda gde skolko pochemu pozhaluysta pozhaluista zdravstvuyte",
		"uk": "і в не на я що з по це як ви мені за у до але із від мене вам дякую будь ласка добрий день де коли чому скільки можна ні так вже ще тільки чи все дуже для якщо та",
		"de": "der die das und ist ich nicht sie mit ein eine für auf danke bitte wann wie wo was zu mir haben von im den dem kein keine",
		"fr": "la le les et est je pas vous avec un une pour sur merci bonjour quand comment où que qui mon ma mes des du dans ne votre",
		"es": "el la los y es yo no con un una para por gracias hola cuándo cómo dónde que mi mis del en su lo se me está pero",
		"it": "il lo la e è io non con un una per grazie ciao quando come dove che mio mia del della di sono ho ma si",
		"pt": "o a os e é eu não com um uma para por obrigado obrigada olá quando como onde que meu minha do da em mas está",
		"pl": "i w nie na ja że z to jak mi za u do ale od dziękuję proszę dzień dobry gdzie kiedy dlaczego ile czy jest się mój",
		"tr": "ve bir bu ne için ben değil ile çok teşekkürler merhaba nerede zaman nasıl var yok mı mi mu lütfen benim",
		"nl": "de het een en is ik niet met voor op dank bedankt hallo wanneer waar hoe wat mijn van te dat u",
		"lv": "un ir es nav ar par paldies lūdzu labdien kad kur kā kas man jūsu no uz vai",
	} {
		for w := range strings.FieldsSeq(words) {
			w = strings.ReplaceAll(w, "ё", "е")
			s.common[w] = append(s.common[w], lang)
		}
	}
	return s
}

// scripts that only one language of those that we know of is written in.
func ofScript(c rune) string {
	switch {
	case unicode.Is(unicode.Hiragana, c), unicode.Is(unicode.Katakana, c):
		return "ja"
	case unicode.Is(unicode.Hangul, c):
		return "ko"
	case unicode.Is(unicode.Arabic, c):
		return "ar"
	case unicode.Is(unicode.Hebrew, c):
		return "he"
	case unicode.Is(unicode.Greek, c):
		return "el"
	case unicode.Is(unicode.Thai, c):
		return "th"
	case unicode.Is(unicode.Georgian, c):
		return "ka"
	case unicode.Is(unicode.Armenian, c):
		return "hy"
	}
	return ""
}

// language guesses from letters and common words. A script decides much; between languages of one script a word of the
// list speaks for it, and so does a letter that the others lack.
func (s *speech) language(text string, words []string, locale string) Guess[string] {
	score := map[string]float64{}
	var latin, cyrillic, han, letters int
	for n, c := range text {
		if n > 4096 {
			break
		}
		if !unicode.IsLetter(c) {
			if l := s.marks[c]; l != "" {
				score[l]++
			}
			continue
		}
		letters++
		c = unicode.ToLower(c)
		switch l := ofScript(c); {
		case l != "":
			score[l] += 1.5
		case unicode.Is(unicode.Han, c):
			han++
		case unicode.Is(unicode.Cyrillic, c):
			cyrillic++
		case unicode.Is(unicode.Latin, c):
			latin++
		}
		if l := s.marks[c]; l != "" {
			score[l] += 0.6
		}
	}
	if letters == 0 {
		return known(locale, 0.3)
	}
	if han > 0 {
		if score["ja"] > 0 {
			score["ja"] += float64(han)
		} else {
			score["zh"] += 1.5 * float64(han)
		}
	}
	for _, w := range words {
		for _, l := range s.common[w] {
			score[l]++
		}
	}
	// What most texts of a script are, when nothing speaks against it; and what we know of the person.
	if cyrillic > latin {
		score["ru"] += 0.8
	} else if latin > 0 {
		score["en"] += 0.4
	}
	if home := primary(locale); home != "" && (score[home] > 0 || latin > 0 && cyrillic == 0) {
		score[home] += 0.7
	}
	best, second, lang := 0.0, 0.0, "und"
	for l, n := range score {
		if n > best || n == best && l < lang {
			best, second, lang = n, best, l
		} else {
			second = max(second, n)
		}
	}
	if best == 0 {
		return known(locale, 0.3)
	}
	return Guess[string]{lang, round((best - second*0.7) / (best + 0.5))}
}

func known(locale string, confidence float64) Guess[string] {
	if lang := primary(locale); lang != "" {
		return Guess[string]{lang, confidence}
	}
	return Guess[string]{"und", 0}
}

// primary is the language of a BCP 47 tag, of two or three letters; empty for what is none.
func primary(locale string) string {
	lang, _, _ := strings.Cut(locale, "-")
	if len(lang) < 2 || len(lang) > 3 {
		return ""
	}
	lang = strings.ToLower(lang)
	for _, c := range lang {
		if c < 'a' || c > 'z' {
			return ""
		}
	}
	return lang
}
