package gateway_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rapport"
	"rapport/channels"
	"rapport/channels/sandbox"
	"rapport/channels/telegram"
	"rapport/channels/telegram/telegramtest"
	"rapport/gateway"
	"rapport/store"
	"rapport/store/storetest"
	"rapport/templates"
)

// bot is a world with the real Telegram driver and a strict stand-in for Telegram.
type bot struct {
	*world
	fake *telegramtest.Fake
}

func withBot(t *testing.T, fn func(*testing.T, *bot)) {
	t.Helper()
	run := func(name, url string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bot{newWorld(t, url), telegramtest.New("987654:The-token")}
			api, stop, err := b.fake.Start()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(stop)
			b.hub = channels.NewHub([]channels.Driver{sandbox.Driver(b.box), telegram.Driver, b.sms.driver("smsish", rapport.SMS, channels.Caps{}), b.email.driver("mailish", rapport.Email, channels.Caps{})},
				channels.HubOptions{Now: b.clock.now, PublicURL: "https://rapport.example"})
			if err := b.hub.Configure([]channels.Entry{{Name: "sms", Driver: "smsish", Channel: rapport.SMS}, {Name: "mail", Driver: "mailish", Channel: rapport.Email},
				{Name: "bot", Driver: "telegram", Channel: rapport.Telegram, Settings: channels.Settings{"token": b.fake.Token, "api_url": api, "mode": "webhook", "webhook_secret": "secret", "bot_username": "fern_bot"}}}); err != nil {
				t.Fatal(err)
			}
			b.g = gateway.New(b.st, b.hub, slog.New(slog.DiscardHandler), b.set)
			b.start()
			fn(t, b)
		})
	}
	run("sqlite", storetest.SQLite(t))
	if url, ok := storetest.Postgres(t); ok {
		run("postgres", url)
	}
}

// says has a person do something, and Telegram call us.
func (b *bot) says(kind string, content map[string]any) {
	b.t.Helper()
	h := http.Header{}
	h.Set("X-Telegram-Bot-Api-Secret-Token", "secret")
	if _, err := b.g.Receive(b.t.Context(), "bot", &channels.Callback{Method: http.MethodPost, URL: "https://rapport.example/in/telegram/bot", Header: h, Body: b.fake.Update(kind, content)}); err != nil {
		b.t.Fatal(err)
	}
}

// owner of a chat; 0: nobody known.
func (b *bot) owner(chat int64) string {
	b.t.Helper()
	a, err := b.st.AddressOf(b.t.Context(), rapport.Telegram, strconv.FormatInt(chat, 10))
	if err != nil {
		b.t.Fatal(err)
	}
	c, err := b.st.Customer(b.t.Context(), a.Customer)
	if err != nil {
		b.t.Fatal(err)
	}
	return c.ExternalID
}

var (
	startLink = regexp.MustCompile(`https://t\.me/fern_bot\?start=([A-Za-z0-9_-]{1,64})`)
	pageLink  = regexp.MustCompile(`http://localhost:8080/p/([a-z0-9]+)`)
)

