package templates

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport"
)

// shop is what a shop would send the starters with; everything that may be absent is there.
func shop(locale string) Input {
	title, currency := "Wool socks, grey", "EUR"
	name := "Anna"
	if locale == "ru" {
		title, currency, name = "Шерстяные носки, серые", "RUB", "Анна"
	}
	items := []any{
		map[string]any{"title": title, "quantity": int64(3), "price": int64(1200), "old_price": int64(1500), "currency": currency, "url": "https://shop.example/socks"},
		map[string]any{"title": title, "price": int64(4900), "currency": currency, "image": "https://shop.example/socks.png"},
	}
	return Input{
		Locale: locale, DefaultLocale: "en", Zone: time.UTC, Now: time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC), Marketing: true,
		URLs:    URLs{Unsubscribe: "https://go.example/u/abc", Preferences: "https://go.example/p/abc", LinkTelegram: "https://t.me/shop_bot?start=abc"},
		Company: Company{Name: "Nordlicht", PostalAddress: "Brīvības iela 1, LV-1010 Rīga"},
		Vars: map[string]any{
			"customer": map[string]any{"name": name, "external_id": "c-1"},
			"campaign": map[string]any{"name": "May"},
			"data": map[string]any{
				"percent": int64(20), "until": "2026-05-09", "code": "MAY-20-ANNA", "url": "https://shop.example/sale?x=1", "survey": "s1", "items": items,
				"order": map[string]any{"number": "A-10482", "status": "shipped", "url": "https://shop.example/o/A-10482", "eta": "2026-05-07",
					"carrier": "DPD", "currency": currency, "total": int64(8500), "items": items, "address": "Elizabetes iela 12, Rīga"},
			},
		},
	}
}

func TestStarters_SpeakFourChannelsInTwoLanguages(t *testing.T) {
	t.Parallel()
	all, err := Starters()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"order-update", "welcome", "promotion", "survey", "win-back"} {
		c, err := Compile(all[key])
		if err != nil {
			t.Fatalf("%s: %s", key, explain(err))
		}
		if len(c.Warnings) > 0 {
			t.Errorf("%s: %q", key, c.Warnings)
		}
		tmpl, err := Load(key, c)
		if err != nil {
			t.Fatal(err)
		}
		for _, locale := range []string{"en", "ru"} {
			in := shop(locale)
			if m := tmpl.Missing(in.Vars, tmpl.Channels()); m != nil {
				t.Errorf("%s misses %q", key, m)
			}
			for _, ch := range []rapport.Channel{rapport.Email, rapport.SMS, rapport.Telegram, rapport.Webhook} {
				t.Run(fmt.Sprintf("%s on %s in %s", key, ch, locale), func(t *testing.T) {
					t.Parallel()
					r, err := tmpl.Render(ch, in)
					if err != nil {
						t.Fatal(explain(err))
					}
					checkStarter(t, ch, locale, r)
				})
			}
		}
	}
	if len(all) != 5 {
		t.Errorf("%d starters", len(all))
	}
}

func checkStarter(t *testing.T, ch rapport.Channel, locale string, r *Rendered) {
	t.Helper()
	words := r.Subject.String() + r.Preheader + r.Text.String() + r.Body.String()
	if r.Locale != locale || strings.ContainsAny(strings.ToLower(words), "абвгдеё") != (locale == "ru") {
		t.Errorf("speaks another language: %s", words)
	}
	if strings.Contains(words, "  ") || strings.Contains(words, " .") || strings.Contains(words, " ,") || strings.Contains(words, "\n\n\n") {
		t.Errorf("holes in the text: %q", words)
	}
	switch ch {
	case rapport.Email:
		if n := len([]rune(r.Subject.String())); n < 10 || n > 60 {
			t.Errorf("subject of %d characters: %s", n, r.Subject)
		}
		if n := len([]rune(r.Preheader)); n < 20 || n > 100 {
			t.Errorf("preheader of %d characters: %s", n, r.Preheader)
		}
		html := r.HTML.String()
		for _, want := range []string{"https://go.example/u/abc", "Brīvības iela 1", "prefers-color-scheme", `lang="` + locale + `"`, "https://shop.example/"} {
			if !strings.Contains(html, want) {
				t.Errorf("HTML lacks %s", want)
			}
		}
		if strings.Contains(html, "[[") || r.HTML.Len() > 16<<10 {
			t.Errorf("HTML of %d bytes with leftovers", r.HTML.Len())
		}
		if !strings.Contains(r.Text.String(), "https://go.example/u/abc") {
			t.Errorf("text without an unsubscribe link:\n%s", r.Text)
		}
	case rapport.SMS:
		if most := map[string]int{"en": 1, "ru": 2}[locale]; r.SMS.Segments > most {
			t.Errorf("%v: %s", r.SMS, r.Text)
		}
	case rapport.Telegram:
		if len(r.Buttons) == 0 {
			t.Error("no buttons")
		}
	case rapport.Webhook:
		if !json.Valid([]byte(r.Body.String())) {
			t.Errorf("not JSON: %s", r.Body)
		}
	}
}

func TestStarters_CopeWithTheLeastData(t *testing.T) {
	t.Parallel()
	all, err := Starters()
	if err != nil {
		t.Fatal(err)
	}
	least := map[string]map[string]any{
		"order-update": {"order": map[string]any{"number": "1", "status": "confirmed"}},
		"welcome":      {},
		"promotion":    {"percent": int64(5), "until": "2026-05-09", "url": "https://shop.example/"},
		"survey":       {"survey": "s", "url": "https://shop.example/"},
		"win-back":     {"url": "https://shop.example/"},
	}
	for key, src := range all {
		tmpl := mustLoad(t, src)
		vars := map[string]any{"data": least[key]}
		if m := tmpl.Missing(vars, tmpl.Channels()); m != nil {
			t.Errorf("%s misses %q", key, m)
		}
		for _, ch := range []rapport.Channel{rapport.Email, rapport.SMS, rapport.Telegram, rapport.Webhook} {
			for _, locale := range []string{"en", "ru"} {
				r, err := tmpl.Render(ch, Input{Locale: locale, Vars: vars, Company: Company{Name: "Nordlicht"}})
				if err != nil {
					t.Fatalf("%s on %s: %s", key, ch, explain(err))
				}
				words := r.Subject.String() + r.Text.String() + r.Body.String()
				if strings.Contains(words, "  ") || strings.Contains(words, " ,") || strings.Contains(words, " .") || strings.Contains(r.HTML.String(), `href=""`) {
					t.Errorf("%s on %s in %s: holes in %q", key, ch, locale, words)
				}
			}
		}
	}
}

func TestStarters_OrderSpeaksOfEachStatus(t *testing.T) {
	t.Parallel()
	all, err := Starters()
	if err != nil {
		t.Fatal(err)
	}
	tmpl := mustLoad(t, all["order-update"])
	seen := []string{}
	for _, status := range []string{"confirmed", "shipped", "delivered", "cancelled"} {
		for _, ch := range []rapport.Channel{rapport.Email, rapport.SMS, rapport.Telegram} {
			r, err := tmpl.Render(ch, Input{Locale: "en", Vars: map[string]any{"data": map[string]any{"order": map[string]any{"number": "1", "status": status}}}})
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, r.Subject.String()+"|"+r.Text.String())
		}
	}
	slices.Sort(seen)
	if n := len(slices.Compact(seen)); n != 12 {
		t.Errorf("%d different texts, want 12", n)
	}
}
