package insights_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rapport/insights"
)

// reply is what a customer writes, and how a person reads it. Those of testdata/replies.json were labelled before anybody had
// looked at how the reader reads them.
type reply struct {
	Text      string             `json:"text"`
	Language  string             `json:"language"`
	Intent    insights.Intent    `json:"intent"`
	Sentiment insights.Sentiment `json:"sentiment"`
}

func replies(t testing.TB, name string) []reply {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var all []reply
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func reader(t testing.TB) *insights.Reader {
	t.Helper()
	r, err := insights.New()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

type score struct{ all, language, intent, sentiment int }

func (s score) percent(n int) float64 { return 100 * float64(n) / float64(s.all) }

// TestReader_Accuracy holds the word lists to what they have reached. Every second reply is held out: the lists were worked
// on with what the others showed, and these were only counted. As the lists stood when the replies were written: language
// 99 %, intent 76 %, sentiment 81 %. Afterwards, worked on / held out: language 100 / 98 %, intent 95 / 93 %, sentiment 96 /
// 91 %. One hand wrote the replies and the words, so strangers' replies will be read worse than the held-out ones: take the
// first figures for the lower bound. Other languages are told apart, but not understood.
func TestReader_Accuracy(t *testing.T) {
	t.Parallel()
	r := reader(t)
	scores := map[string]*score{}
	for i, c := range replies(t, "replies") {
		half := "worked on"
		if i%2 == 1 {
			half = "held out"
		}
		lang := c.Language
		if lang != "en" && lang != "ru" {
			lang = "other"
		}
		k := half + " " + lang
		if scores[k] == nil {
			scores[k] = &score{}
		}
		scores[k].count(r.Read(c.Text, ""), c)
	}
	for _, want := range []struct {
		of                          string
		language, intent, sentiment float64 // percent
	}{
		{"worked on en", 98, 93, 91},
		{"worked on ru", 98, 93, 93},
		{"worked on other", 85, 30, 75},
		{"held out en", 95, 93, 88},
		{"held out ru", 95, 88, 90},
		{"held out other", 75, 30, 45},
	} {
		s := scores[want.of]
		if s == nil || s.all < 8 {
			t.Fatalf("%s: hardly any replies", want.of)
		}
		t.Logf("%-16s %3d replies: language %.0f %%, intent %.0f %%, sentiment %.0f %%", want.of, s.all, s.percent(s.language), s.percent(s.intent), s.percent(s.sentiment))
		if s.percent(s.language) < want.language || s.percent(s.intent) < want.intent || s.percent(s.sentiment) < want.sentiment {
			t.Errorf("%s: less than language %.0f %%, intent %.0f %%, sentiment %.0f %%", want.of, want.language, want.intent, want.sentiment)
		}
	}
}

func (s *score) count(got insights.Reading, want reply) {
	s.all++
	for n, right := range map[*int]bool{&s.language: got.Language.Value == want.Language, &s.intent: got.Intent.Value == want.Intent, &s.sentiment: got.Sentiment.Value == want.Sentiment} {
		if right {
			*n++
		}
	}
}

func TestReader_WordsThatTurnOthersRound(t *testing.T) {
	t.Parallel()
	r := reader(t)
	for _, c := range []struct {
		text      string
		intent    insights.Intent
		sentiment insights.Sentiment
	}{
		{"Please don't stop the newsletter", insights.Thanks, insights.Positive},
		{"If you don't stop texting me I will report you", insights.Stop, insights.Negative},
		{"Не переставайте радовать нас новинками", insights.Thanks, insights.Positive},
		{"I want to book a haircut for noon, thanks", insights.Order, insights.Neutral},
		{"Хочу забронировать номер, спасибо", insights.Order, insights.Neutral},
		{"Cancel my booking if it is not too late", insights.Order, insights.Neutral},
		{"❤️❤️❤️", insights.Other, insights.Positive},
		{"thanks ❤️", insights.Thanks, insights.Positive},
	} {
		if got := r.Read(c.text, ""); got.Intent.Value != c.intent || got.Sentiment.Value != c.sentiment {
			t.Errorf("%q reads as %s, %s instead of %s, %s", c.text, got.Intent.Value, got.Sentiment.Value, c.intent, c.sentiment)
		}
	}
}

func TestReader_HostileTextCostsLittle(t *testing.T) {
	t.Parallel()
	r := reader(t)
	for name, text := range map[string]string{
		"one endless word": strings.Repeat("a", 8<<20),
		"only boundaries":  strings.Repeat(". ", 4<<20),
		"NUL":              strings.Repeat("\x00", 4<<20),
		"broken UTF-8":     strings.Repeat("\xff", 4<<20),
		"a pattern":        strings.Repeat("stop sending me not never ", 300_000),
		"exclamations":     strings.Repeat("!", 4<<20),
	} {
		start := time.Now()
		r.Read(text, "en")
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
	if got := r.Read("please\x00 unsubscribe\x00 me", "").Intent.Value; got != insights.Stop {
		t.Errorf("with NULs between: %s", got)
	}
}

func BenchmarkReader(b *testing.B) {
	r, all := reader(b), replies(b, "replies")
	for i := 0; b.Loop(); i++ {
		r.Read(all[i%len(all)].Text, "")
	}
}

func FuzzReader(f *testing.F) {
	r := reader(f)
	for _, c := range replies(f, "replies") {
		f.Add(c.Text, c.Language)
	}
	f.Add("\x00\xff stop\x00", "\x00")
	f.Add(strings.Repeat("stop sending me ", 5000), "en-US")
	f.Fuzz(func(t *testing.T, text, locale string) {
		got := r.Read(text, locale)
		if again := r.Read(text, locale); again != got {
			t.Fatalf("%q reads as %v, then as %v", text, got, again)
		}
		for _, c := range []float64{got.Language.Confidence, got.Intent.Confidence, got.Sentiment.Confidence} {
			if !(c >= 0 && c <= 1) {
				t.Fatalf("%q: a confidence of %v", text, c)
			}
		}
		if !utf8.ValidString(got.Language.Value) || len(got.Language.Value) > 8 {
			t.Fatalf("%q: language %q", text, got.Language.Value)
		}
	})
}
