package templates

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"rapport"
	"rapport/channels"
	"rapport/internal/fuzzing"
)

func email(html string) Source {
	return Source{Topic: "offers", Variants: []Variant{{Channel: rapport.Email, Locale: "en", Subject: "Hello", HTML: html}}}
}

func TestCompile_NamesTheMistakeWithPathAndLine(t *testing.T) {
	t.Parallel()
	sms := func(text string) Source {
		return Source{Variants: []Variant{{Channel: rapport.SMS, Text: text}}}
	}
	telegram := func(text string) Source {
		return Source{Variants: []Variant{{Channel: rapport.Telegram, Text: text}}}
	}
	button := func(b channels.Button) Source {
		return Source{Variants: []Variant{{Channel: rapport.Telegram, Text: "x", Buttons: [][]channels.Button{{b}}}}}
	}
	webhook := func(body string) Source {
		return Source{Variants: []Variant{{Channel: rapport.Webhook, Body: json.RawMessage(body)}}}
	}
	headers := func(ch rapport.Channel, name, value string) Source {
		v := Variant{Channel: ch, Headers: map[string]string{name: value}, Body: json.RawMessage(`{}`)}
		if ch == rapport.Email {
			v.Body, v.Subject, v.Text = nil, "s", "t"
		}
		return Source{Variants: []Variant{v}}
	}
	cases := map[string]struct {
		src           Source
		path, message string
	}{
		"no variants":                       {Source{}, "variants", "at least one"},
		"too many variants":                 {Source{Variants: make([]Variant, 201)}, "variants", "at most 200"},
		"unknown channel":                   {Source{Variants: []Variant{{Channel: "fax", Text: "x"}}}, "variants[0].channel", `"fax" is not one of`},
		"bad locale":                        {Source{Variants: []Variant{{Channel: rapport.SMS, Locale: "english!", Text: "x"}}}, "variants[0].locale", "BCP 47"},
		"same channel and locale twice":     {Source{Variants: []Variant{{Channel: rapport.SMS, Locale: "pt-BR", Text: "x"}, {Channel: rapport.SMS, Locale: "pt_br", Text: "x"}}}, "variants[1]", "variants[0]"},
		"bad required name":                 {Source{Required: []string{"data.a b"}, Variants: []Variant{{Channel: rapport.SMS, Text: "x"}}}, "required[0]", "name of a variable"},
		"Liquid error in HTML, line 3":      {email("<p>\n</p>\n{% if x %}"), "variants[0].html", "line 3"},
		"Liquid error in MJML, line 2":      {Source{Variants: []Variant{{Channel: rapport.Email, Subject: "s", MJML: "<mjml>\n{{ x | nope }}</mjml>"}}}, "variants[0].mjml", `line 2: unknown filter "nope"`},
		"unknown MJML element":              {Source{Variants: []Variant{{Channel: rapport.Email, Subject: "s", MJML: "<mjml><mj-body>\n<mj-bogus/></mj-body></mjml>"}}}, "variants[0].mjml", "line 2: unknown MJML element <mj-bogus>"},
		"MJML that is not XML":              {Source{Variants: []Variant{{Channel: rapport.Email, Subject: "s", MJML: "<mjml><mj-body><mj-section></mj-body></mjml>"}}}, "variants[0].mjml", "closed by"},
		"Liquid where MJML has no text":     {Source{Variants: []Variant{{Channel: rapport.Email, Subject: "s", MJML: "<mjml><mj-head>{% if a %}{% endif %}</mj-head><mj-body></mj-body></mjml>"}}}, "variants[0].mjml", "<mj-head>"},
		"html and mjml":                     {Source{Variants: []Variant{{Channel: rapport.Email, Subject: "s", HTML: "<p>x", MJML: "<mjml><mj-body></mj-body></mjml>"}}}, "variants[0].mjml", "either"},
		"email without a body":              {Source{Variants: []Variant{{Channel: rapport.Email, Subject: "s"}}}, "variants[0]", "html, mjml or text"},
		"email without a subject":           {Source{Variants: []Variant{{Channel: rapport.Email, Text: "x"}}}, "variants[0].subject", "needed"},
		"subject on two lines":              {Source{Variants: []Variant{{Channel: rapport.Email, Subject: "a\nBcc: x", Text: "x"}}}, "variants[0].subject", "one line"},
		"value in a script":                 {email("<script>var x = '{{ data.x }}'</script>"), "variants[0].html", "script"},
		"control character":                 {email("<p>a\n\x01</p>"), "variants[0].html", "line 2: holds the control character U+0001"},
		"invalid UTF-8":                     {sms("a\xffb"), "variants[0].text", "UTF-8"},
		"too large":                         {sms(strings.Repeat("x", 512<<10+1)), "variants[0].text", "at most 512"},
		"subject on SMS":                    {Source{Variants: []Variant{{Channel: rapport.SMS, Subject: "s", Text: "x"}}}, "variants[0].subject", "not used on sms"},
		"SMS without text":                  {sms(" \n"), "variants[0].text", "needed"},
		"Telegram: unknown tag":             {telegram("Hi\n<p>x</p>"), "variants[0].text", "line 2: <p> is not among"},
		"Telegram: unknown attribute":       {telegram(`<b class="x">x</b>`), "variants[0].text", `attribute class="x" on <b>`},
		"Telegram: never closed":            {telegram("<b>x"), "variants[0].text", "<b> is never closed"},
		"Telegram: crossed tags":            {telegram("<b><i>x</b></i>"), "variants[0].text", "</b> stands where </i> is due"},
		"Telegram: lone <":                  {telegram("1 < 2"), "variants[0].text", "&lt;"},
		"Telegram: comment":                 {telegram("<!-- x -->x"), "variants[0].text", "comments"},
		"button without text":               {button(channels.Button{URL: "https://a.example"}), "variants[0].buttons[0][0].text", "needed"},
		"button with url and data":          {button(channels.Button{Text: "x", URL: "https://a.example", Data: "y"}), "variants[0].buttons[0][0]", "either"},
		"button with a javascript URL":      {button(channels.Button{Text: "x", URL: "javascript:alert(1)"}), "variants[0].buttons[0][0].url", "http"},
		"button data of 65 bytes":           {button(channels.Button{Text: "x", Data: strings.Repeat("ж", 32) + "y"}), "variants[0].buttons[0][0].data", "65 bytes"},
		"buttons on email":                  {Source{Variants: []Variant{{Channel: rapport.Email, Subject: "s", Text: "t", Buttons: [][]channels.Button{{{Text: "x", Data: "y"}}}}}}, "variants[0].buttons", "not used on email"},
		"webhook: broken JSON":              {webhook(`{"a":}`), "variants[0].body", "is not JSON"},
		"webhook: Liquid error in a string": {webhook(`{"a":"{{ x | nope }}"}`), "variants[0].body", "nope"},
		"webhook: Liquid in a name":         {webhook(`{"{{ x }}":1}`), "variants[0].body", "only values are Liquid"},
		"webhook: text never JSON":          {webhook(`"{broken"`), "variants[0].body", "broken JSON"},
		"Telegram: 4,097 characters":        {telegram("<b>" + strings.Repeat("🎁", 2048) + "</b>!"), "variants[0].text", "4097 characters; Telegram takes 4096"},
		"Telegram: too long before values":  {telegram("{{ data.x }}" + strings.Repeat("ж", 4097)), "variants[0].text", "4097 characters"},
		"SMS: 1,601 characters":             {sms(strings.Repeat("ж", 1601)), "variants[0].text", "1601 characters; an SMS takes 1600"},
		"javascript URL, line 2":            {email("<p>\n<a HREF='JavaScript:x()'>a</a>"), "variants[0].html", "line 2: href=\"JavaScript:x()\" runs a script"},
		"javascript URL in entities":        {email(`<a href=" java&#10;script&colon;x()">a</a>`), "variants[0].html", "runs a script"},
		"javascript in poster":              {email(`<video poster="vbscript:x">a</video>`), "variants[0].html", "runs a script"},
		"page in a URL":                     {email(`<a href="data:text/html,x">a</a>`), "variants[0].html", "runs a script"},
		"javascript URL in MJML":            {Source{Variants: []Variant{{Channel: rapport.Email, Subject: "s", MJML: "<mjml><mj-body><mj-section><mj-column>\n<mj-button href=\"javascript:x\">a</mj-button></mj-column></mj-section></mj-body></mjml>"}}}, "variants[0].mjml", "line 2: href"},
		"javascript URL in Telegram":        {telegram(`<a href="javascript:x">a</a>`), "variants[0].text", "runs a script"},
		"page that moves on":                {email(`<meta http-equiv=Refresh content="0;url={{ data.u }}">a`), "variants[0].html", "lead away"},
		"webhook: nothing":                  {Source{Variants: []Variant{{Channel: rapport.Webhook}}}, "variants[0].body", "needed"},
		"header injection by name":          {headers(rapport.Email, "X-A: b\r\nBcc", "x"), `variants[0].headers["X-A: b\r\nBcc"]`, "not a header's name"},
		"header that Rapport sets":          {headers(rapport.Email, "List-Unsubscribe", "x"), `variants[0].headers["List-Unsubscribe"]`, "set by Rapport"},
		"webhook signature header":          {headers(rapport.Webhook, "Webhook-Signature", "x"), `variants[0].headers["Webhook-Signature"]`, "set by Rapport"},
		"header on two lines":               {headers(rapport.Webhook, "X-A", "x\ny"), `variants[0].headers["X-A"]`, "one line"},
		"attachment that is no file":        {Source{Variants: []Variant{{Channel: rapport.Email, Subject: "s", Text: "t", Attachments: []string{"cus_0000000000001"}}}}, "variants[0].attachments[0]", "want fil_"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Compile(c.src)
			e, ok := errors.AsType[*rapport.Error](err)
			if !ok || e.Code != rapport.CodeInvalid {
				t.Fatalf("got %v, want an invalid template", err)
			}
			if !slices.ContainsFunc(e.Fields, func(f rapport.FieldError) bool { return f.Path == c.path && strings.Contains(f.Message, c.message) }) {
				t.Errorf("want %q at %s in:\n%s", c.message, c.path, explain(err))
			}
		})
	}
}

