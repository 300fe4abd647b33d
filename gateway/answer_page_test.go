package gateway_test

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/gateway"
	"rapport/store/storetest"
	"rapport/templates"
)

// askedTo sends person n a message with reply_url on a channel and returns it with the token of its page.
func (w *world) askedTo(n int, ch rapport.Channel) (m rapport.Message, token string) {
	w.t.Helper()
	if _, _, _, err := w.g.SaveTemplate(w.t.Context(), gateway.Caller{}, "ask", templates.Source{Topic: "news", Variants: []templates.Variant{{Channel: ch, Text: "Answer: {{ reply_url }}"}}}); err != nil {
		w.t.Fatal(err)
	}
	c := w.campaign(persons(n, ch)[n-1:], transactional, routed(rapport.Preferred, ch), func(m map[string]any) { m["template"] = "ask" })
	w.status(c, rapport.CampaignFinished)
	m = w.only(c)
	r, err := w.g.Shown(w.t.Context(), m)
	if err != nil {
		w.t.Fatal(err)
	}
	link, err := url.Parse(strings.Fields(r.Text.String())[1])
	if err != nil || path.Dir(link.Path) != "/r" {
		w.t.Fatalf("%v %v", link, err)
	}
	return m, path.Base(link.Path)
}

func TestAnswerPage_OneFormAtOnceIsOneEntry(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		m, token := w.askedTo(1, rapport.SMS)
		var wg sync.WaitGroup
		var errs [12]error
		for i := range errs {
			wg.Go(func() {
				errs[i] = w.g.AnswerByPage(t.Context(), token, gateway.PageAnswer{Form: fmt.Sprint("form", i%2), Text: fmt.Sprint("words ", i%2)})
			})
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil && !w.st.Unavailable(err) {
				t.Error(err)
			}
		}
		th := w.threads()
		if len(th) != 1 {
			t.Fatalf("%d threads", len(th))
		}
		es := w.entries(th[0].ID)
		if len(es) != 2 || es[0].MatchedBy != "reply_link" || es[0].Answers.Message != m.ID || es[0].Answers.Campaign != m.Campaign || es[0].Channel != rapport.SMS {
			t.Errorf("%+v", es)
		}
		// Many at once do not pass the bound either.
		refusals := make([]error, 12)
		for i := range refusals {
			wg.Go(func() {
				refusals[i] = w.g.AnswerByPage(t.Context(), token, gateway.PageAnswer{Form: fmt.Sprint("more", i), Text: "more"})
			})
		}
		wg.Wait()
		limited := 0
		for _, err := range refusals {
			if rapport.CodeOf(err) == rapport.CodeRateLimited {
				limited++
			}
		}
		if n := len(w.entries(th[0].ID)); n != 5 || limited != 9 {
			t.Errorf("%d entries, %d refused: %v", n, limited, refusals)
		}
		w.clock.forward(time.Hour + time.Minute)
		if err := w.g.AnswerByPage(t.Context(), token, gateway.PageAnswer{Form: "later", Text: "later"}); err != nil {
			t.Errorf("an hour later: %v", err)
		}
		w.clock.forward(91 * 24 * time.Hour)
		if p, err := w.g.AnswerPage(t.Context(), token); err != nil || !p.Closed {
			t.Errorf("an old message's page: %+v %v", p, err)
		}
		err := w.g.AnswerByPage(t.Context(), token, gateway.PageAnswer{Form: "old", Text: "old"})
		refused(t, err, rapport.CodeConflict, "no answers any more")
	})
}

// Whoever has the link can write there: that stops what it may, and neither gives consent nor shows that a number can text.
func TestAnswerPage_ProvesNoMoreThanItCan(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		_, token := w.askedTo(1, rapport.SMS)
		say := func(form, text string) {
			t.Helper()
			if err := w.g.AnswerByPage(t.Context(), token, gateway.PageAnswer{Form: form, Text: text}); err != nil {
				t.Fatal(err)
			}
		}
		number := addressOf(rapport.SMS, 1)
		a, err := w.st.AddressOf(t.Context(), rapport.SMS, number)
		if err != nil {
			t.Fatal(err)
		}
		off := func(want string) {
			t.Helper()
			if a, err := w.st.AddressOf(t.Context(), rapport.SMS, number); err != nil || a.Off != want {
				t.Errorf("off is %q, want %q: %v", a.Off, want, err)
			}
		}
		if err := w.st.SwitchAddress(t.Context(), a.ID, "landline"); err != nil {
			t.Fatal(err)
		}
		say("1", "Hello")
		off("landline")
		if at, err := w.st.HeardAt(t.Context(), a.Customer, a.ID); err != nil || !at.IsZero() {
			t.Errorf("a form opened the channel's window: %v %v", at, err)
		}
		w.ingest("sms", reply(rapport.SMS, number, "I text from this one", "e1"))
		off("")
		stopped := func() bool {
			s, err := w.st.Suppression(t.Context(), rapport.SMS, number)
			return err == nil && s.Reason == rapport.ReasonStop
		}
		say("2", "STOP")
		if !stopped() {
			t.Error("STOP on the page stopped nothing")
		}
		say("3", "START")
		if !stopped() {
			t.Error("START on the page gave a consent")
		}
	})
}

func TestFileLimits_AreOfTheChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	p, _ := w.hub.Provider("mail")
	o := &channels.Outgoing{To: "a@shop.example", Channel: rapport.Email, Attachments: []channels.Attachment{{Name: "a", Size: 1 << 20}}}
	if v := p.Caps().Check(o); v != nil {
		t.Errorf("at the limit: %v", v)
	}
	o.Channel = rapport.SMS
	if v := p.Caps().Check(o); v == nil || v.Reason != "attachments_not_supported" {
		t.Errorf("on another channel: %v", v)
	}
	w.ingest("mail", reply(rapport.Email, "a@shop.example", "hi", "e1"))
	limits, err := w.g.FileLimits(t.Context(), w.threads()[0].ID)
	if err != nil || len(limits) != 1 || limits[rapport.Email].Bytes != 1<<20 {
		t.Errorf("%+v %v", limits, err)
	}
}
