package gateway

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"rapport"
)

// command is what a whole message asks of the sender itself, and not of a person.
type command string

const (
	noCommand command = ""
	stopIt    command = "stop"
	startIt   command = "start"
	helpMe    command = "help"
)

// leaving are the stop phrases that name what is left, which mean the sender everywhere.
var leaving = slices.Concat(
	crossed([]string{"unsubscribe", "unsubscribe me", "i want to unsubscribe", "i would like to unsubscribe", "remove me", "delete me", "take me off"},
		[]string{"from", ""}, []string{"the list", "this list", "your list", "the mailing list", "this mailing list", "your mailing list", "mailing list", "your mailings", "your emails", "these emails", "the newsletter", "this newsletter", "your newsletter", "your newsletters"}),
	crossed([]string{"отписаться", "хочу отписаться", "я хочу отписаться", "отпишите", "отпишите меня", "прошу отписать", "прошу отписать меня", "прошу меня отписать"},
		[]string{"от"}, []string{"рассылки", "рассылок", "вашей рассылки", "ваших рассылок", "этой рассылки", "всех рассылок", "всех ваших рассылок"}),
	crossed([]string{"уберите меня", "удалите меня", "исключите меня", "прошу убрать меня", "прошу удалить меня", "прошу исключить меня"},
		[]string{"из"}, []string{"рассылки", "рассылок", "вашей рассылки", "этой рассылки", "списка рассылки", "вашего списка рассылки"}),
	[]string{"i would like to unsubscribe", "хочу отписаться", "я хочу отписаться", "прошу отписать", "прошу отписать меня", "прошу меня отписать"})

// crossed are all phrases of one part of each list.
func crossed(parts ...[]string) []string {
	out := []string{""}
	for _, part := range parts {
		var longer []string
		for _, begun := range out {
			for _, p := range part {
				longer = append(longer, strings.TrimSpace(begun+" "+p))
			}
		}
		out = longer
	}
	return out
}

// Phrases that are a command when they are the whole message. Sources: Twilio's standard and advanced opt-out
// words, 47 CFR 64.1200(a)(10), the CTIA's Messaging Principles 5.1.3, 38-FZ art. 18, and what people write.
// The last two of the stop words are "стоп" and "stop" typed with the other keyboard.
var phrases = phrasebook(map[command][]string{
	stopIt: slices.Concat(leaving, []string{
		"stop", "stopall", "stop all", "stop it", "stop now", "stop this", "stop sms", "stop text", "stop texts", "stop texting", "stop texting me", "stop messages", "stop messaging", "stop messaging me",
		"stop sending", "stop sending messages", "stop sending me messages", "stop sending me texts", "stop writing", "stop writing me", "stop writing to me", "stop contacting me", "stop spam", "stop spamming", "stop spamming me",
		"unsubscribe", "unsubscribe me", "unsubscribe all", "unsubscribe from all", "i want to unsubscribe", "unsub", "cancel", "cancel subscription", "cancel my subscription", "end", "quit", "revoke",
		"optout", "opt out", "opt me out", "i opt out", "remove me", "remove me from your list", "remove me from the list", "take me off", "take me off your list", "take me off the list", "remove my number", "delete my number",
		"do not text", "do not text me", "dont text", "dont text me", "do not message me", "dont message me", "do not contact me", "dont contact me", "do not write me", "do not write to me", "dont write to me",
		"no more messages", "no more texts", "no more sms", "leave me alone",
		"стоп", "стоп все", "стоп смс", "стоп sms", "стоп рассылка", "стоп рассылку", "стоп спам",
		"отписаться", "отписаться от рассылки", "отписаться от рассылок", "отписаться от всего", "отписаться от всех", "отписаться от смс", "отписаться от уведомлений", "отписка", "отписка от рассылки",
		"отпишите", "отпишите меня", "отпишите меня от рассылки", "отпишите от рассылки", "отпиши", "отпиши меня", "хочу отписаться", "хочу отписаться от рассылки", "прошу отписать", "прошу отписать меня", "прошу отписать меня от рассылки",
		"отказ", "отказ от рассылки", "отказ от смс", "отказ от подписки", "отказаться", "отказаться от рассылки", "отказываюсь", "отказываюсь от рассылки", "хочу отказаться от рассылки",
		"отменить подписку", "отмена подписки", "отключить рассылку", "отключите рассылку", "отключите меня от рассылки", "прекратите", "прекратите рассылку", "прекратите писать", "прекратите мне писать", "прекратите спам", "остановите рассылку",
		"не пишите", "не пишите мне", "не пишите мне больше", "не пишите больше", "больше не пишите", "больше не пишите мне", "больше мне не пишите", "мне больше не пишите", "не надо мне писать", "не надо писать", "не пиши мне", "не пиши мне больше", "больше не пиши мне",
		"не присылайте", "не присылайте мне", "не присылайте больше", "не присылайте мне больше", "больше не присылайте", "больше не присылайте мне", "не присылайте мне сообщения", "не присылайте сообщения", "не шлите", "не шлите мне", "больше не шлите", "не отправляйте мне сообщения",
		"не беспокойте", "не беспокойте меня", "больше не беспокойте", "уберите меня", "уберите меня из рассылки", "уберите меня из списка", "удалите меня", "удалите меня из рассылки", "удалите меня из базы", "удалите мой номер", "удалите мой номер из базы", "отстаньте",
		"прекратите присылать", "прекратите присылать мне", "прекратите мне присылать", "прекратите присылать сообщения", "прекратите присылать мне сообщения", "прекратите слать", "перестаньте писать", "перестаньте мне писать", "перестаньте писать мне", "перестаньте присылать", "перестаньте мне присылать",
		"не надо больше писать", "не надо мне больше писать", "не надо больше мне писать", "больше не надо писать", "больше не надо мне писать", "не надо присылать", "не надо мне присылать", "не надо мне больше присылать", "не надо мне это присылать", "не надо мне ничего присылать",
		"не нужно писать", "не нужно мне писать", "не нужно мне больше писать", "не нужно больше мне писать", "не нужно мне присылать", "не нужно мне больше присылать", "не нужно мне это присылать", "не нужно мне ничего присылать", "не присылайте мне это", "не присылайте мне ничего", "ничего мне не присылайте",
		"хватит писать", "хватит мне писать", "хватит присылать", "хватит мне присылать", "хватит слать", "хватит спама", "хватит спамить",
		"cnjg", "ыещз",
	}),
	startIt: {
		"start", "start again", "unstop", "subscribe", "subscribe me", "resubscribe", "resubscribe me", "optin", "opt in", "opt me in",
		"старт", "подписаться", "подписаться на рассылку", "подпишите", "подпишите меня", "хочу подписаться", "возобновить", "возобновить рассылку", "cnfhn",
	},
	helpMe: {"help", "info", "помощь", "инфо", "справка"},
})

