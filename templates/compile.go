package templates

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"rapport"
	"rapport/channels"
	"rapport/templates/liquid"
)

// What a template may have at most.
const (
	mostVariants = 200
	mostSource   = 512 << 10 // bytes of one text
	mostCompiled = 2 << 20   // bytes of one HTML after MJML and CSS were worked in
	mostRequired = 200
	mostHeaders  = 20
	mostButtons  = 100 // Telegram's limit for a message
	// clipped is what Gmail shows of a mail; the rest is behind "View entire message".
	clipped = 102 << 10
)

// Compile checks a Source and makes what is stored and sent of it. The error is a *rapport.Error that
// names every mistake found, with its place in the source and the line in the text.
func Compile(src Source) (*Compiled, error) {
	c := compiler{out: &Compiled{Topic: src.Topic}}
	c.required(src.Required)
	switch n := len(src.Variants); {
	case n == 0:
		c.bad("variants", "needs at least one variant")
	case n > mostVariants:
		c.bad("variants", "%d variants, at most %d", n, mostVariants)
		src.Variants = nil
	}
	seen := map[string]int{}
	for i := range src.Variants {
		v := &src.Variants[i]
		c.path = fmt.Sprintf("variants[%d]", i)
		key := string(v.Channel) + "/" + strings.ToLower(strings.ReplaceAll(v.Locale, "_", "-"))
		if first, ok := seen[key]; ok {
			c.bad("", "has the same channel and locale as variants[%d]", first)
		}
		seen[key] = i
		c.variant(v)
	}
	if len(c.wrong) > 0 {
		return nil, &rapport.Error{Code: rapport.CodeInvalid, Message: "The template is not valid.", Fields: c.wrong}
	}
	return c.out, nil
}

type compiler struct {
	out   *Compiled
	wrong []rapport.FieldError
	path  string // of the variant that is being compiled
}

