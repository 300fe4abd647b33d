package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rapport"
	"rapport/channels/email/incoming/quote"
	"rapport/internal/fuzzing"
	"rapport/store"
)

func TestReplySubject_HasOneRe(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                                   "",
		"Order 5":                            "Re: Order 5",
		"Re: Order 5":                        "Re: Order 5",
		"RE: AW: Ответ: Re[2]: Order 5":      "Re: Order 5",
		"Re:Re: re : Order":                  "Re: Order",
		"回复：订单":                              "Re: 订单",
		"Re(3): x":                           "Re: x",
		"Fwd: Order":                         "Re: Fwd: Order",
		"Research: a report":                 "Re: Research: a report",
		"re[x]: not a counter":               "Re: re[x]: not a counter",
		"Re:":                                "",
		"  SV: Smörgås: tre sorter  ":        "Re: Smörgås: tre sorter",
		"На: складе: нет":                    "Re: складе: нет",
		"Re: " + strings.Repeat("Re: ", 500): "",
	} {
		if got := replySubject(given); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

func FuzzReplySubject(f *testing.F) {
	for _, s := range []string{"Re: AW: x", "Re[2]: ：", "回复：a", "re(", "[", ":::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		defer fuzzing.Budget(t)()
		got := replySubject(s)
		if again := replySubject(got); again != got {
			t.Errorf("%q: %q, and of that %q", s, got, again)
		}
		if rest := strings.TrimPrefix(got, "Re: "); !strings.Contains(s, rest) {
			t.Errorf("%q: %q holds what was not said", s, got)
		}
	})
}

func TestReferences_NameWhatTheCustomerHas(t *testing.T) {
	t.Parallel()
	token := rapport.KindMessage.Format
	entries := []rapport.Entry{ // newest first
		{Kind: rapport.Outbound, Message: 14},
		{Kind: rapport.Inbound, ProviderID: "c2@example.com", MatchedBy: "in_reply_to", Answers: rapport.Answered{Message: 11}},
		{Kind: rapport.Outbound, Message: 13},
		{Kind: rapport.Outbound, Message: 12},
		{Kind: rapport.Outbound, Message: 11},
		{Kind: rapport.Inbound, ProviderID: "c1@example.com", MatchedBy: "reply_token", Answers: rapport.Answered{Message: 10}},
		{Kind: rapport.Inbound, ProviderID: "c0@example.com", MatchedBy: "latest", Answers: rapport.Answered{Message: 9}},
	}
	sent := map[rapport.ID]store.Delivery{11: {State: rapport.Sent}, 12: {State: rapport.Failed}, 13: {State: rapport.Cancelled}, 14: {State: rapport.Delivered}}
	want := []string{"c0@example.com", token(10), "c1@example.com", token(11), "c2@example.com", token(14)}
	if got := references(entries, sent); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestQuote_SpeaksTheCustomersLanguage(t *testing.T) {
	t.Parallel()
	g := &Gateway{set: Settings{DefaultLocale: "en", DefaultZone: time.UTC}}
	at := time.Date(2026, 3, 9, 22, 5, 0, 0, time.UTC)
	for _, c := range []struct{ locale, zone, want string }{
		{"", "", "On Mon, 9 Mar 2026 at 22:05, Anna wrote:"},
		{"ru-RU", "Europe/Riga", "10.03.2026 00:05, Anna пишет:"},
		{"de", "", "Am 09.03.2026 um 22:05 schrieb Anna:"},
		{"fr", "", "Le 09/03/2026 à 22:05, Anna a écrit :"},
		{"tlh", "", "On Mon, 9 Mar 2026 at 22:05, Anna wrote:"},
	} {
		out := &Inline{}
		out.Text = "Yes.\n"
		g.quote(&rapport.Entry{Text: "Is it?\r\n\n> older", Author: "Anna", CreatedAt: at}, &rapport.Customer{Locale: c.locale, Timezone: c.zone}, "", out)
		if want := "Yes.\n\n" + c.want + "\n> Is it?\n>\n>> older\n"; out.Text != want {
			t.Errorf("%q:\n%q, want\n%q", c.locale, out.Text, want)
		}
	}
	out := &Inline{}
	out.HTML = "<p>Yes</p>"
	g.quote(&rapport.Entry{Text: "a <b> c", Author: "<script>", CreatedAt: at}, &rapport.Customer{}, "", out)
	if out.Text != "" || strings.Contains(out.HTML, "<script>") || !strings.Contains(out.HTML, "a &lt;b&gt; c</blockquote>") {
		t.Errorf("%q", out.HTML)
	}
	out = &Inline{}
	g.quote(&rapport.Entry{Text: strings.Repeat("ы\n", 100_000), CreatedAt: at}, &rapport.Customer{}, "", out)
	if n := strings.Count(out.Text, "\n"); n > quotedLines+10 || !strings.HasSuffix(out.Text, "> […]\n") || !utf8.ValidString(out.Text) {
		t.Errorf("%d lines", n)
	}
}

// What we put below an answer is what our own reader, and so the programs it knows, fold away.
func TestQuote_IsFoldedAwayAgain(t *testing.T) {
	t.Parallel()
	g := &Gateway{set: Settings{DefaultLocale: "en", DefaultZone: time.UTC}}
	for language := range attributions {
		out := &Inline{}
		out.Text, out.HTML = "Yes.", "<p>Yes.</p>"
		g.quote(&rapport.Entry{Text: "Is it?", Author: "Anna Berzina", CreatedAt: time.Date(2026, 3, 9, 22, 5, 0, 0, time.UTC)}, &rapport.Customer{Locale: language}, "", out)
		for kind, got := range map[string]quote.Parts{"text": quote.Cut(out.Text, ""), "html": quote.Cut("", out.HTML)} {
			if strings.TrimSpace(got.Said) != "Yes." || !strings.Contains(got.Quoted, "Is it?") {
				t.Errorf("%s, %s: %+v of %q", language, kind, got, out.Text)
			}
		}
	}
}

func TestQuote_CallsWhoHasNoNameByTheirAddress(t *testing.T) {
	t.Parallel()
	g := &Gateway{set: Settings{DefaultLocale: "en", DefaultZone: time.UTC}}
	out := &Inline{}
	g.quote(&rapport.Entry{Text: "Is it?", CreatedAt: time.Date(2026, 3, 9, 22, 5, 0, 0, time.UTC)}, &rapport.Customer{}, "anna@example.com", out)
	if !strings.Contains(out.Text, "anna@example.com wrote:") {
		t.Errorf("%q", out.Text)
	}
}

func TestUnresolved_IsAnyLiquid(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"Dear {{ customer.name }}, {{data.order.number | upcase}}":  {"customer.name", "data.order.number"},
		"{{- DATA.X -}} and {{ data.X }} and {{data.ünï}}":          {"DATA.X", "data.X", "data.ünï"},
		"write {{ name }} or {% if x %} or {{ customer }} {{}} { {": {"customer", "name", "{% if x %}", "{{}}"},
		"{{ data.a }}{{ data.a }}":                                  {"data.a"},
		"{{ data.":                                                  {"{{ data."},
		"{ { } } { % 100 % of {braces}":                             nil,
	} {
		if got := unresolved(text); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := unresolved("{{ " + strings.Repeat("data.", 1000)); len(got) != 1 || len(got[0]) > 100 {
		t.Errorf("%q", got)
	}
}
