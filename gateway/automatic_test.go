package gateway

import (
	"testing"

	"rapport/channels"
	"rapport/templates"
)

func TestWords_OfAutomaticAnswers(t *testing.T) {
	t.Parallel()
	for name, k := range map[string]struct {
		company, custom, want string
	}{
		"our own":                  {"Fern", "", "Fern: you are subscribed again. To stop, reply STOP. For help, reply HELP."},
		"our own without a name":   {"", "", "You are subscribed again. To stop, reply STOP. For help, reply HELP."},
		"custom":                   {"Fern", "Welcome back to {company}!", "Welcome back to Fern!"},
		"custom without a name":    {"", "{company}: hello again", "Hello again"},
		"nothing but blanks":       {"Fern", " \n", "Fern: you are subscribed again. To stop, reply STOP. For help, reply HELP."},
		"nothing but a name":       {"Fern", "{company}: ", "Fern: "},
		"Cyrillic without a name":  {"", "{company}: снова здесь", "Снова здесь"},
		"no name and a plain word": {"", "welcome back", "welcome back"},
	} {
		g := &Gateway{set: Settings{Company: templates.Company{Name: k.company}, Replies: Replies{"started": {"en": k.custom}}}}
		if got := g.words(started, "en"); got != k.want {
			t.Errorf("%s: %q, want %q", name, got, k.want)
		}
	}
	for _, what := range []automatic{stopped, stoppedMail, started, help, contact, linked} {
		for _, language := range []string{"en", "ru"} {
			if ownWords[what][language] == "" || shareButton[language] == "" {
				t.Errorf("nothing to say for %s in %s", what, language)
			}
		}
		if n := templates.CountSMS(ownWords[what]["en"]); n.Segments != 1 && what != stoppedMail {
			t.Errorf("%s in English takes %d SMS", what, n.Segments)
		}
	}
}

func TestLanguageFor_TheWordsThenThePersonThenTheInstallation(t *testing.T) {
	t.Parallel()
	for _, k := range []struct{ text, customer, channel, fallback, want string }{
		{"СТОП", "en", "en", "en", "ru"}, {"STOP", "ru", "en", "en", "ru"}, {"STOP", "ru-RU", "", "en", "ru"}, {"STOP", "", "ru", "en", "ru"},
		{"STOP", "", "", "ru", "ru"}, {"STOP", "lv", "ru", "ru", "en"}, {"STOP", "", "", "", "en"}, {"👍", "", "lv", "ru", "en"},
		{"СTOП" /* Latin T and O */, "en", "en", "en", "ru"}, {"STOП", "en", "en", "en", "ru"}, {"CTAРT" /* Cyrillic Р */, "en", "", "en", "en"},
	} {
		if got := languageFor(&channels.Incoming{Text: k.text, Locale: k.channel}, k.customer, k.fallback); got != k.want {
			t.Errorf("%+v: %s", k, got)
		}
	}
}
