package gateway_test

import (
	"fmt"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/gateway"
	"rapport/store"
)

// automatically gives every open thread to a colleague who is there.
func (w *world) automatically(agent string) {
	w.t.Helper()
	if _, err := w.g.SetPresence(w.t.Context(), agent, rapport.Online); err != nil {
		w.t.Fatal(err)
	}
	if err := w.g.PutAssignment(w.t.Context(), gateway.Caller{}, rapport.Assignment{Automatic: true}); err != nil {
		w.t.Fatal(err)
	}
}

// A command and nothing else is done with as soon as it is obeyed; whatever is said beside it is for a person.
func TestAside_OnlyABareCommandKeepsOutOfTheQueue(t *testing.T) {
	t.Parallel()
	say := func(ch rapport.Channel, text string, change ...func(*channels.Incoming)) channels.Incoming {
		in := channels.Incoming{Channel: ch, Text: text}
		for _, c := range change {
			c(&in)
		}
		return in
	}
	subject := func(s string) func(*channels.Incoming) { return func(in *channels.Incoming) { in.Subject = s } }
	optOut := func(in *channels.Incoming) { in.OptOut = true }
	optIn := func(in *channels.Incoming) { in.OptIn = true }
	file := func(id string) func(*channels.Incoming) {
		return func(in *channels.Incoming) { in.Attachments = []channels.Attachment{{Name: "a.png", ContentID: id}} }
	}
	tests := map[string]struct {
		in      channels.Incoming
		command string
	}{
		"stop":                         {say(rapport.SMS, "STOP"), "stop"},
		"стоп, with courtesy":          {say(rapport.WhatsApp, "Стоп, пожалуйста!"), "stop"},
		"start":                        {say(rapport.SMS, "Start"), "start"},
		"старт":                        {say(rapport.Webhook, "СТАРТ"), "start"},
		"help":                         {say(rapport.SMS, "help?"), "help"},
		"помощь":                       {say(rapport.Telegram, "помощь"), "help"},
		"a word that the provider has": {say(rapport.SMS, "ARRET", optOut, func(in *channels.Incoming) { in.Answered = true }), "stop"},
		"a button":                     {say(rapport.WhatsApp, "Stop", func(in *channels.Incoming) { in.Button = "opt-out" }), "stop"},
		"/stop to a bot by name":       {say(rapport.Telegram, "/stop@shop_bot", optOut), "stop"},
		"/start":                       {say(rapport.Telegram, "/start", optIn), "start"},
		"by mail in the subject":       {say(rapport.Email, "", subject("Отписка")), "stop"},
		"by mail with a logo":          {say(rapport.Email, "Unsubscribe\n\nBest regards,\nAnna Berg", subject("Unsubscribe"), file("logo@shop.example")), "stop"},

		"with a wish":                  {say(rapport.SMS, "STOP and refund my order"), ""},
		"with a question":              {say(rapport.SMS, "Стоп, а где заказ?"), ""},
		"with a picture":               {say(rapport.WhatsApp, "STOP", file("")), ""},
		"/stop with a wish":            {say(rapport.Telegram, "/stop and refund my order", optOut), ""},
		"by mail under another matter": {say(rapport.Email, "Stop", subject("Order 1234: refund")), ""},
		"by a machine":                 {say(rapport.SMS, "STOP", func(in *channels.Incoming) { in.Auto = channels.AutoReply }), ""},
		"help by mail":                 {say(rapport.Email, "Help"), ""},
	}
	each(t, func(t *testing.T, w *world) {
		w.automatically("Olga")
		n := 0
		for name, tt := range tests {
			n++
			in := tt.in
			in.From, in.ProviderID = addressOf(in.Channel, n), fmt.Sprint("in-", n)
			provider := map[rapport.Channel]string{rapport.Email: "mail", rapport.Telegram: "chat"}[in.Channel]
			if provider == "" {
				provider = "sms"
			}
			w.ingest(provider, channels.Update{EventID: in.ProviderID, Message: &in})
			e, err := w.st.EntryByProvider(t.Context(), provider, in.ProviderID)
			if in.Auto != "" {
				if rapport.CodeOf(err) != rapport.CodeNotFound {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			th := w.thread(e.Thread)
			queued := th.Status == rapport.ThreadOpen && th.Unread && !th.WaitingSince.IsZero() && th.Assignee == "Olga"
			silent := th.Status == rapport.ThreadResolved && !th.Unread && th.WaitingSince.IsZero() && th.Assignee == ""
			if tt.command == "" && !queued || tt.command != "" && !silent {
				t.Errorf("%s: %+v", name, th)
			}
			if tt.command != "" != e.Idle() {
				t.Errorf("%s: %s", name, e.Meta)
			}
		}
		if facts := w.responses(); len(facts) != 0 {
			t.Errorf("%+v", facts)
		}
	}, named)
}

func TestAside_AThreadStaysAsItIs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		from := addressOf(rapport.SMS, 1)
		w.ingest("sms", reply(rapport.SMS, from, "Where is my order?", "e1"))
		th := w.threads()[0]
		since := th.WaitingSince
		for _, status := range []rapport.ThreadStatus{rapport.ThreadOpen, rapport.ThreadPending, rapport.ThreadSnoozed, rapport.ThreadResolved} {
			read, agent := false, "Olga"
			before := w.patch(th.ID, store.ThreadPatch{Status: &status, Unread: &read, Assignee: &agent})
			w.clock.forward(time.Hour)
			w.ingest("sms", reply(rapport.SMS, from, "STOP", "stop "+string(status)), reply(rapport.SMS, from, "START", "start "+string(status)))
			is := w.thread(th.ID)
			if is.Status != status || is.Unread || is.Assignee != "Olga" || !is.WaitingSince.Equal(before.WaitingSince) || status == rapport.ThreadOpen && !is.WaitingSince.Equal(since) {
				t.Errorf("%s: %+v, was %+v", status, is, before)
			}
		}
		if all := w.threads(); len(all) != 1 {
			t.Errorf("%+v", all)
		}
		// Our own confirmation answers no question: whoever asked still waits when the thread is worked out anew.
		open := rapport.ThreadOpen
		if is, err := w.g.PatchThread(t.Context(), gateway.Caller{}, th.ID, store.ThreadPatch{Status: &open}); err != nil || !is.WaitingSince.Equal(since) {
			t.Errorf("%+v, %v", is, err)
		}
	}, named)
}

