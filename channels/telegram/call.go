package telegram

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"rapport/channels"
	"rapport/internal/httpx"
)

// call is one request to the Bot API, made by post, or by tgbotapi where there are files. tgbotapi knows no context, puts the token into the text of its
// errors and drops the HTTP status; so each request gets a BotAPI of its own whose client is this. It
// hands the request straight to the transport, because http.Client would write the URL, and with it
// the token, into the error.
type call struct {
	*conn
	ctx     context.Context
	wire    *httpx.Wire   // of a request of tgbotapi's
	written bool          // of another: Telegram can have seen it
	status  int           // of the answer; 0: none came
	after   time.Duration // its Retry-After; 0: none
}

func (k *call) Do(req *http.Request) (*http.Response, error) {
	resp, err := k.http.Transport.RoundTrip(req.WithContext(k.ctx))
	if err != nil {
		return nil, httpx.Redact(err, k.token)
	}
	k.answered(resp.StatusCode, resp.Header.Get("Retry-After"))
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	return resp, nil
}

func (k *call) answered(status int, retryAfter string) {
	k.status = status
	if s, err := strconv.Atoi(retryAfter); err == nil && s > 0 {
		k.after = time.Duration(min(s, 3600)) * time.Second
	}
}

// seen tells whether Telegram can have seen the request.
func (k *call) seen() bool { return k.written || k.wire != nil && k.wire.Written() }

// maxAnswer is far more than the answer to anything but getUpdates, and small enough that a window full of answers
// without an end costs little.
const maxAnswer = 256 << 10

// bot is tgbotapi's client over this call. NewBotAPI would go to the network.
func (k *call) bot() *tg.BotAPI {
	b := &tg.BotAPI{Token: k.token, Client: k}
	b.SetAPIEndpoint(k.endpoint)
	return b
}

// ask makes one request within patience and returns its result, or what it proves that there is none.
func (c *conn) ask(ctx context.Context, patience time.Duration, method string, p tg.Params) (json.RawMessage, *channels.Verdict) {
	return c.exchange(ctx, httpx.Exchange{Timeout: patience}, method, p)
}

func (c *conn) exchange(ctx context.Context, x httpx.Exchange, method string, p tg.Params) (json.RawMessage, *channels.Verdict) {
	k := &call{conn: c, ctx: ctx}
	resp, err := k.post(x, method, p)
	if err != nil || !resp.Ok || k.status != http.StatusOK {
		return nil, k.verdict(p["chat_id"], resp, err)
	}
	return resp.Result, nil
}

// post is tgbotapi's MakeRequest without its detours: that one makes a second map of the parameters, prints and parses
// the URL, and reads the answer through a buffer of its own.
func (k *call) post(x httpx.Exchange, method string, p tg.Params) (*tg.APIResponse, error) {
	u := *k.api
	u.Path += "/bot" + k.token + "/" + method
	a, written, err := httpx.Post(k.ctx, k.http, &u, k.formHeader, encode(p), x)
	k.written = written
	if err != nil {
		return nil, httpx.Redact(err, k.token)
	}
	defer a.Close()
	k.answered(a.Status, a.Header("Retry-After"))
	most := int64(maxAnswer)
	if method == "getUpdates" {
		most = maxDownload
	}
	body, err := a.Body(most)
	if err != nil {
		return nil, err
	}
	out := &tg.APIResponse{}
	return out, json.Unmarshal(body, out)
}

func encode(p tg.Params) []byte {
	b := make([]byte, 0, 512)
	for name, value := range p {
		if len(b) > 0 {
			b = append(b, '&')
		}
		b = append(append(append(b, name...), '='), url.QueryEscape(value)...)
	}
	return b
}

// upload is exchange with a file, which it closes. Waiting for a connection counts as exchange.
func (c *conn) upload(ctx context.Context, x httpx.Exchange, method string, p tg.Params, field, name string, content io.ReadCloser) (json.RawMessage, *channels.Verdict) {
	ctx, cancel := context.WithTimeout(ctx, x.Timeout)
	defer cancel()
	k := &call{conn: c}
	k.ctx, k.wire = httpx.Watch(ctx, x.Wire)
	l := &lent{r: content}
	defer l.close()
	resp, err := k.bot().UploadFiles(method, p, []tg.RequestFile{{Name: field, Data: tg.FileReader{Name: name, Reader: l}}})
	if l.failed() != nil && k.status == 0 {
		// The multipart body broke off, so Telegram cannot have taken the message.
		return nil, &channels.Verdict{Kind: channels.Temporary, Reason: "attachment_unreadable", Err: l.failed()}
	}
	if err != nil || k.status != http.StatusOK {
		return nil, k.verdict(p["chat_id"], resp, err)
	}
	return resp.Result, nil
}

// lent is a file lent to tgbotapi, whose writer goroutine may still be at it when the answer is there.
// After close nothing reads from the file any more.
type lent struct {
	mu  sync.Mutex
	r   io.ReadCloser
	end bool
	err error
}

func (l *lent) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end {
		return 0, io.ErrClosedPipe
	}
	n, err := l.r.Read(p)
	if err != nil && err != io.EOF {
		l.err = err
	}
	return n, err
}

func (l *lent) failed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *lent) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end = true
	_ = l.r.Close() // it was only read
}
