package gateway_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/gateway"
	"rapport/store"
)

var four = []rapport.Channel{rapport.Email, rapport.SMS, rapport.Telegram, rapport.Webhook}

func TestDelivery_FourChannelsSettle(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		var people []map[string]any
		for i := range 400 {
			people = append(people, person(i+1, four[i%4]))
		}
		c := w.campaign(people)
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=400")
		for _, p := range []*carrier{w.email, w.sms, w.tele, w.hook} {
			if n, most := p.total(); n != 100 || most != 1 {
				t.Errorf("taken %d, one of them %d times", n, most)
			}
		}
	})
}

func TestDelivery_NoConsentNoSend(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		stranger := person(2, rapport.Email)
		delete(stranger, "consents")
		c := w.campaign([]map[string]any{person(1, rapport.Email), stranger})
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=1 skipped=1")
		if n := w.email.count("c2@example.com"); n != 0 {
			t.Errorf("sent %d", n)
		}
		for _, m := range w.rows(c) {
			if m.State == rapport.Skipped && m.Reason != rapport.ReasonNoConsent {
				t.Errorf("reason %q", m.Reason)
			}
		}
		d := w.campaign([]map[string]any{stranger}, transactional)
		w.status(d, rapport.CampaignFinished)
		w.want(d, "sent=1")
	})
}

func TestDelivery_SuppressionBindsAtPlanning(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		if err := w.st.Suppress(t.Context(), []rapport.Suppression{{Channel: rapport.Email, Address: "c1@example.com", Reason: "hard_bounce", Scope: rapport.SuppressAll, At: w.clock.now()}}); err != nil {
			t.Fatal(err)
		}
		c := w.campaign(persons(2, rapport.Email), transactional)
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=1 skipped=1")
	})
}

func TestDelivery_PausedMovesNothingAndResumes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		open := w.email.hold()
		defer open()
		c := w.campaign(persons(400, rapport.Email))
		w.until("the first sends are under way", func() bool { return w.email.tried() > 0 })
		w.until("all are planned", func() bool { return w.ledger(c).Planned == 400 && w.states(c)["pending"]+w.states(c)["sending"] == 400 })
		if _, err := w.g.Pause(t.Context(), gateway.Caller{}, c.ID); err != nil {
			t.Fatal(err)
		}
		w.until("a claim has seen the pause", func() bool { return w.states(c)["sending"] <= 100 })
		open()
		w.until("what was on the wire is recorded", func() bool { return w.states(c)["sending"] == 0 })
		sent := w.states(c)["sent"]
		if sent == 0 || sent == 400 {
			t.Fatalf("sent %d while paused", sent)
		}
		time.Sleep(4 * tick) // some rounds of the sweeper, in which nothing may happen
		if again := w.states(c)["sent"]; again != sent {
			t.Errorf("sent went from %d to %d while paused", sent, again)
		}
		w.agree(c)
		if _, err := w.g.Resume(t.Context(), gateway.Caller{}, c.ID); err != nil {
			t.Fatal(err)
		}
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=400")
	})
}

func TestDelivery_CancelClosesWhatIsNotSent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		open := w.email.hold()
		defer open()
		c := w.campaign(persons(600, rapport.Email))
		w.until("the first sends are under way", func() bool { return w.email.tried() > 0 })
		if _, err := w.g.Cancel(t.Context(), gateway.Caller{}, c.ID); err != nil {
			t.Fatal(err)
		}
		open()
		w.until("nothing is open", func() bool { s := w.states(c); return s["pending"]+s["sending"] == 0 })
		n := w.status(c, rapport.CampaignCancelled)
		w.until("the batches are gone", func() bool { b, err := w.st.HasBatches(t.Context(), c.ID); return err == nil && !b })
		if n.Sent+n.Cancelled != 600 || n.Cancelled == 0 || n.Sent == 0 {
			t.Errorf("%+v", *n)
		}
		if taken, most := w.email.total(); int64(taken) != n.Sent || most != 1 {
			t.Errorf("taken %d (at most %d times), sent %d", taken, most, n.Sent)
		}
	})
}

