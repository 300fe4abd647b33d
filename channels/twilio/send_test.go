package twilio

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/channels/twilio/twiliotest"
)

func TestSend_TwilioGetsWhatWasMeant(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	cases := []struct {
		name     string
		channel  rapport.Channel
		settings channels.Settings // on top of the good ones
		change   func(*channels.Outgoing)
		want     func(*twiliotest.Message) // changes what a plain message looks like
	}{
		{"a plain SMS", rapport.SMS, nil, func(*channels.Outgoing) {}, func(*twiliotest.Message) {}},
		{"a plain WhatsApp", rapport.WhatsApp, nil, func(*channels.Outgoing) {}, func(m *twiliotest.Message) {
			m.To, m.From = "whatsapp:+37120000001", "whatsapp:"+testSender
		}},
		{"a messaging service instead of a sender", rapport.SMS,
			channels.Settings{"from": "", "messaging_service_sid": "MG00000000000000000000000000000001"},
			func(*channels.Outgoing) {}, func(m *twiliotest.Message) {
				m.From, m.Service, m.Status = "", "MG00000000000000000000000000000001", "accepted"
			}},
		{"the send window's end", rapport.SMS, nil, func(o *channels.Outgoing) { o.ValidUntil = now.Add(90 * time.Minute) },
			func(m *twiliotest.Message) { m.ValidityPeriod = 5400 }},
		{"a far end is Twilio's own ten hours", rapport.SMS, nil, func(o *channels.Outgoing) { o.ValidUntil = now.Add(48 * time.Hour) }, func(*twiliotest.Message) {}},
		{"an own limit", rapport.SMS, channels.Settings{"validity_max": "4h"}, func(o *channels.Outgoing) { o.ValidUntil = now.Add(48 * time.Hour) },
			func(m *twiliotest.Message) { m.ValidityPeriod = 14400 }},
		{"pictures by link", rapport.SMS, nil, func(o *channels.Outgoing) {
			o.Attachments = []channels.Attachment{{Name: "a.png", URL: "https://rapport.test/f/a.png"}, {Name: "b.png", URL: "https://rapport.test/f/b.png"}}
		}, func(m *twiliotest.Message) {
			m.MediaURLs = []string{"https://rapport.test/f/a.png", "https://rapport.test/f/b.png"}
		}},
		{"a picture alone", rapport.SMS, nil, func(o *channels.Outgoing) {
			o.Text = nil
			o.Attachments = []channels.Attachment{{Name: "a.png", URL: "https://rapport.test/f/a.png"}}
		}, func(m *twiliotest.Message) { m.Body, m.MediaURLs = "", []string{"https://rapport.test/f/a.png"} }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake, base, _ := start(t)
			fake.Now = func() time.Time { return now }
			s := settings(base)
			for k, v := range c.settings {
				s[k] = v
			}
			e := env(c.channel)
			e.Now = fake.Now
			o := message(1, "Привет & hello + 100% 🎁")
			c.change(o)
			id, err := dial(t, s, e).Send(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			want := twiliotest.Message{SID: id, To: "+37120000001", From: testSender, Body: "Привет & hello + 100% 🎁", Status: "queued", Created: now,
				StatusCallback: "https://rapport.test/in/twilio/main?m=" + rapport.KindMessage.Format(o.ID)}
			c.want(&want)
			got := fake.Messages()
			if len(got) != 1 {
				t.Fatalf("Twilio has %d messages", len(got))
			}
			if g, w := got[0], want; g.SID != w.SID || g.To != w.To || g.From != w.From || g.Service != w.Service || g.Body != w.Body ||
				g.StatusCallback != w.StatusCallback || g.ValidityPeriod != w.ValidityPeriod || g.Status != w.Status ||
				strings.Join(g.MediaURLs, " ") != strings.Join(w.MediaURLs, " ") {
				t.Errorf("Twilio has\n%+v, want\n%+v", g, w)
			}
		})
	}
}

