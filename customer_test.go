package rapport

import (
	"strings"
	"testing"
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
