package gateway

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rapport"
	"rapport/channels"
	"rapport/internal/fuzzing"
)

func TestCommandIn_WholeMessagesOnly(t *testing.T) {
	t.Parallel()
	cases := map[command][]string{
		stopIt: {
			"STOP", "stop", "Stop.", " stop ", "stop!!!", "\"STOP\"", "(stop)", "STOP 🛑", "🙏 stop 🙏", "s t o p", "S.T.O.P.", "s-t-o-p", "s🛑t🛑o🛑p", "ＳＴＯＰ", "𝐒𝐓𝐎𝐏", "🅂🅃🄾🄿", "🆂🆃🅾🅿", "ⓢⓣⓞⓟ", "S\u200bT\u200dO\ufeffP", "\u202eSTOP", "st\u00adop", "s̶t̶o̶p̶",
			"SТOP" /* Cyrillic Т */, "ЅТОР" /* all Cyrillic */, "SΤΟP" /* Greek */, "ST0P", "stop stop", "STOP STOP STOP", "Stop please", "please stop", "Pls stop!", "STOP, thank you", "stop thanks", "Hi, please stop. Thank you!",
			"stop all", "STOPALL", "stop-all", "stop it", "Stop now!", "Stop texting me", "stop sending messages", "unsubscribe", "UNSUBSCRIBE ME", "please unsubscribe me, thanks", "un-subscribe", "Unsub", "i want to unsubscribe",
			"cancel", "End", "quit", "REVOKE", "opt out", "opt-out", "OptOut", "Opt me out please", "remove me", "Remove me from your list.", "take me off your list", "don't text me", "Don’t text me!", "dont contact me", "do not write to me", "no more messages",
			"leave me alone", "/stop", "#STOP",
			"Стоп", "СТОП!", "стоп 🙄", "C T О П", "CTОП" /* Latin C, T */, "ｃтоп", "стоп, пожалуйста", "Пожалуйста, стоп", "СТОП СТОП", "стоп смс", "стоп всё", "Отписаться", "отписаться от рассылки", "Отпишите меня, пожалуйста!", "отписка",
			"Не пишите мне", "не пишите мне больше", "Больше не пишите!", "не присылайте", "отказ", "Отказ от рассылки", "отказываюсь", "хочу отписаться", "прошу отписать меня от рассылки", "прекратите", "Уберите меня из рассылки", "удалите мой номер", "Здравствуйте, отпишите меня. Спасибо!",
			"Unsubscribe me from this list", "please unsubscribe me from your mailing list.", "Take me off this mailing list", "I want to unsubscribe from your newsletter!",
			"я хочу отписаться", "Я хочу отписаться от рассылки", "Прекратите присылать", "Прекратите мне присылать!", "не надо мне больше писать", "не нужно мне это присылать", "Перестаньте мне писать", "Хватит мне писать!", "Прошу исключить меня из списка рассылки",
			"СТOP" /* Cyrillic С, Т */, "CТОP", "сtop", "STOП", "СТОР", "Сто́п", "un\u0441ub\u0441cribe", "отменить подписку", "cnjg", "ыещз", "НE ПИШИТE MНE", // with Latin letters
		},
		startIt: {"START", "start", "Start!", "unstop", "subscribe", "opt in", "Please subscribe me", "/start", "СТАРТ", "старт 👍", "подписаться", "Хочу подписаться", "CTAPT" /* all Latin */, "ＳＴＡＲＴ", "cnfhn"},
		helpMe:  {"HELP", "help?", "Help!", "info", "INFO", "Помощь", "помощь?", "инфо", "справка", "HELP please", "ПОМОЩЬ, пожалуйста", "ＨＥＬＰ"},
		noCommand: {
			"", " ", "!", "👍", "ok", "yes", "да", "нет", "no", "Thanks", "please", "спасибо", "пожалуйста", "Hi",
			"please stop sending me blue socks, send red", "Стоп, а какой размер?", "don't stop", "Don't stop!", "do not unsubscribe me", "не стоп", "не отписывайте меня", "never stop", "non-stop", "stop by tomorrow", "the bus stop", "Where do I stop?", "I can't stop laughing",
			"stop watch", "stopwatch", "stopping", "full stop then", "pit stop 2", "stop 2", "STOP 12345", "STOP\nSent from my phone", "cancel my order", "cancel order 4711", "Can I cancel?", "end of June?", "the end", "quit smoking kit?", "weekend", "send", "friend",
			"help me choose", "Help me with my order", "information about delivery", "info about sizes", "Need help with the order", "помощь с размером нужна", "помогите выбрать", "когда старт?", "start date?", "when does it start", "restart", "Start the delivery",
			"стоп-кран есть?", "нон-стоп", "стоп кадр", "отказ от синих", "отказ от заказа 4711", "отписался вам на почту", "подписаться на журнал", "не пишите мне про носки, пишите про шапки", "не пишите на упаковке имя", "Отправьте красные", "отменить заказ", "отмена заказа",
			"перестаньте присылать синие", "уберите меня из списка доставки на завтра", "удалите мой комментарий", "stop stop go", "unsubscribe from blue, subscribe to red", "больше", "мне", "не",
			"сто р.", "Сто р, спасибо", "сто", "сто рублей", "стор 5", "top", "Хватит" /* also: two will do */, "хватит двух", "прекратите присылать синие", "не нужно мне это", "не надо мне писать на упаковке", "не нужно мне присылать чек", "remove me from the guest list", "take me off hold", "unsubscribe me from blue socks", "the mailing list",
		},
	}
	total := 0
	for want, list := range cases {
		for _, text := range list {
			total++
			if got := commandIn(rapport.SMS, text); got != want {
				t.Errorf("%q is %q, want %q", text, got, want)
			}
		}
	}
	if total < 80 {
		t.Errorf("only %d cases", total)
	}
	if got := commandIn(rapport.SMS, strings.Repeat("stop ", 1000)); got != noCommand {
		t.Errorf("a novel is %q", got)
	}
}

