package telegram

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rapport/channels"
	"rapport/channels/telegram/telegramtest"
)

func attachment(name, contentType string, data []byte) channels.Attachment {
	return channels.Attachment{Name: name, ContentType: contentType, Size: int64(len(data)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
}

func TestSend_TheChatShowsWhatWasMeant(t *testing.T) {
	t.Parallel()
	photo := attachment("cat.jpg", "image/jpeg", []byte("JPEG of a cat"))
	paper := attachment(`price "list" №1.pdf`, "application/pdf", bytes.Repeat([]byte("PDF"), 100_000))
	long := strings.Repeat("б", maxCaption+1)
	buttons := [][]channels.Button{{{Text: "Yes", Data: "yes"}, {Text: "Shop", URL: "https://shop.test/?a=1&b=2"}}, {{Text: "No", Data: strings.Repeat("n", 64)}}}
	const keyboard = `{"inline_keyboard":[[{"text":"Yes","callback_data":"yes"},{"text":"Shop","url":"https://shop.test/?a=1\u0026b=2"}],[{"text":"No","callback_data":"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"}]]}`
	cases := []struct {
		name    string
		change  func(*channels.Outgoing)
		want    []telegramtest.Message // Method, Text, Keyboard, ReplyTo, FileName, File
		idOfNth int
	}{
		{"a text", func(*channels.Outgoing) {}, []telegramtest.Message{{Method: "sendMessage", Text: "<b>Привет</b> &amp; hi"}}, 0},
		{"buttons", func(o *channels.Outgoing) { o.Buttons = buttons },
			[]telegramtest.Message{{Method: "sendMessage", Text: "<b>Привет</b> &amp; hi", Keyboard: keyboard}}, 0},
		{"a button that shares a contact", func(o *channels.Outgoing) { o.Buttons = [][]channels.Button{{{Text: "Share", Contact: true}}} },
			[]telegramtest.Message{{Method: "sendMessage", Text: "<b>Привет</b> &amp; hi", Keyboard: `{"keyboard":[[{"text":"Share","request_contact":true}]],"one_time_keyboard":true,"resize_keyboard":true}`}}, 0},
		{"an answer", func(o *channels.Outgoing) { o.InReplyTo = "42:77" },
			[]telegramtest.Message{{Method: "sendMessage", Text: "<b>Привет</b> &amp; hi", ReplyTo: 77}}, 0},
		{"an answer to a bare id", func(o *channels.Outgoing) { o.InReplyTo = "77" },
			[]telegramtest.Message{{Method: "sendMessage", Text: "<b>Привет</b> &amp; hi", ReplyTo: 77}}, 0},
		{"an answer to something else", func(o *channels.Outgoing) { o.InReplyTo = "<mail@host>" },
			[]telegramtest.Message{{Method: "sendMessage", Text: "<b>Привет</b> &amp; hi"}}, 0},
		{"a picture with a caption and buttons", func(o *channels.Outgoing) {
			o.Attachments, o.Buttons, o.InReplyTo = []channels.Attachment{photo}, buttons, "42:77"
		}, []telegramtest.Message{{Method: "sendPhoto", Text: "<b>Привет</b> &amp; hi", Keyboard: keyboard, ReplyTo: 77, FileName: "cat.jpg", File: []byte("JPEG of a cat")}}, 0},
		{"a file without a text", func(o *channels.Outgoing) { o.Attachments, o.Text = []channels.Attachment{paper}, nil },
			[]telegramtest.Message{{Method: "sendDocument", FileName: `price "list" №1.pdf`, File: bytes.Repeat([]byte("PDF"), 100_000)}}, 0},
		{"a picture and a text too long for a caption", func(o *channels.Outgoing) {
			o.Attachments, o.Buttons, o.InReplyTo, o.Text = []channels.Attachment{photo}, buttons, "42:77", channels.Text(long)
		}, []telegramtest.Message{
			{Method: "sendPhoto", ReplyTo: 77, FileName: "cat.jpg", File: []byte("JPEG of a cat")},
			{Method: "sendMessage", Text: long, Keyboard: keyboard},
		}, 1},
		{"two files and a text", func(o *channels.Outgoing) { o.Attachments = []channels.Attachment{photo, paper} }, []telegramtest.Message{
			{Method: "sendPhoto", FileName: "cat.jpg", File: []byte("JPEG of a cat")},
			{Method: "sendDocument", FileName: `price "list" №1.pdf`, File: bytes.Repeat([]byte("PDF"), 100_000)},
			{Method: "sendMessage", Text: "<b>Привет</b> &amp; hi"},
		}, 2},
		{"a picture of unknown size goes as a file", func(o *channels.Outgoing) {
			unknown := photo
			unknown.Size = 0
			o.Attachments = []channels.Attachment{unknown}
		}, []telegramtest.Message{{Method: "sendDocument", Text: "<b>Привет</b> &amp; hi", FileName: "cat.jpg", File: []byte("JPEG of a cat")}}, 0},
	}
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			fake, base, _ := start(t)
			o := outgoing("42", "<b>Привет</b> &amp; hi")
			k.change(o)
			id, err := dial[*polling](t, settings(base)).Send(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			got := fake.Messages()
			if len(got) != len(k.want) {
				t.Fatalf("the chat shows %d messages, want %d", len(got), len(k.want))
			}
			for i, w := range k.want {
				g := got[i]
				if g.Chat != 42 || g.Method != w.Method || g.Text != w.Text || g.Keyboard != w.Keyboard || g.ReplyTo != w.ReplyTo || g.FileName != w.FileName || !bytes.Equal(g.File, w.File) {
					g.File, w.File = nil, nil
					t.Errorf("message %d is\n%+v, want\n%+v", i, g, w)
				}
			}
			if want := providerID(42, got[k.idOfNth].ID); id != want {
				t.Errorf("id is %q, want %q", id, want)
			}
		})
	}
}

