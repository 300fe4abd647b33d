package templates

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/internal/fuzzing"
)

func TestRender_FallsBackFromLocaleToLocale(t *testing.T) {
	t.Parallel()
	variants := func(locales ...string) Source {
		var src Source
		for _, l := range locales {
			src.Variants = append(src.Variants, Variant{Channel: rapport.SMS, Locale: l, Text: "[" + l + "]"})
		}
		return src
	}
	cases := []struct {
		locales          []string
		wanted, fallback string
		want             string
	}{
		{[]string{"en", "pt", "pt-BR"}, "pt-BR", "en", "[pt-BR]"},
		{[]string{"en", "pt"}, "pt-BR", "en", "[pt]"},
		{[]string{"en", "pt"}, "PT_br", "en", "[pt]"},
		{[]string{"pt-BR", "en"}, "pt", "en", "[en]"},
		{[]string{"de", "en"}, "pt-BR", "en-GB", "[en]"},
		{[]string{"de", ""}, "pt-BR", "en", "[]"},
		{[]string{"de", "fr"}, "pt-BR", "en", "[de]"},
		{[]string{"de", "en"}, "", "en", "[en]"},
		{[]string{"de", "", "en"}, "", "", "[]"},
		{[]string{"en", "zh-Hant", "zh"}, "zh-Hant-TW", "en", "[zh-Hant]"},
		{[]string{"en", "zh"}, "zh-x-private", "en", "[zh]"},
		{[]string{"en", "zh", "zh-Hant"}, "zh-TW", "en", "[zh-Hant]"},
		{[]string{"en", "zh-hant", "zh-HK"}, "zh_HK", "en", "[zh-HK]"},
		{[]string{"en", "zh-Hant"}, "zh-MO", "en", "[zh-Hant]"},
		{[]string{"en", "zh-Hant"}, "zh-CN", "en", "[en]"},
		{[]string{"en", "zh-Hant", "zh-Hans"}, "zh-CN", "en", "[zh-Hans]"},
		{[]string{"en", "zh-Hant", "zh-Hans"}, "zh", "en", "[zh-Hans]"},
		{[]string{"en", "sr-Cyrl", "sr-Latn"}, "sr-ME", "en", "[sr-Latn]"},
		{[]string{"en", "sr-Cyrl", "sr-Latn"}, "sr-RS", "en", "[sr-Cyrl]"},
	}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%v for %q, else %q", c.locales, c.wanted, c.fallback), func(t *testing.T) {
			t.Parallel()
			r, err := mustLoad(t, variants(c.locales...)).Render(rapport.SMS, Input{Locale: c.wanted, DefaultLocale: c.fallback})
			if err != nil || r.Text.String() != c.want {
				t.Errorf("got %v %v, want %s", r, err, c.want)
			}
		})
	}
}