func TestDelivery_DoubtIsSettledWhenCancelled(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.email.behave(func(int, *channels.Outgoing) (bool, *channels.Verdict) {
			return true, &channels.Verdict{Kind: channels.Ambiguous, Scope: channels.ScopeRecipient}
		})
		c := w.campaign(persons(3, rapport.Email))
		w.until("all are in doubt", func() bool { return w.states(c)["doubtful"] == 3 })
		if _, err := w.g.Cancel(t.Context(), gateway.Caller{}, c.ID); err != nil {
			t.Fatal(err)
		}
		w.until("the doubt is settled", func() bool { return w.states(c)["unknown"] == 3 })
		w.agree(c)
	})
}

func TestDelivery_DoubtIsSettledByChannelAndPurpose(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		channel rapport.Channel
		took    bool
		purpose func(map[string]any)
		want    string
		taken   int // at the carrier, for each
	}{
		{"marketing mail is held", rapport.Email, true, nil, "unknown=5", 1},
		{"marketing mail that never arrived is held too", rapport.Email, false, nil, "unknown=5", 0},
		{"transactional mail is sent again", rapport.Email, true, transactional, "sent=5", 2},
		{"a chat is held", rapport.Telegram, true, nil, "unknown=5", 1},
		{"a provider that can be asked has it", rapport.SMS, true, nil, "sent=5", 1},
		{"a provider that can be asked never had it", rapport.SMS, false, nil, "sent=5", 1},
		{"a receiver that recognises repetitions gets it again", rapport.Webhook, true, nil, "sent=5", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				p := map[rapport.Channel]*carrier{rapport.Email: w.email, rapport.Telegram: w.tele, rapport.SMS: w.sms, rapport.Webhook: w.hook}[tt.channel]
				p.behave(func(try int, o *channels.Outgoing) (bool, *channels.Verdict) {
					if o.Attempt == 1 {
						return tt.took, &channels.Verdict{Kind: channels.Ambiguous, Reason: "no_answer", Scope: channels.ScopeRecipient}
					}
					return true, nil
				})
				more := []func(map[string]any){}
				if tt.purpose != nil {
					more = append(more, tt.purpose)
				}
				c := w.campaign(persons(5, tt.channel), more...)
				w.status(c, rapport.CampaignFinished)
				w.want(c, tt.want)
				if n, most := p.total(); n != 5*tt.taken || most > tt.taken {
					t.Errorf("taken %d, one of them %d times", n, most)
				}
			})
		})
	}
}

func TestDelivery_ProviderThatCannotSayEndsUnknown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.sms.blind = true
		w.sms.behave(func(int, *channels.Outgoing) (bool, *channels.Verdict) {
			return true, &channels.Verdict{Kind: channels.Ambiguous, Scope: channels.ScopeRecipient}
		})
		c := w.campaign(persons(2, rapport.SMS))
		w.until("the rows are in doubt", func() bool { return w.states(c)["doubtful"] == 2 })
		w.clock.forward(2 * time.Second)
		w.until("it was asked in vain", func() bool { return w.only2(c) })
		w.clock.forward(time.Minute)
		w.status(c, rapport.CampaignFinished)
		w.want(c, "unknown=2")
	})
}

// only2 tells whether every row in doubt was postponed: asked, without an answer.
func (w *world) only2(c *rapport.Campaign) bool {
	for _, m := range w.rows(c) {
		if m.State == rapport.Doubtful && m.Due.Sub(m.UpdatedAt) < 20*time.Second {
			return false
		}
	}
	return true
}

func TestDelivery_ThrottledWaitsAndSendsOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.tele.behave(func(try int, o *channels.Outgoing) (bool, *channels.Verdict) {
			if try <= 3 {
				return false, &channels.Verdict{Kind: channels.Throttled, After: time.Second}
			}
			return true, nil
		})
		c := w.campaign(persons(20, rapport.Telegram))
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=20")
		if n, most := w.tele.total(); n != 20 || most != 1 {
			t.Errorf("taken %d, one %d times", n, most)
		}
	})
}

func TestDelivery_TemporaryIsTriedAgainUntilItIsGivenUp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.email.behave(func(try int, o *channels.Outgoing) (bool, *channels.Verdict) {
			if o.To == "c1@example.com" && o.Attempt < 2 || o.To == "c2@example.com" {
				return false, &channels.Verdict{Kind: channels.Temporary, Reason: "greylisted", Code: "451", Scope: channels.ScopeRecipient}
			}
			return true, nil
		})
		c := w.campaign(persons(3, rapport.Email))
		w.until("the last try waits", func() bool {
			w.clock.forward(200 * time.Millisecond)
			return w.states(c)["failed"] == 1
		})
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=2 failed=1")
		for _, m := range w.rows(c) {
			if m.State == rapport.Failed {
				a, err := w.st.Attempts(t.Context(), m.ID)
				if err != nil || len(a) != 3 || a[0].Code != "451" || m.Reason != "greylisted" {
					t.Errorf("%v %+v %q", err, a, m.Reason)
				}
			}
		}
	})
}