// byMail are the stop phrases that mean the sender in a mail, or on a button, too. There "cancel" or "отказ" may be the
// answer to an offer or an order, and HELP is for a person.
var byMail = phrasebook(map[command][]string{
	stopIt: slices.Concat(leaving, []string{
		"stop", "unsubscribe", "unsubscribe me", "unsubscribe all", "unsubscribe from all", "i want to unsubscribe", "unsub", "cancel subscription", "cancel my subscription", "optout", "opt out", "opt me out", "i opt out",
		"remove me from your list", "remove me from the list", "take me off your list", "take me off the list", "do not contact me", "dont contact me", "no more messages",
		"стоп", "отписаться", "отписаться от рассылки", "отписаться от рассылок", "отписаться от всего", "отписка", "отписка от рассылки", "отпишите", "отпишите меня", "отпишите меня от рассылки", "отпишите от рассылки", "отпиши меня",
		"хочу отписаться", "хочу отписаться от рассылки", "прошу отписать меня", "прошу отписать меня от рассылки", "отказ от рассылки", "отказаться от рассылки", "отменить подписку", "отмена подписки",
		"не пишите мне", "не пишите мне больше", "больше не пишите", "больше не пишите мне", "больше мне не пишите", "уберите меня из рассылки", "удалите меня из рассылки",
	}),
	startIt: {"start", "subscribe", "subscribe me", "resubscribe", "старт", "подписаться", "подпишите меня"},
})

// courtesy may stand before and after a phrase without changing what is asked.
var courtesy = foldAll("please", "pls", "plz", "thanks", "thx", "thank you", "hi", "hello", "пожалуйста", "плиз", "спасибо", "здравствуйте", "привет", "добрый день")

// closings stand between a mail and the name under it.
var closings = foldAll("best regards", "kind regards", "warm regards", "with best regards", "with kind regards", "regards", "best wishes", "best", "sincerely", "yours sincerely", "yours", "cheers", "thanks", "many thanks", "thank you",
	"с уважением", "с наилучшими пожеланиями", "всего доброго", "всего хорошего", "спасибо", "заранее спасибо", "благодарю")