// A one-time link from a mail, an SMS or the preference page makes the chat that follows it first the customer's.
func TestTelegram_LinkedByAToken(t *testing.T) {
	t.Parallel()
	withBot(t, func(t *testing.T, b *bot) {
		var link *regexp.Regexp // what the next message is to hold
		links := make(chan string, 3)
		catch := func(_ int, o *channels.Outgoing) (bool, *channels.Verdict) {
			if m := link.FindStringSubmatch(o.Text.String()); m != nil {
				links <- m[1]
			}
			return true, nil
		}
		b.sms.behave(catch)
		b.email.behave(catch)
		if _, _, _, err := b.g.SaveTemplate(t.Context(), gateway.Caller{}, "invite", templates.Source{Topic: "news", Variants: []templates.Variant{
			{Channel: rapport.Email, Subject: "Chat", Text: "Chat with us: {{ link_telegram_url }}"}, {Channel: rapport.SMS, Text: "Chat with us: {{ link_telegram_url }}"}}}); err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := b.g.SaveTemplate(t.Context(), gateway.Caller{}, "choose", templates.Source{Topic: "news", Variants: []templates.Variant{{Channel: rapport.SMS, Text: "Choose: {{ preferences_url }}"}}}); err != nil {
			t.Fatal(err)
		}
		send := func(n int, ch rapport.Channel, template string, holds *regexp.Regexp) string {
			link = holds
			b.status(b.campaign([]map[string]any{person(n, ch)}, func(m map[string]any) { m["template"] = template }), rapport.CampaignFinished)
			return <-links
		}
		bySMS, byMail, choose := send(1, rapport.SMS, "invite", startLink), send(2, rapport.Email, "invite", startLink), send(3, rapport.SMS, "choose", pageLink)
		page, err := b.g.PreferencesPage(t.Context(), choose)
		if err != nil || startLink.FindStringSubmatch(page.Telegram) == nil {
			t.Fatalf("%q, %v", page.Telegram, err)
		}
		for i, token := range []string{bySMS, byMail, startLink.FindStringSubmatch(page.Telegram)[1]} {
			chat, external := int64(101+i), fmt.Sprintf("c-%d", 1+i)
			b.says("message", b.fake.Text(chat, "/start "+token, nil))
			if got := b.owner(chat); got != external {
				t.Errorf("chat %d is %q's, want %q", chat, got, external)
			}
			b.says("message", b.fake.Text(chat+100, "/start "+token, nil)) // passed on to somebody else
			if got := b.owner(chat + 100); got != "" {
				t.Errorf("a used token made the chat %q's", got)
			}
		}
		if page, err := b.g.PreferencesPage(t.Context(), choose); err != nil || page.Telegram != "" {
			t.Errorf("the page offers what the customer has: %q, %v", page.Telegram, err)
		}
	})
}

// A stranger is offered the button once. Only their own contact links, and only to the one who has that number.
func TestTelegram_LinkedByTheirOwnContact(t *testing.T) {
	t.Parallel()
	withBot(t, func(t *testing.T, b *bot) {
		b.status(b.campaign(persons(1, rapport.SMS)), rapport.CampaignFinished) // makes the customer
		phone := addressOf(rapport.SMS, 1)
		share := func(chat, user int64, phone string) {
			b.says("message", b.fake.Text(chat, "", map[string]any{"contact": map[string]any{"phone_number": phone, "first_name": "Ilze", "user_id": user}}))
		}
		ru := map[string]any{"from": map[string]any{"id": 101, "first_name": "Ольга", "language_code": "ru-RU"}}
		b.says("message", b.fake.Text(101, "/start", ru))
		b.says("message", b.fake.Text(101, "/start", ru))
		b.until("the button is offered", func() bool { return len(b.fake.Messages()) == 1 })
		if m := b.fake.Messages()[0]; m.Chat != 101 || !strings.Contains(m.Text, "Здравствуйте!") || m.Keyboard != `{"keyboard":[[{"text":"Поделиться номером телефона","request_contact":true}]],"one_time_keyboard":true,"resize_keyboard":true}` {
			t.Errorf("%+v", m)
		}
		share(101, 102, phone) // somebody else's
		share(101, 101, "+37129999999")
		share(101, 101, "not a number")
		if got := b.owner(101); got != "" {
			t.Errorf("linked to %q", got)
		}
		share(101, 101, strings.TrimPrefix(phone, "+")) // Telegram writes it either way
		if got := b.owner(101); got != "c-1" {
			t.Errorf("the chat is %q's", got)
		}
		b.until("we say so", func() bool { return len(b.fake.Messages()) == 2 })
		share(101, 101, phone)
		names := []string{}
		for _, th := range slices.Backward(b.threads()) { // the talk begins resolved
			n, _ := b.automatic(th.ID)
			names = append(names, n...)
		}
		if fmt.Sprint(names) != "[contact linked]" {
			t.Errorf("said %v", names)
		}
		// One who is known already is not asked, and keeps the chat.
		b.says("message", b.fake.Text(101, "/start", nil))
		if n := len(b.fake.Messages()); n != 2 {
			t.Errorf("%d messages", n)
		}
	})
}