func TestRender_FallbackAllocatesNothing(t *testing.T) {
	v := []*variant{{locale: "de"}, {locale: "zh-Hant", also: readers("zh-Hant")}, {locale: "pt"}, {locale: "ru"}}
	if n := testing.AllocsPerRun(100, func() { pick(v, "pt-BR", "en-GB"); pick(v, "zh-TW", "en"); pick(v, "xx-YY", "zz-x-ww") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestRender_NamesTheTextThatTheAuthorWrote(t *testing.T) {
	t.Parallel()
	const bad = `{{ data.x | money: "EUR" }}`
	in := Input{Vars: map[string]any{"data": map[string]any{"x": "dear"}}}
	for field, v := range map[string]Variant{
		"html":    {HTML: "<p>" + bad + "</p>"},
		"text":    {HTML: "<p>x</p>", Text: bad},
		"subject": {Subject: bad, Text: "x"},
	} {
		v.Channel = rapport.Email
		if v.Subject == "" {
			v.Subject = "s"
		}
		_, err := mustLoad(t, Source{Variants: []Variant{v}}).Render(rapport.Email, in)
		if e, _ := errors.AsType[*rapport.Error](err); e == nil || e.Fields[0].Path != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

func TestRender_RefusesATextThatItsProviderWouldRefuse(t *testing.T) {
	t.Parallel()
	tmpl := mustLoad(t, Source{Variants: []Variant{
		{Channel: rapport.Telegram, Text: "<b>{{ data.x }}</b>"},
		{Channel: rapport.SMS, Text: "{{ data.x }}"},
		{Channel: rapport.Webhook, Text: "{{ data.x }}"},
	}})
	reply, err := Inline(InlineContent{Text: strings.Repeat("a", 4097)})
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		tmpl *Template
		ch   rapport.Channel
		x    string
		want string // of the reason; empty: it is rendered
	}{
		{tmpl, rapport.Telegram, strings.Repeat("🎁", 2048), ""},
		{tmpl, rapport.Telegram, strings.Repeat("<", 4096), ""},
		{tmpl, rapport.Telegram, strings.Repeat("🎁", 2048) + "!", "has 4097 characters; Telegram takes 4096"},
		{tmpl, rapport.SMS, strings.Repeat("ж", 1600), ""},
		{tmpl, rapport.SMS, strings.Repeat("ж", 1601), "has 1601 characters; an SMS takes 1600"},
		{tmpl, rapport.Webhook, strings.Repeat("ж", 5000), ""},
		{reply, rapport.Telegram, "", "has 4097 characters; Telegram takes 4096"},
		{reply, rapport.Email, "", ""},
	}
	for _, c := range cases {
		r, err := c.tmpl.Render(c.ch, Input{Vars: map[string]any{"data": map[string]any{"x": c.x}}})
		e, _ := errors.AsType[*rapport.Error](err)
		switch {
		case c.want == "" && err != nil, c.want != "" && (r != nil || e == nil || e.Fields[0] != rapport.FieldError{Path: "text", Message: c.want}):
			t.Errorf("%s, %d bytes: got %v, want %q", c.ch, len(c.x), err, c.want)
		}
	}
}

func TestRender_WritesAsTheCustomerReads(t *testing.T) {
	t.Parallel()
	tmpl := mustLoad(t, Source{Variants: []Variant{
		{Channel: rapport.SMS, Locale: "ru", Text: `{{ data.n }} {{ data.n | plural: "товар", "товара", "товаров" }}, {{ data.at | date: "%-d %B %H:%M" }}`},
		{Channel: rapport.SMS, Locale: "en", Text: `{{ data.n }} {{ data.n | plural: "item", "items" }}, {{ data.at | date: "%-d %B %H:%M" }}`},
	}})
	zone, err := time.LoadLocation("Europe/Riga")
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]any{"data": map[string]any{"n": int64(3), "at": "2026-05-01T20:30:00Z"}}
	for locale, want := range map[string]string{"ru-RU": "3 товара, 1 мая 23:30", "en-GB": "3 items, 1 May 23:30", "fr": "3 items, 1 May 23:30"} {
		r, err := tmpl.Render(rapport.SMS, Input{Locale: locale, DefaultLocale: "en", Zone: zone, Vars: vars})
		if err != nil || r.Text.String() != want {
			t.Errorf("%s: got %q %v, want %q", locale, r.Text, err, want)
		}
	}
}

func TestRender_RefusesLineBreaksInHeaders(t *testing.T) {
	t.Parallel()
	evil := map[string]any{"customer": map[string]any{"name": "Ann\r\nBcc: everyone@example.com"}}
	cases := map[string]struct {
		variant Variant
		path    string
	}{
		"subject":        {Variant{Channel: rapport.Email, Subject: "Hi {{ customer.name }}", Text: "x"}, "subject"},
		"email header":   {Variant{Channel: rapport.Email, Subject: "Hi", Text: "x", Headers: map[string]string{"X-Name": "{{ customer.name }}"}}, "headers.X-Name"},
		"webhook header": {Variant{Channel: rapport.Webhook, Body: json.RawMessage(`{}`), Headers: map[string]string{"X-Name": "{{ customer.name }}"}}, "headers.X-Name"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := mustLoad(t, Source{Variants: []Variant{c.variant}}).Render(c.variant.Channel, Input{Vars: evil})
			e, _ := errors.AsType[*rapport.Error](err)
			if e == nil || len(e.Fields) != 1 || e.Fields[0].Path != c.path {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRender_Email(t *testing.T) {
	t.Parallel()
	src := email(promotion)
	src.Variants[0].Preheader = "For {{ customer.name }} & friends"
	src.Variants[0].Headers = map[string]string{"X-Campaign": "{{ campaign.name }}", "X-A": "b"}
	src.Variants[0].Attachments = []string{rapport.KindFile.Format(7)}
	r, err := mustLoad(t, src).Render(rapport.Email, promotionInput())
	if err != nil {
		t.Fatal(explain(err))
	}
	html, text := r.HTML.String(), r.Text.String()
	for _, want := range []string{"For Ann O&#39;Neil &amp; friends&nbsp;", `href="https://shop.example/sale?a=1&amp;b=2"`, "20% off until 9 May", `href="https://go.example/u/abc"`, "1 Brīvības iela, Rīga", `style="background:#4338ca;`} {
		if !strings.Contains(html, want) {
			t.Errorf("HTML lacks %s", want)
		}
	}
	for _, want := range []string{"Hello Ann O'Neil,", "Shop the sale <https://shop.example/sale?a=1&b=2>", "Unsubscribe <https://go.example/u/abc>"} {
		if !strings.Contains(text, want) {
			t.Errorf("text lacks %s in:\n%s", want, text)
		}
	}
	if r.Preheader != "For Ann O'Neil & friends" || r.Locale != "en" || !slices.Equal(r.Headers, []channels.Header{{Name: "X-A", Value: "b"}, {Name: "X-Campaign", Value: "May"}}) || len(r.Attachments) != 1 {
		t.Errorf("got %+v", r)
	}
	if strings.ContainsAny(html, "\x01\x02\x03") || r.Links != nil {
		t.Error("marks or links without tracking")
	}
}

func TestRender_EscapesByPlace(t *testing.T) {
	t.Parallel()
	r, err := mustLoad(t, email(`<p title="{{ data.x }}">{{ data.x }}</p><a href="{{ data.u }}">x</a>`)).Render(rapport.Email,
		Input{Vars: map[string]any{"data": map[string]any{"x": `<b>"&`, "u": "javascript:alert(1)"}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.HTML.String(); !strings.Contains(got, `<p title="&lt;b&gt;&quot;&amp;">&lt;b&gt;&quot;&amp;</p><a href="#">x</a>`) {
		t.Errorf("got %s", got)
	}
}

func TestRender_MarketingMailCarriesAFooter(t *testing.T) {
	t.Parallel()
	in := Input{Marketing: true, URLs: URLs{Unsubscribe: "https://go.example/u/1", Preferences: "https://go.example/p/1"}, Company: Company{Name: "Nord & Co", PostalAddress: "Rīga"}}
	cases := map[string]struct {
		variant    Variant
		in         func(Input) Input
		html, text string // what the footer begins with; empty: none
	}{
		"neither part has a link":     {Variant{HTML: "<p>Hi</p>"}, nil, "Nord &amp; Co &middot; Rīga", "Nord & Co\nRīga\nUnsubscribe: https://go.example/u/1"},
		"in the variant's language":   {Variant{HTML: "<p>Hi</p>", Locale: "ru"}, nil, ">Отписаться</a>", "Отписаться: https://go.example/u/1"},
		"both parts have one":         {Variant{HTML: `<a href="{{ unsubscribe_url }}">x</a>`}, nil, "", ""},
		"only the HTML has one":       {Variant{HTML: `<a href="{{ unsubscribe_url }}">x</a>`, Text: "Hi"}, nil, "", "Unsubscribe: "},
		"a text mail":                 {Variant{Text: "Hi"}, nil, "", "Unsubscribe: "},
		"transactional mail has none": {Variant{HTML: "<p>Hi</p>"}, func(in Input) Input { in.Marketing = false; return in }, "", ""},
		"tracked mail has it too":     {Variant{HTML: "<p>Hi</p>"}, func(in Input) Input { in.Track = &Tracking{}; return in }, "Nord &amp; Co", "Nord & Co"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := in
			if c.in != nil {
				in = c.in(in)
			}
			c.variant.Channel, c.variant.Subject = rapport.Email, "s"
			r, err := mustLoad(t, Source{Variants: []Variant{c.variant}}).Render(rapport.Email, in)
			if err != nil {
				t.Fatal(err)
			}
			html, text := r.HTML.String(), r.Text.String()
			if c.html == "" && strings.Contains(html, "max-width:600px") || !strings.Contains(html, c.html) {
				t.Errorf("HTML: want %q in %s", c.html, html)
			}
			if c.text == "" && strings.Contains(text, "\n-- \n") || !strings.Contains(text, c.text) {
				t.Errorf("text: want %q in %q", c.text, text)
			}
			if c.html != "" && !strings.HasSuffix(html, "</div></body></html>") {
				t.Errorf("the footer stands outside the body: %s", html)
			}
		})
	}
}

// A footer is made without conditions for what is given first, and reads the same as with them.
func TestRender_FooterReadsTheSameForWhateverWasGivenFirst(t *testing.T) {
	t.Parallel()
	urls := URLs{Unsubscribe: "https://go.example/u/1?a=1&b=2", Preferences: "https://go.example/p/1"}
	for name, in := range map[string]Input{
		"everything":                {Company: Company{"Nord \"&\" <Co>", "Rīga, Brīvības 1"}, URLs: urls},
		"no company":                {URLs: urls},
		"a blank name":              {Company: Company{" \u00a0", "Rīga"}, URLs: urls},
		"no address":                {Company: Company{Name: "Nord"}, URLs: urls},
		"no preferences":            {Company: Company{"Nord", "Rīga"}, URLs: URLs{Unsubscribe: "https://go.example/u/1"}},
		"no links":                  {Company: Company{"Nord", "Rīga"}},
		"a name that reads as code": {Company: Company{"{{ data.n }}{% endif %}", "{"}, URLs: urls},
		"tracked":                   {Company: Company{"Nord", "Rīga"}, URLs: urls, Track: &Tracking{OpenPixel: "https://go.example/o/1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in.Marketing, in.Vars = true, map[string]any{"data": map[string]any{"n": "7"}}
			src := email(`<p>{{ data.n }}</p><a href="https://a.example">a</a>`)
			first, second := mustLoad(t, src), mustLoad(t, src)
			if _, err := second.Render(rapport.Email, Input{Marketing: true, Vars: in.Vars, Company: Company{Name: "Other"}}); err != nil {
				t.Fatal(err)
			}
			want, err := second.Render(rapport.Email, in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := first.Render(rapport.Email, in)
			if err != nil {
				t.Fatal(err)
			}
			if got.HTML.String() != want.HTML.String() || got.Text.String() != want.Text.String() || !slices.Equal(got.Links, want.Links) {
				t.Errorf("first:\n%s\n%s\nthen:\n%s\n%s", got.HTML, got.Text, want.HTML, want.Text)
			}
			if len(got.HTML) >= len(want.HTML) {
				t.Errorf("%d pieces, and %d with conditions", len(got.HTML), len(want.HTML))
			}
		})
	}
}

func TestRender_TracksLinks(t *testing.T) {
	t.Parallel()
	tmpl := mustLoad(t, email(`<body><a href="https://a.example/?x=1&amp;y={{ data.n }}">1</a>`+
		`{% for u in data.urls %}<a class="x" href='{{ u }}'>u</a>{% endfor %}`+
		`<a href="mailto:a@b.example">m</a><a href="#top">t</a><a href="{{ unsubscribe_url }}">un</a><a href="{{ data.own }}">same</a>`+
		`<a href="https://b.example" data-no-track>no</a><a href=https://c.example/{{ data.n }}>bare</a><a>none</a></body>`))
	in := Input{
		URLs: URLs{Unsubscribe: "https://go.example/u/1"},
		Vars: map[string]any{"data": map[string]any{"n": "7 & \x018\x02", "urls": []any{"https://u.example/1", "tel:1", "HTTP://u.example/2"}, "own": "https://go.example/u/1"}},
	}
	plain, err := tmpl.Render(rapport.Email, in)
	if err != nil {
		t.Fatal(err)
	}
	in.Track = &Tracking{}
	listed, err := tmpl.Render(rapport.Email, in)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"https://a.example/?x=1&y=7 & \x018\x02", "https://u.example/1", "HTTP://u.example/2", "https://c.example/7 & \x018\x02"}
	if !slices.Equal(listed.Links, want) {
		t.Errorf("links\n got %q\nwant %q", listed.Links, want)
	}
	if got := strings.ReplaceAll(listed.HTML.String(), `href="https://c.example`, `href=https://c.example`); !strings.HasPrefix(plain.HTML.String(), got[:100]) {
		t.Errorf("a Tracking without functions changes the mail:\n%q\n%q", got, plain.HTML.String())
	}
	var seen []string
	in.Track = &Tracking{Click: func(n int, target string) string {
		seen = append(seen, target)
		return fmt.Sprintf("https://go.example/c/%d?a=1&b=2", n)
	}, OpenPixel: "https://go.example/o/1?a&b"}
	r, err := tmpl.Render(rapport.Email, in)
	if err != nil {
		t.Fatal(err)
	}
	html := r.HTML.String()
	for _, w := range []string{`<a href="https://go.example/c/0?a=1&amp;b=2">1</a>`, `<a class="x" href='https://go.example/c/1?a=1&amp;b=2'>u</a>`, `href='tel:1'`, `href='https://go.example/c/2?`,
		`<a href="https://go.example/c/3?a=1&amp;b=2">bare</a>`, `<a href="https://go.example/u/1">un</a><a href="https://go.example/u/1">same</a>`,
		`<a href="https://b.example" data-no-track>`, `<img src="https://go.example/o/1?a&amp;b" width="1" height="1" alt="" style="display:block;border:0;width:1px;height:1px"></body>`} {
		if !strings.Contains(html, w) {
			t.Errorf("want %s in\n%s", w, html)
		}
	}
	if !slices.Equal(seen, want) || !slices.Equal(r.Links, want) {
		t.Errorf("Click saw %q, Links are %q", seen, r.Links)
	}
}

func TestRender_StaticPiecesStayStatic(t *testing.T) {
	t.Parallel()
	tmpl := mustLoad(t, email(promotion))
	in, other := promotionInput(), promotionInput()
	other.Vars = map[string]any{"customer": map[string]any{"name": "Bo"}, "data": map[string]any{"percent": int64(5), "until": "2026-06-01", "code": "X", "url": "https://b.example"}}
	for _, track := range []*Tracking{nil, {Click: func(n int, target string) string { return target + "!" }}} {
		in.Track, other.Track = track, track
		a, err := tmpl.Render(rapport.Email, in)
		if err != nil {
			t.Fatal(err)
		}
		b, err := tmpl.Render(rapport.Email, other)
		if err != nil {
			t.Fatal(err)
		}
		if a.Key == "" || a.Key != b.Key {
			t.Errorf("keys %q and %q", a.Key, b.Key)
		}
		if len(a.HTML) != len(b.HTML) {
			t.Fatalf("%d and %d segments", len(a.HTML), len(b.HTML))
		}
		static := 0
		for i := range a.HTML {
			if a.HTML[i].Static != b.HTML[i].Static {
				t.Fatalf("segment %d is static in one only", i)
			}
			if a.HTML[i].Static {
				static += len(a.HTML[i].Bytes)
				if &a.HTML[i].Bytes[0] != &b.HTML[i].Bytes[0] {
					t.Errorf("static segment %d is a copy", i)
				}
			}
		}
		if static < 1200 {
			t.Errorf("only %d of %d bytes are static", static, a.HTML.Len())
		}
	}
}

func TestRender_EqualKeysMeanEqualStaticSegments(t *testing.T) {
	t.Parallel()
	tmpl := mustLoad(t, email(`<p>{% if data.a %}yes{% else %}no{% endif %}</p>{% for x in data.list %}<b>{{ x }}</b>{% endfor %}`))
	static := map[string]string{}
	keyless := 0
	for n := range 30 {
		for _, a := range []any{true, false} {
			r, err := tmpl.Render(rapport.Email, Input{Vars: map[string]any{"data": map[string]any{"a": a, "list": make([]any, n)}}})
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for i, s := range append(slices.Clone(r.HTML), r.Text...) {
				if s.Static {
					fmt.Fprintf(&b, "%d:%s\n", i, s.Bytes)
				}
			}
			if r.Key == "" {
				keyless++
			} else if was, ok := static[r.Key]; ok && was != b.String() {
				t.Fatalf("key %s:\n%s\nand\n%s", r.Key, was, b.String())
			}
			static[r.Key] = b.String()
		}
	}
	if len(static) != mostShapes+1 || keyless == 0 {
		t.Errorf("%d keys, want %d at most", len(static), mostShapes)
	}
}

func TestRender_Webhook(t *testing.T) {
	t.Parallel()
	vars := map[string]any{"customer": map[string]any{"name": "Ann \"q\" \\ <b> \u2028\x01"}, "data": map[string]any{"n": int64(3), "list": []any{"a", int64(1)}}}
	cases := map[string]struct{ body, want, wrong string }{
		"a document": {`{ "a" : 1.50, "name":"{{ customer.name }}", "l":["{{ data.n }}", null, {"x":"}{\" \\"}] }`,
			`{"a":1.50,"name":"Ann \"q\" \\ \u003cb\u003e \u2028\u0001","l":["3",null,{"x":"}{\" \\"}]}`, ""},
		"a source of JSON":             {`"{\"n\":{{ data.n }},\"list\":{{ data.list | json }}}"`, `{"n":3,"list":["a",1]}`, ""},
		"a source that breaks":         {`"{\"name\":\"{{ customer.name }}\"}"`, "", "came out as broken JSON"},
		"a source that prints nothing": {`"{{ data.none }}"`, "", "came out as broken JSON"},
		"nothing to fill in":           {`[]`, `[]`, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := mustLoad(t, Source{Variants: []Variant{{Channel: rapport.Webhook, Body: json.RawMessage(c.body)}}}).Render(rapport.Webhook, Input{Vars: vars})
			if c.wrong != "" {
				if e, _ := errors.AsType[*rapport.Error](err); e == nil || e.Fields[0].Path != "body" || !strings.Contains(e.Fields[0].Message, c.wrong) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || r.Body.String() != c.want {
				t.Errorf("\ngot  %s %v\nwant %s", r.Body, err, c.want)
			}
		})
	}
}

func TestRender_Buttons(t *testing.T) {
	t.Parallel()
	tmpl := mustLoad(t, Source{Variants: []Variant{{Channel: rapport.Telegram, Text: "x", Buttons: [][]channels.Button{
		{{Text: "{{ data.label }}", URL: "{{ data.url }}"}, {Text: "Yes", Data: "yes:{{ data.id }}"}},
		{{Text: "{% if data.more %}More{% endif %}", URL: "{{ data.more }}"}},
	}}}})
	render := func(data map[string]any) ([][]channels.Button, error) {
		r, err := tmpl.Render(rapport.Telegram, Input{Vars: map[string]any{"data": data}})
		if err != nil {
			return nil, err
		}
		return r.Buttons, nil
	}
	got, err := render(map[string]any{"label": "Go <&>", "url": "https://a.example/?a=1&b=2", "id": "7"})
	want := [][]channels.Button{{{Text: "Go <&>", URL: "https://a.example/?a=1&b=2"}, {Text: "Yes", Data: "yes:7"}}}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v %v, want %v", got, err, want)
	}
	for path, data := range map[string]map[string]any{
		"buttons[0][0].url":  {"label": "Go", "url": "javascript:alert(1)", "id": "7"},
		"buttons[0][1].data": {"label": "Go", "url": "https://a.example", "id": strings.Repeat("x", 61)},
	} {
		_, err := render(data)
		if e, _ := errors.AsType[*rapport.Error](err); e == nil || e.Fields[0].Path != path {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func TestRender_NoVariant(t *testing.T) {
	t.Parallel()
	_, err := mustLoad(t, email("<p>x")).Render(rapport.SMS, Input{})
	if rapport.CodeOf(err) != rapport.CodeInvalid {
		t.Errorf("got %v", err)
	}
}

func TestRender_DoesNotChangeTheCallersVariables(t *testing.T) {
	t.Parallel()
	tmpl := mustLoad(t, email(`{% assign data = "x" %}{{ unsubscribe_url }}`))
	in := promotionInput()
	in.Marketing = false
	if _, err := tmpl.Render(rapport.Email, in); err != nil {
		t.Fatal(err)
	}
	if len(in.Vars) != 3 {
		t.Errorf("got %v", in.Vars)
	}
	in.URLs = URLs{}
	r, err := tmpl.Render(rapport.Email, in)
	if err != nil || strings.Contains(r.HTML.String(), "go.example") {
		t.Errorf("another customer's link is kept: %s %v", r.HTML, err)
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	tmpl := mustLoad(t, Source{Required: []string{"code", "data.order.number", "code"}, Variants: []Variant{
		{Channel: rapport.SMS, Text: "{{ customer.name }} {{ data.a.b }} {{ data.c | default: 'x' }} {% if data.d %}{{ data.d }}{% endif %} {{ other }} {{ data.list.size }} {% for i in data.list %}{{ i.x }}{% endfor %}"},
		{Channel: rapport.Telegram, Text: "{{ campaign.t }}", Buttons: [][]channels.Button{{{Text: "{{ data.label }}", Data: "x"}}}},
		{Channel: rapport.Webhook, Body: json.RawMessage(`{"a":"{{ data.w }}"}`), Headers: map[string]string{"X-A": "{{ data.h }}"}},
	}})
	all := map[string]any{
		"customer": map[string]any{"name": ""},
		"data":     map[string]any{"code": "x", "order": map[string]any{"number": int64(1)}, "a": map[string]any{"b": false}, "list": []any{}, "label": "l", "w": "w", "h": "h"},
		"campaign": map[string]any{"t": "t"},
	}
	on := func(ch ...rapport.Channel) map[rapport.Channel]bool {
		m := map[rapport.Channel]bool{}
		for _, c := range ch {
			m[c] = true
		}
		return m
	}
	cases := map[string]struct {
		data map[string]any
		on   map[rapport.Channel]bool
		want []string
	}{
		"all there":                   {all, tmpl.Channels(), nil},
		"nothing, on SMS":             {nil, on(rapport.SMS), []string{"customer.name", "data.a.b", "data.code", "data.list", "data.order.number"}},
		"nothing, on Telegram":        {nil, on(rapport.Telegram), []string{"campaign.t", "data.code", "data.label", "data.order.number"}},
		"nothing, on webhook":         {nil, on(rapport.Webhook), []string{"data.code", "data.h", "data.order.number", "data.w"}},
		"nothing, on no channel":      {nil, nil, []string{"data.code", "data.order.number"}},
		"null supplies nothing":       {map[string]any{"data": map[string]any{"code": nil, "order": map[string]any{"number": "1"}}}, nil, []string{"data.code"}},
		"a text where an object goes": {map[string]any{"data": map[string]any{"code": "x", "order": "7"}}, nil, []string{"data.order.number"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tmpl.Missing(c.data, c.on); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func FuzzWebhookBody(f *testing.F) {
	f.Add(`{"a":"{{ data.x }}","b":[1,"{% if data.x %}y{% endif %}"]}`, "x")
	f.Add(`"{\"a\":{{ data.x | json }}}"`, "\xff\u2028\"\\")
	f.Add(`"{{ data.x }}"`, `{"a":1}`)
	f.Add(`["\u007b{ data.x }}","\\",{"{{":1}]`, "")
	f.Add(`"\ud800{{ data.x }}"`, "]")
	f.Fuzz(func(t *testing.T, body, value string) {
		defer fuzzing.Budget(t)()
		c, err := Compile(Source{Variants: []Variant{{Channel: rapport.Webhook, Body: json.RawMessage(body)}}})
		if err != nil {
			return
		}
		tmpl, err := Load("k", c)
		if err != nil {
			t.Fatalf("what Compile made does not load: %v", err)
		}
		r, err := tmpl.Render(rapport.Webhook, Input{Vars: map[string]any{"data": map[string]any{"x": value}}})
		if err == nil && !json.Valid([]byte(r.Body.String())) {
			t.Fatalf("%q with %q came out as %q", body, value, r.Body)
		}
	})
}