func TestSend_RefusesBeforeAsking(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, reason string
		change       func(*channels.Outgoing)
	}{
		{"nothing to say", "empty", func(o *channels.Outgoing) { o.Text = nil }},
		{"buttons", "buttons_not_supported", func(o *channels.Outgoing) { o.Buttons = [][]channels.Button{{{Text: "Yes", Data: "y"}}} }},
		{"a file without a link", "attachment_without_url", func(o *channels.Outgoing) { o.Attachments = []channels.Attachment{{Name: "a.png"}} }},
		{"eleven files", "too_many_attachments", func(o *channels.Outgoing) { o.Attachments = make([]channels.Attachment, 11) }},
		{"too late", "expired", func(o *channels.Outgoing) { o.ValidUntil = time.Now().Add(-time.Second) }},
	}
	fake, base, _ := start(t)
	c := dial(t, settings(base), env(rapport.SMS))
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			o := message(1, "Hello")
			k.change(o)
			_, err := c.Send(t.Context(), o)
			if v := channels.VerdictOf(err); v == nil || v.Kind != channels.Rejected || v.Reason != k.reason {
				t.Errorf("verdict is %v, want rejected (%s)", err, k.reason)
			}
		})
	}
	if n := len(fake.Messages()); n != 0 {
		t.Errorf("Twilio was asked %d times", n)
	}
}

func TestSend_EveryCodeGivesItsVerdict(t *testing.T) {
	t.Parallel()
	fake, base, _ := start(t)
	c := dial(t, settings(base), env(rapport.SMS))
	check := func(code int, kind channels.Kind, reason string) {
		t.Helper()
		fake.Behave(twiliotest.Behaviour{Mode: twiliotest.Reject, Code: code})
		_, err := c.Send(t.Context(), message(1, "Hello"))
		v := channels.VerdictOf(err)
		if v == nil || v.Kind != kind || v.Reason != reason || v.Code != strconv.Itoa(code) {
			t.Errorf("%d: verdict is %+v, want %s (%s)", code, v, kind, reason)
		}
		if v != nil && v.Kind == channels.Throttled && (v.After <= 0 || v.Scope != channels.ScopeProvider) {
			t.Errorf("%d: throttled for %v in scope %q", code, v.After, v.Scope)
		}
	}
	for code, r := range rulings {
		check(code, r.kind, r.reason)
	}
	check(29999, channels.Rejected, "refused") // a code of tomorrow suppresses nothing and stops nothing
	if n := len(fake.Messages()); n != 0 {
		t.Errorf("%d messages were created", n)
	}
}

// What the table says about the codes that decide over a person's address is too costly to get wrong
// by editing it: a second list has to be edited as well.
func TestRulings_SuppressOnlyWhereTheNumberOrThePersonSaysSo(t *testing.T) {
	t.Parallel()
	want := map[int]channels.Kind{
		21211: channels.AddressDead, 21217: channels.AddressDead, 21265: channels.AddressDead, 21614: channels.AddressDead, 21635: channels.AddressDead,
		30005: channels.AddressDead, 30006: channels.AddressDead, 63003: channels.AddressDead,
		21610: channels.OptedOut, 63014: channels.OptedOut,
	}
	for code, r := range rulings {
		if suppresses := r.kind == channels.AddressDead || r.kind == channels.OptedOut; suppresses != (want[code] != "") || suppresses && r.kind != want[code] {
			t.Errorf("%d is %s", code, r.kind)
		}
	}
}

func TestSend_AnswersThatProveNothing(t *testing.T) {
	t.Parallel()
	page := func(status int, contentType, body string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	cases := []struct {
		name    string
		answer  http.HandlerFunc
		kind    channels.Kind
		reason  string
		waiting time.Duration
	}{
		{"500 in Twilio's words", page(500, "application/json", `{"code":20500,"message":"Internal Server Error","status":500}`), channels.Ambiguous, "server_error", 0},
		{"503 with a known code", page(503, "application/json", `{"code":21610,"message":"?","status":503}`), channels.Ambiguous, "server_error", 0},
		{"502 from a load balancer", page(502, "text/html", "<html>Bad Gateway</html>"), channels.Ambiguous, "server_error", 0},
		{"504 without a body", page(504, "text/plain", ""), channels.Ambiguous, "server_error", 0},
		{"201 with broken JSON", page(201, "application/json", `{"sid": "SM`), channels.Ambiguous, "unreadable_answer", 0},
		{"200 without a SID", page(200, "application/json", `{"status":"queued"}`), channels.Ambiguous, "unreadable_answer", 0},
		{"408", page(408, "text/html", "slow"), channels.Ambiguous, "unreadable_answer", 0},
		{"429 without a code", page(429, "text/html", "slow down", "Retry-After", "31"), channels.Throttled, "too_many_requests", 31 * time.Second},
		{"429 without a time", page(429, "application/json", `{"code":20429,"message":"Too Many Requests","status":429}`), channels.Throttled, "too_many_requests", afterBusy},
		{"401 without a code", page(401, "text/html", "who?"), channels.Misconfigured, "login_refused", 0},
		{"a proxy's 403", page(403, "text/html", "<html>Forbidden</html>"), channels.Misconfigured, "not_twilio", 0},
		{"a redirect", page(301, "text/html", "moved", "Location", "https://elsewhere.test/"), channels.Misconfigured, "not_twilio", 0},
		{"a redirect with JSON", page(302, "application/json", "{}", "Location", "https://elsewhere.test/"), channels.Misconfigured, "not_twilio", 0},
		{"404 for the account", page(404, "application/json", `{"code":20404,"message":"not found","status":404}`), channels.Misconfigured, "unknown_account", 0},
	}
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			base := serve(t, k.answer)
			_, err := dial(t, settings(base), env(rapport.SMS)).Send(t.Context(), message(1, "Hello"))
			v := channels.VerdictOf(err)
			if v == nil || v.Kind != k.kind || v.Reason != k.reason || v.After != k.waiting {
				t.Errorf("verdict is %+v, want %s (%s) after %v", v, k.kind, k.reason, k.waiting)
			}
		})
	}
}

