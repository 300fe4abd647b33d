package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"rapport"
	"rapport/gateway"
)

//go:embed pages
var pageFiles embed.FS

// pages are what people see who follow a link in a message. They work without JavaScript and without
// cookies; a GET changes nothing, because mail scanners follow every link.
type pages struct {
	html   *template.Template
	style  template.CSS
	policy string                       // Content-Security-Policy: nothing but our own style
	words  map[string]map[string]string // by language
}

func openPages() *pages {
	style := mustRead("pages/style.css")
	sum := sha256.Sum256(style)
	p := &pages{style: template.CSS(style), words: map[string]map[string]string{},
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"}
	p.html = template.Must(template.ParseFS(pageFiles, "pages/*.html"))
	for _, language := range []string{"en", "ru"} {
		words := map[string]string{}
		if err := json.Unmarshal(mustRead("pages/"+language+".json"), &words); err != nil {
			panic(err) // embedded: a programmer's mistake
		}
		p.words[language] = words
	}
	return p
}

func mustRead(name string) []byte {
	b, err := pageFiles.ReadFile(name)
	if err != nil {
		panic(err) // embedded: a programmer's mistake
	}
	return b
}

// view is what a page's template gets.
type view struct {
	gateway.Page
	Style    template.CSS
	Language string
	Words    map[string]string
	Heading  string // names what the page says first, and its title
	Saved    bool
	Wrong    string // what is wrong with an answer; empty: nothing
	Text     string // of an answer that is wrong, to be mended
	Name     string
}

// Say is a sentence in the reader's language; {topic} and {channel} are filled in.
func (v view) Say(key string) string {
	text := v.Words[key]
	if text == "" {
		return key
	}
	return strings.NewReplacer("{topic}", v.Topic, "{channel}", v.Words["channel."+string(v.Channel)], "{company}", v.Company).Replace(text)
}

// Channel's name in the reader's language.
func (v view) ChannelName(c rapport.Channel) string { return v.Words["channel."+string(c)] }

func (d *door) show(c *fiber.Ctx, status int, name string, v view) error {
	v.Language = "en"
	house, _ := d.g.Defaults()
	for _, wish := range append(append([]string{v.Locale}, strings.Split(c.Get("Accept-Language"), ",")...), house) {
		language, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(wish)), "-")
		language, _, _ = strings.Cut(language, ";")
		if d.pages.words[language] != nil {
			v.Language = language
			break
		}
	}
	v.Page = v.Page.In(v.Language)
	v.Words, v.Style = d.pages.words[v.Language], d.pages.style
	var out bytes.Buffer
	if err := d.pages.html.ExecuteTemplate(&out, name, v); err != nil {
		return err
	}
	c.Set("Content-Security-Policy", d.pages.policy)
	c.Set("X-Robots-Tag", "noindex")
	c.Set("Content-Type", "text/html; charset=utf-8")
	return c.Status(status).Send(out.Bytes())
}

// sorry shows a refusal to a person. What they cannot mend is not explained to them.
func (d *door) sorry(c *fiber.Ctx, err error) error {
	p := d.problem(c.UserContext(), requestID(c), err)
	for name, values := range p.GetHeaders() {
		c.Set(name, values[0])
	}
	heading := "sorry.broken"
	if p.Status == fiber.StatusNotFound {
		heading = "sorry.missing"
	}
	return d.show(c, p.Status, "sorry.html", view{Heading: heading})
}

// inPage gives an act of a page its deadline, and its refusals a face.
func (d *door) inPage(c *fiber.Ctx, act func(ctx context.Context, token string) error) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), 15*time.Second)
	defer cancel()
	if err := act(ctx, unescape(c.Params("token"))); err != nil {
		return d.sorry(c, err)
	}
	return nil
}

// form reads a small form strictly: names and values as they were sent.
func (d *door) form(c *fiber.Ctx) (url.Values, error) {
	stream, err := d.stream(c, 64<<10)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(stream)
	if err != nil {
		return nil, err
	}
	if mediaType(c) == "multipart/form-data" {
		return url.Values{}, nil // RFC 8058 allows it for the one-click POST, which says nothing more
	}
	values, err := url.ParseQuery(string(body))
	for name, given := range values {
		if !utf8.ValidString(name + strings.Join(given, "")) {
			err = errors.New("broken UTF-8")
		}
	}
	if err != nil {
		return nil, rapport.Errorf(rapport.CodeMalformed, "The form cannot be read.")
	}
	return values, nil
}

func (d *door) unsubscribePage(c *fiber.Ctx) error {
	return d.inPage(c, func(ctx context.Context, token string) error {
		return d.showUnsubscribe(ctx, c, token, "")
	})
}

