package gateway

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"rapport"
	"rapport/store"
)

// Page is what the pages without a login show. They name no customer: whoever has the link sees only what
// the link is about.
type Page struct {
	Locale  string
	Company string
	Topic   string // its title, or its key; see In
	Channel rapport.Channel
	Done    bool // already unsubscribed
	// Needed: the message is transactional and cannot be unsubscribed from.
	Needed bool
	// Undo: what was unsubscribed by this link can be taken back by it.
	Undo bool
	// Choose is the address of the preference page, from the page of unsubscribing.
	Choose string
	Rows   []PageRow
	Form   string // of the page of an answer: what makes one form of it another than the next
	Closed bool   // of the page of an answer: it takes none any more
	// Telegram is a link that makes a Telegram chat the customer's, once; empty: they have one, or there is no bot.
	Telegram string

	about rapport.Topic // what Topic is a title of
	house string        // the default locale
}

// In is the page for who reads it in a language: where the customer has said none, topics are called as the page speaks.
func (p Page) In(language string) Page {
	name := func(t rapport.Topic) string { return title(t, p.Locale, language, p.house, "en") }
	if p.about.Key != "" {
		p.Topic = name(p.about)
	}
	p.Rows = slices.Clone(p.Rows)
	for i, r := range p.Rows {
		p.Rows[i].Title = name(r.topic)
	}
	slices.SortFunc(p.Rows, func(a, b PageRow) int { return strings.Compare(a.Title, b.Title) })
	return p
}

// PageRow is one topic of the preference page.
type PageRow struct {
	Key      string
	Title    string
	Channels []PageChoice

	topic rapport.Topic
}

// PageChoice is one checkbox: name is "<topic>.<channel>".
type PageChoice struct {
	Channel rapport.Channel
	On      bool
}

// letter is what a page's token leads to.
type letter struct {
	message  rapport.Message
	campaign *rapport.Campaign
	customer *rapport.Customer
}

func (g *Gateway) letter(ctx context.Context, use, token string) (l letter, err error) {
	id, _, ok := g.readToken(use, token)
	if !ok {
		return l, rapport.NotFound("page")
	}
	if l.message, err = g.Store.Message(ctx, id); err != nil {
		return l, err
	}
	if l.campaign, err = g.Store.Campaign(ctx, l.message.Campaign); err != nil {
		return l, err
	}
	l.customer, err = g.Store.Customer(ctx, l.message.Customer)
	return l, err
}

func (g *Gateway) page(ctx context.Context, l letter) (Page, error) {
	return g.pageOf(ctx, l.customer, l.message.Channel, l.campaign.Topic)
}

func (g *Gateway) pageOf(ctx context.Context, cu *rapport.Customer, c rapport.Channel, topic string) (Page, error) {
	p := Page{Locale: cu.Locale, Company: g.set.Company.Name, Channel: c, Topic: topic, house: g.set.DefaultLocale}
	var err error
	if p.about, err = g.Store.Topic(ctx, topic); err != nil && rapport.CodeOf(err) != rapport.CodeNotFound {
		return p, err
	}
	return p, nil
}