// After a bare word real words are heard as ever, and the wait is counted from them.
func TestAside_RealWordsAfterwardsOpenTheThread(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		from := addressOf(rapport.SMS, 1)
		w.ingest("sms", reply(rapport.SMS, from, "START", "e1"))
		th := w.threads()[0]
		if th.Status != rapport.ThreadResolved {
			t.Fatalf("%+v", th)
		}
		w.clock.forward(time.Hour)
		w.ingest("sms", reply(rapport.SMS, from, "Where is my order?", "e2"))
		is := w.thread(th.ID)
		asked := w.last(th.ID)
		if is.Status != rapport.ThreadOpen || !is.Unread || !is.WaitingSince.Equal(asked.CreatedAt) {
			t.Errorf("%+v", is)
		}
		w.clock.forward(time.Minute)
		said := w.answer(th.ID, gateway.ReplyInput{Text: "On its way."})
		facts := w.responses()
		if len(facts) != 1 || facts[0].Kind != rapport.FirstReply || !facts[0].WaitedFrom.Equal(asked.CreatedAt) {
			t.Errorf("%+v", facts)
		}
		w.until("the answer has gone out and the thread knows it", func() bool { // it touches the thread, by the clock of then
			left, err := w.st.Ended(t.Context(), 0, 1)
			return w.state(said).Final() && err == nil && len(left) == 0
		})
		w.patch(th.ID, store.ThreadPatch{Status: new(rapport.ThreadResolved)})
		w.clock.forward(100 * 24 * time.Hour) // a word that nobody looks at makes the thread no younger
		w.ingest("sms", reply(rapport.SMS, from, "HELP", "e3"), reply(rapport.SMS, from, "One more thing", "e4"))
		all := w.threads()
		if len(all) != 2 || all[0].ID == th.ID || all[0].Status != rapport.ThreadOpen {
			t.Errorf("long after: %+v", all)
		}
	}, reopening)
}

// A word that was obeyed is proof: it is not written over, and what stands in its place now is seen.
func TestAside_ACommandEditedIntoWordsIsHeard(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		from := addressOf(rapport.Telegram, 1)
		edit := func(text, event string) {
			u := reply(rapport.Telegram, from, text, event)
			u.Message.EditOf, u.Message.ProviderID = "in-e1", "in-e1"
			w.ingest("chat", u)
		}
		w.ingest("chat", reply(rapport.Telegram, from, "Stop", "e1"))
		edit("Stop and refund my order", "e2")
		edit("Stop and refund my order 1234", "e3")
		th := w.threads()[0]
		var said []string
		for _, e := range w.entries(th.ID) {
			if e.Kind == rapport.Inbound {
				said = append(said, e.Text)
			}
		}
		if fmt.Sprintf("%q", said) != `["Stop" "Stop and refund my order 1234"]` || th.Status != rapport.ThreadOpen || !th.Unread {
			t.Errorf("%q in %+v", said, th)
		}
	}, func(s *gateway.Settings) {
		s.ReopenWithin = map[rapport.Channel]time.Duration{rapport.Telegram: time.Hour}
	})
}
