// Package telegramtest is a stand-in for Telegram's Bot API that is stricter than Telegram: it refuses
// what Telegram would forgive or ignore, so that a mistake shows in a test and not in a chat.
//
// A Fake is an http.Handler. Start serves it on a free port of the loopback interface.
package telegramtest

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Mode is how a Fake treats the requests that send a message.
type Mode string

const (
	Accept          Mode = "accept"
	Reject          Mode = "reject"            // 400 with Behaviour.Description; nothing is sent
	NotFound        Mode = "not_found"         // 400 chat not found
	Blocked         Mode = "blocked"           // 403 blocked by the user
	Migrate         Mode = "migrate"           // 400 with migrate_to_chat_id Behaviour.MigrateTo
	Throttle        Mode = "throttle"          // 429 with retry_after Behaviour.RetryAfter
	Unauthorized    Mode = "unauthorized"      // 401, as for a revoked token
	Down            Mode = "down"              // 502 with a page of HTML; nothing is sent
	Hang            Mode = "hang"              // sends, never answers
	FailAfterAccept Mode = "fail_after_accept" // sends, answers 500
	CutAfterAccept  Mode = "cut_after_accept"  // sends, closes the connection
)

// Behaviour is a Mode with its details.
type Behaviour struct {
	Mode        Mode
	Description string        // of Reject; "": something about the message
	MigrateTo   int64         // of Migrate
	RetryAfter  time.Duration // of Throttle; 0: a second
	Latency     time.Duration // before any answer
	After       int           // this many messages are accepted before Mode begins
}

// Message is one message as it stands in the chat.
type Message struct {
	Chat, ID int64
	Method   string // sendMessage, sendPhoto, sendDocument
	Text     string // or caption, with its markup
	Keyboard string // reply_markup as sent
	ReplyTo  int64
	FileName string
	File     []byte
}

// Fake is one bot. The zero value is not usable; see New.
type Fake struct {
	Token string

	mu        sync.Mutex
	behaviour Behaviour
	messages  []Message
	count     map[int64]int
	next      int64 // of message ids
	updates   []pending
	nextID    int64 // of updates
	poller    int   // the newest getUpdates; older ones end with 409
	news      chan struct{}
	webhook   string
	secret    string
	files     map[string]storedFile
	answered  []string

	done chan struct{} // closed by stop: lets hanging requests and polls go
}

type storedFile struct {
	path string
	data []byte
}

// New makes a bot in mode Accept.
func New(token string) *Fake {
	return &Fake{Token: token, behaviour: Behaviour{Mode: Accept}, count: map[int64]int{}, files: map[string]storedFile{},
		next: 100, nextID: 1000, news: make(chan struct{}), done: make(chan struct{})}
}

// Start serves f on the loopback interface. stop closes the listener and every connection, and may be
// called again.
func (f *Fake) Start() (apiURL string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("starting the fake Telegram: %w", err)
	}
	s := &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(l) }()
	var once sync.Once
	return "http://" + l.Addr().String(), func() {
		once.Do(func() {
			close(f.done)
			_ = l.Close() // which s.Close leaves to Serve, and that may not have begun
			_ = s.Close()
		})
	}, nil
}

// Behave changes how requests that begin from now on are treated.
func (f *Fake) Behave(b Behaviour) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.behaviour = b
}

// Messages lists what was sent, oldest first.
func (f *Fake) Messages() []Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Message(nil), f.messages...)
}

// Count is how many messages a chat got.
func (f *Fake) Count(chat int64) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count[chat]
}

// Answered lists the callback queries that were answered, oldest first.
func (f *Fake) Answered() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.answered...)
}

// Webhook is what setWebhook has set; "" when updates are polled.
func (f *Fake) Webhook() (url, secret string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.webhook, f.secret
}

// AddFile stores a file as if a person had sent it, and returns its file_id.
func (f *Fake) AddFile(path string, data []byte) (fileID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := "file" + strconv.Itoa(len(f.files)+1)
	f.files[id] = storedFile{path, data}
	return id
}

// ServeHTTP is the API: /bot<token>/<method> and /file/bot<token>/<path>.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if path, ok := strings.CutPrefix(r.URL.Path, "/file/bot"+f.Token+"/"); ok && r.Method == http.MethodGet {
		f.serveFile(w, path)
		return
	}
	token, method, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/bot"), "/")
	switch {
	case !ok || !strings.HasPrefix(r.URL.Path, "/bot") || strings.Contains(method, "/"):
		refuse(w, 404, "Not Found", nil)
		return
	case token != f.Token:
		refuse(w, 401, "Unauthorized", nil)
		return
	case r.Method != http.MethodPost:
		refuse(w, 400, "Bad Request: the fake takes POST only", nil)
		return
	}
	form, file, err := parse(r)
	if err != nil {
		refuse(w, 400, "Bad Request: "+err.Error(), nil)
		return
	}
	switch method {
	case "sendMessage", "sendPhoto", "sendDocument":
		f.send(w, r, method, form, file)
	case "getMe":
		f.only(w, form, func() (any, *refusal) {
			return map[string]any{"id": 1, "is_bot": true, "first_name": "Fake", "username": "fake_bot"}, nil
		})
	case "getUpdates":
		f.getUpdates(w, r, form)
	case "setWebhook":
		f.only(w, form, func() (any, *refusal) { return f.setWebhook(form) }, "url", "secret_token", "allowed_updates", "max_connections", "drop_pending_updates")
	case "deleteWebhook":
		f.only(w, form, func() (any, *refusal) { f.webhook, f.secret = "", ""; return true, nil }, "drop_pending_updates")
	case "getFile":
		f.only(w, form, func() (any, *refusal) {
			s, ok := f.files[form.Get("file_id")]
			if !ok {
				return nil, bad("wrong file_id or the file is temporarily unavailable")
			}
			return map[string]any{"file_id": form.Get("file_id"), "file_unique_id": "u", "file_size": len(s.data), "file_path": s.path}, nil
		}, "file_id")
	case "answerCallbackQuery":
		f.only(w, form, func() (any, *refusal) { return f.answer(form.Get("callback_query_id")) }, "callback_query_id", "text", "show_alert")
	default:
		refuse(w, 404, "Not Found: method not found", nil)
	}
}

