package templates

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/templates/liquid"
)

// Input is what one rendering is given.
type Input struct {
	Locale        string         // the customer's
	DefaultLocale string         // when the template does not speak that
	Zone          *time.Location // the customer's: dates are shown in it; nil leaves them as they come
	Now           time.Time      // zero: the clock
	Vars          map[string]any // customer, data, campaign; not changed
	URLs          URLs
	Track         *Tracking // nil: nothing is tracked
	Company       Company
	Marketing     bool  // an email without an unsubscribe link gets a footer with one
	Room          *Room // nil: what comes out has memory of its own
}

// Room is memory for what Render returns, which stands in it until Reset: who renders one message after the other
// spares the garbage of a mail's pieces.
type Room struct {
	segments []channels.Segment
	text     []byte
	rendered Rendered
}

// mostRoom is how many bytes of either kind are kept.
const mostRoom = 16 << 10

// Reset gives up what was rendered into r.
func (r *Room) Reset() {
	if cap(r.segments)*32 > mostRoom || cap(r.text) > mostRoom {
		*r = Room{}
	}
	clear(r.segments)
	clear(r.text)
	r.segments, r.text, r.rendered = r.segments[:0], r.text[:0], Rendered{}
}

// URLs of this message's own doors, as unsubscribe_url, preferences_url, link_telegram_url and reply_url.
type URLs struct{ Unsubscribe, Preferences, LinkTelegram, Reply string }

// Company is who sends, as company.name and company.postal_address.
type Company struct{ Name, PostalAddress string }

// Rendered is a message ready to be sent.
type Rendered struct {
	Locale string // of the variant that was chosen; the customer's when it is for every language
	// Key is for channels.Outgoing: equal keys mean equal static segments at equal places. Empty: promises
	// nothing.
	Key         string
	Subject     channels.Part
	Preheader   string
	Text        channels.Part
	HTML        channels.Part
	Body        channels.Part
	Headers     []channels.Header
	Buttons     [][]channels.Button
	Attachments []string // fil_ ids
	SMS         SMSCount // on SMS
	Links       []string // with Track: the tracked targets, in the order in which Click counts them
}

// scratch is the data of one rendering, kept for the next.
type scratch struct{ data, company map[string]any }

// Render fills in the variant for a channel and the customer's locale. The error is a *rapport.Error
// whose field says which text could not be rendered and why.
func (t *Template) Render(ch rapport.Channel, in Input) (*Rendered, error) {
	v := pick(t.variants[ch], in.Locale, in.DefaultLocale)
	if v == nil {
		return nil, &rapport.Error{Code: rapport.CodeInvalid, Message: "The template has no variant for " + string(ch) + "."}
	}
	if v.fixed != nil {
		if err := tooLong(ch, v.fixed.Text); err != nil {
			return nil, unrendered("text", err)
		}
		out := *v.fixed
		out.Locale = in.Locale
		return &out, nil
	}
	s, _ := t.scratch.Get().(*scratch)
	if s == nil {
		s = &scratch{make(map[string]any, 8), make(map[string]any, 2)}
	}
	out, err := v.render(&in, s.fill(&in))
	clear(s.data) // keeps no customer's data alive
	t.scratch.Put(s)
	return out, err
}

func (s *scratch) fill(in *Input) map[string]any {
	for k, v := range in.Vars {
		s.data[k] = v
	}
	set := func(m map[string]any, name, value string) {
		if value == "" {
			delete(m, name)
		} else if old, _ := m[name].(string); old != value { // the company stays the same
			m[name] = value
		}
	}
	set(s.data, "unsubscribe_url", in.URLs.Unsubscribe)
	set(s.data, "preferences_url", in.URLs.Preferences)
	set(s.data, "link_telegram_url", in.URLs.LinkTelegram)
	set(s.data, "reply_url", in.URLs.Reply)
	set(s.company, "name", in.Company.Name)
	set(s.company, "postal_address", in.Company.PostalAddress)
	s.data["company"] = s.company
	return s.data
}