func TestCompile_TakesHarmlessURLs(t *testing.T) {
	t.Parallel()
	for _, html := range []string{
		`<img alt="JavaScript: the good parts" src="data:image/png;base64,iVBORw0KGgo=">x`,
		`<meta http-equiv="Content-Type" content="text/html"><a href="whatsapp://send?text=javascript:x">x</a>`,
		`<a href="{{ data.u | default: 'javascript:x' }}">printed as # then</a>`,
		`<p>javascript:x</p>`,
	} {
		if _, err := Compile(email(html)); err != nil {
			t.Errorf("%s: %s", html, explain(err))
		}
	}
}

func TestCompile_WarnsOfABodyThatIsNoJSONWithoutData(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		`"{\"n\": {{ data.n }}}"`:                          "without any data it came out as broken JSON",
		`"{\"n\": {{ data.n | json }}}"`:                   "",
		`"{\"n\": {{ data.n | default: 1 }}}"`:             "",
		`"{\"n\": {{ data.n | number | money: data.x }}}"`: "without any data",
		`{"n": "{{ data.n }}"}`:                            "",
		`"{\"n\": 1}"`:                                     "",
	}
	for body, want := range cases {
		c, err := Compile(Source{Variants: []Variant{{Channel: rapport.Webhook, Body: json.RawMessage(body)}}})
		if err != nil {
			t.Fatalf("%s: %s", body, explain(err))
		}
		got := strings.Join(c.Warnings, "; ")
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: warned %q, want %q", body, got, want)
		}
	}
}