// On a Russian keyboard any letter of these may be of either alphabet.
func TestCommandIn_EveryMixOfAlphabets(t *testing.T) {
	t.Parallel()
	for want, letters := range map[command][]string{stopIt: {"SsСс", "TtТт", "OoОо", "PpПпРр"}, startIt: {"SsСс", "TtТт", "AaАа", "RrРрPp", "TtТт"}} {
		mixes := []string{""}
		for _, position := range letters {
			var longer []string
			for _, begun := range mixes {
				for _, r := range position {
					longer = append(longer, begun+string(r))
				}
			}
			mixes = longer
		}
		if len(mixes) < 384 {
			t.Errorf("%d mixes", len(mixes))
		}
		for _, text := range mixes {
			for _, ch := range []rapport.Channel{rapport.SMS, rapport.Email} {
				if got := commandIn(ch, text); got != want {
					t.Fatalf("%+q by %s is %q, want %q", text, ch, got, want)
				}
			}
		}
	}
}

// By mail only what speaks of the subscription is one: the other words may answer an offer.
func TestCommandIn_ByMail(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]command{
		"Unsubscribe": stopIt, "unsubscribe me please": stopIt, "STOP": stopIt, "Отпишите меня от рассылки": stopIt, "Больше не пишите мне!": stopIt, "opt out": stopIt, "subscribe": startIt, "подписаться": startIt,
		"cancel": noCommand, "End": noCommand, "quit": noCommand, "отказ": noCommand, "прекратите": noCommand, "help": noCommand, "info": noCommand, "Помощь": noCommand, "leave me alone": noCommand, "remove me": noCommand,
	} {
		if got := commandIn(rapport.Email, text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// What a mail has around its words: a subject, a closing, a name.
func TestAskedBy_AMail(t *testing.T) {
	t.Parallel()
	for _, k := range []struct {
		subject, text string
		want          command
	}{
		{"unsubscribe", "", stopIt}, {"Отписка", " \n", stopIt}, {"stop", "", stopIt}, {"UNSUBSCRIBE", "Best regards,\nAnna Petrova", stopIt}, {"Stop", "Anna", stopIt}, {"Unsubscribe", "Please. Thank you!", stopIt}, {"Unsubscribe", "Unsubscribe", stopIt},
		{"Re: Spring", "Stop\nBest regards,\nAnna Petrova", stopIt}, {"Re: Spring", "Please unsubscribe me.\n\nThanks,\n\nAnna", stopIt}, {"", "Отпишите меня, пожалуйста.\nС уважением,\nАнна", stopIt}, {"", "Отпишите меня\r\nС уважением, Анна Петрова", stopIt},
		{"", "Stop\nKind regards", stopIt}, {"", "stop\nanna", stopIt}, {"", "Please unsubscribe me from your mailing list.", stopIt}, {"", "Прошу отписать", stopIt}, {"", "Unsubscribe\nDr. Anna-Maria Petrova", noCommand},
		{"Spring", "", noCommand}, {"Re: unsubscribe", "", noCommand}, {"unsubscribe", "Is my order on its way?", noCommand}, {"stop", "sending blue socks", noCommand}, {"start", "", noCommand}, {"", "", noCommand}, {"", "Best regards,\nAnna", noCommand},
		{"", "Stop\nBest regards to your boss", noCommand}, {"", "please stop sending me blue socks, send red\nThanks,\nAnna", noCommand}, {"", "Stop\nThanks for the socks", noCommand}, {"", "Stop\nRegards\n4711", noCommand},
		{"", "Don't stop\nBest regards,\nAnna", noCommand}, {"", "cancel\nBest regards,\nAnna", noCommand}, {"", "Stop\nBoris", noCommand},
	} {
		if got := askedBy(&channels.Incoming{Channel: rapport.Email, FromName: "Anna Petrova", Subject: k.subject, Text: k.text}); got != k.want {
			t.Errorf("%q, %q is %q, want %q", k.subject, k.text, got, k.want)
		}
	}
}

func TestPhrases_MeanOneThing(t *testing.T) {
	t.Parallel()
	for _, book := range []map[string]command{phrases, byMail} {
		seen := map[string]bool{}
		for key := range book {
			if key == "" || seen[key] {
				t.Errorf("%q", key)
			}
			seen[key] = true
		}
	}
	for key, c := range byMail {
		if phrases[key] != c {
			t.Errorf("%q is %q by mail and %q elsewhere", key, c, phrases[key])
		}
	}
	for _, c := range courtesy {
		if got := phrases[strings.Join(c, "")]; got != noCommand {
			t.Errorf("%v is %q", c, got)
		}
	}
}

// However a phrase is dressed up it is found, and with a word of its own beside it it is not.
func TestCommandIn_DressedUp(t *testing.T) {
	t.Parallel()
	keys := []string{"stop", "unsubscribe me", "opt out", "don't text me", "стоп", "отписаться от рассылки", "не пишите мне", "больше не присылайте", "старт", "start", "help", "помощь"}
	swaps := map[rune][]rune{'o': {'о', 'ο', 'ｏ', 'O', '0'}, 'p': {'р', 'P', 'ρ'}, 's': {'ѕ', 'S', 'ｓ'}, 't': {'T', 'Т', 'τ', 'ｔ'}, 'e': {'е', 'E', 'Е'}, 'a': {'а', 'A', 'Α'}, 'c': {'с', 'C'}, 'x': {'х', 'X'},
		'о': {'o', 'O', 'О'}, 'с': {'c', 'C', 'С'}, 'т': {'T', 'Т'}, 'а': {'a', 'A'}, 'е': {'e', 'ё', 'E'}, 'р': {'p', 'P'}, 'м': {'M', 'М'}, 'н': {'H', 'Н'}, 'п': {'П'}, 'и': {'И'}, 'ш': {'Ш'}}
	noise := []string{"", "", "", "\u200b", "\u2060", "\ufeff", "\u00ad"}
	between := []string{" ", "  ", "\n", " - ", "…", " 🙏 ", ", ", "\u00a0", "\t"}
	around := []string{"", " ", "!", "...", "🛑", "\n\n", "\"", "👎🏽", "—"}
	rapid.Check(t, func(t *rapid.T) {
		phrase := rapid.SampledFrom(keys).Draw(t, "phrase")
		want := commandIn(rapport.SMS, phrase)
		if want == noCommand {
			t.Fatalf("%q is no command", phrase)
		}
		var b strings.Builder
		b.WriteString(rapid.SampledFrom(around).Draw(t, "before"))
		for _, r := range phrase {
			if r == ' ' {
				b.WriteString(rapid.SampledFrom(between).Draw(t, "between"))
				continue
			}
			if other := swaps[r]; other != nil && rapid.Bool().Draw(t, "swap") {
				r = rapid.SampledFrom(other).Draw(t, "letter")
			}
			b.WriteRune(r)
			b.WriteString(rapid.SampledFrom(noise).Draw(t, "noise"))
		}
		b.WriteString(rapid.SampledFrom(around).Draw(t, "after"))
		text := b.String()
		if got := commandIn(rapport.SMS, text); got != want {
			t.Fatalf("%q is %q, want %q", text, got, want)
		}
		word := rapid.SampledFrom([]string{"socks", "tomorrow", "носки", "завтра", "but", "а", "order", "4711", "why", "почему", "never"}).Draw(t, "word")
		for _, more := range []string{text + " " + word, word + " " + text, text + ", " + word + "?"} {
			if got := commandIn(rapport.SMS, more); got != noCommand {
				t.Fatalf("%q is %q", more, got)
			}
		}
	})
}

func FuzzCommandIn(f *testing.F) {
	for _, s := range []string{"STOP", "стоп", "please stop", "\xff\xfe", "s\u0336t\u0336o\u0336p", "ﷺ stop", strings.Repeat("\u0300", 100)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		defer fuzzing.Budget(t)()
		sms, mail := commandIn(rapport.SMS, text), commandIn(rapport.Email, text)
		if mail != noCommand && mail != sms {
			t.Errorf("%q is %q by mail and %q elsewhere", text, mail, sms)
		}
		if again := commandIn(rapport.SMS, text+" "); again != sms && len(text) < mostCommand {
			t.Errorf("%q is %q, with a space %q", text, sms, again)
		}
	})
}

// What stands on a button was written by the sender: only what speaks of the subscription ends it.
func TestAskedBy_AButtonAnswersWhatItStoodUnder(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]command{"Cancel": noCommand, "Отказ": noCommand, "Help": noCommand, "Unsubscribe": stopIt, "Отписаться": stopIt} {
		if got := askedBy(&channels.Incoming{Channel: rapport.Telegram, Button: "b", Text: text}); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	if got := askedBy(&channels.Incoming{Channel: rapport.SMS, Auto: channels.AutoReply, OptOut: true, Text: "STOP"}); got != noCommand {
		t.Errorf("a machine asked for %q", got)
	}
}