func TestSend_TheConfiguredTimeoutLeavesDoubt(t *testing.T) {
	t.Parallel()
	fake, base, _ := start(t)
	fake.Behave(twiliotest.Behaviour{Mode: twiliotest.Hang})
	s := settings(base)
	s["timeout"] = "1s"
	begin := time.Now()
	_, err := dial(t, s, env(rapport.SMS)).Send(t.Context(), message(1, "Hello"))
	if v := channels.VerdictOf(err); v == nil || v.Kind != channels.Ambiguous || v.Reason != "no_answer" {
		t.Errorf("verdict is %v, want ambiguous (no_answer)", err)
	}
	if took := time.Since(begin); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
}

// A load balancer may close an idle connection at the moment a message is written to it. Nothing but a
// fresh connection may get the message again, and only if nothing was written.
func TestSend_NeverRepeatsByItself(t *testing.T) {
	t.Parallel()
	fake, base, _ := start(t)
	c := dial(t, settings(base), env(rapport.SMS))
	for i := range 20 {
		if i%2 == 1 {
			fake.Behave(twiliotest.Behaviour{Mode: twiliotest.CutAfterAccept})
		} else {
			fake.Behave(twiliotest.Behaviour{Mode: twiliotest.Accept})
		}
		_, err := c.Send(t.Context(), message(i, "Hello"))
		if v := channels.VerdictOf(err); i%2 == 1 && (v == nil || v.Kind != channels.Ambiguous) || i%2 == 0 && v != nil {
			t.Errorf("send %d: %v", i, err)
		}
	}
	if n := len(fake.Messages()); n != 20 {
		t.Errorf("20 sends made %d messages", n)
	}
}

func TestOpen_TheEnvironmentDoesNotChangeWhereMessagesGo(t *testing.T) {
	t.Setenv("TWILIO_EDGE", "sydney")
	t.Setenv("TWILIO_REGION", "au1")
	var host string
	e := env(rapport.SMS)
	e.Transport = tripper(func(r *http.Request) (*http.Response, error) {
		host = r.URL.Host
		return nil, net.ErrClosed
	})
	s := settings("https://api.twilio.com")
	_, err := dial(t, s, e).Send(t.Context(), message(1, "Hello"))
	if host != "api.twilio.com" || err == nil {
		t.Errorf("went to %q, error %v", host, err)
	}
}

func TestSetup_ProvesTheLogin(t *testing.T) {
	t.Parallel()
	_, base, stop := start(t)
	if err := dial(t, settings(base), env(rapport.SMS)).Setup(t.Context()); err != nil {
		t.Errorf("the right login: %v", err)
	}
	s := settings(base)
	s["auth_token"] = "wrongwrongwrong"
	err := dial(t, s, env(rapport.SMS)).Setup(t.Context())
	if v := channels.VerdictOf(err); v == nil || v.Kind != channels.Misconfigured || v.Reason != "login_refused" {
		t.Errorf("a wrong login: %v", err)
	}
	if err != nil && strings.Contains(err.Error(), "wrongwrong") {
		t.Errorf("the error shows the token: %v", err)
	}
	c := dial(t, settings(base), env(rapport.SMS))
	stop()
	if v := channels.VerdictOf(c.Setup(t.Context())); v == nil || v.Kind != channels.Temporary {
		t.Errorf("Twilio is down: %v", v)
	}
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