func TestSend_RefusesBeforeAsking(t *testing.T) {
	t.Parallel()
	button := func(b ...channels.Button) func(*channels.Outgoing) {
		return func(o *channels.Outgoing) { o.Buttons = [][]channels.Button{b} }
	}
	text := func(s string) func(*channels.Outgoing) {
		return func(o *channels.Outgoing) { o.Text = channels.Text(s) }
	}
	cases := []struct {
		name, reason string
		change       func(*channels.Outgoing)
	}{
		{"nothing", "empty", text("")},
		{"only space and tags", "empty", text(" <b>\n</b> ")},
		{"an unknown tag", "invalid_markup", text("<p>Hello</p>")},
		{"an open tag", "invalid_markup", text("<b>Hello")},
		{"a bare <", "invalid_markup", text("1 < 2")},
		{"4097 units", "text_too_long", text(strings.Repeat("a", 4097))},
		{"4098 units in 2049 emoji", "text_too_long", text(strings.Repeat("🎁", 2049))},
		{"no chat id", "invalid_address", func(o *channels.Outgoing) { o.To = "@channel" }},
		{"data of 65 bytes", "invalid_button", button(channels.Button{Text: "a", Data: strings.Repeat("d", 65)})},
		{"data and URL", "invalid_button", button(channels.Button{Text: "a", Data: "d", URL: "https://shop.test"})},
		{"neither data nor URL", "invalid_button", button(channels.Button{Text: "a"})},
		{"a button without text", "invalid_button", button(channels.Button{Data: "d"})},
		{"a contact with data", "invalid_button", button(channels.Button{Text: "a", Data: "d", Contact: true})},
		{"a contact in a group", "invalid_button", func(o *channels.Outgoing) { button(channels.Button{Text: "a", Contact: true})(o); o.To = "-42" }},
		{"a contact beside a link", "invalid_button", func(o *channels.Outgoing) {
			o.Buttons = [][]channels.Button{{{Text: "a", Contact: true}, {Text: "b", URL: "https://shop.test"}}}
		}},
		{"a script as URL", "invalid_button", button(channels.Button{Text: "a", URL: "javascript:alert(1)"})},
		{"101 buttons", "invalid_button", func(o *channels.Outgoing) {
			for range 101 {
				o.Buttons = append(o.Buttons, []channels.Button{{Text: "a", Data: "d"}})
			}
		}},
		{"a file without content", "invalid_attachment", func(o *channels.Outgoing) { o.Attachments = []channels.Attachment{{Name: "a"}} }},
	}
	fake, base, _ := start(t)
	c := dial[*polling](t, settings(base))
	for _, k := range cases {
		o := outgoing("42", "Hello")
		k.change(o)
		_, err := c.Send(t.Context(), o)
		if v := channels.VerdictOf(err); v == nil || v.Kind != channels.Rejected || v.Reason != k.reason {
			t.Errorf("%s: verdict is %v, want rejected (%s)", k.name, err, k.reason)
		}
	}
	if n := len(fake.Messages()); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
}

