package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rapport"
	"rapport/store"
)

// mail makes an answer part of the conversation as mail programs see it: by its headers (RFC 5322 §3.6.4), by its
// subject, which Gmail compares, and by the sender, who is the mailbox that the customer wrote to.
func (g *Gateway) mail(ctx context.Context, s *store.Store, c *rapport.Campaign, t rapport.Thread, w wording, out *Inline) error {
	all, err := s.LastSaid(ctx, t.ID, chain)
	if err != nil {
		return err
	}
	if len(all) == chain { // the first of a long conversation belongs to its References too
		first, err := s.SaidAfter(ctx, t.ID, 0, 1)
		if err != nil {
			return err
		}
		if first[0].ID != all[chain-1].ID {
			all = append(all, first...)
		}
	}
	all = slices.DeleteFunc(all, func(e rapport.Entry) bool { return e.Channel != rapport.Email })
	if own := replySubject(t.Subject); own != "" {
		out.Subject = own
	}
	if w.begins {
		out.Subject = t.Subject
	}
	mailbox := ""
	for _, e := range all { // who answered to a token of ours names none
		if mailbox == "" && theirs(e) && !e.Aside {
			if mailbox, err = g.wroteTo(ctx, s, c, e); err != nil {
				return err
			}
		}
	}
	c.From = g.mailFrom(c, mailbox, w.agent, w.in.ShowAgent)
	if w.forwarded != nil {
		return g.passOn(ctx, s, t, w.forwarded, out)
	}
	// With somebody else we go on where we left them, and nobody is told what was said to others.
	aside := len(w.others.To) > 0
	heard := slices.DeleteFunc(all, func(e rapport.Entry) bool { return e.Aside != aside || aside && e.Address != w.to.Address })
	sent, err := s.AnswerStates(ctx, heard)
	if err != nil {
		return err
	}
	if out.References = references(heard, sent); len(out.References) > 0 {
		out.InReplyTo = out.References[len(out.References)-1]
	}
	last := slices.IndexFunc(heard, func(e rapport.Entry) bool { return theirs(e) && !e.Idle() }) // nobody answers a report, an absence or a STOP
	if last < 0 || w.in.Quote != nil && !*w.in.Quote {
		return nil
	}
	customer, err := s.Customer(ctx, w.to.Customer)
	if err != nil {
		return err
	}
	address, err := addressOf(ctx, s, heard[last].Address)
	if err != nil {
		return err
	}
	g.quote(&heard[last], customer, address.Value, out)
	return nil
}

// theirs tells whether somebody wrote to us.
func theirs(e rapport.Entry) bool { return e.Kind == rapport.Inbound }

// chain is how many of the newest entries an answer refers to, besides the first. The driver bounds the header.
const chain = 40

