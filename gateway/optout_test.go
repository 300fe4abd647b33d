package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/channels/sandbox"
	"rapport/gateway"
	"rapport/store"
	"rapport/store/storetest"
	"rapport/templates"
)

// automatic lists the automatic answers in a thread, oldest first.
func (w *world) automatic(thread rapport.ID) (names, texts []string) {
	w.t.Helper()
	entries, _, err := w.st.Entries(w.t.Context(), thread, store.Page{Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		var meta struct{ Automatic string }
		if e.Kind != rapport.Outbound || len(e.Meta) == 0 || json.Unmarshal(e.Meta, &meta) != nil || meta.Automatic == "" {
			continue
		}
		m, err := w.st.Message(w.t.Context(), e.Message)
		if err != nil || m.Address != e.Address {
			w.t.Errorf("%+v, %v", m, err)
		}
		names, texts = append(names, meta.Automatic), append(texts, e.Text)
	}
	return names, texts
}

func (w *world) saidByItself(want ...string) {
	w.t.Helper()
	var got []string
	for _, th := range w.threads() {
		names, _ := w.automatic(th.ID)
		got = append(got, names...)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("answered %v, want %v", got, want)
	}
}

func TestOptOut_IsConfirmedOnceAndOnRecord(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c := w.campaign(persons(1, rapport.SMS))
		w.status(c, rapport.CampaignFinished)
		from := addressOf(rapport.SMS, 1)
		w.ingest("sms", reply(rapport.SMS, from, "Стоп!", "e1"))
		w.ingest("sms", reply(rapport.SMS, from, "STOP", "e2"), reply(rapport.SMS, from, "stop", "e3"))
		w.until("the confirmation is sent", func() bool { return w.sms.count(from) == 2 }) // beside the campaign's
		th := w.threads()[0]
		names, texts := w.automatic(th.ID)
		if fmt.Sprint(names) != "[stopped]" || !strings.HasPrefix(texts[0], "Fern & Friends: вы отписаны") {
			t.Errorf("%v %q", names, texts)
		}
		consents, _, err := w.st.Consents(t.Context(), th.Customer, store.Page{Limit: 10})
		if err != nil || len(consents) != 4 || consents[0].Granted {
			t.Fatalf("%v %+v", err, consents)
		}
		entries, _, err := w.st.Entries(t.Context(), th.ID, store.Page{Limit: 10})
		if err != nil || consents[2].Proof != rapport.KindEntry.Format(entries[0].ID) || entries[0].Text != "Стоп!" || consents[2].Message != w.only(c).ID {
			t.Errorf("%v %+v proves\n%+v", err, entries[0], consents[2])
		}
		if _, err := w.g.ReplyInThread(t.Context(), gateway.Caller{}, th.ID, gateway.ReplyInput{Text: "Why?"}); rapport.CodeOf(err) != rapport.CodeConflict {
			t.Errorf("an agent writes to somebody who said stop: %v", err)
		}

		// Back, and away again: what they hear last is true.
		w.ingest("sms", reply(rapport.SMS, from, "START", "e4"))
		w.until("the return is confirmed", func() bool { return w.sms.count(from) == 3 })
		w.ingest("sms", reply(rapport.SMS, from, "stop", "e5"))
		w.saidByItself("stopped", "started", "stopped")
		w.until("the second stop is confirmed", func() bool { return w.sms.count(from) == 4 })
		if x, err := w.st.Suppression(t.Context(), rapport.SMS, from); err != nil || x.Reason != rapport.ReasonStop {
			t.Errorf("%+v, %v", x, err)
		}
		// A day later everything may be said once more.
		w.clock.forward(25 * time.Hour)
		w.ingest("sms", reply(rapport.SMS, from, "start", "e6"), reply(rapport.SMS, from, "stop", "e7"))
		w.saidByItself("stopped", "started", "stopped", "started", "stopped")
	}, named)
}

// However often somebody goes and comes in a day, the last that they hear is true, and machines that play it do not play on.
func TestOptOut_BackAndForthEnds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for _, ch := range []struct {
			provider string
			channel  rapport.Channel
		}{{"sms", rapport.SMS}, {"mail", rapport.Email}} {
			from := addressOf(ch.channel, 1)
			for i := range 20 {
				w.ingest(ch.provider, reply(ch.channel, from, []string{"STOP", "START"}[i%2], fmt.Sprint(ch.provider, i)))
			}
			var said []string
			for _, th := range w.threads() {
				if th.Channel == ch.channel {
					names, _ := w.automatic(th.ID)
					said = append(said, names...)
				}
			}
			if want := "[stopped started stopped started stopped started stopped started stopped]"; fmt.Sprint(said) != want {
				t.Errorf("%s: %v, want %s", ch.provider, said, want)
			}
		}
	})
}

