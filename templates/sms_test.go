package templates

import (
	"strings"
	"testing"
	"unicode/utf16"

	"rapport"
	"rapport/internal/fuzzing"
)

func TestCountSMS(t *testing.T) {
	t.Parallel()
	x := strings.Repeat
	cases := map[string]struct {
		text string
		want SMSCount
	}{
		"nothing":                            {"", SMSCount{"GSM-7", 0, 0}},
		"160 fit in one":                     {x("a", 160), SMSCount{"GSM-7", 160, 1}},
		"161 take two":                       {x("a", 161), SMSCount{"GSM-7", 161, 2}},
		"306 take two":                       {x("a", 306), SMSCount{"GSM-7", 306, 2}},
		"307 take three":                     {x("a", 307), SMSCount{"GSM-7", 307, 3}},
		"the euro sign takes two":            {x("€", 80), SMSCount{"GSM-7", 160, 1}},
		"an escape is not parted":            {x("a", 152) + "€" + x("a", 152), SMSCount{"GSM-7", 306, 3}},
		"all of the alphabet":                {gsmBasic + gsmExtended, SMSCount{"GSM-7", 127 + 20, 1}},
		"a backtick is not in it":            {"`", SMSCount{"UCS-2", 1, 1}},
		"Cyrillic":                           {"Привет", SMSCount{"UCS-2", 6, 1}},
		"70 fit in one":                      {x("ж", 70), SMSCount{"UCS-2", 70, 1}},
		"71 take two":                        {x("ж", 71), SMSCount{"UCS-2", 71, 2}},
		"134 take two":                       {x("ж", 134), SMSCount{"UCS-2", 134, 2}},
		"135 take three":                     {x("ж", 135), SMSCount{"UCS-2", 135, 3}},
		"one curly quote makes all of it so": {x("a", 69) + "’", SMSCount{"UCS-2", 70, 1}},
		"an emoji takes two units":           {x("👍", 35), SMSCount{"UCS-2", 70, 1}},
		"a surrogate pair is not parted":     {x("ж", 66) + "👍" + x("ж", 66), SMSCount{"UCS-2", 134, 3}},
		"ç has only a capital":               {"ç", SMSCount{"UCS-2", 1, 1}},
		"Ç is in it":                         {"Ç", SMSCount{"GSM-7", 1, 1}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := CountSMS(c.text); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestTransliterate_KeepsAMessageInGSM7(t *testing.T) {
	t.Parallel()
	in := "“It’s” – 20 €… «so»\u00a0№\u202f5"
	if got := transliterate(in); CountSMS(got).Encoding != "GSM-7" || got != `"It's" - 20 €... "so" No. 5` {
		t.Errorf("got %q", got)
	}
}

func FuzzRenderSMS(f *testing.F) {
	tmpl := mustLoad(f, Source{Variants: []Variant{{Channel: rapport.SMS, Text: "Hi {{ data.a }}: {{ data.b | transliterate }}!"}}})
	f.Add("Ann", "it’s")
	f.Add(strings.Repeat("€", 100), "👍")
	f.Add("\xff\x00", "\uFFFD")
	f.Fuzz(func(t *testing.T, a, b string) {
		defer fuzzing.Budget(t)()
		r, err := tmpl.Render(rapport.SMS, Input{Vars: map[string]any{"data": map[string]any{"a": a, "b": b}}})
		if err != nil {
			return
		}
		text := r.Text.String()
		if r.SMS != CountSMS(text) {
			t.Fatalf("counted in pieces %v, whole %v", r.SMS, CountSMS(text))
		}
		single, part := gsmSingle, gsmPart
		if r.SMS.Encoding == "UCS-2" {
			single, part = ucsSingle, ucsPart
			if n := len(utf16.Encode([]rune(text))); r.SMS.Units != n {
				t.Fatalf("%d units, utf16 has %d", r.SMS.Units, n)
			}
		}
		low, high := (r.SMS.Units+part-1)/part, (r.SMS.Units+part-2)/(part-1)
		if r.SMS.Units <= single {
			low, high = 1, 1
		}
		if r.SMS.Segments < low || r.SMS.Segments > high {
			t.Fatalf("%v for %d bytes, want %d to %d segments", r.SMS, len(text), low, high)
		}
	})
}
