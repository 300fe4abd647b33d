package templates

import (
	"encoding/json"
	"testing"
)

func TestJSONString_IsEncodingJSONs(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "Anna", "Zoë", `"`, `\`, "<b>&", "a\nb", "\x00", "\x7f", "\u2028", "\xff", "https://shop.example/?a=1"} {
		got, err := jsonString(text)
		want, wrong := json.Marshal(text)
		if err != nil || wrong != nil || string(got) != string(want) {
			t.Errorf("%q: %s, want %s (%v, %v)", text, got, want, err, wrong)
		}
	}
}