func TestSend_EveryAnswerGivesItsVerdict(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, chat string
		status     int
		body       string
		want       channels.Verdict // Kind, Reason, Code, After, Scope, MovedTo
	}{
		{"blocked", "42", 403, `{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}`, channels.Verdict{Kind: channels.OptedOut, Reason: "blocked", Code: "403"}},
		{"deactivated", "42", 403, `{"ok":false,"error_code":403,"description":"Forbidden: user is deactivated"}`, channels.Verdict{Kind: channels.OptedOut, Reason: "deactivated", Code: "403"}},
		{"kicked", "-42", 403, `{"ok":false,"error_code":403,"description":"Forbidden: bot was kicked from the group chat"}`, channels.Verdict{Kind: channels.OptedOut, Reason: "kicked", Code: "403"}},
		{"not a member", "-42", 403, `{"ok":false,"error_code":403,"description":"Forbidden: bot is not a member of the channel chat"}`, channels.Verdict{Kind: channels.OptedOut, Reason: "kicked", Code: "403"}},
		{"never started", "42", 403, `{"ok":false,"error_code":403,"description":"Forbidden: bot can't initiate conversation with a user"}`, channels.Verdict{Kind: channels.OptedOut, Reason: "not_started", Code: "403"}},
		{"another bot", "42", 403, `{"ok":false,"error_code":403,"description":"Forbidden: bot can't send messages to bots"}`, channels.Verdict{Kind: channels.Rejected, Reason: "is_a_bot", Code: "403"}},
		{"some other 403", "42", 403, `{"ok":false,"error_code":403,"description":"Forbidden: the group chat was deleted"}`, channels.Verdict{Kind: channels.OptedOut, Reason: "forbidden", Code: "403"}},
		{"no such chat", "42", 400, `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`, channels.Verdict{Kind: channels.AddressDead, Reason: "chat_not_found", Code: "400"}},
		{"no such peer", "42", 400, `{"ok":false,"error_code":400,"description":"Bad Request: PEER_ID_INVALID"}`, channels.Verdict{Kind: channels.AddressDead, Reason: "chat_not_found", Code: "400"}},
		{"the group moved", "-42", 400, `{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1001234567890}}`,
			channels.Verdict{Kind: channels.AddressMoved, Reason: "group_upgraded", Code: "400", MovedTo: "-1001234567890"}},
		{"bad markup", "42", 400, `{"ok":false,"error_code":400,"description":"Bad Request: can't parse entities: Unsupported start tag"}`, channels.Verdict{Kind: channels.Rejected, Reason: "invalid_markup", Code: "400"}},
		{"too long", "42", 400, `{"ok":false,"error_code":400,"description":"Bad Request: message is too long"}`, channels.Verdict{Kind: channels.Rejected, Reason: "text_too_long", Code: "400"}},
		{"a bad button", "42", 400, `{"ok":false,"error_code":400,"description":"Bad Request: BUTTON_URL_INVALID"}`, channels.Verdict{Kind: channels.Rejected, Reason: "invalid_button", Code: "400"}},
		{"no rights", "-42", 400, `{"ok":false,"error_code":400,"description":"Bad Request: not enough rights to send text messages to the chat"}`, channels.Verdict{Kind: channels.Rejected, Reason: "no_rights", Code: "400"}},
		{"something new", "42", 400, `{"ok":false,"error_code":400,"description":"Bad Request: MOON_IN_WRONG_PHASE"}`, channels.Verdict{Kind: channels.Rejected, Reason: "refused", Code: "400"}},
		{"a teapot", "42", 418, `{"ok":false,"error_code":418,"description":"I'm a teapot"}`, channels.Verdict{Kind: channels.Rejected, Reason: "refused", Code: "418"}},
		{"a revoked token", "42", 401, `{"ok":false,"error_code":401,"description":"Unauthorized"}`, channels.Verdict{Kind: channels.Misconfigured, Reason: "login_refused", Code: "401"}},
		{"a wrong token", "42", 404, `{"ok":false,"error_code":404,"description":"Not Found"}`, channels.Verdict{Kind: channels.Misconfigured, Reason: "login_refused", Code: "404"}},
		{"a conflict", "42", 409, `{"ok":false,"error_code":409,"description":"Conflict: terminated by other getUpdates request"}`, channels.Verdict{Kind: channels.Misconfigured, Reason: "two_receivers", Code: "409"}},
		{"too fast", "42", 429, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 34","parameters":{"retry_after":34}}`,
			channels.Verdict{Kind: channels.Throttled, Reason: "too_many_requests", Code: "429", After: 34 * time.Second, Scope: channels.ScopeProvider}},
		{"too fast for a group", "-42", 429, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 34","parameters":{"retry_after":34}}`,
			channels.Verdict{Kind: channels.Throttled, Reason: "too_many_requests", Code: "429", After: 34 * time.Second, Scope: channels.ScopeRecipient}},
		{"a proxy's 429", "42", 429, `slow down`, channels.Verdict{Kind: channels.Throttled, Reason: "too_many_requests", Code: "429", After: afterBusy, Scope: channels.ScopeProvider}},
		{"a proxy's 403", "42", 403, `<html>`, channels.Verdict{Kind: channels.Misconfigured, Reason: "not_telegram", Code: "403"}},
		{"a redirect", "42", 302, `<html>`, channels.Verdict{Kind: channels.Misconfigured, Reason: "not_telegram", Code: "302"}},
		{"a restart", "42", 500, `{"ok":false,"error_code":500,"description":"Internal Server Error: restart"}`, channels.Verdict{Kind: channels.Ambiguous, Reason: "server_error", Code: "500"}},
		{"a load balancer's 502", "42", 502, `<html>Bad Gateway</html>`, channels.Verdict{Kind: channels.Ambiguous, Reason: "server_error", Code: "502"}},
		{"a 504 without a body", "42", 504, ``, channels.Verdict{Kind: channels.Ambiguous, Reason: "server_error", Code: "504"}},
		{"yes, in broken JSON", "42", 200, `{"ok":true,"result":{"message_`, channels.Verdict{Kind: channels.Ambiguous, Reason: "unreadable_answer", Code: "200"}},
		{"yes, but no message", "42", 200, `{"ok":true,"result":true}`, channels.Verdict{Kind: channels.Ambiguous, Reason: "unreadable_answer"}},
	}
	file := attachment("a.pdf", "application/pdf", []byte("PDF"))
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(k.status)
				_, _ = w.Write([]byte(k.body))
			}))
			defer s.Close()
			c := dial[*polling](t, settings(s.URL))
			for _, files := range [][]channels.Attachment{nil, {file}} { // an upload must lose nothing of it
				o := outgoing(k.chat, "Hello")
				o.Attachments = files
				_, err := c.Send(t.Context(), o)
				v := channels.VerdictOf(err)
				if v == nil {
					t.Fatal("no verdict")
				}
				if got := (channels.Verdict{Kind: v.Kind, Reason: v.Reason, Code: v.Code, After: v.After, Scope: v.Scope, MovedTo: v.MovedTo}); got != k.want {
					t.Errorf("with %d files:\ngot  %+v\nwant %+v (%v)", len(files), got, k.want, v)
				}
				if strings.Contains(v.Error(), testToken) {
					t.Errorf("the verdict shows the token: %v", v)
				}
			}
		})
	}
}