// references are the ids of what was said by mail, oldest first; the last one is what is answered. Ours stand there by
// their token, which the driver completes. What did not arrive is not referred to.
func references(newestFirst []rapport.Entry, sent map[rapport.ID]store.Delivery) []string {
	var out []string
	add := func(id string) {
		if id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	for _, e := range slices.Backward(newestFirst) {
		switch {
		case e.Kind == rapport.Inbound:
			if e.MatchedBy != "latest" { // a guess; the customer's own mail does not refer to it
				add(rapport.KindMessage.Format(e.Answers.Message))
			}
			add(e.ProviderID)
		case slices.Contains([]rapport.State{rapport.Sent, rapport.Delivered, rapport.Doubtful, rapport.Unknown}, sent[e.Message].State):
			add(rapport.KindMessage.Format(e.Message))
		}
	}
	return out
}

// replyWords are what mail programs put before the subject of an answer, in lower case.
var replyWords = []string{"re", "aw", "antw", "sv", "vs", "odp", "ref", "rif", "res", "ynt", "atb", "vá", "ατ", "απ", "ответ", "отв", "на", "відп", "回复", "答复", "回覆", "답장", "返信"}

// replySubject is the subject of the conversation with one Re: before it.
func replySubject(s string) string {
	base := strings.TrimSpace(s)
	for {
		colon := strings.IndexAny(base, ":：")
		if colon < 0 {
			break
		}
		word := strings.ToLower(strings.TrimSpace(base[:colon]))
		if i := strings.IndexAny(word, "[("); i > 0 { // Re[2]:
			if strings.Trim(word[i:], "[]()0123456789") != "" {
				break
			}
			word = word[:i]
		}
		if !slices.Contains(replyWords, word) {
			break
		}
		_, size := utf8.DecodeRuneInString(base[colon:])
		base = strings.TrimSpace(base[colon+size:])
	}
	if base == "" {
		return ""
	}
	return "Re: " + base
}

// yourMessages are what the subject of an answer speaks of where there is no other, by language.
var yourMessages = map[string]string{"en": "your message", "de": "Ihre Nachricht", "fr": "votre message", "es": "su mensaje", "it": "il suo messaggio", "pt": "a sua mensagem",
	"nl": "uw bericht", "pl": "Państwa wiadomość", "ru": "ваше сообщение", "uk": "ваше повідомлення", "lv": "jūsu ziņa", "lt": "jūsų žinutė", "et": "teie sõnum"}

// subjectFor is the subject of a mail in a thread that has none: that of the mail of ours that the customer answered, else
// words in the customer's language. It is found before the answer's transaction, which must not need another connection.
func (g *Gateway) subjectFor(ctx context.Context, thread rapport.ID, in ReplyInput) (string, error) {
	t, err := g.Store.Thread(ctx, thread)
	if err != nil {
		return "", err
	}
	if in.Channel == "" && t.Channel != rapport.Email || in.Channel != "" && in.Channel != rapport.Email || replySubject(t.Subject) != "" {
		return "", nil
	}
	said, err := g.Store.LastInbound(ctx, t.ID, rapport.Email, chain)
	if err != nil {
		return "", err
	}
	for _, e := range said {
		if e.Aside { // its subject is of a mail that the customer has never had
			continue
		}
		m, err := known(ctx, g.Store, e.Answers.Message)
		if err != nil {
			return "", err
		}
		if m == nil || m.Channel != rapport.Email {
			continue
		}
		shown, err := g.Shown(ctx, *m)
		if err != nil || shown == nil {
			continue // its words were erased, or cannot be read any more
		}
		if subject := replySubject(shown.Subject.String()); subject != "" {
			return subject, nil
		}
	}
	customer, err := g.Store.Customer(ctx, t.Customer)
	if err != nil {
		return "", err
	}
	locale := customer.Locale
	if locale == "" {
		locale = g.set.DefaultLocale
	}
	words, ok := yourMessages[languageOf(locale)]
	if !ok {
		words = yourMessages["en"]
	}
	return "Re: " + words, nil
}

// wroteTo is our mailbox that an entry came to, or that the campaign which it answers came from; "": not known.
func (g *Gateway) wroteTo(ctx context.Context, s *store.Store, c *rapport.Campaign, e rapport.Entry) (string, error) {
	var m struct{ To string }
	if json.Unmarshal(e.Meta, &m) == nil && m.To != "" && !ownRobot(m.To) {
		return m.To, nil
	}
	if e.Answers.Campaign == 0 {
		return "", nil
	}
	answered, err := s.Campaign(ctx, e.Answers.Campaign)
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		return "", nil
	}
	return answered.From, err
}

// ownRobot tells the addresses that carry a token from those of people.
func ownRobot(address string) bool {
	local, _, _ := strings.Cut(strings.ToLower(address), "+")
	return strings.Contains(address, "+") && (local == "reply" || local == "bounce")
}

// mailFrom is From: the mailbox, if it is of the domain that the provider sends for, else the provider's own (""
// unless the agent is to be named).
func (g *Gateway) mailFrom(c *rapport.Campaign, mailbox, agent string, named bool) string {
	route := g.Hub.Route(rapport.Email, c.Sandbox)
	if len(route) == 0 {
		return ""
	}
	text, _ := route[0].Entry().Settings["from"].(string)
	own, err := mail.ParseAddress(text)
	if err != nil {
		return ""
	}
	from := *own
	if to, err := mail.ParseAddress(mailbox); err == nil && strings.EqualFold(domainOf(to.Address), domainOf(own.Address)) {
		from.Address = to.Address
		if to.Name != "" {
			from.Name = to.Name
		}
	}
	if named {
		from.Name = agent
	}
	if from == *own {
		return ""
	}
	return from.String()
}