func (c *compiler) bad(field, format string, args ...any) {
	path := c.path
	if path == "" {
		path = field
	} else if field != "" {
		path += "." + field
	}
	c.wrong = append(c.wrong, rapport.FieldError{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (c *compiler) warn(field, format string, args ...any) {
	c.out.Warnings = append(c.out.Warnings, c.path+"."+field+": "+fmt.Sprintf(format, args...))
}

func (c *compiler) required(names []string) {
	if len(names) > mostRequired {
		c.bad("required", "%d names, at most %d", len(names), mostRequired)
		return
	}
	for i, name := range names {
		if !isPath(name) {
			c.bad(fmt.Sprintf("required[%d]", i), "%.60q is not the name of a variable such as data.order.number", name)
			continue
		}
		c.out.Required = append(c.out.Required, rooted(name))
	}
	slices.Sort(c.out.Required)
	c.out.Required = slices.Compact(c.out.Required)
}

// isPath accepts names joined by dots.
func isPath(s string) bool {
	if len(s) > 200 {
		return false
	}
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || strings.ContainsFunc(part, func(r rune) bool {
			return r != '_' && r != '-' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
		}) {
			return false
		}
	}
	return true
}

func (c *compiler) variant(v *Variant) {
	out := CompiledVariant{Channel: v.Channel, Locale: v.Locale}
	if v.Locale != "" {
		if _, err := language.Parse(v.Locale); err != nil {
			c.bad("locale", "%.40q is not a BCP 47 language tag such as pt-BR", v.Locale)
		}
	}
	if !c.fields(v) {
		return
	}
	out.Subject = c.line("subject", v.Subject)
	out.Preheader = c.line("preheader", v.Preheader)
	switch v.Channel {
	case rapport.Email:
		c.email(v, &out)
	case rapport.Telegram:
		out.Text = c.text("text", strings.TrimSpace(v.Text), htmlOptions)
		var wrong []string
		if out.Text, wrong = telegramText(out.Text); len(wrong) > 0 {
			c.bad("text", "%s", strings.Join(wrong, "; "))
		}
		c.harmless("text", v.Text)
		c.length(v.Channel, out.Text)
	case rapport.Webhook:
		out.Text = c.text("text", strings.TrimSpace(v.Text), textOptions)
		if len(v.Body) > 0 {
			c.document(v.Body)
			out.Body = bytes.Clone(v.Body)
		}
	default:
		out.Text = c.text("text", strings.TrimSpace(v.Text), textOptions)
		c.smsAlphabet(v, out.Text)
		c.length(v.Channel, out.Text)
	}
	c.headers(v, &out)
	c.buttons(v, &out)
	for i, id := range v.Attachments {
		if _, err := rapport.KindFile.Parse(id); err != nil {
			c.bad(fmt.Sprintf("attachments[%d]", i), "%s", err)
		}
		out.Attachments = append(out.Attachments, id)
	}
	c.out.Variants = append(c.out.Variants, out)
}

// document checks a webhook's body.
func (c *compiler) document(body json.RawMessage) {
	d, err := parseDocument(body)
	if err != nil {
		c.bad("body", "%s", err)
		return
	}
	wrong, doubt := d.check()
	if wrong != nil {
		c.bad("body", "%s", wrong)
	}
	if doubt != nil {
		c.warn("body", "without any data it %s", doubt)
	}
}

// length refuses a text that is too long whatever is printed in it. What stands in branches may never be
// printed together, so a text with tags is measured when it is rendered.
func (c *compiler) length(ch rapport.Channel, src string) {
	if strings.Contains(src, "{%") {
		return
	}
	if err := tooLong(ch, channels.Text(withoutLiquid(src))); err != nil {
		c.bad("text", "%s", err)
	}
}

// fields checks that the channel has use for what is given, and gets what it needs.
func (c *compiler) fields(v *Variant) bool {
	if !rapport.ValidChannel(v.Channel) {
		c.bad("channel", "%.40q is not one of %v", v.Channel, rapport.Channels)
		return false
	}
	given := []struct {
		name  string
		given bool
		on    []rapport.Channel
	}{
		{"subject", v.Subject != "", []rapport.Channel{rapport.Email}},
		{"preheader", v.Preheader != "", []rapport.Channel{rapport.Email}},
		{"html", v.HTML != "", []rapport.Channel{rapport.Email}},
		{"mjml", v.MJML != "", []rapport.Channel{rapport.Email}},
		{"text", v.Text != "", rapport.Channels},
		{"buttons", len(v.Buttons) > 0, []rapport.Channel{rapport.Telegram, rapport.Webhook}},
		{"body", len(v.Body) > 0, []rapport.Channel{rapport.Webhook}},
		{"headers", len(v.Headers) > 0, []rapport.Channel{rapport.Email, rapport.Webhook}},
		{"attachments", len(v.Attachments) > 0, []rapport.Channel{rapport.Email, rapport.SMS, rapport.WhatsApp, rapport.Telegram}},
	}
	for _, f := range given {
		if f.given && !slices.Contains(f.on, v.Channel) {
			c.bad(f.name, "is not used on %s", v.Channel)
		}
	}
	for _, f := range [][2]string{{"subject", v.Subject}, {"preheader", v.Preheader}, {"html", v.HTML}, {"mjml", v.MJML}, {"text", v.Text}, {"body", string(v.Body)}} {
		if m := unfit(f[1]); m != "" {
			c.bad(f[0], "%s", m)
			return false
		}
	}
	switch v.Channel {
	case rapport.Email:
		if v.HTML != "" && v.MJML != "" {
			c.bad("mjml", "give either html or mjml")
		}
		if v.HTML == "" && v.MJML == "" && v.Text == "" {
			c.bad("", "an email needs html, mjml or text")
		}
		if strings.TrimSpace(v.Subject) == "" {
			c.bad("subject", "is needed")
		}
	case rapport.Webhook:
		if len(v.Body) == 0 && strings.TrimSpace(v.Text) == "" {
			c.bad("body", "is needed")
		}
	default:
		if strings.TrimSpace(v.Text) == "" {
			c.bad("text", "is needed")
		}
	}
	return true
}

// unfit says why a text cannot be a source at all.
func unfit(s string) string {
	if len(s) > mostSource {
		return fmt.Sprintf("%d KiB, at most %d", len(s)>>10, mostSource>>10)
	}
	if !utf8.ValidString(s) {
		return "is not valid UTF-8"
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f }); i >= 0 {
		return fmt.Sprintf("line %d: holds the control character %U", lineOf(s, i), s[i])
	}
	return ""
}

// line is a text that must not hold a line break.
func (c *compiler) line(field, src string) string {
	src = strings.TrimSpace(src)
	if strings.ContainsAny(src, "\r\n") {
		c.bad(field, "must be one line")
		return ""
	}
	return c.text(field, src, textOptions)
}

// text checks a Liquid source.
func (c *compiler) text(field, src string, o liquid.Options) string {
	if src == "" {
		return ""
	}
	if _, err := liquid.Parse(src, o); err != nil {
		c.bad(field, "%s", err)
		return ""
	}
	return src
}

func (c *compiler) email(v *Variant, out *CompiledVariant) {
	out.Text = c.text("text", strings.TrimSpace(v.Text), textOptions)
	field, src, inline := "html", v.HTML, inlineCSS
	if v.MJML != "" {
		field = "mjml"
		inline = func(html string) (string, error) { return html, nil } // MJML styles its elements itself
		// Parsed as it was written first, so that an error names the author's line.
		if src = c.text(field, v.MJML, textOptions); src == "" {
			return
		}
		var err error
		if src, err = fromMJML(src); err != nil {
			c.bad(field, "%s", err)
			return
		}
	}
	src = c.text(field, strings.TrimSpace(src), htmlOptions)
	if src == "" {
		return
	}
	c.harmless(field, v.HTML+v.MJML) // one of the two, as it was written
	if out.Text == "" {
		out.Text = c.derived(field, src)
	}
	html, err := inline(src)
	if err != nil {
		c.bad(field, "%s", err)
		return
	}
	html = withPreheader(asDocument(html, v.Locale), out.Preheader)
	if _, err := liquid.Parse(html, htmlOptions); err != nil {
		c.bad(field, "after its CSS was inlined: %s", err)
		return
	}
	if len(html) > mostCompiled {
		c.bad(field, "%d KiB with its CSS inlined, at most %d", len(html)>>10, mostCompiled>>10)
		return
	}
	if n := len(withoutLiquid(html)); n > clipped {
		c.warn(field, "%d KiB; Gmail shows the first %d and hides the rest, the unsubscribe link with it", n>>10, clipped>>10)
	}
	out.HTML = html
}

// harmless refuses URLs that run a script and pages that move on by themselves. The engine sees to what is
// printed; this is what the author wrote out.
func (c *compiler) harmless(field, src string) {
	for _, t := range scan(src) {
		if t.kind != startToken {
			continue
		}
		for _, a := range t.attrs {
			value := src[a.from:a.to]
			switch {
			case liquid.HoldsURL(a.name) && runsScript(withoutLiquid(value)):
				c.bad(field, "line %d: %s=%.40q runs a script; mail clients and Telegram take that for an attack", lineOf(src, a.start), a.name, value)
			case t.name == "meta" && a.name == "http-equiv" && strings.EqualFold(strings.TrimSpace(value), "refresh"):
				c.bad(field, `line %d: <meta http-equiv="refresh"> is not taken: a message must not lead away by itself`, lineOf(src, t.start))
			}
		}
	}
}

// runsScript reads a URL as browsers do, which know entities and overlook control characters.
func runsScript(value string) bool {
	url := strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return -1
		}
		return unicode.ToLower(r)
	}, html.UnescapeString(value))
	return strings.HasPrefix(url, "javascript:") || strings.HasPrefix(url, "vbscript:") || strings.HasPrefix(url, "data:text/html")
}

