package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"rapport"
	"rapport/internal/fuzzing"
)

// bodyOf reads a body as one piece of memory, or byte by byte with a buffer that has to grow.
func bodyOf(text string, trickle bool) (in *CampaignInput, inline int, customers []string, err error) {
	s := &splitter{buf: []byte(text), end: io.EOF}
	if trickle {
		s = &splitter{in: iotest.OneByteReader(strings.NewReader(text)), buf: make([]byte, 0, 2)}
	}
	in, inline, err = campaignBody(s, func(i int, raw []byte) error {
		customers = append(customers, string(raw))
		var c RecipientInput
		return Decode(raw, fmt.Sprintf("audience.customers[%d]", i), &c)
	})
	return in, inline, customers, err
}

func TestCampaignBody_HandsOutTheCustomers(t *testing.T) {
	t.Parallel()
	text := ` { "name" : "a\"]}" , "audience" : { "customers" : [ {"external_id":"1","data":{"x":"]},{"}} ,{"external_id":"2\\"} ] } , "purpose":"marketing" } `
	for _, trickle := range []bool{false, true} {
		in, inline, customers, err := bodyOf(text, trickle)
		if err != nil || inline != 2 || in.Name != `a"]}` || in.Purpose != rapport.Marketing || in.Audience == nil {
			t.Fatalf("%+v, %d, %v", in, inline, err)
		}
		if want := []string{`{"external_id":"1","data":{"x":"]},{"}}`, `{"external_id":"2\\"}`}; !slices.Equal(customers, want) {
			t.Errorf("%q", customers)
		}
	}
}

func TestCampaignBody_NamesThePlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                              "The JSON ends too early.",
		`[]`:                            "A JSON object was expected.",
		`{"name":}`:                     "The JSON is broken at name, at byte 9: a value is missing.",
		`{"name":"x"`:                   "The JSON ends too early.",
		`{"name":"x`:                    "The JSON ends too early at name.",
		`{"name" "x"}`:                  `The JSON is broken, at byte 9: '"' where one of ":" was expected.`,
		`{"name":"x",}`:                 `The JSON is broken, at byte 13: '}' where one of "\"" was expected.`,
		`{"name":"x"}{}`:                `There is something after the JSON object: '{'.`,
		`{"name":"x","name":"y"}`:       "name is given twice",
		`{"audience":null}`:             "audience must be an object",
		`{"audience":{"customers":`:     "The JSON ends too early at audience.customers.",
		`{"audience":{"customers":{}}}`: "audience.customers must be a list",
		`{"audience":{"customers":[],"customers":[]}}`:         "audience.customers is there twice",
		`{"audience":{},"audience":{}}`:                        "audience is there twice",
		`{"audience":{"customers":[{"id":"1"},{"id":}]}}`:      "The JSON is broken at audience.customers[1], at byte 44: invalid character '}' looking for beginning of value.",
		`{"audience":{"customers":[{"id":"1"},]}}`:             "The JSON is broken at audience.customers[1], at byte 38: a value is missing.",
		`{"audience":{"customers":[{"id":"1"`:                  "The JSON ends too early at audience.customers[0].",
		`{"audience":{"customers":[{"id":"1"} {"id":"2"}]}}`:   `The JSON is broken at audience.customers, at byte 38: '{' where one of ",]" was expected.`,
		`{"audience":{"customers":[{"id":7}]}}`:                "audience.customers[0].id must be a string, not a number",
		`{"audience":{"crowd":1}}`:                             "audience.crowd is not a field of this object",
		`{"audience":{"customers":[]},"nmae":"x"}`:             "nmae is not a field of this object",
		"{\"audience\":{\"customers\":[{\"name\":\"\xff\"}]}}": "audience.customers[0] holds broken UTF-8",
	} {
		for _, trickle := range []bool{false, true} {
			_, _, _, err := bodyOf(text, trickle)
			got := fmt.Sprint(err)
			if e, ok := errors.AsType[*rapport.Error](err); ok {
				if got = e.Message; len(e.Fields) > 0 {
					got = e.Fields[0].Path + " " + e.Fields[0].Message
				}
			}
			if got != want {
				t.Errorf("%s (trickle %v)\ngot  %s\nwant %s", text, trickle, got, want)
			}
		}
	}
}

// Whatever comes, in pieces or as a whole, is read alike, and never taken for JSON when it is none.
func FuzzCampaignBody(f *testing.F) {
	f.Add([]byte(`{"purpose":"marketing","audience":{"customers":[{"external_id":"1"},{"id":"x","data":{"a":[1]}}]},"name":"n"}`))
	f.Add([]byte(`{"audience":{"customers":[{]}}`))
	f.Add([]byte(`{"audience":{"customers":["\"",1,null,[[]]]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		defer fuzzing.Budget(t)()
		_, n, customers, err := bodyOf(string(data), false)
		_, m, trickled, again := bodyOf(string(data), true)
		if n != m || !slices.Equal(customers, trickled) || rapport.CodeOf(err) != rapport.CodeOf(again) {
			t.Errorf("%d %q %v, in pieces %d %q %v", n, customers, err, m, trickled, again)
		}
		if err == nil && !json.Valid(data) {
			t.Error("taken, and not JSON")
		}
		if err != nil && rapport.CodeOf(err) == "" {
			t.Errorf("an error without a code: %v", err)
		}
		if err == nil && n > 0 {
			var whole struct {
				Audience struct{ Customers []json.RawMessage }
			}
			if err := json.Unmarshal(data, &whole); err != nil {
				t.Fatal(err)
			}
			for i, raw := range whole.Audience.Customers {
				if i < len(customers) && !bytes.Equal(raw, []byte(customers[i])) {
					t.Errorf("%q, encoding/json reads %q", customers[i], raw)
				}
			}
		}
	})
}
