package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"rapport"
	"rapport/internal/fuzzing"
	"rapport/store"
)

func TestPatch_NormalisesEveryPart(t *testing.T) {
	t.Parallel()
	g := &Gateway{set: Settings{DefaultRegion: "RU"}}
	var in CustomerInput
	err := Decode([]byte(`{"id":"ext:crm-1","name":"Anna","locale":"pt-br","timezone":"Europe/Riga","audience":"partner","attributes":{"a":1},
		"addresses":[{"channel":"sms","address":"8 (912) 345-67-89"},{"channel":"email","address":" Anna@EXAMPLE.com "},{"channel":"telegram","address":"0042","primary":true}],
		"preferences":{"topics":{"news":{"sms":false,"email":true},"*":{"telegram":true}},"channel_order":["telegram","email"],"quiet_hours":{"from":"21:00","until":"09:00"},"frequency_cap":{"max":3,"per":"168h"}},
		"consents":[{"channel":"email","purpose":"marketing","topic":"*","granted":true,"source":"form","text_version":"1","ip":"192.0.2.1"}]}`), "", &in)
	if err != nil {
		t.Fatal(err)
	}
	p, wrong := g.patch(in, "")
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	if p.ExternalID != "crm-1" || *p.Locale != "pt-BR" || *p.Quiet != (rapport.QuietHours{From: 21 * 60, Until: 9 * 60}) || p.Cap.Max != 3 || p.Cap.Per.Hours() != 168 || p.Consents[0].Topic != "" {
		t.Errorf("%+v", p)
	}
	if diff := cmp.Diff([]store.AddressPatch{{Channel: rapport.SMS, Value: "+79123456789"}, {Channel: rapport.Email, Value: "Anna@example.com"}, {Channel: rapport.Telegram, Value: "42", Primary: true}}, p.Addresses); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]rapport.Preference{{Topic: "*", Channel: rapport.Telegram, Enabled: true}, {Topic: "news", Channel: rapport.Email, Enabled: true}, {Topic: "news", Channel: rapport.SMS}}, p.Prefs); diff != "" {
		t.Error(diff)
	}
}

func TestPatch_NamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	g := &Gateway{}
	for in, want := range map[string]string{
		`{"external_id":"1","addresses":[{"channel":"email","address":"a@example.com\r\nBcc: b@example.com"}]}`:           "x.addresses[0].address holds control characters or broken UTF-8",
		`{"external_id":"1","addresses":[{"channel":"sms","address":"8 912 345 67 89"}]}`:                                 "x.addresses[0].address is not a phone number in international form such as +37120000000 (default_region is not set)",
		`{"external_id":"1","addresses":[{"channel":"sms","address":"+7912"}]}`:                                           "x.addresses[0].address is not a phone number",
		`{"external_id":"1","addresses":[{"channel":"pigeon","address":"x"}]}`:                                            "x.addresses[0].channel must be one of email, sms, whatsapp, telegram, webhook",
		`{"external_id":"1","locale":"xx_yyyyyyyyyyy"}`:                                                                   "x.locale is not a language tag (BCP 47) such as en or pt-BR",
		`{"external_id":"1","timezone":"Local"}`:                                                                          "x.timezone is not a time zone (IANA) such as Europe/Riga",
		`{"external_id":"1","timezone":"../../etc/passwd"}`:                                                               "x.timezone is not a time zone (IANA) such as Europe/Riga",
		`{"external_id":"1","audience":"stranger"}`:                                                                       "x.audience must be one of customer, employee, partner, shareholder",
		`{"external_id":"1","attributes":[]}`:                                                                             "x.attributes must be a JSON object",
		`{"external_id":"1","name":"a\nb"}`:                                                                               "x.name holds a line break or another control character",
		`{"external_id":"1","preferences":{"quiet_hours":{"from":"9","until":"10:00"}}}`:                                  "x.preferences.quiet_hours needs from and until as hours and minutes, like 21:00",
		`{"external_id":"1","preferences":{"frequency_cap":{"max":3,"per":"week"}}}`:                                      "x.preferences.frequency_cap.per must be a duration from 1m to 8784h, like 168h",
		`{"external_id":"1","preferences":{"channel_order":["email","email"]}}`:                                           "x.preferences.channel_order[1] stands in the list twice",
		`{"external_id":"1","consents":[{"channel":"email","purpose":"marketing","granted":null,"source":"s"}]}`:          "x.consents[0].granted must be true or false",
		`{"external_id":"1","consents":[{"channel":"email","purpose":"marketing","granted":true}]}`:                       "x.consents[0].source must say where the consent comes from",
		`{"external_id":"1","consents":[{"channel":"email","purpose":"fun","granted":true,"source":"s"}]}`:                "x.consents[0].purpose must be marketing or transactional",
		`{"external_id":"1","consents":[{"channel":"email","purpose":"marketing","granted":true,"source":"s","ip":"x"}]}`: "x.consents[0].ip is not an IP address",
		`{"id":"msg_0000000000001"}`:                                                                                      "x.id is not a customer id such as cus_0123456789abc, nor ext: and an external id",
		`{"name":"nobody"}`:                                                                                               "x names nobody: an id, an external_id or an address is needed",
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			var c CustomerInput
			if err := Decode([]byte(in), "x", &c); err != nil {
				t.Fatal(err)
			}
			_, wrong := g.patch(c, "x")
			if len(wrong) != 1 || wrong[0].Path+" "+wrong[0].Message != want {
				t.Errorf("got %v", wrong)
			}
		})
	}
	big := CustomerInput{ExternalID: "1", Attributes: json.RawMessage(`{"a":"` + strings.Repeat("x", maxAttributes) + `"}`)}
	if _, wrong := g.patch(big, ""); len(wrong) != 1 || wrong[0].Path != "attributes" {
		t.Errorf("large attributes: %v", wrong)
	}
	many := CustomerInput{ExternalID: "1", Addresses: make([]AddressInput, maxAddresses+1), Consents: make([]ConsentInput, maxConsents+1)}
	if _, wrong := g.patch(many, ""); len(wrong) != 2 || wrong[0].Path != "addresses" || wrong[1].Path != "consents" {
		t.Errorf("too many of them: %v", wrong)
	}
}