func (c *compiler) derived(field, src string) string {
	text := plainText(src)
	if text == "" {
		c.warn(field, "holds no words, so the mail has no text part: give text")
		return ""
	}
	if _, err := liquid.Parse(text, textOptions); err != nil {
		c.bad(field, "no text part can be made of it (%s): give text", err)
	}
	return text
}

// smsAlphabet warns when punctuation alone makes a message cost twice as much.
func (c *compiler) smsAlphabet(v *Variant, text string) {
	if v.Channel != rapport.SMS {
		return
	}
	fixed := withoutLiquid(text)
	now, then := CountSMS(fixed), CountSMS(transliterate(fixed))
	if now.Encoding != then.Encoding {
		c.warn("text", "typographic quotes, dashes or spaces make this %s instead of %s: 70 characters a segment instead of 160", now.Encoding, then.Encoding)
	}
}

func (c *compiler) headers(v *Variant, out *CompiledVariant) {
	if len(v.Headers) > mostHeaders {
		c.bad("headers", "%d headers, at most %d", len(v.Headers), mostHeaders)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(v.Headers)) {
		value := v.Headers[name]
		field := fmt.Sprintf("headers[%.60q]", name)
		switch {
		case !isHeaderName(name):
			c.bad(field, "is not a header's name")
		case isReserved(v.Channel, name):
			c.bad(field, "is set by Rapport")
		case unfit(value) != "":
			c.bad(field, "%s", unfit(value))
		default:
			out.Headers = append(out.Headers, channels.Header{Name: name, Value: c.line(field, value)})
		}
	}
}