func TestSend_PartlySentIsNeverRetried(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		then telegramtest.Behaviour
		want channels.Kind
	}{
		{"throttled for longer than there is time", telegramtest.Behaviour{Mode: telegramtest.Throttle, RetryAfter: time.Hour}, channels.Ambiguous},
		{"the token is revoked", telegramtest.Behaviour{Mode: telegramtest.Unauthorized}, channels.Ambiguous},
		{"the group moves", telegramtest.Behaviour{Mode: telegramtest.Migrate, MigrateTo: -100}, channels.Ambiguous},
		{"the person blocks the bot", telegramtest.Behaviour{Mode: telegramtest.Blocked}, channels.OptedOut},
		{"the text is refused", telegramtest.Behaviour{Mode: telegramtest.Reject}, channels.Rejected},
		{"a server error", telegramtest.Behaviour{Mode: telegramtest.FailAfterAccept}, channels.Ambiguous},
	}
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			fake, base, _ := start(t)
			k.then.After = 1
			fake.Behave(k.then)
			o := outgoing("42", strings.Repeat("a", 2000))
			o.Attachments = []channels.Attachment{attachment("cat.jpg", "image/jpeg", []byte("cat"))}
			ctx, cancel := contextWithin(t, 20*time.Second)
			defer cancel()
			_, err := dial[*polling](t, settings(base)).Send(ctx, o)
			if v := channels.VerdictOf(err); v == nil || v.Kind != k.want || v.Retryable() {
				t.Errorf("verdict is %v, want %s", err, k.want)
			}
		})
	}
}