func (v *variant) render(in *Input, data map[string]any) (*Rendered, error) {
	r := rendering{room: in.Room, data: data, run: liquid.Run{Now: in.Now, Zone: in.Zone, Locale: wording(v.locale, in.Locale)}}
	var out *Rendered
	if in.Room != nil {
		out = &in.Room.rendered
	} else {
		out = new(Rendered)
	}
	out.Locale, out.Attachments = v.locale, v.attachments
	if out.Locale == "" {
		out.Locale = in.Locale
	}
	text, html, tracked, plain, following := v.text, v.html, v.tracked, &v.plain, &v.following
	if f := v.footer; in.Marketing && f != nil {
		f = f.as(in)
		text, html, tracked, plain, following = f.text, f.html, f.tracked, &f.plain, &f.following
	}
	out.Subject = r.line("subject", v.subject)
	if v.preheader != nil {
		out.Preheader = r.string("preheader", v.preheader)
	}
	switch {
	case in.Track != nil && tracked != nil:
		out.HTML, out.Links = in.follow(r.part("html", tracked))
	case html != nil:
		out.HTML = r.part("html", html)
	}
	// After the HTML: a text made of it fails where it does, and that is where the author can look.
	out.Text = r.part("text", text)
	if err := tooLong(v.channel, out.Text); err != nil {
		r.fail("text", err)
	}
	if v.body != nil && r.err == nil {
		var err error
		if out.Body, err = v.body.render(data, r.run); err != nil {
			r.fail("body", err)
		}
	}
	for _, h := range v.headers {
		out.Headers = append(out.Headers, channels.Header{Name: h.name, Value: r.line("headers."+h.name, h.value).String()})
	}
	out.Buttons = r.buttons(v.buttons)
	if r.err != nil {
		return nil, r.err
	}
	switch v.channel {
	case rapport.Email, rapport.Webhook:
		if in.Track != nil && tracked != nil {
			plain = following
		}
		out.Key = plain.of(out.Text, out.HTML, out.Body)
	case rapport.SMS:
		var c smsCounter
		for i := range out.Text {
			c.add(string(out.Text[i].Bytes))
		}
		out.SMS = c.count()
	}
	return out, nil
}

// rendering runs the texts of one message, up to the first error.
type rendering struct {
	room *Room // nil: none
	data map[string]any
	run  liquid.Run
	err  error
}

func (r *rendering) fail(field string, err error) {
	if r.err == nil {
		r.err = unrendered(field, err)
	}
}

func unrendered(field string, err error) *rapport.Error {
	return &rapport.Error{Code: rapport.CodeInvalid, Message: "The template cannot be rendered.", Cause: err,
		Fields: []rapport.FieldError{{Path: field, Message: err.Error()}}}
}

func (r *rendering) part(field string, t *liquid.Template) channels.Part {
	if t == nil || r.err != nil {
		return nil
	}
	var p channels.Part
	var err error
	if m := r.room; m == nil {
		p, err = partOf(t, r.data, r.run)
	} else {
		n := len(m.segments)
		m.segments, m.text, err = liquid.AppendPieces(m.segments, m.text, t, r.data, r.run, segment)
		if k := len(m.segments); k > n {
			p = m.segments[n:k:k]
		}
	}
	if err != nil {
		r.fail(field, err)
	}
	return p
}

func segment(b []byte, static bool) channels.Segment {
	return channels.Segment{Bytes: b, Static: static}
}

// partOf is nil when nothing came out.
func partOf(t *liquid.Template, data map[string]any, run liquid.Run) (channels.Part, error) {
	p, err := liquid.Pieces(t, data, run, segment)
	if len(p) == 0 {
		return nil, err
	}
	return p, err
}

func (r *rendering) string(field string, t *liquid.Template) string {
	if t == nil || r.err != nil {
		return ""
	}
	s, err := t.Render(r.data, r.run)
	if err != nil {
		r.fail(field, err)
	}
	return s
}

// line renders what goes into a header, where a line break would begin another one.
func (r *rendering) line(field string, t *liquid.Template) channels.Part {
	part := r.part(field, t)
	for i := range part {
		for _, c := range part[i].Bytes {
			if c == '\r' || c == '\n' || c == 0 {
				r.fail(field, errors.New("came out with a line break or a NUL in it (remove it with | strip_newlines)"))
				return nil
			}
		}
	}
	return part
}

// buttons leaves out a button whose text comes out empty, and a row without buttons.
func (r *rendering) buttons(rows [][]button) [][]channels.Button {
	var out [][]channels.Button
	for i, row := range rows {
		var shown []channels.Button
		for j, b := range row {
			made := channels.Button{Text: strings.TrimSpace(r.string("buttons", b.text))}
			if made.Text == "" {
				continue
			}
			if made.Contact = b.contact; made.Contact {
				shown = append(shown, made)
				continue
			}
			made.URL = strings.TrimSpace(r.string("buttons", b.url))
			made.Data = r.string("buttons", b.data)
			if name, err := checkButton(made, b.url != nil); err != nil {
				r.fail(fmt.Sprintf("buttons[%d][%d].%s", i, j, name), err)
			}
			shown = append(shown, made)
		}
		if len(shown) > 0 {
			out = append(out, shown)
		}
	}
	return out
}

// checkButton says what is wrong with a button, and with which field of it.
func checkButton(b channels.Button, link bool) (field string, err error) {
	switch {
	case link && !buttonURL(b.URL):
		return "url", fmt.Errorf("%.80q is not a URL of http, https or tg", b.URL)
	case !link && (b.Data == "" || len(b.Data) > mostButtonData):
		return "data", fmt.Errorf("has %d bytes, needs 1 to %d", len(b.Data), mostButtonData)
	}
	return "", nil
}
