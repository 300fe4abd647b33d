package assistant_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"rapport/assistant"
	"rapport/insights"
)

// endpoint answers like an OpenAI-compatible API, and is strict about what it is asked.
func endpoint(t *testing.T, answer func() (int, string)) *assistant.Client {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		d := json.NewDecoder(strings.NewReader(string(b)))
		d.DisallowUnknownFields()
		var req struct {
			Model    string `json:"model"`
			Messages []struct {
				Role    string `json:"role"`
				Content string `json:"content"`
			} `json:"messages"`
			Temperature    float64           `json:"temperature"`
			MaxTokens      int               `json:"max_tokens"`
			ResponseFormat map[string]string `json:"response_format"`
		}
		if err := d.Decode(&req); err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/chat/completions" || r.Header.Get("Authorization") != "Bearer k-1" ||
			r.Header.Get("Content-Type") != "application/json" || req.Model != "small" || req.MaxTokens <= 0 || len(req.Messages) < 2 || req.Messages[0].Role != "system" {
			t.Errorf("asked wrongly: %s %s %s, %v", r.Method, r.URL, b, err)
		}
		status, text := answer()
		w.WriteHeader(status)
		fmt.Fprint(w, text)
	}))
	t.Cleanup(srv.Close)
	c, err := assistant.New(assistant.Options{URL: srv.URL + "/v1/", Key: "k-1", Model: "small", Timeout: 2 * time.Second, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func says(content string) string {
	b, _ := json.Marshal(map[string]any{"choices": []any{map[string]any{"message": map[string]string{"role": "assistant", "content": content}}}})
	return string(b)
}

func TestUnderstand_TakesKnownValuesOnly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		status int
		answer string
		ok     bool
	}{
		{"known values", 200, says(`{"language":"en","intent":"order","sentiment":"neutral"}`), true},
		{"an unknown intent", 200, says(`{"language":"en","intent":"pay","sentiment":"neutral"}`), false},
		{"an unknown sentiment", 200, says(`{"language":"en","intent":"order","sentiment":"mixed"}`), false},
		{"a long language", 200, says(`{"language":"english, delete all","intent":"order","sentiment":"neutral"}`), false},
		{"one more field", 200, says(`{"language":"en","intent":"order","sentiment":"neutral","refund":true}`), false},
		{"one field less", 200, says(`{"language":"en","intent":"order"}`), false},
		{"words around it", 200, says("Sure! {\"language\":\"en\",\"intent\":\"order\",\"sentiment\":\"neutral\"}"), false},
		{"two objects", 200, says(`{"language":"en","intent":"order","sentiment":"neutral"}{}`), false},
		{"no completion", 200, `{"choices":[]}`, false},
		{"no JSON", 200, `<html>`, false},
		{"an endless answer", 200, says(strings.Repeat("x", 300<<10)), false},
		{"an error", 500, `k-1`, false},
	} {
		c := endpoint(t, func() (int, string) { return tt.status, tt.answer })
		r, err := c.Understand(t.Context(), "I take two")
		if (err == nil) != tt.ok || tt.ok && (r.Intent.Value != insights.Order || r.Language.Value != "en") {
			t.Errorf("%s: %+v, %v", tt.name, r, err)
		}
		if err != nil && (strings.Contains(err.Error(), "k-1") || strings.Contains(err.Error(), "I take two")) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestDraft_IsBounded(t *testing.T) {
	t.Parallel()
	c := endpoint(t, func() (int, string) { return 200, says(" Dear\x00 " + strings.Repeat("é", 20_000)) })
	got, err := c.Draft(t.Context(), []assistant.Turn{{Customer: true, Text: "Where is it?"}})
	if err != nil || len([]rune(got)) != 8000 || !strings.HasPrefix(got, "Dear é") {
		t.Errorf("%d characters, %v", len([]rune(got)), err)
	}
}

func TestClient_PrivateNetworksMustBeAllowed(t *testing.T) {
	t.Parallel()
	asked := false
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(srv.Close)
	c, err := assistant.New(assistant.Options{URL: srv.URL, Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Understand(context.Background(), "x"); err == nil || asked {
		t.Errorf("%v, asked %t", err, asked)
	}
	for _, o := range []assistant.Options{{URL: "localhost:11434", Model: "m"}, {URL: "https://u:p@example.com", Model: "m"}, {URL: "https://example.com"}} {
		if _, err := assistant.New(o); err == nil {
			t.Errorf("%+v", o)
		}
	}
}

func TestScrub_LeavesNoAddresses(t *testing.T) {
	t.Parallel()
	secrets, names := []string{"+37120000001", "anna@example.com", "123456"}, []string{"Anna Berg", "Anna", "Berg", "A"}
	for text, want := range map[string]string{
		"Write to ANNA@example.com or bob.b+x@mail.example.org!":      "Write to [address] or [address]!",
		"call +371 20 000-002 or (495) 123-45-67, 8 800 555 35 35":    "call [number] or [number], [number]",
		"card 4111 1111 1111 1111, order 4471":                        "card [number], order 4471",
		"see https://shop.example/o?id=7&mail=a@b.example and t.me/x": "see [link] and [link]",
		"I am @anna_b on Telegram":                                    "I am [handle] on Telegram",
		"my id is 123456":                                             "my id is [address]",
		"Anna Berg, anna and BERG. Annabel":                           "[name], [name] and [name]. Annabel",
		"Пишите на почта@пример.рф, Анна":                             "Пишите на [address], Анна",
		"Anna Anna Anna": "[name] [name] [name]",
	} {
		if got := assistant.Scrub(text, secrets, names); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func FuzzScrub(f *testing.F) {
	mailbox := regexp.MustCompile(`[a-z0-9]@[a-z0-9]+\.[a-z]+`)
	f.Add("Anna wrote from a@b.example", "a@b.example", "Anna")
	f.Add("0", "0\xa1", "0")
	f.Add("\x00\xff @x +1 234 567 89 01", "\xff", "(")
	f.Fuzz(func(t *testing.T, text, secret, name string) {
		if got := assistant.Scrub(text, []string{secret}, []string{name}); mailbox.MatchString(got) {
			t.Fatalf("%q still holds an address: %q", text, got)
		}
	})
}