func TestDelivery_WebhookThatFailsForDaysIsSwitchedOff(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.hook.behave(func(int, *channels.Outgoing) (bool, *channels.Verdict) {
			return false, &channels.Verdict{Kind: channels.Temporary, Reason: "http_500", Scope: channels.ScopeRecipient}
		})
		fails := func() rapport.Message {
			c := w.campaign(persons(1, rapport.Webhook))
			w.until("it is given up", func() bool {
				w.clock.forward(200 * time.Millisecond)
				return w.states(c)["failed"] == 1
			})
			return w.only(c)
		}
		off := func(m rapport.Message) string {
			a, err := w.st.Address(t.Context(), m.Address)
			if err != nil {
				t.Fatal(err)
			}
			return a.Off
		}
		if reason := off(fails()); reason != "" {
			t.Errorf("off after the first failure: %s", reason)
		}
		w.clock.forward(5*24*time.Hour + time.Minute)
		if reason := off(fails()); reason != "failing" {
			t.Errorf("after five days of failure the address is %q", reason)
		}
		c := w.campaign(persons(1, rapport.Webhook))
		w.status(c, rapport.CampaignFinished)
		if m := w.only(c); m.Reason != rapport.ReasonAddressOff {
			t.Errorf("the next message is %s for %q", m.State, m.Reason)
		}
	})
}

func TestDelivery_RejectionAndDeadAddress(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.email.behave(func(try int, o *channels.Outgoing) (bool, *channels.Verdict) {
			switch o.To {
			case "c1@example.com":
				return false, &channels.Verdict{Kind: channels.Rejected, Reason: "spam_policy"}
			case "c2@example.com":
				return false, &channels.Verdict{Kind: channels.AddressDead, Reason: "no_such_user"}
			}
			return true, nil
		})
		c := w.campaign(persons(3, rapport.Email))
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=1 failed=2")
		d := w.campaign(persons(3, rapport.Email))
		w.status(d, rapport.CampaignFinished)
		w.want(d, "sent=1 skipped=1 failed=1")
	})
}

func TestDelivery_FailsOverToTheSecondProvider(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		err := w.hub.Configure([]channels.Entry{{Name: "mail", Driver: "mailish", Channel: rapport.Email, Priority: 1}, {Name: "spare", Driver: "sparish", Channel: rapport.Email, Priority: 2}})
		if err != nil {
			t.Fatal(err)
		}
		w.email.behave(func(int, *channels.Outgoing) (bool, *channels.Verdict) {
			return false, &channels.Verdict{Kind: channels.Temporary, Reason: "connection_refused"}
		})
		c := w.campaign(persons(300, rapport.Email))
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=300")
		n, most := w.spare.total()
		if first, _ := w.email.total(); first != 0 || n != 300 || most != 1 {
			t.Errorf("first took %d, second %d, one %d times", first, n, most)
		}
	})
}

func TestDelivery_DoubtNeverMovesToAnotherProvider(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		mail := channels.Entry{Name: "mail", Driver: "mailish", Channel: rapport.Email, Priority: 2}
		spare := channels.Entry{Name: "spare", Driver: "sparish", Channel: rapport.Email, Priority: 3}
		if err := w.hub.Configure([]channels.Entry{mail, spare}); err != nil {
			t.Fatal(err)
		}
		w.email.behave(func(_ int, o *channels.Outgoing) (bool, *channels.Verdict) {
			if o.Attempt > 1 {
				return true, nil
			}
			spare.Priority = 1 // from now on the other one would be asked first
			if err := w.hub.Configure([]channels.Entry{mail, spare}); err != nil {
				t.Error(err)
			}
			return true, &channels.Verdict{Kind: channels.Ambiguous, Reason: "no_answer", Scope: channels.ScopeRecipient}
		})
		c := w.campaign(persons(1, rapport.Email), transactional)
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=1")
		if n, _ := w.spare.total(); n != 0 {
			t.Error("the second provider sent what the first may have sent")
		}
		if n, _ := w.email.total(); n != 2 {
			t.Errorf("the first one took it %d times", n)
		}
	})
}

