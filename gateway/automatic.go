package gateway

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rapport"
	"rapport/channels"
	"rapport/store"
	"rapport/templates"
)

// automatic is an answer that we give by ourselves.
type automatic string

const (
	stopped automatic = "stopped" // no more comes
	started automatic = "started" // it comes again
	help    automatic = "help"    // who we are and how to stop
	contact automatic = "contact" // offers the button that shares one's own number
	linked  automatic = "linked"  // the chat is the customer's now

	stoppedMail automatic = "stopped_mail" // the words of stopped by mail, where a stop is for marketing
)

// Replies are automatic answers by name (stopped, stopped_mail, started, help, contact, linked) and language (en, ru). {company} is the
// sender's name. What is missing is said in our own words.
type Replies map[string]map[string]string

var ownWords = map[automatic]map[string]string{
	stopped: {"en": "{company}: you are unsubscribed and will get no more messages here. To come back, reply START.",
		"ru": "{company}: вы отписаны, сообщений здесь больше не будет. Чтобы вернуться, ответьте СТАРТ."},
	stoppedMail: {"en": "{company}: you are unsubscribed and will get no more newsletters and offers by mail. We still write about your orders. To come back, reply START.",
		"ru": "{company}: вы отписаны, рассылок и предложений по почте больше не будет. О ваших заказах мы по-прежнему пишем. Чтобы вернуться, ответьте СТАРТ."},
	started: {"en": "{company}: you are subscribed again. To stop, reply STOP. For help, reply HELP.",
		"ru": "{company}: вы снова подписаны. Чтобы отписаться, ответьте СТОП. Справка: ПОМОЩЬ."},
	help: {"en": "{company}: to stop our messages, reply STOP. To ask us something, just write it here: a person reads it.",
		"ru": "{company}: чтобы отписаться, ответьте СТОП. Если есть вопрос, напишите его сюда: ответит человек."},
	contact: {"en": "{company}: hello! To let us know who you are, press the button below. It shares your phone number with us.",
		"ru": "{company}: здравствуйте! Чтобы мы узнали вас, нажмите кнопку внизу: она передаст нам ваш номер телефона."},
	linked: {"en": "{company}: thank you, we know you now.", "ru": "{company}: спасибо, теперь мы вас узнали."},
}

// shareButton is what the button of contact says.
var shareButton = map[string]string{"en": "Share my phone number", "ru": "Поделиться номером телефона"}

// patience is how long the same automatic answer is not given twice to one address. The offer of contact is made once, and
// the confirmation of a stop or a start whenever the last one said the opposite.
const patience = 24 * time.Hour

// mostReturns is how many starts of one address are confirmed within patience. That bounds the confirmed stops as well, one
// more, so that two machines do not play on, and the last that a person hears is not that they are subscribed when they are not.
const mostReturns = 4

// autoAnswer writes to whom a message came from, on its channel and in its thread: a message like any other, stored in the
// transaction of what it confirms, so that it is neither lost nor sent without it. Their own stop does not bind it, every
// other rule does. Nothing is written to a machine, to an address that is dead or has blocked us, where the provider has
// answered, nor what they know: mayAutoAnswer and told say.
func (g *Gateway) autoAnswer(ctx context.Context, s *store.Store, h heard, what automatic) ([]store.Batch, error) {
	if h.in.Auto != "" || h.in.Answered {
		return nil, nil
	}
	if told, err := g.told(ctx, s, h.from, what); err != nil || told {
		return nil, err
	}
	if may, err := g.mayAutoAnswer(ctx, s, h.in, h.from, string(what)); err != nil || !may {
		return nil, err
	}
	customer, err := s.Customer(ctx, h.from.Customer)
	if err != nil {
		return nil, err
	}
	language := languageFor(h.in, customer.Locale, g.set.DefaultLocale)
	words := what
	if what == stopped && h.in.Channel == rapport.Email {
		words = stoppedMail
	}
	content := Inline{InlineContent: templates.InlineContent{Subject: replySubject(h.in.Subject), Text: g.words(words, language)}, InReplyTo: h.in.ProviderID}
	if content.InReplyTo != "" {
		content.References = []string{content.InReplyTo}
	}
	if what == contact {
		content.Buttons = [][]channels.Button{{{Text: shareButton[language], Contact: true}}}
	}
	raw, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	c := &rapport.Campaign{ID: s.NewID(), Kind: rapport.KindOfSystem, Name: string(what), Purpose: rapport.Transactional, Inline: raw, Thread: h.thread.ID,
		Routing: rapport.Routing{Method: rapport.Preferred, Channels: []rapport.Channel{h.in.Channel}}, Status: rapport.CampaignFinished, Audience: 1, Planned: 1, CreatedAt: s.Now(), LaunchedAt: s.Now()}
	t := h.thread
	t.Customer, t.Address, t.Channel = h.from.Customer, h.from.ID, h.from.Channel
	if c.Sandbox, err = g.cameBySandbox(ctx, s, t.ID); err != nil {
		return nil, err
	}
	row, err := g.replyRow(ctx, s, c, t, h.in.Channel)
	if rapport.CodeOf(err) == rapport.CodeConflict {
		return nil, nil // they cannot be written to
	}
	if err != nil {
		return nil, err
	}
	if err := s.InsertCampaigns(ctx, c); err != nil {
		return nil, err
	}
	due, err := s.AddMessages(ctx, g.Worker(), []store.Row{row})
	if err != nil {
		return nil, err
	}
	return due, s.AddEntry(ctx, &rapport.Entry{Thread: h.thread.ID, Customer: h.from.Customer, Kind: rapport.Outbound, Channel: h.in.Channel, Text: content.Text, Author: g.set.Company.Name,
		Address: h.from.ID, Message: row.Message.ID, Aside: h.guest, Meta: detail("automatic", string(what))})
}