// isHeaderName accepts the tokens of RFC 9110 §5.1, which are also field names of RFC 5322.
func isHeaderName(s string) bool {
	return s != "" && len(s) <= 76 && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

func isReserved(ch rapport.Channel, name string) bool {
	name = strings.ToLower(name)
	if strings.HasPrefix(name, "content-") || strings.HasPrefix(name, "list-unsubscribe") || strings.HasPrefix(name, "webhook-") {
		return true
	}
	switch name {
	case "from", "sender", "reply-to", "to", "cc", "bcc", "subject", "date", "message-id", "in-reply-to", "references",
		"mime-version", "return-path", "received", "dkim-signature":
		return ch == rapport.Email
	case "host", "connection", "transfer-encoding", "trailer", "te", "upgrade", "expect", "keep-alive", "proxy-authorization", "proxy-connection":
		return ch == rapport.Webhook
	default:
		return false
	}
}

func (c *compiler) buttons(v *Variant, out *CompiledVariant) {
	n := 0
	for i, row := range v.Buttons {
		for j, b := range row {
			field := fmt.Sprintf("buttons[%d][%d]", i, j)
			n++
			if b.Text == "" {
				c.bad(field+".text", "is needed")
			}
			if b.Contact && (b.URL != "" || b.Data != "") {
				c.bad(field, "that shares a contact has neither url nor data")
			}
			if !b.Contact && (b.URL == "") == (b.Data == "") {
				c.bad(field, "needs either url or data")
			}
			for _, f := range [][2]string{{"text", b.Text}, {"url", b.URL}, {"data", b.Data}} {
				if m := unfit(f[1]); m != "" {
					c.bad(field+"."+f[0], "%s", m)
				} else {
					c.line(field+"."+f[0], f[1])
				}
			}
			if !strings.Contains(b.Data, "{") && len(b.Data) > mostButtonData {
				c.bad(field+".data", "%d bytes, at most %d", len(b.Data), mostButtonData)
			}
			if !strings.Contains(b.URL, "{") && b.URL != "" && !buttonURL(b.URL) {
				c.bad(field+".url", "is not a URL of http, https or tg")
			}
		}
	}
	if n > mostButtons {
		c.bad("buttons", "%d buttons, at most %d", n, mostButtons)
	}
	out.Buttons = v.Buttons
}

// textOptions and htmlOptions are the two dialects of Liquid here. They are never changed.
var (
	textOptions = liquid.Options{Escape: liquid.EscapeNone, Filters: filters}
	htmlOptions = liquid.Options{Escape: liquid.EscapeHTML, Filters: filters}

	filters = map[string]liquid.Filter{
		// transliterate makes typographic punctuation plain: {{ data.title | transliterate }}.
		"transliterate": func(_ *liquid.Call, in any, args []any) (any, error) {
			if len(args) > 0 {
				return nil, errors.New("takes no arguments")
			}
			if s, ok := in.(string); ok {
				return transliterate(s), nil
			}
			return in, nil
		},
	}
)