// A number that two customers have, one for SMS and one for WhatsApp, is a guess: it links nobody.
func TestTelegram_AnAmbiguousNumberLinksNobody(t *testing.T) {
	t.Parallel()
	withBot(t, func(t *testing.T, b *bot) {
		for i, ch := range []rapport.Channel{rapport.SMS, rapport.WhatsApp} {
			if _, err := b.st.UpsertCustomers(t.Context(), []store.CustomerPatch{{ExternalID: fmt.Sprint("p-", i), Addresses: []store.AddressPatch{{Channel: ch, Value: "+37120000042"}}}}); err != nil {
				t.Fatal(err)
			}
		}
		b.says("message", b.fake.Text(101, "", map[string]any{"contact": map[string]any{"phone_number": "+37120000042", "first_name": "Ilze", "user_id": 101}}))
		if got := b.owner(101); got != "" {
			t.Errorf("linked to %q", got)
		}
		found, _, err := b.st.Proposals(t.Context(), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		var reasons []string
		for _, p := range found {
			reasons = append(reasons, p.Reasons...)
		}
		slices.Sort(reasons)
		if fmt.Sprint(reasons) != "[same_phone shared_contact shared_contact]" {
			t.Errorf("proposed to be merged: %v", found)
		}
	})
}

// Every talk with a bot begins with /start: it is a consent only where it takes a stop back.
func TestTelegram_StartIsNoConsentByItself(t *testing.T) {
	t.Parallel()
	withBot(t, func(t *testing.T, b *bot) {
		consents := func(want ...bool) {
			t.Helper()
			list, _, err := b.st.Consents(t.Context(), b.threads()[0].Customer, store.Page{Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			got := []bool{}
			for _, c := range list {
				if c.Purpose == rapport.Marketing {
					got = append(got, c.Granted)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("the newest first, granted: %v, want %v", got, want)
			}
		}
		b.says("message", b.fake.Text(101, "/start", nil))
		b.says("message", b.fake.Text(101, "/start no-such-token", nil))
		consents()
		b.says("my_chat_member", b.fake.Member(101, "kicked"))
		b.says("message", b.fake.Text(101, "/start", nil)) // which unblocks
		if a, err := b.st.AddressOf(t.Context(), rapport.Telegram, "101"); err != nil || a.Off != "" {
			t.Errorf("%+v, %v", a, err)
		}
		consents()
		b.says("message", b.fake.Text(101, "/stop", nil))
		consents(false)
		b.says("message", b.fake.Text(101, "/start", nil))
		if _, err := b.st.Suppression(t.Context(), rapport.Telegram, "101"); rapport.CodeOf(err) != rapport.CodeNotFound {
			t.Errorf("the stop stands: %v", err)
		}
		consents(true, false)
		b.says("message", b.fake.Text(101, "/start", nil))
		consents(true, false)
		b.says("message", b.fake.Text(101, "Start", nil)) // asks for it
		consents(true, true, false)
	})
}

func TestTelegram_BlockedUnblockedAndBack(t *testing.T) {
	t.Parallel()
	withBot(t, func(t *testing.T, b *bot) {
		b.says("message", b.fake.Text(101, "Hello", nil))
		off := func() string {
			a, err := b.st.AddressOf(t.Context(), rapport.Telegram, "101")
			if err != nil {
				t.Fatal(err)
			}
			return a.Off
		}
		b.says("my_chat_member", b.fake.Member(101, "kicked"))
		if off() != "blocked" {
			t.Error("blocking was not noticed")
		}
		if _, err := b.g.ReplyInThread(t.Context(), gateway.Caller{}, b.threads()[0].ID, gateway.ReplyInput{Text: "Hi"}); rapport.CodeOf(err) != rapport.CodeConflict {
			t.Errorf("writing to who has blocked us: %v", err)
		}
		b.says("my_chat_member", b.fake.Member(101, "member"))
		if off() != "" {
			t.Error("unblocking was not noticed")
		}
		b.says("message", b.fake.Text(101, "/stop", nil))
		b.until("the stop is confirmed", func() bool { return len(b.fake.Messages()) == 1 })
		b.says("message", b.fake.Text(101, "/start", nil))
		b.until("the return is confirmed", func() bool { return len(b.fake.Messages()) == 2 })
		b.says("message", b.fake.Text(-7, "Hello all", nil)) // a group
		if n := len(b.threads()); n != 1 {
			t.Errorf("%d threads", n)
		}
	})
}
