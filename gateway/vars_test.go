package gateway

import (
	"encoding/json"
	"reflect"
	"testing"

	"rapport/internal/fuzzing"
)

func TestVars_ReadAsEncodingJSONReadsThem(t *testing.T) {
	t.Parallel()
	for _, stored := range []string{
		`{"customer":{}}`,
		`{"customer":{"name":"Anna","n":1,"f":-1.5e3,"t":true,"x":false,"z":null},"data":{"a":[],"b":[1,"2",[true]],"c":{"d":{}}},"no_track":true}`,
		`{"customer":{"name":"Zo\u00eb \"Z\" \\ \ud83d\ude00 <b>\u2028","":""}}`,
		`{"customer":{"name":"Zoë 😀 عربى"},"data":{"a":"1","a":"2"}}`,
		` { "customer" : { "name" : "spaced" } } `,
		`{"data":{"only":"data"}}`,
		`{"customer":null,"data":null,"no_track":false}`,
		`{"customer":{"name":"Anna"},"later":1}`,
		"{\"customer\":{\"name\":\"broken \xff utf-8\"}}",
		`{"customer":{"name":"cut`, `{"customer":{"name"}}`, `{"customer":{"a":1,}}`, `{"customer":{"a":[1,]}}`, `{"customer":{"a":tru}}`,
		`{"customer":{"a":01}}`, `{"customer":{}}}`, `{"customer":[]}`, `{"customer":{"a":"\x"}}`, "{\"customer\":{\"a\":\"\n\"}}", `[]`, `null`,
	} {
		check(t, []byte(stored))
	}
}

func check(t *testing.T, stored []byte) {
	t.Helper()
	got, want := vars{Customer: map[string]any{}, Data: map[string]any{"of": "campaign"}}, vars{Customer: map[string]any{}, Data: map[string]any{"of": "campaign"}}
	wrong, expected := got.decode(stored), json.Unmarshal(stored, &want)
	if (wrong == nil) != (expected == nil) {
		t.Errorf("%s: %v, encoding/json: %v", stored, wrong, expected)
	} else if wrong == nil && !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n%#v, encoding/json:\n%#v", stored, got, want)
	}
}

func FuzzVars(f *testing.F) {
	f.Add([]byte(`{"customer":{"name":"Anna","n":-1.5e3},"data":{"a":[1,"\u00e9",null,true]},"no_track":true}`))
	f.Fuzz(func(t *testing.T, stored []byte) {
		defer fuzzing.Budget(t)()
		if len(stored) > 0 { // no variables at all are no mistake
			check(t, stored)
		}
	})
}