func TestSend_AShortThrottleBetweenPartsIsWaitedOut(t *testing.T) {
	t.Parallel()
	fake, base, _ := start(t)
	fake.Behave(telegramtest.Behaviour{Mode: telegramtest.Throttle, RetryAfter: time.Second, After: 1})
	o := outgoing("42", strings.Repeat("a", 2000))
	o.Attachments = []channels.Attachment{attachment("cat.jpg", "image/jpeg", []byte("cat"))}
	ctx, cancel := contextWithin(t, 20*time.Second)
	defer cancel()
	go func() {
		for len(fake.Messages()) == 0 && ctx.Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(300 * time.Millisecond)
		fake.Behave(telegramtest.Behaviour{Mode: telegramtest.Accept})
	}()
	if _, err := dial[*polling](t, settings(base)).Send(ctx, o); err != nil {
		t.Fatal(err)
	}
	if n := fake.Count(42); n != 2 {
		t.Errorf("the chat shows %d messages", n)
	}
}

func TestSend_AFileThatCannotBeReadSendsNothing(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is broken")
	cases := map[string]func() (io.ReadCloser, error){
		"at once": func() (io.ReadCloser, error) { return nil, broken },
		"half way": func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(bytes.NewReader(make([]byte, 300_000)), failing{broken})), nil
		},
	}
	for name, open := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, base, _ := start(t)
			o := outgoing("42", "Hello")
			o.Attachments = []channels.Attachment{{Name: "a.bin", Size: 1 << 20, Open: open}}
			_, err := dial[*polling](t, settings(base)).Send(t.Context(), o)
			if v := channels.VerdictOf(err); v == nil || v.Kind != channels.Temporary || v.Reason != "attachment_unreadable" || !errors.Is(err, broken) {
				t.Errorf("verdict is %v", err)
			}
			if n := len(fake.Messages()); n != 0 {
				t.Errorf("%d messages were sent", n)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestOpen_AskingNoNetwork(t *testing.T) {
	t.Parallel()
	if c := dial[*polling](t, settings("http://127.0.0.1:1")); c == nil {
		t.Error("nothing was opened")
	}
	_, err := open(channels.Settings{"token": testToken, "mode": "webhook", "webhook_secret": testSecret}, channels.Env{Now: time.Now})
	if err == nil || !strings.Contains(err.Error(), "settings.mode") {
		t.Errorf("a webhook without a public URL: %v", err)
	}
}

func TestSetup_TellsTelegramTheWay(t *testing.T) {
	t.Parallel()
	fake, base, stop := start(t)
	hook := dialHook(t, base)
	if err := hook.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	if url, secret := fake.Webhook(); url != testHook || secret != testSecret {
		t.Errorf("webhook is %q with %q", url, secret)
	}
	poll := dial[*polling](t, settings(base))
	if _, _, err := poll.Poll(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "webhook is set") {
		t.Errorf("polling beside a webhook: %v", err)
	}
	if err := poll.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	if url, _ := fake.Webhook(); url != "" {
		t.Errorf("webhook is still %q", url)
	}
	s := settings(base)
	s["token"] = "654321:wrong"
	err := dial[*polling](t, s).Setup(t.Context())
	if v := channels.VerdictOf(err); v == nil || v.Kind != channels.Misconfigured || v.Reason != "login_refused" {
		t.Errorf("a wrong token: %v", err)
	}
	stop()
	if err := poll.Setup(t.Context()); channels.VerdictOf(err) == nil || strings.Contains(err.Error(), testToken) {
		t.Errorf("with Telegram down: %v", err)
	}
}