func TestDelivery_FallsBackToTheNextChannel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.tele.behave(func(_ int, o *channels.Outgoing) (bool, *channels.Verdict) {
			return false, &channels.Verdict{Kind: channels.Rejected, Reason: "chat_not_found"}
		})
		c := w.campaign(persons(4, rapport.Telegram, rapport.Email, rapport.SMS), routed(rapport.Fallback, rapport.Telegram, rapport.Email, rapport.SMS))
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=4 failed=4")
		if n, _ := w.email.total(); n != 4 {
			t.Errorf("mailed %d", n)
		}
		if n, _ := w.sms.total(); n != 0 {
			t.Errorf("sms %d: the third channel was tried although the second worked", n)
		}
	})
}

func TestDelivery_FailedReceiptEscalatesOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c := w.campaign(persons(1, rapport.SMS, rapport.Email, rapport.Telegram), routed(rapport.Fallback, rapport.SMS, rapport.Email, rapport.Telegram))
		w.until("the SMS is sent", func() bool { return w.states(c)["sent"] == 1 })
		p, _ := w.hub.Provider("sms")
		receipt := channels.Update{EventID: "e1", Receipt: &channels.Receipted{MessageID: w.only(c).ID, Kind: rapport.ReceiptFailed, Reason: "carrier"}}
		for range 3 {
			if err := w.g.Ingest(t.Context(), p.Entry(), []channels.Update{receipt}, nil); err != nil {
				t.Fatal(err)
			}
		}
		w.until("the mail is sent", func() bool { return w.states(c)["sent"] == 1 && w.states(c)["failed"] == 1 })
		w.clock.forward(2 * time.Hour) // the look at delivery receipts that was set when the SMS went out
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=1 failed=1")
		if n, _ := w.tele.total(); n != 0 {
			t.Errorf("the third channel got %d", n)
		}
	})
}

func TestDelivery_NoReceiptInTimeEscalates(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c := w.campaign(persons(2, rapport.SMS, rapport.Email), routed(rapport.Fallback, rapport.SMS, rapport.Email))
		w.until("the SMS are sent", func() bool { return w.states(c)["sent"] == 2 })
		p, _ := w.hub.Provider("sms")
		arrived := w.rows(c)[0]
		err := w.g.Ingest(t.Context(), p.Entry(), []channels.Update{{EventID: "e1", Receipt: &channels.Receipted{MessageID: arrived.ID, Kind: rapport.ReceiptDelivered}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		w.clock.forward(2 * time.Hour)
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=2 delivered=1")
		if n, _ := w.email.total(); n != 1 {
			t.Errorf("mailed %d", n)
		}
	})
}

func TestDelivery_AllChannels(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c := w.campaign(persons(3, rapport.SMS, rapport.Email), routed(rapport.All))
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=6")
	})
}

func TestDelivery_ScheduleIsKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c := w.campaign(persons(3, rapport.Email), func(m map[string]any) { m["send_at"] = w.clock.now().Add(time.Hour).UTC().Format(time.RFC3339) })
		if c.Status != rapport.CampaignScheduled {
			t.Fatal(c.Status)
		}
		w.want2(c, "pending=3")
		w.clock.forward(59 * time.Minute)
		time.Sleep(4 * tick) // some rounds of the sweeper, in which nothing may happen
		if n := w.email.tried(); n != 0 {
			t.Fatalf("%d sent too early", n)
		}
		w.clock.forward(2 * time.Minute)
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=3")
	})
}

// want2 compares the ledger of a campaign that has no rows yet.
func (w *world) want2(c *rapport.Campaign, want string) {
	w.t.Helper()
	if n := w.ledger(c); fmt.Sprintf("pending=%d", n.Pending) != want {
		w.t.Errorf("%+v, want %s", *n, want)
	}
}