func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// Of a long message this much is quoted.
const (
	quotedLines = 500
	quotedBytes = 20_000
)

// quote puts the customer's message below the answer. Who has no name is called by their address.
func (g *Gateway) quote(e *rapport.Entry, customer *rapport.Customer, address string, out *Inline) {
	text := strings.TrimSpace(e.Text)
	if text == "" {
		return
	}
	who := e.Author
	if who == "" {
		who = customer.Name
	}
	if who == "" {
		who = address
	}
	if who == "" {
		who = "-"
	}
	at := e.CreatedAt
	if loc, err := zone(customer.Timezone); err == nil && customer.Timezone != "" {
		at = at.In(loc)
	} else if g.set.DefaultZone != nil {
		at = at.In(g.set.DefaultZone)
	}
	locale := customer.Locale
	if locale == "" {
		locale = g.set.DefaultLocale
	}
	line := attribution(languageOf(locale), at, strings.Join(strings.Fields(who), " "))
	text = beginning(text)
	if out.Text != "" || out.HTML == "" {
		var b strings.Builder
		fmt.Fprintf(&b, "%s\n\n%s\n", strings.TrimRight(out.Text, " \n"), line)
		for l := range strings.SplitSeq(text, "\n") {
			b.WriteString(">")
			if l = strings.TrimRight(l, " \r\t"); l != "" && l[0] != '>' {
				b.WriteByte(' ')
			}
			b.WriteString(l)
			b.WriteByte('\n')
		}
		out.Text = strings.TrimLeft(b.String(), "\n")
	}
	if out.HTML != "" {
		inside := cleanHTML(e.HTML)
		if inside == "" || len(inside) > 10*quotedBytes {
			inside = strings.ReplaceAll(html.EscapeString(text), "\n", "<br>\n")
		}
		out.HTML += "\n<p>" + html.EscapeString(line) + "</p>\n<blockquote type=\"cite\" style=\"margin: 0 0 0 8px; padding: 0 0 0 8px; border: 0\">" + inside + "</blockquote>"
	}
}

// beginning cuts a text to what is quoted of it.
func beginning(text string) string {
	cut := false
	if len(text) > quotedBytes {
		n := quotedBytes
		for !utf8.RuneStart(text[n]) {
			n--
		}
		text, cut = text[:n], true
	}
	lines := strings.Split(text, "\n")
	if len(lines) > quotedLines {
		lines, cut = lines[:quotedLines], true
	}
	if cut {
		lines = append(lines, "[…]")
	}
	return strings.Join(lines, "\n")
}

// attributions are the lines that introduce a quotation, by language, as mail programs write them, so that others fold
// the quotation away. %s is the time, then the name.
var attributions = map[string]struct{ layout, line string }{
	"en": {"Mon, 2 Jan 2006 at 15:04", "On %s, %s wrote:"},
	"de": {"02.01.2006 um 15:04", "Am %s schrieb %s:"},
	"fr": {"02/01/2006 à 15:04", "Le %s, %s a écrit :"},
	"es": {"02/01/2006 a las 15:04", "El %s, %s escribió:"},
	"it": {"02/01/2006 15:04", "Il %s, %s ha scritto:"},
	"pt": {"02/01/2006 15:04", "Em %s, %s escreveu:"},
	"nl": {"02-01-2006 om 15:04", "Op %s schreef %s:"},
	"pl": {"02.01.2006 o 15:04", "W dniu %s, %s pisze:"},
	"ru": {"02.01.2006 15:04", "%s, %s пишет:"},
	"uk": {"02.01.2006 15:04", "%s, %s пише:"},
}

func attribution(language string, at time.Time, who string) string {
	a, ok := attributions[language]
	if !ok {
		a = attributions["en"]
	}
	return fmt.Sprintf(a.line, at.Format(a.layout), who)
}