// While a provider is down both a stop and a start wait to be confirmed: only the person's last word is.
func TestOptOut_OnlyTheLastWordIsConfirmed(t *testing.T) {
	t.Parallel()
	run := func(name, url string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, url, named) // nobody sends yet
			say := func(from string, words ...string) {
				for i, word := range words {
					w.ingest("sms", reply(rapport.SMS, from, word, fmt.Sprint(from, i, word)))
				}
			}
			back, away := addressOf(rapport.SMS, 1), addressOf(rapport.SMS, 2)
			say(back, "STOP", "START")
			say(away, "STOP", "START", "STOP")
			var mu sync.Mutex
			heard := map[string][]string{}
			w.sms.behave(func(_ int, o *channels.Outgoing) (bool, *channels.Verdict) {
				mu.Lock()
				defer mu.Unlock()
				heard[o.To] = append(heard[o.To], o.Text.String())
				return true, nil
			})
			states := func(from string) (out []string) {
				for _, th := range w.threads() {
					entries, _, err := w.st.Entries(t.Context(), th.ID, store.Page{Limit: 100})
					if err != nil {
						t.Fatal(err)
					}
					for _, e := range entries {
						if m, err := w.st.Message(t.Context(), e.Message); e.Kind == rapport.Outbound && err == nil && m.Customer == th.Customer {
							if a, err := w.st.AddressOf(t.Context(), rapport.SMS, from); err == nil && a.ID == e.Address {
								out = append(out, m.State.String()+" "+m.Reason)
							}
						}
					}
				}
				return out
			}
			w.start()
			w.until("all is settled", func() bool {
				return fmt.Sprint(states(back)) == "[skipped overtaken sent ]" && fmt.Sprint(states(away)) == "[sent  skipped overtaken sent ]"
			})
			mu.Lock()
			defer mu.Unlock()
			for from, want := range map[string]string{back: "you are subscribed again", away: "you are unsubscribed"} {
				if len(heard[from]) == 0 || slices.ContainsFunc(heard[from], func(text string) bool { return !strings.Contains(text, want) }) {
					t.Errorf("%s heard %q, want %s", from, heard[from], want)
				}
			}
		})
	}
	run("sqlite", storetest.SQLite(t))
	if url, ok := storetest.Postgres(t); ok {
		run("postgres", url)
	}
}

func named(s *gateway.Settings) { s.Company = templates.Company{Name: "Fern & Friends"} }

func TestOptOut_IsNotConfirmedTwiceNorToWhomItCannotReach(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.status(w.campaign(persons(6, rapport.SMS, rapport.Email)), rapport.CampaignFinished)
		w.status(w.campaign([]map[string]any{person(7, rapport.Telegram)}), rapport.CampaignFinished)
		stop := func(n int, change func(*channels.Incoming)) {
			u := reply(rapport.SMS, addressOf(rapport.SMS, n), "STOP", fmt.Sprint("s", n))
			change(u.Message)
			w.ingest("sms", u)
		}
		stop(1, func(m *channels.Incoming) { m.OptOut, m.Answered = true, true }) // Twilio has said it
		if err := w.st.Suppress(t.Context(), []rapport.Suppression{{Channel: rapport.SMS, Address: addressOf(rapport.SMS, 2), Reason: "hard_bounce", Scope: rapport.SuppressAll}}); err != nil {
			t.Fatal(err)
		}
		stop(2, func(*channels.Incoming) {}) // a dead number that speaks: nothing is written there
		stop(3, func(m *channels.Incoming) { m.Auto = channels.AutoReply })
		w.saidByItself()
		for n, want := range map[int]bool{1: true, 2: true, 3: false} {
			if _, err := w.st.Suppression(t.Context(), rapport.SMS, addressOf(rapport.SMS, n)); (err == nil) != want {
				t.Errorf("%d: %v", n, err)
			}
		}
		// Who blocks the bot hears nothing of it; who says /stop does, once.
		w.ingest("chat", channels.Update{EventID: "b1", Change: &channels.Change{Channel: rapport.Telegram, Address: addressOf(rapport.Telegram, 7), Off: true, Reason: "blocked"}})
		w.saidByItself()
		u := reply(rapport.Telegram, addressOf(rapport.Telegram, 7), "/stop", "t1")
		u.Message.OptOut = true
		w.ingest("chat", u) // it was written before
		w.saidByItself()
		if w.tele.count(addressOf(rapport.Telegram, 7)) != 1 {
			t.Error("a bot wrote to a person who has blocked it")
		}
	})
}