func TestCompile_ReportsAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	_, err := Compile(Source{Required: []string{""}, Variants: []Variant{
		{Channel: rapport.SMS, Text: "{{ a"},
		{Channel: rapport.Telegram, Text: "<p>x</p><br>"},
		{Channel: rapport.Email, Subject: "{% x %}", HTML: "{% if %}"},
	}})
	e, _ := errors.AsType[*rapport.Error](err)
	if e == nil || len(e.Fields) != 5 {
		t.Fatalf("want 5 fields, got:\n%s", explain(err))
	}
}

func TestCompile_TakesWhatTelegramTakes(t *testing.T) {
	t.Parallel()
	text := `<b>b</b><i>i</i><u>u</u><s>s</s><span class="tg-spoiler">x</span><a href="{{ data.url }}">l</a>` +
		`<pre><code class="language-go">x &lt; y</code></pre><blockquote expandable>q</blockquote><tg-emoji emoji-id="5">👍</tg-emoji>{% if data.a < 3 %}&mdash;&nbsp;&#8470;&amp;{% endif %}`
	tmpl := mustLoad(t, Source{Variants: []Variant{{Channel: rapport.Telegram, Text: text}}})
	r, err := tmpl.Render(rapport.Telegram, Input{Vars: map[string]any{"data": map[string]any{"url": "javascript:x", "a": int64(1)}}})
	if err != nil {
		t.Fatal(err)
	}
	want := `<b>b</b><i>i</i><u>u</u><s>s</s><span class="tg-spoiler">x</span><a href="#">l</a>` +
		`<pre><code class="language-go">x &lt; y</code></pre><blockquote expandable>q</blockquote><tg-emoji emoji-id="5">👍</tg-emoji>` + "—\u00a0&#8470;&amp;"
	if got := r.Text.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCompile_Warns(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		variant Variant
		warning string
	}{
		"a mail that Gmail clips":     {Variant{Channel: rapport.Email, Subject: "s", HTML: "<p>" + strings.Repeat("x", 103<<10) + "</p>"}, "Gmail"},
		"a picture without words":     {Variant{Channel: rapport.Email, Subject: "s", HTML: `<img src="https://a.example/a.png" alt="">`}, "no text part"},
		"punctuation that costs":      {Variant{Channel: rapport.SMS, Text: "It’s here"}, "UCS-2 instead of GSM-7"},
		"nothing about a Russian SMS": {Variant{Channel: rapport.SMS, Text: "Привет — ждём"}, ""},
		"nothing about a plain mail":  {Variant{Channel: rapport.Email, Subject: "s", HTML: "<p>Hello"}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := Compile(Source{Variants: []Variant{c.variant}})
			if err != nil {
				t.Fatal(explain(err))
			}
			if got := strings.Join(out.Warnings, "\n"); c.warning == "" && got != "" || !strings.Contains(got, c.warning) {
				t.Errorf("got %q, want %q", got, c.warning)
			}
		})
	}
}