func TestDecode_Strict(t *testing.T) {
	t.Parallel()
	type inner struct {
		N int8     `json:"n"`
		F float64  `json:"f"`
		L []string `json:"l"`
	}
	type shape struct {
		inner
		A  string           `json:"a"`
		In map[string]inner `json:"in"`
		B  *bool            `json:"b"`
		X  json.RawMessage  `json:"x"`
	}
	for in, want := range map[string]string{
		`{"a":"x","n":127,"f":1e3,"l":["a"],"in":{"k":{"n":1}},"b":null,"x":{"deep":[1,{"a":null}]}}`: "",
		`{"A":"x"}`:            "p.A is not a field of this object",
		`{"a":1}`:              "p.a must be a string, not a number",
		`{"n":128}`:            "p.n must be a whole number in the range of int8",
		`{"n":1.5}`:            "p.n must be a whole number in the range of int8",
		`{"f":1e999}`:          "p.f is out of range",
		`{"l":["a",[]]}`:       "p.l[1] must be a string, not a list",
		`{"in":{"k":{"z":1}}}`: "p.in.k.z is not a field of this object",
		`{"in":[]}`:            "p.in must be an object, not a list",
		`{"b":"true"}`:         "p.b must be a boolean, not a string",
		`{"x":{"a":1,"a":2}}`:  "p.x.a is given twice",
		`{"x":"\u0000"}`:       "p.x holds a NUL character",
		`{"x":"\\u0000 \"}{"}`: "",
		"{\"a\":\"\xff\"}":     "p holds broken UTF-8",
		`"a"`:                  "p must be an object, not a string",
		`{"x":` + strings.Repeat("[", 90) + strings.Repeat("]", 90) + `}`: "p.x" + strings.Repeat("[0]", 64) + " is nested too deeply",
		"{\"a\":\n\"x\",}": "The text is not JSON: invalid character '}' looking for beginning of object key string, in line 2 (byte 11).",
		"":                 "The text is not JSON: unexpected end of JSON input, in line 1 (byte 0).",
	} {
		t.Run(in[:min(len(in), 40)], func(t *testing.T) {
			t.Parallel()
			var v shape
			err := Decode([]byte(in), "p", &v)
			got := ""
			if e, ok := errors.AsType[*rapport.Error](err); ok {
				got = e.Message
				if len(e.Fields) > 0 {
					got = e.Fields[0].Path + " " + e.Fields[0].Message
				}
			}
			if got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"external_id":"1","consents":[{"at":"x"}]}`))
	f.Add([]byte(`{"attributes":{"a":[{}]},"addresses":[null,{}]}`))
	f.Add([]byte(`{"external_id":"1","data":{"a":[1.5e3,null,true,"\\u00e9"],"b":{}},"addresses":[{"channel":"email","address":"a@example.com"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		defer fuzzing.Budget(t)()
		var in RecipientRow
		err := Decode(data, "", &in)
		if err != nil && rapport.CodeOf(err) == "" {
			t.Error(fmt.Errorf("an error without a code: %w", err))
		}
		if utf8.Valid(data) && (rapport.CodeOf(err) == rapport.CodeMalformed) == json.Valid(data) {
			t.Errorf("encoding/json says that it is valid: %v, we say %v", json.Valid(data), err)
		}
		if err == nil {
			var want RecipientRow
			if err := json.Unmarshal(data, &want); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(want, in); diff != "" {
				t.Error(diff)
			}
		}
		var whatever, want any
		if Decode(data, "", &whatever) == nil && (json.Unmarshal(data, &want) != nil || !reflect.DeepEqual(whatever, want)) {
			t.Errorf("%v, encoding/json reads %v", whatever, want)
		}
	})
}