func TestOptOut_OneClickIsNotAnswered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		var link string
		w.email.behave(func(_ int, o *channels.Outgoing) (bool, *channels.Verdict) { link = o.Unsubscribe; return true, nil })
		c := w.campaign(persons(1, rapport.Email))
		w.status(c, rapport.CampaignFinished)
		token := link[strings.LastIndexByte(link, '/')+1:]
		if err := w.g.Unsubscribe(t.Context(), token, "192.0.2.1", false); err != nil {
			t.Fatal(err)
		}
		consents, _, err := w.st.Consents(t.Context(), w.only(c).Customer, store.Page{Limit: 10})
		if err != nil || consents[0].Granted || consents[0].Proof != rapport.KindMessage.Format(w.only(c).ID) {
			t.Errorf("%v %+v", err, consents)
		}
		if n := w.email.count(addressOf(rapport.Email, 1)); n != 1 || len(w.threads()) != 0 {
			t.Errorf("%d mails, %d threads", n, len(w.threads()))
		}
	})
}

// By mail a stop is for marketing, its confirmation names itself a machine, and what was ordered is still reported.
func TestOptOut_ByMailIsForMarketing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		var mu sync.Mutex
		var sent []channels.Outgoing
		w.email.behave(func(_ int, o *channels.Outgoing) (bool, *channels.Verdict) {
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, channels.Outgoing{Subject: channels.Text(o.Subject.String()), Text: channels.Text(o.Text.String()), Headers: o.Headers, InReplyTo: o.InReplyTo})
			return true, nil
		})
		w.status(w.campaign(persons(1, rapport.Email)), rapport.CampaignFinished)
		u := reply(rapport.Email, addressOf(rapport.Email, 1), "Please unsubscribe me. Thank you!", "e1")
		u.Message.Subject = "Re: Hi Anna"
		w.ingest("mail", u)
		w.until("it is confirmed", func() bool { return w.email.count(addressOf(rapport.Email, 1)) == 2 })
		mu.Lock()
		got := sent[1]
		mu.Unlock()
		if got.Subject.String() != "Re: Hi Anna" || got.InReplyTo != "in-e1" || len(got.Headers) != 2 || got.Headers[0] != (channels.Header{Name: "Auto-Submitted", Value: "auto-replied"}) || got.Headers[1] != (channels.Header{Name: "X-Auto-Response-Suppress", Value: "All"}) || got.Text.String() != "You are unsubscribed and will get no more newsletters and offers by mail. We still write about your orders. To come back, reply START." {
			t.Errorf("%+v %q", got, got.Text.String())
		}
		d := w.campaign(persons(1, rapport.Email))
		w.status(d, rapport.CampaignFinished)
		w.want(d, "skipped=1")
		e := w.campaign(persons(1, rapport.Email), transactional)
		w.status(e, rapport.CampaignFinished)
		w.want(e, "sent=1")
		w.ingest("mail", reply(rapport.Email, addressOf(rapport.Email, 1), "cancel", "e2"))
		w.saidByItself("stopped")
	})
}

func TestHelp_IsAnsweredOnceADay(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		from := addressOf(rapport.SMS, 1)
		w.ingest("sms", reply(rapport.SMS, from, "Help!", "e1"), reply(rapport.SMS, from, "HELP", "e2"), reply(rapport.SMS, from, "Can you help me?", "e3"))
		w.until("it is answered", func() bool { return w.sms.count(from) == 1 })
		w.ingest("sms", reply(rapport.SMS, from, "STOP", "e4"))
		w.clock.forward(25 * time.Hour)
		w.ingest("sms", reply(rapport.SMS, from, "помощь", "e5")) // also who has said stop may ask who we are
		w.until("it is answered again", func() bool { return w.sms.count(from) == 3 })
		var texts []string
		for _, th := range w.threads() { // in any order: what is sent and what comes in move a thread at the same time
			_, said := w.automatic(th.ID)
			texts = append(texts, said...)
		}
		slices.Sort(texts)
		if want := []string{"Fern & Friends: to stop our messages, reply STOP. To ask us something, just write it here: a person reads it.",
			"Fern & Friends: you are unsubscribed and will get no more messages here. To come back, reply START.", "Это Fern & Friends"}; fmt.Sprint(texts) != fmt.Sprint(want) {
			t.Errorf("%q", texts)
		}
		w.ingest("sms", channels.Update{EventID: "e6", Message: &channels.Incoming{Channel: rapport.SMS, From: addressOf(rapport.SMS, 2), Text: "HELP", Answered: true}})
		if w.sms.count(addressOf(rapport.SMS, 2)) != 0 {
			t.Error("answered what the provider had answered")
		}
	}, named, func(s *gateway.Settings) {
		s.Replies = gateway.Replies{"help": {"ru": "Это {company}"}}
	})
}

