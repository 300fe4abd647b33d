package twilio

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/channels/channelstest"
	"rapport/channels/twilio/twiliotest"
)

const (
	testSID    = "AC00000000000000000000000000000001"
	testToken  = "5ecretAuthT0ken5ecretAuthT0ken00"
	testSender = "+15005550006"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, channel := range Driver.Channels {
		t.Run(string(channel), func(t *testing.T) {
			t.Parallel()
			channelstest.Run(t, channelstest.Harness{
				Driver:  Driver,
				Channel: channel,
				New:     func(t *testing.T, env channels.Env) *channelstest.Upstream { return newUpstream(t, env) },
				Bad: []channelstest.BadSetting{
					{Key: "account_sid", Value: "SK123"},
					{Key: "account_sid", Value: "AC1/../2"},
					{Key: "auth_token", Value: "with space and $"},
					{Key: "from", Value: nil},
					{Key: "from", Value: "+1 500 555"},
					{Key: "messaging_service_sid", Value: "service"},
					{Key: "opt_out", Value: "carrier"},
					{Key: "base_url", Value: "ftp://127.0.0.1"},
					{Key: "base_url", Value: "api.twilio.com"},
					{Key: "timeout", Value: "10m"},
					{Key: "validity_max", Value: "11h"},
				},
				Verdicts: map[channelstest.Mode]channels.Verdict{
					channelstest.Reject:   {Kind: channels.Rejected, Code: "30007", Reason: "carrier_filtered"},
					channelstest.Dead:     {Kind: channels.AddressDead, Code: "21614"},
					channelstest.OptOut:   {Kind: channels.OptedOut, Code: "21610"},
					channelstest.Throttle: {Kind: channels.Throttled, Code: "20429", After: channelstest.RetryAfter, Scope: channels.ScopeProvider},
					channelstest.Deny:     {Kind: channels.Misconfigured, Code: "21606"},
				},
				SignatureHeader: "X-Twilio-Signature",
				Malformed: [][]byte{
					[]byte("MessageStatus=delivered"),
					[]byte("MessageSid=SM1&MessageStatus=teleported"),
					[]byte("MessageSid=SM1&SmsStatus=received&Body=hello"),
				},
			})
		})
	}
}

func newUpstream(t *testing.T, env channels.Env) *channelstest.Upstream {
	t.Helper()
	fake, base, stop := start(t)
	person := func(i int) string {
		return "+3712000" + string(rune('0'+i/10)) + string(rune('0'+i%10)) + "00"
	}
	onChannel := func(number string) string {
		if env.Channel == rapport.WhatsApp {
			return "whatsapp:" + number
		}
		return number
	}
	return &channelstest.Upstream{
		Settings: settings(base),
		Secrets:  []string{testToken},
		Address:  person,
		Play: func(m channelstest.Mode) {
			switch m {
			case channelstest.Down:
				stop()
			case channelstest.Accept:
				fake.Behave(twiliotest.Behaviour{Mode: twiliotest.Accept})
			case channelstest.Reject:
				fake.Behave(twiliotest.Behaviour{Mode: twiliotest.Reject, Code: 30007})
			case channelstest.Dead:
				fake.Behave(twiliotest.Behaviour{Mode: twiliotest.Reject, Code: 21614})
			case channelstest.OptOut:
				fake.Behave(twiliotest.Behaviour{Mode: twiliotest.Reject, Code: 21610})
			case channelstest.Deny:
				fake.Behave(twiliotest.Behaviour{Mode: twiliotest.Reject, Code: 21606})
			case channelstest.Throttle:
				fake.Behave(twiliotest.Behaviour{Mode: twiliotest.Throttle, RetryAfter: channelstest.RetryAfter})
			case channelstest.Hang:
				fake.Behave(twiliotest.Behaviour{Mode: twiliotest.Hang})
			case channelstest.Cut:
				fake.Behave(twiliotest.Behaviour{Mode: twiliotest.CutAfterAccept})
			default:
				t.Errorf("the fake cannot play %q", m)
			}
		},
		Received: func() []channelstest.Received {
			var out []channelstest.Received
			for _, m := range fake.Messages() {
				out = append(out, channelstest.Received{To: strings.TrimPrefix(m.To, "whatsapp:"), Text: m.Body})
			}
			return out
		},
		Sign: func(body []byte) *channels.Callback { return signed(fake, env.Callback, body) },
		Receipt: func() []byte {
			all := fake.Messages()
			return []byte(fake.StatusForm(all[len(all)-1], "delivered", 0).Encode())
		},
		Inbound: func(i int, text string) []byte {
			return []byte(fake.InboundForm(base, twiliotest.Inbound{From: onChannel(person(i)), To: onChannel(testSender), Body: text}).Encode())
		},
	}
}

// start serves a fake until the test ends, or until stop.
func start(t testing.TB) (fake *twiliotest.Fake, base string, stop func()) {
	t.Helper()
	fake = twiliotest.New(testSID, testToken)
	base, stop, err := fake.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return fake, base, stop
}

func settings(base string) channels.Settings {
	return channels.Settings{"account_sid": testSID, "auth_token": testToken, "from": testSender, "base_url": base}
}

func env(channel rapport.Channel) channels.Env {
	return channels.Env{Name: "main", Channel: channel, Callback: "https://rapport.test/in/twilio/main", Now: time.Now}
}

func dial(t testing.TB, s channels.Settings, e channels.Env) *conn {
	t.Helper()
	opened, err := open(s, e)
	if err != nil {
		t.Fatal(err)
	}
	c := opened.(*conn)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func signed(fake *twiliotest.Fake, callback string, body []byte) *channels.Callback {
	form, _ := url.ParseQuery(string(body)) // what Twilio could not have sent is signed as far as it can be read
	h := http.Header{}
	h.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	h.Set("X-Twilio-Signature", fake.Sign(callback, form))
	return &channels.Callback{Method: http.MethodPost, URL: callback, Header: h, Body: slices.Clone(body)}
}

func message(n int, text string) *channels.Outgoing {
	id := rapport.ID(1<<40 + n)
	return &channels.Outgoing{ID: id, Token: rapport.KindMessage.Format(id), Channel: rapport.SMS, To: "+37120000001", Text: channels.Text(text)}
}