// unsubscribe acts at once, without login, cookie or redirect (RFC 8058 §3.1), for the button of a mail
// program and for the page's own; scope=undo is the one that takes it back.
func (d *door) unsubscribe(c *fiber.Ctx) error {
	return d.inPage(c, func(ctx context.Context, token string) error {
		form, err := d.form(c)
		if err != nil {
			return err
		}
		scope := form.Get("scope")
		if scope == "undo" {
			if err := d.g.Resubscribe(ctx, token, d.clientIP(c)); err != nil {
				return err
			}
			return d.showUnsubscribe(ctx, c, token, "resubscribed")
		}
		if err := d.g.Unsubscribe(ctx, token, d.clientIP(c), scope == "all"); err != nil {
			return err
		}
		if scope == "all" {
			return d.showUnsubscribe(ctx, c, token, "unsubscribe.done.all")
		}
		return d.showUnsubscribe(ctx, c, token, "unsubscribe.done")
	})
}

// showUnsubscribe shows how it is now; done is what has just been done, or empty.
func (d *door) showUnsubscribe(ctx context.Context, c *fiber.Ctx, token, done string) error {
	p, err := d.g.UnsubscribePage(ctx, token)
	if err != nil {
		return err
	}
	v := view{Page: p, Heading: done, Saved: done != ""}
	switch {
	case v.Saved:
	case p.Needed:
		v.Heading = "unsubscribe.needed"
	case p.Done:
		v.Heading = "unsubscribe.already"
	default:
		v.Heading = "unsubscribe.ask"
	}
	return d.show(c, 200, "unsubscribe.html", v)
}

func (d *door) preferencesPage(c *fiber.Ctx) error {
	return d.inPage(c, func(ctx context.Context, token string) error {
		p, err := d.g.PreferencesPage(ctx, token)
		if err != nil {
			return err
		}
		return d.show(c, 200, "preferences.html", view{Page: p, Heading: "preferences.title"})
	})
}

func (d *door) savePreferences(c *fiber.Ctx) error {
	return d.inPage(c, func(ctx context.Context, token string) error {
		form, err := d.form(c)
		if err != nil {
			return err
		}
		if form.Get("form") != "preferences" { // whatever else comes here would read as a form without a tick
			return rapport.Errorf(rapport.CodeMalformed, "This is not the form of the page.")
		}
		if form.Has("none") {
			form = url.Values{}
		}
		if err := d.g.SavePreferences(ctx, token, d.clientIP(c), form); err != nil {
			return err
		}
		p, err := d.g.PreferencesPage(ctx, token)
		if err != nil {
			return err
		}
		return d.show(c, 200, "preferences.html", view{Page: p, Saved: true, Heading: "preferences.title"})
	})
}

func (d *door) confirmPage(c *fiber.Ctx) error {
	return d.inPage(c, func(ctx context.Context, token string) error {
		p, err := d.g.ConfirmPage(ctx, token)
		if err != nil {
			return err
		}
		return d.showConfirm(c, p)
	})
}

func (d *door) confirm(c *fiber.Ctx) error {
	return d.inPage(c, func(ctx context.Context, token string) error {
		p, err := d.g.ConfirmPage(ctx, token)
		if err != nil {
			return err
		}
		if err := d.g.Confirm(ctx, token, d.clientIP(c)); err != nil {
			return err
		}
		p.Done = true
		return d.showConfirm(c, p)
	})
}

func (d *door) showConfirm(c *fiber.Ctx, p gateway.Page) error {
	heading := "confirm.ask"
	if p.Done {
		heading = "confirm.done"
	}
	return d.show(c, 200, "confirm.html", view{Page: p, Heading: heading})
}

// click leads on to where a tracked link goes. The target stands in the database, never in the address.
func (d *door) click(c *fiber.Ctx) error {
	return d.inPage(c, func(ctx context.Context, token string) error {
		target, err := d.g.Click(ctx, token, c.Get("User-Agent"), fetched(c))
		if err != nil {
			return err
		}
		if u, err := url.Parse(target); err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "mailto" && u.Scheme != "tel" && u.Scheme != "tg" {
			return errors.New("a tracked link leads to something that is no link")
		}
		return c.Redirect(ascii(target), fiber.StatusFound)
	})
}

// ascii writes a link as a header can hold it (RFC 3986 §2.1): browsers do so with the links of a page, in
// which authors print values as they are.
func ascii(link string) string {
	var b strings.Builder
	for i := range len(link) {
		if c := link[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// pixel is what an open loads. It is always the same: whoever asks learns nothing from it.
func (d *door) pixel(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), 5*time.Second)
	defer cancel()
	if err := d.g.Open(ctx, unescape(c.Params("token")), c.Get("User-Agent"), fetched(c)); err != nil && rapport.CodeOf(err) != rapport.CodeNotFound {
		d.o.Log.Warn("an open was not noted", "error", err)
	}
	c.Set("Content-Type", "image/gif")
	c.Set("Cross-Origin-Resource-Policy", "cross-origin")
	return c.Send([]byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"))
}

// fetched is the method, or "PREFETCH" where the program says that nobody has asked for it yet:
// https://fetch.spec.whatwg.org/#sec-purpose-header and its older spellings.
func fetched(c *fiber.Ctx) string {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		if v := strings.ToLower(c.Get(name)); strings.Contains(v, "prefetch") || strings.Contains(v, "preview") || strings.Contains(v, "prerender") {
			return "PREFETCH"
		}
	}
	return c.Method()
}