// slow is a carrier of two connections: whoever has none waits, as a driver's pool makes them.
type slow struct {
	places chan struct{}
	mu     sync.Mutex
	begun  map[string]time.Time
}

func (c *slow) Send(ctx context.Context, o *channels.Outgoing) (string, error) {
	select {
	case c.places <- struct{}{}:
	case <-ctx.Done():
		return "", &channels.Verdict{Kind: channels.Temporary, Reason: "cancelled", Err: ctx.Err()}
	}
	defer func() { <-c.places }()
	if err := ctx.Err(); err != nil {
		return "", &channels.Verdict{Kind: channels.Temporary, Reason: "cancelled", Err: err}
	}
	o.Wire()
	if o.Purpose == rapport.Marketing { // and not the confirmation of a stop
		c.mu.Lock()
		c.begun[o.To] = time.Now()
		c.mu.Unlock()
	}
	time.Sleep(100 * time.Millisecond)
	return "p-" + o.Token, nil
}

func (c *slow) sends() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.begun)
}

// A campaign is under way at a provider that takes twenty messages a second; all have been claimed and wait for a
// connection. Whoever says stop, by whatever means, gets nothing that begins more than a second later.
func TestOptOut_TakesHoldWithinASecond(t *testing.T) {
	t.Parallel()
	run := func(name, url string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, url)
			carrier := &slow{places: make(chan struct{}, 2), begun: map[string]time.Time{}}
			driver := channels.Driver{Name: "slowish", Channels: []rapport.Channel{rapport.SMS}, Caps: channels.Caps{Wires: true, Timeout: time.Minute}, Open: func(channels.Settings, channels.Env) (channels.Conn, error) { return carrier, nil }}
			w.hub = channels.NewHub([]channels.Driver{sandbox.Driver(w.box), driver}, channels.HubOptions{Now: w.clock.now})
			if err := w.hub.Configure([]channels.Entry{{Name: "sms", Driver: "slowish", Channel: rapport.SMS}}); err != nil {
				t.Fatal(err)
			}
			w.g = gateway.New(w.st, w.hub, slog.New(slog.DiscardHandler), w.set)
			w.start()
			const all = 80
			c := w.campaign(persons(all, rapport.SMS))
			w.until("it is under way", func() bool { return carrier.sends() > 4 && w.states(c)["sending"]+w.states(c)["sent"] == all })
			stopped := map[string]time.Time{}
			for n := all; n > all-30; n-- {
				from := addressOf(rapport.SMS, n)
				switch n % 3 {
				case 0:
					w.ingest("sms", reply(rapport.SMS, from, "СТОП", fmt.Sprint("e", n)))
				case 1:
					w.ingest("sms", channels.Update{EventID: fmt.Sprint("e", n), Change: &channels.Change{Channel: rapport.SMS, Address: from, Off: true, Reason: "blocked"}})
				case 2:
					m := w.rows(c)
					if err := w.st.AddConsents(t.Context(), []rapport.Consent{{Customer: m[len(m)-n].Customer, Channel: rapport.SMS, Purpose: rapport.Marketing, Granted: false, Source: "unsubscribe_link"}}); err != nil {
						t.Fatal(err)
					}
					a, err := w.st.Address(t.Context(), m[len(m)-n].Address)
					if err != nil {
						t.Fatal(err)
					}
					from = a.Value
				}
				stopped[from] = time.Now()
			}
			w.status(c, rapport.CampaignFinished)
			spared := 0
			carrier.mu.Lock()
			for address, at := range stopped {
				begun, ok := carrier.begun[address]
				if !ok {
					spared++
				}
				if late := begun.Sub(at); ok && late > time.Second {
					t.Errorf("%s was written to %v after the stop", address, late)
				}
			}
			carrier.mu.Unlock()
			if spared == 0 {
				t.Error("nobody was spared: the campaign was over too soon to show anything")
			}
			n := w.ledger(c)
			if n.Sent+n.Delivered+n.Skipped != all || n.Skipped == 0 { // who answers has got it
				t.Errorf("%+v", *n)
			}
			w.agree(c)
		})
	}
	run("sqlite", storetest.SQLite(t))
	if url, ok := storetest.Postgres(t); ok {
		run("postgres", url)
	}
}