// title is what a topic is called in the first of the locales that it has a title in, else in any, else its key.
func title(t rapport.Topic, locales ...string) string {
	for _, locale := range locales {
		for _, k := range []string{locale, languageOf(locale)} {
			if v := t.Title[k]; v != "" {
				return v
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(t.Title)) {
		if v := t.Title[k]; v != "" {
			return v
		}
	}
	return t.Key
}

func languageOf(locale string) string {
	for i, r := range locale {
		if r == '-' || r == '_' {
			return locale[:i]
		}
	}
	return locale
}

// UnsubscribePage says what a POST to the same address would end. It changes nothing.
func (g *Gateway) UnsubscribePage(ctx context.Context, token string) (Page, error) {
	l, err := g.letter(ctx, useUnsubscribe, token)
	if err != nil {
		return Page{}, err
	}
	p, err := g.page(ctx, l)
	if err != nil {
		return p, err
	}
	p.Choose = g.link("/p/", usePreferences, l.message.ID, 0)
	if p.Needed = l.campaign.Purpose != rapport.Marketing; p.Needed {
		return p, nil
	}
	back, err := g.undone(ctx, g.Store, l)
	if err != nil {
		return p, err
	}
	p.Undo = len(back) > 0
	profiles, err := g.Store.Profiles(ctx, []rapport.ID{l.customer.ID}, rapport.Marketing, l.campaign.Topic)
	if err != nil {
		return p, err
	}
	if prof := profiles[l.customer.ID]; prof != nil {
		p.Done = len(prof.Facts) > 0
		for _, a := range prof.Facts {
			p.Done = p.Done && a.Consent == rapport.ConsentWithdrawn
		}
	}
	return p, nil
}

// Unsubscribe withdraws consent for the message's topic (every: for all marketing), on each channel that the
// customer has: whoever is tired of a topic in the mailbox does not want it on the phone instead. The
// preference page is the place for finer choices. Doing it again changes nothing more and is no error (RFC 8058 §3.1). NotFound: the message is
// transactional, and nothing was changed. It binds what is queued, because
// the addresses' epoch moves in the same transaction.
func (g *Gateway) Unsubscribe(ctx context.Context, token, ip string, every bool) error {
	l, err := g.letter(ctx, useUnsubscribe, token)
	if err != nil {
		return err
	}
	if l.campaign.Purpose != rapport.Marketing {
		return rapport.NotFound("subscription")
	}
	topic := l.campaign.Topic
	if every {
		topic = ""
	}
	return g.Store.Tx(ctx, func(s *store.Store) error {
		var consents []rapport.Consent
		for _, c := range rapport.Channels {
			if c == l.message.Channel || slices.ContainsFunc(l.customer.Addresses, func(a rapport.Address) bool { return a.Channel == c }) {
				consents = append(consents, rapport.Consent{Customer: l.customer.ID, Channel: c, Purpose: rapport.Marketing, Topic: topic, Granted: false,
					Source: unsubscribeLink, Proof: rapport.KindMessage.Format(l.message.ID), IP: ip, Message: l.message.ID, At: g.now()})
			}
		}
		if err := s.AddConsents(ctx, consents); err != nil {
			return err
		}
		_, err := s.Engage(ctx, g.Worker(), l.message.ID, rapport.Unsubscribed, false)
		return err
	})
}

// PreferencesPage lists the topics that people can choose, with the customer's choices by channel.
func (g *Gateway) PreferencesPage(ctx context.Context, token string) (Page, error) {
	l, err := g.letter(ctx, usePreferences, token)
	if err != nil {
		return Page{}, err
	}
	p, err := g.page(ctx, l)
	if err != nil {
		return p, err
	}
	topics, err := g.Store.Topics(ctx)
	if err != nil {
		return p, err
	}
	channels := map[rapport.Channel]bool{}
	for _, a := range l.customer.Addresses {
		channels[a.Channel] = true
	}
	if !channels[rapport.Telegram] {
		p.Telegram = g.telegramLink(l.message.ID)
	}
	for _, t := range topics {
		if t.Policy == rapport.NoPolicy {
			continue
		}
		row := PageRow{Key: t.Key, topic: t}
		profiles, err := g.Store.Profiles(ctx, []rapport.ID{l.customer.ID}, rapport.Marketing, t.Key)
		if err != nil {
			return p, err
		}
		for _, c := range rapport.Channels {
			if c == rapport.Webhook || !channels[c] {
				continue
			}
			row.Channels = append(row.Channels, PageChoice{Channel: c, On: wants(profiles[l.customer.ID], c, t.Policy)})
		}
		if len(row.Channels) > 0 {
			p.Rows = append(p.Rows, row)
		}
	}
	return p, nil
}

// wants tells whether marketing of a topic would reach the customer on a channel, as far as their own
// choices go.
func wants(p *store.Profile, c rapport.Channel, policy rapport.Policy) bool {
	if p == nil {
		return false
	}
	for _, a := range p.Facts {
		if a.Channel == c {
			off := a.Preference != nil && !*a.Preference
			return !off && a.Consent != rapport.ConsentWithdrawn && (policy == rapport.OptOut || a.Consent == rapport.ConsentGranted)
		}
	}
	return false
}

// SavePreferences takes the form of the preference page: a checked box is "<topic>.<channel>=on". What
// changed is written as consent, with the message as proof, and as preference.
func (g *Gateway) SavePreferences(ctx context.Context, token, ip string, form url.Values) error {
	l, err := g.letter(ctx, usePreferences, token)
	if err != nil {
		return err
	}
	p, err := g.PreferencesPage(ctx, token)
	if err != nil {
		return err
	}
	var consents []rapport.Consent
	var prefs []rapport.Preference
	for _, row := range p.Rows {
		for _, c := range row.Channels {
			on := form.Get(row.Key+"."+string(c.Channel)) != ""
			if on == c.On {
				continue
			}
			consents = append(consents, rapport.Consent{Customer: l.customer.ID, Channel: c.Channel, Purpose: rapport.Marketing, Topic: row.Key, Granted: on,
				Source: "preference_page", Proof: rapport.KindMessage.Format(l.message.ID), IP: ip, Message: l.message.ID, At: g.now()})
			prefs = append(prefs, rapport.Preference{Topic: row.Key, Channel: c.Channel, Enabled: on})
		}
	}
	if len(consents) == 0 {
		return nil
	}
	return g.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.AddConsents(ctx, consents); err != nil {
			return err
		}
		return s.SetPreferences(ctx, l.customer.ID, prefs)
	})
}

