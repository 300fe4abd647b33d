package telegram

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/channels/channelstest"
	"rapport/channels/telegram/telegramtest"
)

const (
	testToken  = "987654:The-token_of_the_tests"
	testSecret = "Secret_of-the-webhook"
	testHook   = "https://rapport.test/in/telegram/main"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	channelstest.Run(t, channelstest.Harness{
		Driver: Driver,
		New:    newUpstream,
		Bad: []channelstest.BadSetting{
			{Key: "token", Value: "no token"},
			{Key: "token", Value: "123456:ABC/../../file"},
			{Key: "mode", Value: "carrier pigeon"},
			{Key: "webhook_secret", Value: nil},
			{Key: "webhook_secret", Value: "with space"},
			{Key: "webhook_secret", Value: strings.Repeat("a", 257)},
			{Key: "api_url", Value: "api.telegram.org"},
			{Key: "api_url", Value: "https://user:password@api.telegram.org"},
			{Key: "timeout", Value: "5m"},
		},
		Verdicts: map[channelstest.Mode]channels.Verdict{
			channelstest.Reject:   {Kind: channels.Rejected, Code: "400"},
			channelstest.Dead:     {Kind: channels.AddressDead, Code: "400", Reason: "chat_not_found"},
			channelstest.OptOut:   {Kind: channels.OptedOut, Code: "403", Reason: "blocked"},
			channelstest.Throttle: {Kind: channels.Throttled, Code: "429", After: channelstest.RetryAfter, Scope: channels.ScopeProvider},
			channelstest.Deny:     {Kind: channels.Misconfigured, Code: "401", Reason: "login_refused"},
		},
		SignatureHeader: "X-Telegram-Bot-Api-Secret-Token",
		BodyNotSigned:   true,
		Malformed: [][]byte{
			nil, []byte("[]"), []byte("{}"), []byte(`{"update_id":"seven"}`), []byte(`{"update_id":7,"message":[]}`),
			[]byte(`{"update_id":7,"message":{"message_id":1,"text":"no chat"}}`),
			[]byte(`{"update_id":7,"my_chat_member":{"chat":{"id":1,"type":"private"},"new_chat_member":{"status":"ascended"}}}`),
		},
	})
}

func newUpstream(t *testing.T, env channels.Env) *channelstest.Upstream {
	t.Helper()
	fake, base, stop := start(t)
	person := func(i int) int64 { return 700_000_000 + int64(i) }
	polls := settings(base)
	hooks := settings(base)
	hooks["mode"], hooks["webhook_secret"] = "webhook", testSecret
	return &channelstest.Upstream{
		Settings:     hooks,
		PollSettings: polls,
		Secrets:      []string{testToken, testSecret},
		Address:      func(i int) string { return strconv.FormatInt(person(i), 10) },
		Play: func(m channelstest.Mode) {
			if m == channelstest.Down {
				stop()
				return
			}
			modes := map[channelstest.Mode]telegramtest.Mode{
				channelstest.Accept: telegramtest.Accept, channelstest.Reject: telegramtest.Reject, channelstest.Dead: telegramtest.NotFound,
				channelstest.OptOut: telegramtest.Blocked, channelstest.Throttle: telegramtest.Throttle, channelstest.Deny: telegramtest.Unauthorized,
				channelstest.Hang: telegramtest.Hang, channelstest.Cut: telegramtest.CutAfterAccept,
			}
			mode, ok := modes[m]
			if !ok {
				t.Errorf("the fake cannot play %q", m)
			}
			fake.Behave(telegramtest.Behaviour{Mode: mode, RetryAfter: channelstest.RetryAfter})
		},
		Received: func() []channelstest.Received {
			var out []channelstest.Received
			for _, m := range fake.Messages() {
				out = append(out, channelstest.Received{To: strconv.FormatInt(m.Chat, 10), Text: m.Text})
			}
			return out
		},
		Sign: func(body []byte) *channels.Callback { return called(env.Callback, testSecret, body) },
		Inbound: func(i int, text string) []byte {
			return fake.Update("message", fake.Text(person(i), text, nil))
		},
		Say: func(i int, text string) {
			if err := fake.Push("message", fake.Text(person(i), text, nil)); err != nil {
				t.Error(err)
			}
		},
	}
}

// start serves a fake until the test ends, or until stop.
func start(t testing.TB) (fake *telegramtest.Fake, base string, stop func()) {
	t.Helper()
	fake = telegramtest.New(testToken)
	base, stop, err := fake.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return fake, base, stop
}

func settings(base string) channels.Settings {
	return channels.Settings{"token": testToken, "api_url": base}
}

func dial[C any](t testing.TB, s channels.Settings) C {
	t.Helper()
	opened, err := open(s, channels.Env{Name: "main", Channel: rapport.Telegram, Callback: testHook, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.(interface{ Close() error }).Close() })
	return opened.(C)
}

func dialHook(t testing.TB, base string) hooked {
	t.Helper()
	s := settings(base)
	s["mode"], s["webhook_secret"] = "webhook", testSecret
	return dial[hooked](t, s)
}

func called(url, secret string, body []byte) *channels.Callback {
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("X-Telegram-Bot-Api-Secret-Token", secret)
	return &channels.Callback{Method: http.MethodPost, URL: url, Header: h, Body: slices.Clone(body)}
}

func outgoing(chat, text string) *channels.Outgoing {
	return &channels.Outgoing{ID: 1 << 40, Token: rapport.KindMessage.Format(1 << 40), Channel: rapport.Telegram, To: chat, Text: channels.Text(text)}
}