// only runs a method that takes these parameters and no others, under the lock.
func (f *Fake) only(w http.ResponseWriter, form values, run func() (any, *refusal), known ...string) {
	if r := form.only(known...); r != nil {
		r.write(w)
		return
	}
	f.mu.Lock()
	result, r := run()
	f.mu.Unlock()
	if r != nil {
		r.write(w)
		return
	}
	succeed(w, result)
}

func (f *Fake) send(w http.ResponseWriter, r *http.Request, method string, form values, file *upload) {
	f.mu.Lock()
	b := f.behaviour
	if b.After > 0 {
		f.behaviour.After--
		b = Behaviour{Mode: Accept, Latency: b.Latency}
	}
	f.mu.Unlock()
	if b.Latency > 0 {
		select {
		case <-time.After(b.Latency):
		case <-r.Context().Done():
			return
		}
	}
	m, wrong := read(method, form, file)
	if wrong != nil {
		wrong.write(w)
		return
	}
	switch b.Mode {
	case Reject:
		if b.Description == "" {
			b.Description = "message can't be sent"
		}
		bad("%s", b.Description).write(w)
		return
	case NotFound:
		bad("chat not found").write(w)
		return
	case Blocked:
		refuse(w, 403, "Forbidden: bot was blocked by the user", nil)
		return
	case Migrate:
		refuse(w, 400, "Bad Request: group chat was upgraded to a supergroup chat", map[string]any{"migrate_to_chat_id": b.MigrateTo})
		return
	case Throttle:
		s := max(1, int(b.RetryAfter/time.Second))
		w.Header().Set("Retry-After", strconv.Itoa(s))
		refuse(w, 429, fmt.Sprintf("Too Many Requests: retry after %d", s), map[string]any{"retry_after": s})
		return
	case Unauthorized:
		refuse(w, 401, "Unauthorized", nil)
		return
	case Down:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write([]byte("<html><body>502 Bad Gateway</body></html>"))
		return
	}
	f.mu.Lock()
	f.next++
	m.ID = f.next
	f.messages = append(f.messages, m)
	f.count[m.Chat]++
	f.mu.Unlock()
	switch b.Mode {
	case Hang:
		select {
		case <-r.Context().Done():
		case <-f.done:
		}
		panic(http.ErrAbortHandler)
	case CutAfterAccept:
		panic(http.ErrAbortHandler) // net/http closes the connection without a word
	case FailAfterAccept:
		refuse(w, 500, "Internal Server Error: restart", nil)
		return
	}
	succeed(w, shown(m))
}

// shown is a message as the API returns it.
func shown(m Message) map[string]any {
	kind := "private"
	if m.Chat < 0 {
		kind = "group"
	}
	out := map[string]any{"message_id": m.ID, "date": time.Now().Unix(), "chat": map[string]any{"id": m.Chat, "type": kind},
		"from": map[string]any{"id": 1, "is_bot": true, "first_name": "Fake", "username": "fake_bot"}}
	switch m.Method {
	case "sendMessage":
		out["text"] = m.Text
	case "sendPhoto":
		out["caption"], out["photo"] = m.Text, []any{map[string]any{"file_id": "p", "file_unique_id": "p", "width": 1, "height": 1}}
	case "sendDocument":
		out["caption"], out["document"] = m.Text, map[string]any{"file_id": "d", "file_unique_id": "d", "file_name": m.FileName}
	}
	return out
}

func (f *Fake) serveFile(w http.ResponseWriter, path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.files {
		if s.path == path {
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = w.Write(s.data)
			return
		}
	}
	refuse(w, 404, "Not Found", nil)
}

func succeed(w http.ResponseWriter, result any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"ok": true, "result": result}) // a client that has gone does not matter here
}

func refuse(w http.ResponseWriter, code int, description string, parameters map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	body := map[string]any{"ok": false, "error_code": code, "description": description}
	if parameters != nil {
		body["parameters"] = parameters
	}
	_ = json.NewEncoder(w).Encode(body)
}

// refusal is an answer that says no.
type refusal struct {
	code        int
	description string
}

func bad(format string, args ...any) *refusal {
	return &refusal{400, "Bad Request: " + fmt.Sprintf(format, args...)}
}

func (r *refusal) write(w http.ResponseWriter) { refuse(w, r.code, r.description, nil) }