// told tells whether an address has heard an automatic answer already, and still knows what it said.
func (g *Gateway) told(ctx context.Context, s *store.Store, to rapport.Address, what automatic) (bool, error) {
	since := g.now().Add(-patience)
	switch what {
	case contact:
		since = time.Time{}
	case stopped, started:
		said, err := s.Said(ctx, to, []string{string(stopped), string(started)}, since)
		if err != nil {
			return false, err
		}
		returns := 0
		for _, name := range said {
			if name == string(started) {
				returns++
			}
		}
		return len(said) > 0 && said[0] == string(what) || what == started && returns >= mostReturns, nil
	}
	said, err := s.Said(ctx, to, []string{string(what)}, since)
	return len(said) > 0, err
}

// overtaken tells whether a message confirms a stop or a start that does not stand any more: it waited for a provider, and
// the last word that the person hears of us must be true.
func overtaken(c *rapport.Campaign, x *rapport.Suppression) bool {
	if c.Kind != rapport.KindOfSystem {
		return false
	}
	stands := x != nil && x.Reason == rapport.ReasonStop
	switch automatic(c.Name) {
	case stopped:
		return !stands
	case started:
		return stands
	}
	return false
}

// words are what an automatic answer says. Without a name nothing stands before it.
func (g *Gateway) words(what automatic, language string) string {
	text := g.set.Replies[string(what)][language]
	if strings.TrimSpace(text) == "" {
		text = ownWords[what][language]
	}
	if rest, ok := strings.CutPrefix(text, "{company}: "); ok && rest != "" && g.set.Company.Name == "" {
		first, size := utf8.DecodeRuneInString(rest)
		text = string(unicode.ToUpper(first)) + rest[size:]
	}
	return strings.ReplaceAll(text, "{company}", g.set.Company.Name)
}

// languageFor is en or ru: that of the words, where they are Russian, which one letter shows that looks like no Latin one
// (СTOП); else the customer's, what the channel tells, the
// installation's.
func languageFor(in *channels.Incoming, locales ...string) string {
	letters := 0 // Cyrillic ones less the others
	for _, r := range in.Text {
		if unicode.Is(unicode.Cyrillic, r) {
			if small := string(unicode.ToLower(r)); lookalikes.Replace(small) == small {
				return "ru"
			}
			letters++
		} else if unicode.IsLetter(r) {
			letters--
		}
	}
	if letters > 0 {
		return "ru"
	}
	for _, l := range []string{locales[0], in.Locale, locales[1]} {
		if l != "" {
			if strings.EqualFold(languageOf(l), "ru") {
				return "ru"
			}
			return "en"
		}
	}
	return "en"
}

// hints says that batches are due.
func (g *Gateway) hints(due []store.Batch) {
	for _, b := range due {
		g.hint(Wake{Batch: b.ID, Lane: b.Lane})
	}
}
