package templates

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"

	"rapport"
	"rapport/channels"
)

// InlineContent is a message given directly, such as an agent's reply. Nothing in it is Liquid.
type InlineContent struct {
	Subject     string              `json:"subject,omitempty"` // email
	Text        string              `json:"text,omitempty"`    // plain text, on every channel; made from HTML when absent
	HTML        string              `json:"html,omitempty"`    // email; made safe: no scripts, forms or styles of a page
	Body        json.RawMessage     `json:"body,omitempty"`    // webhook: sent as it is
	Buttons     [][]channels.Button `json:"buttons,omitempty"` // Telegram, webhook
	Attachments []string            `json:"attachments,omitempty"`
}

// Inline makes a template of content given directly. Its one variant fits every channel and language; all
// renderings share its parts.
func Inline(in InlineContent) (*Template, error) {
	c := compiler{out: &Compiled{}}
	for _, f := range [][2]string{{"subject", in.Subject}, {"text", in.Text}, {"html", in.HTML}, {"body", string(in.Body)}} {
		if m := unfit(f[1]); m != "" {
			c.bad(f[0], "%s", m)
		}
	}
	subject, text := strings.TrimSpace(in.Subject), strings.TrimSpace(in.Text)
	if strings.ContainsAny(subject, "\r\n") {
		c.bad("subject", "must be one line")
	}
	if len(in.Body) > 0 && !json.Valid(in.Body) {
		c.bad("body", "is not JSON")
	}
	safe := strings.TrimSpace(replyPolicy().Sanitize(in.HTML))
	if text == "" && safe != "" {
		text = strings.TrimSpace(plainWords(safe))
	}
	if text == "" && safe == "" && len(in.Body) == 0 && len(in.Attachments) == 0 {
		c.bad("text", "is needed")
	}
	n := 0
	for i, row := range in.Buttons {
		for j, b := range row {
			n++
			field := fmt.Sprintf("buttons[%d][%d].", i, j)
			if b.Text == "" {
				c.bad(field+"text", "is needed")
			}
			if b.Contact && b.URL == "" && b.Data == "" {
				continue
			}
			if name, err := checkButton(b, b.URL != ""); err != nil {
				c.bad(field+name, "%s", err)
			}
		}
	}
	if n > mostButtons {
		c.bad("buttons", "%d buttons, at most %d", n, mostButtons)
	}
	for i, id := range in.Attachments {
		if _, err := rapport.KindFile.Parse(id); err != nil {
			c.bad(fmt.Sprintf("attachments[%d]", i), "%s", err)
		}
	}
	if len(c.wrong) > 0 {
		return nil, &rapport.Error{Code: rapport.CodeInvalid, Message: "The content is not valid.", Fields: c.wrong}
	}
	t := &Template{variants: map[rapport.Channel][]*variant{}, channels: map[rapport.Channel]bool{}, reads: Reads{Customer: map[string]bool{}, Data: map[string]bool{}}}
	for _, ch := range rapport.Channels {
		out := &Rendered{Text: channels.Text(text), Attachments: in.Attachments}
		switch ch {
		case rapport.Email:
			out.Subject = channels.Text(subject)
			if safe != "" {
				out.HTML = channels.Text(asDocument(safe, ""))
			}
		case rapport.Telegram:
			out.Text, out.Buttons = channels.Text(telegramEscape.Replace(text)), in.Buttons
		case rapport.Webhook:
			out.Body, out.Buttons = channels.Text(string(bytes.TrimSpace(in.Body))), in.Buttons
		case rapport.SMS:
			out.SMS = CountSMS(text)
		}
		t.variants[ch] = []*variant{{channel: ch, fixed: out}}
		t.channels[ch] = true
	}
	return t, nil
}

var telegramEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// plainWords is plainText for HTML in which braces mean nothing.
func plainWords(src string) string {
	const open = "\uE002" // stands in for a brace, so that none begins a piece of Liquid
	text := plainText(strings.ReplaceAll(src, "{", open))
	return strings.ReplaceAll(text, open, "{")
}

var onlyCite = regexp.MustCompile(`^cite$`)

// replyPolicy is what people write in a mail editor.
func replyPolicy() *bluemonday.Policy {
	p := bluemonday.UGCPolicy()
	p.AllowURLSchemes("http", "https", "mailto", "tel", "cid")
	p.AllowAttrs("align", "valign", "width", "height", "bgcolor", "cellpadding", "cellspacing", "border").OnElements("table", "td", "th", "tr", "img")
	p.AllowAttrs("type").Matching(onlyCite).OnElements("blockquote") // by which mail programs know a quotation
	p.AllowStyles("color", "background-color", "font-family", "font-size", "font-weight", "font-style", "text-align", "text-decoration",
		"line-height", "margin", "padding", "border", "width", "max-width").Globally()
	p.RequireNoFollowOnLinks(false)
	return p
}
