package templates

import (
	"errors"
	"strings"
	"testing"

	"rapport"
	"rapport/channels"
)

func TestInline(t *testing.T) {
	t.Parallel()
	tmpl, err := Inline(InlineContent{
		Subject: "Re: {{ x }}", Text: "1 < 2 & {{ y }}",
		HTML:        `<p onclick="x()">Hi <b>you</b> {{ z }}<script>alert(1)</script><a href="javascript:x">a</a><a href="https://a.example">b</a></p><iframe src="https://x"></iframe>`,
		Buttons:     [][]channels.Button{{{Text: "Yes", Data: "y"}}},
		Attachments: []string{rapport.KindFile.Format(9)},
	})
	if err != nil {
		t.Fatal(err)
	}
	render := func(ch rapport.Channel) *Rendered {
		r, err := tmpl.Render(ch, Input{Locale: "ru"})
		if err != nil {
			t.Fatal(err)
		}
		if r.Key != "" || r.Locale != "ru" || len(r.Attachments) != 1 {
			t.Errorf("%s: %+v", ch, r)
		}
		return r
	}
	mail := render(rapport.Email)
	if mail.Subject.String() != "Re: {{ x }}" || mail.Text.String() != "1 < 2 & {{ y }}" {
		t.Errorf("%s, %s", mail.Subject, mail.Text)
	}
	html := mail.HTML.String()
	if !strings.Contains(html, "<p>Hi <b>you</b> {{ z }}a<a href=\"https://a.example\"") || strings.Contains(html, "alert") || strings.Contains(html, "iframe") {
		t.Errorf("HTML: %s", html)
	}
	if r := render(rapport.Telegram); r.Text.String() != "1 &lt; 2 &amp; {{ y }}" || len(r.Buttons) != 1 {
		t.Errorf("Telegram: %s", r.Text)
	}
	if r := render(rapport.SMS); r.Text.String() != "1 < 2 & {{ y }}" || r.SMS.Segments != 1 {
		t.Errorf("SMS: %s %v", r.Text, r.SMS)
	}
	if m := tmpl.Missing(nil, tmpl.Channels()); m != nil {
		t.Errorf("misses %q", m)
	}
}

func TestInline_MakesTheTextOfTheHTML(t *testing.T) {
	t.Parallel()
	tmpl, err := Inline(InlineContent{HTML: "<p>One {{ x }} &amp; {% if %}</p><p>two &#123;&#123;</p>"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := tmpl.Render(rapport.SMS, Input{})
	if err != nil || r.Text.String() != "One {{ x }} & {% if %}\n\ntwo {{" {
		t.Errorf("got %q %v", r.Text, err)
	}
}

func TestInline_Refuses(t *testing.T) {
	t.Parallel()
	for path, in := range map[string]InlineContent{
		"text":               {Subject: "s", HTML: "<script>x</script>"},
		"subject":            {Subject: "a\nb", Text: "x"},
		"html":               {HTML: "a\x00b"},
		"body":               {Body: []byte("{")},
		"buttons[0][0].url":  {Text: "x", Buttons: [][]channels.Button{{{Text: "x", URL: "ftp://a"}}}},
		"buttons[0][0].text": {Text: "x", Buttons: [][]channels.Button{{{Data: "x"}}}},
		"attachments[0]":     {Text: "x", Attachments: []string{"../etc/passwd"}},
	} {
		_, err := Inline(in)
		if e, _ := errors.AsType[*rapport.Error](err); e == nil || e.Fields[0].Path != path {
			t.Errorf("%s: got %v", path, err)
		}
	}
}