func TestDelivery_QuietHoursDefer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		now := w.clock.now().UTC()
		p := person(1, rapport.Email)
		p["preferences"] = map[string]any{"quiet_hours": map[string]any{"from": now.Add(-2 * time.Hour).Format("15:04"), "until": now.Add(2 * time.Hour).Format("15:04")}}
		c := w.campaign([]map[string]any{p})
		w.until("it is planned", func() bool { return w.states(c)["pending"] == 1 })
		if due := w.only(c).Due; due.Before(now.Add(110*time.Minute)) || due.After(now.Add(121*time.Minute)) {
			t.Errorf("due %v, now %v", due, now)
		}
		if n := w.email.tried(); n != 0 {
			t.Errorf("sent %d in quiet hours", n)
		}
		w.clock.forward(2*time.Hour + time.Minute)
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=1")
	})
}

func TestDelivery_WindowThatClosesDefersToTheNext(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		now := w.clock.now().UTC()
		open := w.email.hold()
		defer open()
		c := w.campaign(persons(300, rapport.Email), func(m map[string]any) {
			m["send_window"] = map[string]any{"from": now.Add(-time.Hour).Format("15:04"), "until": now.Add(time.Hour).Format("15:04"), "timezone": "UTC"}
		})
		w.until("the first are under way", func() bool { return w.email.tried() > 0 })
		w.until("it is planned", func() bool { return w.ledger(c).Planned == 300 })
		w.clock.forward(70 * time.Minute)
		open()
		w.until("the rest waits for tomorrow's window", func() bool {
			waiting := 0
			for _, m := range w.rows(c) {
				if m.State == rapport.Pending && m.Due.After(w.clock.now().Add(20*time.Hour)) {
					waiting++
				}
			}
			return waiting > 100 && int64(waiting)+w.states(c)["sent"] == 300
		})
		w.clock.forward(23 * time.Hour)
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=300")
	})
}

func TestDelivery_ExpiryCloses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.email.behave(func(int, *channels.Outgoing) (bool, *channels.Verdict) {
			return false, &channels.Verdict{Kind: channels.Temporary, Reason: "busy", Scope: channels.ScopeRecipient, After: time.Hour}
		})
		c := w.campaign(persons(2, rapport.Email), func(m map[string]any) {
			m["expires_at"] = w.clock.now().Add(10 * time.Minute).UTC().Format(time.RFC3339)
		})
		w.until("they were tried", func() bool { return w.email.tried() == 2 && w.states(c)["pending"] == 2 })
		w.clock.forward(11 * time.Minute)
		w.status(c, rapport.CampaignFinished)
		w.want(c, "expired=2")
	})
}

func TestDelivery_UnsubscribeWhileQueuedStopsIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c := w.campaign(persons(3, rapport.Email), func(m map[string]any) {
			m["send_window"] = map[string]any{"from": w.clock.now().UTC().Add(time.Hour).Format("15:04"), "until": w.clock.now().UTC().Add(3 * time.Hour).Format("15:04"), "timezone": "UTC"}
		})
		w.until("it is planned", func() bool { return w.states(c)["pending"] == 3 })
		cu, err := w.st.FindCustomer(t.Context(), "ext:c-2")
		if err != nil {
			t.Fatal(err)
		}
		err = w.st.AddConsents(t.Context(), []rapport.Consent{{Customer: cu.ID, Channel: rapport.Email, Purpose: rapport.Marketing, Topic: "news", Source: "link", At: w.clock.now()}})
		if err != nil {
			t.Fatal(err)
		}
		w.clock.forward(time.Hour + time.Minute)
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=2 skipped=1")
		if w.email.count("c2@example.com") != 0 {
			t.Error("it went out after the unsubscribe")
		}
	})
}

func TestDelivery_StaleOutcomeChangesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.email.behave(func(_ int, o *channels.Outgoing) (bool, *channels.Verdict) {
			if o.Attempt < 2 {
				return false, &channels.Verdict{Kind: channels.Temporary, Reason: "busy", Scope: channels.ScopeRecipient}
			}
			return true, nil
		})
		c := w.campaign(persons(1, rapport.Email))
		w.until("it waits for its second try", func() bool { return w.email.tried() == 1 && w.states(c)["pending"] == 1 })
		w.clock.forward(3 * time.Second)
		w.status(c, rapport.CampaignFinished)
		m := w.only(c)
		for _, attempt := range []int{1, 2, 3} {
			applied, _, err := w.st.Commit(t.Context(), w.g.Worker(), []store.Outcome{{ID: m.ID, Campaign: c.ID, Counted: true, Channel: m.Channel, Attempt: attempt, To: rapport.Failed, Reason: "late"}}, nil)
			if err != nil || applied[0] {
				t.Errorf("attempt %d: %v %v", attempt, applied, err)
			}
		}
		w.want(c, "sent=1")
	})
}