// unsigned is a mail without the greeting and the name at its end: "Best regards,\nAnna Petrova", or the name of the sender
// alone. What program-made signatures there were is gone already.
func unsigned(text, sender string) string {
	if len(text) > mostCommand {
		return text
	}
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := range lines {
		if signs(strings.Join(lines[i:], " "), sender) {
			return strings.Join(lines[:i], "\n")
		}
	}
	return text
}

// signs tells whether a text is a closing, with at most four words of a name, or the sender's name alone.
func signs(text, sender string) bool {
	if strings.ContainsFunc(text, unicode.IsDigit) {
		return false
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
	plain := make([]string, len(words))
	for i, w := range words {
		plain[i] = strings.Join(folded(w), "")
	}
	of := folded(sender)
	if own := func(w string) bool { return slices.Contains(of, w) }; len(plain) > 0 && !slices.ContainsFunc(plain, func(w string) bool { return !own(w) }) {
		return true
	}
	lower := func(w string) bool { return !unicode.IsUpper([]rune(w)[0]) }
	return slices.ContainsFunc(closings, func(c []string) bool {
		return len(plain) >= len(c) && len(plain) <= len(c)+4 && slices.Equal(plain[:len(c)], c) && !slices.ContainsFunc(words[len(c):], lower)
	})
}

func phrasebook(of map[command][]string) map[string]command {
	m := map[string]command{}
	for c, list := range of {
		for _, p := range list {
			m[strings.Join(folded(p), "")] = c
		}
	}
	return m
}

func foldAll(phrases ...string) [][]string {
	var out [][]string
	for _, p := range phrases {
		out = append(out, folded(p))
	}
	return out
}

// mostCommand is the longest message, in bytes, that may be a command, with room for what folding takes away.
const mostCommand = 400

// commandIn reads a whole message. It is a command when nothing is left of it but one of the phrases, in any letter case
// and with any spaces, punctuation, emoji, invisible characters, letters that look alike in Latin, Cyrillic and Greek, wide
// or ornamental letters, repetition, and courtesy around it. Whatever else it says makes it a message to a person: "please
// stop sending me blue socks, send red", "стоп, а какой размер?", "don't stop". So what it does not find are commands with
// a reason, a signature or a spelling mistake; those a person reads.
func commandIn(ch rapport.Channel, text string) command {
	if len(text) > mostCommand {
		return noCommand
	}
	book := phrases
	if ch == rapport.Email {
		book = byMail
	}
	words := folded(text)
	if c := book[strings.Join(words, "")]; c != noCommand && !slices.Equal(words, hundred) {
		return c
	}
	if words = essence(words); slices.Equal(words, hundred) {
		return noCommand
	}
	return book[strings.Join(words, "")]
}

// hundred is "сто р.", a hundred roubles, whose letters are those of STOP.
var hundred = folded("сто р")

// lookalikes brings letters that look alike, in lower or in upper case, to one. С looks like C and is typed for S, so the
// three are one: СТOP is STOP.
var lookalikes = strings.NewReplacer("а", "a", "в", "b", "е", "e", "ё", "e", "к", "k", "м", "m", "н", "h", "о", "o", "р", "p", "с", "c", "s", "c", "т", "t", "у", "y", "х", "x", "і", "i", "ѕ", "c", "ј", "j",
	"α", "a", "ε", "e", "ι", "i", "κ", "k", "ν", "n", "ο", "o", "ό", "o", "ρ", "p", "τ", "t", "υ", "y", "χ", "x", "0", "o")

// folded are the words of a text as they are compared: see commandIn.
func folded(text string) []string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r), r == '\'', r == '’', r == 'ʼ', r == '`': // invisible ones, and don't
			return -1
		case r >= '🅰' && r <= '🆉': // white letters in squares, which nothing decomposes
			return 'a' + r - '🅰'
		}
		return r
	}, text)
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.M, r): // what is left of accents, and the rings around letters
			return -1
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return ' '
	}, norm.NFKC.String(text))
	return strings.Fields(lookalikes.Replace(text))
}

// essence takes courtesy and repetition away.
func essence(words []string) []string {
	for again := true; again; {
		again = false
		for _, c := range courtesy {
			n := len(c)
			switch {
			case len(words) <= n:
			case slices.Equal(words[:n], c):
				words, again = words[n:], true
			case slices.Equal(words[len(words)-n:], c):
				words, again = words[:len(words)-n], true
			}
		}
	}
	for n := 1; n <= len(words)/2; n++ { // stop stop stop
		if len(words)%n == 0 && slices.Equal(words[n:], words[:len(words)-n]) {
			return words[:n]
		}
	}
	return words
}