func TestCompile_IsStoredAsJSON(t *testing.T) {
	t.Parallel()
	all, err := Starters()
	if err != nil {
		t.Fatal(err)
	}
	for key, src := range all {
		c, err := Compile(src)
		if err != nil {
			t.Fatalf("%s: %s", key, explain(err))
		}
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var back Compiled
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if _, err := Load("tpl_x", &back); err != nil {
			t.Errorf("%s: %v", key, err)
		}
		again, err := json.Marshal(&back)
		if err != nil || string(again) != string(b) {
			t.Errorf("%s changed on its way through JSON", key)
		}
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(promotion, "{{ data.percent }}%")
	f.Add(`<p {% if a %}class="x"{% endif %}>{{ a | default: "b" }}</p><style>p{color:red}p:hover{a:b}@media x{p{c:d}}</style>`, "s")
	f.Add("<mjml><mj-body>{% for a in b %}<mj-section><mj-column><mj-text>{{ a }}</mj-text></mj-column></mj-section>{% endfor %}</mj-body></mjml>", "")
	f.Add("<!--[if mso]><td><![endif]--><a href={{ x }}>y</a>{% raw %}</b>{% endraw %}<title>{{ t }}", "{% comment %}")
	f.Add(`<style>@media{`+"\uE0000\uE001"+`}"'(/*</style><p style='a:"b";{% if x %}c:d{% endif %}'>`, "{{")
	f.Add("&#123;&#123; x }}<br/><li>&nbsp;</li></a></a><a href='#'>", "x")
	f.Fuzz(func(t *testing.T, html, subject string) {
		defer fuzzing.Budget(t)()
		for _, v := range []Variant{
			{Channel: rapport.Email, Locale: "en", Subject: subject, Preheader: subject, HTML: html},
			{Channel: rapport.Email, Subject: "s", MJML: html},
			{Channel: rapport.Telegram, Text: html, Buttons: [][]channels.Button{{{Text: subject, Data: html}}}},
		} {
			c, err := Compile(Source{Variants: []Variant{v}, Required: []string{subject}})
			if err != nil {
				if _, ok := errors.AsType[*rapport.Error](err); !ok {
					t.Fatalf("not a rapport.Error: %v", err)
				}
				continue
			}
			tmpl, err := Load("k", c)
			if err != nil {
				t.Fatalf("what Compile made does not load: %v", err)
			}
			in := promotionInput()
			plain, err := tmpl.Render(v.Channel, in)
			if err != nil {
				continue
			}
			in.Track = &Tracking{}
			tracked, err := tmpl.Render(v.Channel, in)
			if err != nil {
				t.Fatalf("renders, but not tracked: %v", err)
			}
			if v.Channel == rapport.Email && !strings.Contains(html, "data-no-track") && tracked.HTML.String() != plain.HTML.String() && !strings.Contains(html, "href") {
				t.Fatalf("marks are left:\n%q\n%q", tracked.HTML.String(), plain.HTML.String())
			}
		}
	})
}