func TestDelivery_DeadWorkersRowsAreSettledByTheNext(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		// Another process claims and dies without a word.
		ctx := context.Background()
		open := w.hook.hold()
		c := w.campaign(persons(300, rapport.Webhook))
		w.until("all are planned and some are under way", func() bool { s := w.states(c); return s["sending"] > 0 && s["pending"]+s["sending"] == 300 })
		dead := w.g.Worker()
		ok, err := w.st.DeclareDead(ctx, dead, w.beats(dead))
		for ; err == nil && !ok; ok, err = w.st.DeclareDead(ctx, dead, w.beats(dead)) {
		}
		if err != nil {
			t.Fatal(err)
		}
		w.until("it has a new identity", func() bool { return w.g.Worker() != dead })
		w.until("its rows are in doubt, or waiting again", func() bool { return w.states(c)["sending"] < 100 })
		open()
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=300")
		if n, most := w.hook.total(); n > 300+2*75 || most > 2 {
			t.Errorf("taken %d, one %d times", n, most)
		}
	})
}

func (w *world) beats(id rapport.ID) int64 {
	ws, err := w.st.Workers(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, x := range ws {
		if x.ID == id {
			return x.Beats
		}
	}
	return -1
}

func TestDelivery_StopSendsNothingTwice(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.email.behave(func(int, *channels.Outgoing) (bool, *channels.Verdict) {
			time.Sleep(5 * time.Millisecond)
			return true, nil
		})
		c := w.campaign(persons(800, rapport.Email))
		w.until("some are sent", func() bool { return w.states(c)["sent"] > 50 })
		limit, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		w.g.Stop(limit)
		s := w.states(c)
		if s["sending"]+s["doubtful"] != 0 {
			t.Errorf("after the drain: %v", s)
		}
		if n, _ := w.email.total(); int64(n) != s["sent"] {
			t.Errorf("taken %d, recorded %d", n, s["sent"])
		}
	})
}

func TestDelivery_RateIsKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		err := w.hub.Configure([]channels.Entry{{Name: "mail", Driver: "mailish", Channel: rapport.Email, Rate: 100}})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		c := w.campaign(persons(250, rapport.Email))
		w.until("all are sent", func() bool { return w.states(c)["sent"] == 250 })
		if took := time.Since(begin); took < 2100*time.Millisecond || took > 30*time.Second {
			t.Errorf("250 messages at 100/s took %v", took)
		}
	})
}

func TestDelivery_FastLanePassesACampaign(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		open := w.email.hold()
		defer open()
		w.email.behave(nil)
		c := w.campaign(persons(600, rapport.Email))
		w.until("the bulk lane is full", func() bool { return w.email.tried() >= 75 }) // three quarters of the window
		res, _, err := w.g.SubmitMessage(t.Context(), gateway.Caller{}, single("+37129999999"), nil)
		if err != nil {
			t.Fatal(err)
		}
		w.until("the SMS went out meanwhile", func() bool { return w.sms.count("+37129999999") == 1 })
		if n := w.states(c)["sent"]; n != 0 {
			t.Errorf("%s went out after %d of the campaign", res.ID, n)
		}
		// The same provider: the fast lane has slots of its own, so it is at least handed over.
		before := w.email.tried()
		in := single("")
		in.To.Addresses = []gateway.AddressInput{{Channel: rapport.Email, Address: "fast@example.com"}}
		if _, _, err := w.g.SubmitMessage(t.Context(), gateway.Caller{}, in, nil); err != nil {
			t.Fatal(err)
		}
		w.until("the mail was handed over", func() bool { return w.email.tried() == before+1 })
	})
}

func single(number string) gateway.SendInput {
	name := "Anna"
	in := gateway.SendInput{SendSpec: gateway.SendSpec{Purpose: rapport.Transactional, Template: "news", Data: map[string]any{"what": "code"}}, To: &gateway.RecipientInput{}}
	in.To.Name = &name
	if number != "" {
		in.To.Addresses = []gateway.AddressInput{{Channel: rapport.SMS, Address: number}}
	}
	return in
}
