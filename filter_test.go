package rapport_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"rapport"
)

func TestParseFilter_RefusesWhatCannotBeRight(t *testing.T) {
	t.Parallel()
	leaf := `{"field":"locale","op":"exists"}`
	for text, path := range map[string]string{
		``: "filter", `null`: "filter", `[]`: "filter", `"x"`: "filter", "\xff": "filter", `{}`: "filter.field",
		`{"all":[]}`: "filter.all", `{"any":{}}`: "filter.any", `{"not":[]}`: "filter.not", `{"all":[` + leaf + `],"any":[` + leaf + `]}`: "filter",
		`{"all":[` + leaf + `,{"field":"name","op":"eq","value":"x"}]}`:                                                         "filter.all[1].field",
		strings.Repeat(`{"not":`, 9) + leaf + strings.Repeat(`}`, 9):                                                            "filter" + strings.Repeat(".not", 8),
		strings.Repeat(`{"not":`, 9000) + leaf:                                                                                  "filter",
		`{"all":[` + strings.Repeat(leaf+`,`, 60) + leaf + `]}`:                                                                 "filter.all",
		`{"any":[{"all":[` + strings.Repeat(leaf+`,`, 30) + leaf + `]},{"all":[` + strings.Repeat(leaf+`,`, 30) + leaf + `]}]}`: "filter",
		`{"field":"locale","op":"like","value":"x"}`:                                                                            "filter.op",
		`{"field":"locale","op":"eq"}`:                                                                                          "filter.value",
		`{"field":"locale","op":"eq","value":1}`:                                                                                "filter.value",
		`{"field":"locale","op":"exists","value":1}`:                                                                            "filter.value",
		`{"field":"locale","op":"in","value":[]}`:                                                                               "filter.value",
		`{"field":"locale","op":"eq","value":"x","channel":"sms"}`:                                                              "filter.channel",
		`{"field":"locale","op":"eq","value":"x","sql":"1"}`:                                                                    "filter",
		`{"field":"audience","op":"eq","value":"pets"}`:                                                                         "filter.value",
		`{"field":"created_at","op":"within","value":"soon"}`:                                                                   "filter.value",
		`{"field":"created_at","op":"within","value":"99999999d"}`:                                                              "filter.value",
		`{"field":"created_at","op":"after","value":"yesterday"}`:                                                               "filter.value",
		`{"field":"channel","channel":"pigeon"}`:                                                                                "filter.channel",
		`{"field":"consent","channel":"sms","value":"maybe"}`:                                                                   "filter.value",
		`{"field":"attribute","op":"eq","value":"x"}`:                                                                           "filter.name",
		`{"field":"attribute","name":"a","op":"eq","value":null}`:                                                               "filter.value",
		`{"field":"attribute","name":"a","op":"eq","value":{"a":1}}`:                                                            "filter.value",
		`{"field":"attribute","name":"a","op":"eq","value":1e300}`:                                                              "filter.value",
		`{"field":"attribute","name":"a","op":"eq","value":1e999}`:                                                              "filter.value",
		`{"field":"attribute","name":"a","op":"eq","value":"\u0000"}`:                                                           "filter.value",
		`{"field":"attribute","name":"a\u0000","op":"exists"}`:                                                                  "filter.name",
		`{"field":"attribute","name":"a","op":"contains","value":""}`:                                                           "filter.value",
		`{"field":"attribute","name":"a","op":"gt","value":true}`:                                                               "filter.value",
		`{"field":"attribute","name":"a","op":"eq","value":"` + strings.Repeat("x", 201) + `"}`:                                 "filter.value",
		`{"field":"event","type":"order","min":0}`:                                                                              "filter.min",
		`{"field":"event","type":"order","min":"3"}`:                                                                            "filter",
		`{"field":"event"}`:                             "filter.type",
		`{"field":"event","type":"order","within":"x"}`: "filter.within",
		`{"field":"attribute","name":"a","op":"in","value":[` + strings.Repeat(`1,`, 100) + `1]}`: "filter.value",
	} {
		_, err := rapport.ParseFilter(json.RawMessage(text))
		refusal, ok := errors.AsType[*rapport.Error](err)
		if !ok || refusal.Code != rapport.CodeInvalid || len(refusal.Fields) != 1 || refusal.Fields[0].Path != path {
			t.Errorf("%.80s: %v, want a refusal at %s", text, err, path)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	f.Add(`{"all":[{"field":"locale","op":"in","value":["en"]},{"not":{"field":"event","type":"order","min":2,"within":"30d"}}]}`)
	f.Add(`{"any":[{"field":"attribute","name":"a","op":"gt","value":1},{"field":"consent","channel":"sms","topic":"news","value":"granted"}]}`)
	f.Add(`{"field":"created_at","op":"before","value":"2026-01-31T00:00:00Z"}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := rapport.ParseFilter(json.RawMessage(text))
		if (got == nil) == (err == nil) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	})
}
