package liquid

import (
	"testing"
	"time"
)

func TestMoney(t *testing.T) {
	t.Parallel()
	cases := []struct {
		locale, source, want string
	}{
		{"en", "{{ 129900 | money: 'RUB' }}", "₽1,299.00"},
		{"en", "{{ 1250 | money: 'USD' }}", "$12.50"},
		{"en-GB", "{{ 5 | money: 'gbp' }}", "£0.05"},
		{"", "{{ -123456789 | money: 'EUR' }}", "-€1,234,567.89"},
		{"en", "{{ 1250 | money: 'CHF' }}", "CHF\u00a012.50"},
		{"en", "{{ 1250 | money: 'JPY' }} {{ 1250 | money: 'KWD' }}", "¥1,250 KWD\u00a01.250"},
		{"ru", "{{ 129900 | money: 'RUB' }}", "1\u00a0299,00\u00a0₽"},
		{"ru-RU", "{{ '99' | money: 'USD' }}", "0,99\u00a0$"},
		{"uk", "{{ 100000000 | money: 'UAH' }}", "1\u00a0000\u00a0000,00\u00a0₴"},
		{"pl", "{{ 129900 | money: 'PLN' }} {{ 1299000 | money: 'PLN' }}", "1299,00\u00a0zł 12\u00a0990,00\u00a0zł"},
		{"de_DE", "{{ 129900 | money: 'EUR' }}", "1.299,00\u00a0€"},
		{"fr", "{{ 129900 | money: 'EUR' }}", "1\u202f299,00\u00a0€"},
		{"es", "{{ 129900 | money: 'EUR' }}", "1299,00\u00a0€"},
		{"en", "{{ none | money: 'EUR' }}{{ empty_text | money: 'EUR' }}", ""},
		{"en", "{{ 12.5 | money: 'EUR' }}", "€0.13"},
		{"en", "{{ 1250 | money: 'AED' }} {{ 1250 | money: 'zwl' }}", "AED\u00a012.50 ZWL\u00a012.50"},
	}
	for _, c := range cases {
		if got, err := render(t, c.source, Options{}, Run{Locale: c.locale}); err != nil || got != c.want {
			t.Errorf("%s %s: got %q, %v; want %q", c.locale, c.source, got, err, c.want)
		}
	}
	for _, bad := range []string{"{{ 1 | money: 'EURO' }}", "{{ 1 | money: 'ZZZ' }}", "{{ 1 | money: 'D A' }}", "{{ 1 | money: 'ED ' }}", "{{ 1 | money: none }}", "{{ words | money: 'EUR' }}", "{{ '12,5' | money: 'EUR' }}"} {
		if got, err := render(t, bad, Options{}, Run{}); err == nil {
			t.Errorf("%s printed %q", bad, got)
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	cases := []struct{ locale, source, want string }{
		{"en", "{{ 1234567.891 | number }}", "1,234,567.891"},
		{"en", "{{ 999 | number }} {{ -1000 | number }}", "999 -1,000"},
		{"ru", "{{ 1234567.5 | number: 2 }}", "1\u00a0234\u00a0567,50"},
		{"ru", "{{ 1234 | number: 1 }}", "1\u00a0234,0"},
		{"de", "{{ 0.5 | number: 0 }}", "1"},
		{"en", "{{ none | number }}", ""},
	}
	for _, c := range cases {
		if got, err := render(t, c.source, Options{}, Run{Locale: c.locale}); err != nil || got != c.want {
			t.Errorf("%s %s: got %q, %v; want %q", c.locale, c.source, got, err, c.want)
		}
	}
}

func TestPlural(t *testing.T) {
	t.Parallel()
	const (
		goods = "'товар', 'товара', 'товаров'"
		items = "'item', 'items'"
	)
	cases := []struct{ locale, n, forms, want string }{
		{"ru", "0", goods, "товаров"}, {"ru", "1", goods, "товар"}, {"ru", "2", goods, "товара"}, {"ru", "4", goods, "товара"},
		{"ru", "5", goods, "товаров"}, {"ru", "11", goods, "товаров"}, {"ru", "12", goods, "товаров"}, {"ru", "21", goods, "товар"},
		{"ru", "22", goods, "товара"}, {"ru", "111", goods, "товаров"}, {"ru", "112", goods, "товаров"}, {"ru", "121", goods, "товар"},
		{"ru", "1.5", goods, "товара"}, {"ru", "-1", goods, "товар"}, {"ru", "'3'", goods, "товара"}, {"ru", "none", goods, "товаров"},
		{"uk", "3", goods, "товара"}, {"en", "3", goods, "товара"},
		{"en", "0", items, "items"}, {"en", "1", items, "item"}, {"en", "1.5", items, "items"}, {"en", "21", items, "items"}, {"", "1", items, "item"},
		{"de", "1", items, "item"}, {"es", "0", items, "items"}, {"fr", "0", items, "item"}, {"fr", "1.5", items, "item"}, {"fr", "2", items, "items"},
		{"pl", "1", goods, "товар"}, {"pl", "21", goods, "товаров"}, {"pl", "22", goods, "товара"},
		{"ru", "5", items, "items"},
	}
	for _, c := range cases {
		source := "{{ " + c.n + " | plural: " + c.forms + " }}"
		if got, err := render(t, source, Options{}, Run{Locale: c.locale}); err != nil || got != c.want {
			t.Errorf("%s %s: got %q, %v; want %q", c.locale, source, got, err, c.want)
		}
	}
}

func TestDate(t *testing.T) {
	t.Parallel()
	moscow := time.FixedZone("MSK", 3*60*60)
	cases := []struct {
		name, locale string
		zone         *time.Location
		source, want string
	}{
		{"now", "", nil, "{{ 'now' | date: '%Y-%m-%d %H:%M:%S.%L' }}", "2026-03-05 12:30:15.250"},
		{"now in the zone", "", moscow, "{{ 'today' | date: '%H:%M %z %:z %Z' }}", "15:30 +0300 +03:00 MSK"},
		{"moment in the zone", "", moscow, "{{ '2026-03-05T22:00:00Z' | date: '%d %H' }}", "06 01"},
		{"zone of the text", "", nil, "{{ '2026-03-05T22:00:00+05:00' | date: '%H %z' }}", "22 +0500"},
		{"a date alone is not moved", "", moscow, "{{ '2026-03-05' | date: '%F %R' }}", "2026-03-05 00:00"},
		{"timestamp", "", nil, "{{ 1152098955 | date: '%F %T' }} {{ '1152098955' | date: '%s' }}", "2006-07-05 11:29:15 1152098955"},
		{"directives", "", nil, "{{ 'now' | date: '%a %A %b %B %C %y %e %j %I %l %k %p %P %u %w %U %W %V %G' }}", "Thu Thursday Mar March 20 26  5 064 12 12 12 PM pm 4 4 09 09 10 2026"},
		{"flags", "", nil, "{{ 'now' | date: '%-d %-m %^b %#p %_m %03d %6Y %N %3N' }}", "5 3 MAR pm  3 005 002026 250000000 250"},
		{"compounds", "", nil, "{{ 'now' | date: '%c|%D|%F|%T|%R|%r|%x|%X|%v' }}", "Thu Mar  5 12:30:15 2026|03/05/26|2026-03-05|12:30:15|12:30|12:30:15 PM|03/05/26|12:30:15| 5-MAR-2026"},
		{"percent and unknown directives", "", nil, "{{ 'now' | date: '%% %Q %' }}", "% %Q %"},
		{"not a date", "", nil, "{{ 'soon' | date: '%F' }}{{ none | date: '%F' }}", "soon"},
		{"empty format", "", nil, "{{ '2026-03-05' | date: '' }}", "2026-03-05"},
		{"Russian genitive", "ru", nil, "{{ 'now' | date: '%-d %B' }}", "5 марта"},
		{"Russian nominative", "ru-RU", nil, "{{ 'now' | date: '%B %Y' }}", "март 2026"},
		{"Russian days", "ru", nil, "{{ 'now' | date: '%A, %a, %e %b' }}", "четверг, чт,  5 мар."},
		{"presets in English", "en", nil, "{{ 'now' | date: 'short' }}|{{ 'now' | date: 'long' }}|{{ 'now' | date: 'time' }}", "Mar 5, 2026|March 5, 2026|12:30 PM"},
		{"presets in Russian", "ru", nil, "{{ 'now' | date: 'short' }}|{{ 'now' | date: 'long' }}|{{ 'now' | date: 'time' }}", "05.03.2026|5 марта 2026\u00a0г.|12:30"},
		{"presets elsewhere", "de", nil, "{{ 'now' | date: 'short' }}|{{ 'now' | date: 'time' }}", "2026-03-05|12:30"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := render(t, c.source, Options{}, Run{Locale: c.locale, Zone: c.zone})
			if err != nil || got != c.want {
				t.Errorf("%s: got %q, %v; want %q", c.source, got, err, c.want)
			}
		})
	}
}

func TestParseDate(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)
	at := func(h, m, s int) time.Time { return time.Date(2026, 3, 5, h, m, s, 0, time.UTC) }
	cases := []struct {
		text string
		want time.Time
	}{
		{"2026-03-05", want}, {"2026/3/5", want}, {"05.03.2026", want}, {"5-mar-2026", want}, {"20260305", want},
		{"march 5, 2026", want}, {"mar 5 2026", want}, {"5 march 2026", want}, {"thu, 05 mar 2026", want}, {"march 5th, 2026", want},
		{"2026-03-05 10:20", at(10, 20, 0)}, {"2026-03-05t10:20:30z", at(10, 20, 30)}, {"2026-03-05t13:20:30+03:00", at(10, 20, 30)},
		{"thu, 05 mar 2026 10:20:30 gmt", at(10, 20, 30)}, {"thu mar 05 10:20:30 2026", at(10, 20, 30)}, {"2026-03-05 10:20:30 +0000", at(10, 20, 30)},
		{"2026-03-05 10:20:30 utc", at(10, 20, 30)}, {"10:20 pm", at(22, 20, 0)}, {"10pm", at(22, 0, 0)}, {"12:05am", at(0, 5, 0)}, {"march 2026", time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)},
	}
	for _, c := range cases {
		if got, ok := parseDate(c.text, nil, noon); !ok || !got.Equal(c.want) {
			t.Errorf("%q: got %v, %v; want %v", c.text, got, ok, c.want)
		}
	}
	for _, bad := range []string{"", "soon", "-1152098955", "2026-02-30", "2026-13-01", "25:00", "10:61", "a", "1 2 3", "+", "2026-03-05t", ":", "5/5"} {
		if got, ok := parseDate(bad, nil, noon); ok {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
}