// confirmKind is the links of double opt-in.
const confirmKind = "confirm"

// AskConsent starts a double opt-in: the consent is kept aside, and a message with data.confirm_url goes
// to the customer. Only the POST behind that link makes it a consent.
func (g *Gateway) AskConsent(ctx context.Context, by Caller, customer rapport.ID, c rapport.Consent, template string) (SendResult, error) {
	token := randomToken()
	c.Customer = customer
	payload, err := json.Marshal(c)
	if err != nil {
		return SendResult{}, err
	}
	if err := g.Store.CreateLinks(ctx, []store.Link{{Token: token, Kind: confirmKind, Customer: customer, Payload: string(payload), ExpiresAt: g.now().Add(7 * 24 * time.Hour)}}); err != nil {
		return SendResult{}, err
	}
	in := SendInput{SendSpec: SendSpec{Name: "double opt-in", Purpose: rapport.Transactional, Template: template, Data: map[string]any{"confirm_url": g.set.PublicURL + "/confirm/" + token},
		Routing: &RoutingInput{Channels: []rapport.Channel{c.Channel}}}, To: &RecipientInput{CustomerInput: CustomerInput{ID: rapport.KindCustomer.Format(customer)}}}
	res, _, err := g.SubmitMessage(ctx, by, in, nil)
	return res, err
}

// ConfirmPage says what a POST would confirm; it changes nothing.
func (g *Gateway) ConfirmPage(ctx context.Context, token string) (Page, error) {
	l, err := g.Store.Link(ctx, confirmKind, token)
	if err != nil {
		return Page{}, err
	}
	if l.ExpiresAt.Before(g.now()) {
		return Page{}, rapport.NotFound("page")
	}
	var c rapport.Consent
	if err := json.Unmarshal([]byte(l.Payload), &c); err != nil {
		return Page{}, err
	}
	cu, err := g.Store.Customer(ctx, l.Customer)
	if err != nil {
		return Page{}, err
	}
	return g.confirmation(ctx, cu, c, !l.UsedAt.IsZero())
}

func (g *Gateway) confirmation(ctx context.Context, cu *rapport.Customer, c rapport.Consent, done bool) (Page, error) {
	p, err := g.pageOf(ctx, cu, c.Channel, c.Topic)
	p.Done = done
	return p, err
}

// Confirm turns what was asked into a consent, once, with the click as proof.
func (g *Gateway) Confirm(ctx context.Context, token, ip string) error {
	return g.Store.Tx(ctx, func(s *store.Store) error {
		l, err := s.Link(ctx, confirmKind, token)
		if err != nil || !l.UsedAt.IsZero() {
			return err // a second click on the same button is no error
		}
		if l, err = s.UseLink(ctx, confirmKind, token); err != nil {
			return err
		}
		var c rapport.Consent
		if err := json.Unmarshal([]byte(l.Payload), &c); err != nil {
			return err
		}
		c.ID, c.Customer, c.Granted, c.IP, c.At = 0, l.Customer, true, ip, g.now()
		c.Source, c.Proof = "double_opt_in", "confirmed from the link sent to the address; first asked by "+c.Source
		return s.AddConsents(ctx, []rapport.Consent{c})
	})
}
