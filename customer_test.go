package rapport

import (
	"strings"
	"testing"

	"rapport/internal/fuzzing"
)

func TestNormalizeAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		channel  Channel
		in, want string // want "": refused
	}{
		{Email, " Anna@Example.TEST ", "Anna@example.test"},
		{Email, "почта@пример.испытание", "почта@пример.испытание"},
		{Email, "o'brien+tag@example.test", "o'brien+tag@example.test"},
		{Email, "Anna <anna@example.test>", ""},
		{Email, "anna@example.test\r\nBcc: x@example.test", ""},
		{Email, "anna@", ""},
		{Email, "a@b@c.test", ""},
		{Email, "anna@localhost", "anna@localhost"},
		{Email, "anna@[127.0.0.1]", ""},
		{Email, strings.Repeat("a", 65) + "@example.test", ""},
		{SMS, "+37120000000", "+37120000000"},
		{SMS, "20000000", ""},
		{SMS, "+3712000000a", ""},
		{SMS, "+0123456789", ""},
		{Telegram, "-1001234567890", "-1001234567890"},
		{Telegram, "@anna", ""},
		{Webhook, "https://Example.test/in?x=1#frag", "https://example.test/in?x=1"},
		{Webhook, "https://user:pass@example.test/", ""},
		{Webhook, "javascript:alert(1)", ""},
		{Webhook, "//example.test", ""},
		{"pigeon", "coop 7", ""},
	} {
		got, wrong := NormalizeAddress(c.channel, c.in)
		if got != c.want || (wrong == nil) == (c.want == "") {
			t.Errorf("%s %q: %q, %v; want %q", c.channel, c.in, got, wrong, c.want)
		}
	}
}

func FuzzNormalizeAddress(f *testing.F) {
	for _, c := range Channels {
		f.Add(string(c), "anna@example.test")
		f.Add(string(c), "+37120000000")
		f.Add(string(c), "https://example.test/%zz\x00")
	}
	f.Fuzz(func(t *testing.T, channel, value string) {
		defer fuzzing.Budget(t)()
		got, wrong := NormalizeAddress(Channel(channel), value)
		if wrong != nil {
			return
		}
		if strings.ContainsAny(got, "\r\n\x00") {
			t.Fatalf("%q became %q", value, got)
		}
		again, wrong := NormalizeAddress(Channel(channel), got)
		if wrong != nil || again != got {
			t.Fatalf("%q became %q, and that %q (%v)", value, got, again, wrong)
		}
	})
}

// FuzzPhone: what is taken for a phone number is E.164 (ITU-T E.164 §6.2.1: a country code that does not begin with 0, at
// most 15 digits).
func FuzzPhone(f *testing.F) {
	for _, s := range []string{"+371 2000-0000", "tel:+37120000000;ext=1", "0037120000000", "+٣٧١٢٠٠٠٠٠٠٠", "+1", "+" + strings.Repeat("9", 16), "+1 (800) FLOWERS", "\u202a+37120000000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		defer fuzzing.Budget(t)()
		got, wrong := NormalizeAddress(SMS, in)
		if wrong != nil {
			return
		}
		if !strings.HasPrefix(got, "+") || len(got) < 6 || len(got) > 16 || got[1] == '0' || strings.Trim(got[1:], "0123456789") != "" {
			t.Errorf("%q became %q", in, got)
		}
	})
}
