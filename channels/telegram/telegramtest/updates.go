package telegramtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"
)

type pending struct {
	id   int64
	kind string
	body json.RawMessage
}

// Update makes the body of a new update of a kind ("message", "callback_query", ...) without giving it
// to anybody. Every call takes the next update_id.
func (f *Fake) Update(kind string, content map[string]any) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.update(kind, content).body
}

func (f *Fake) update(kind string, content map[string]any) pending {
	f.nextID++
	body, err := json.Marshal(map[string]any{"update_id": f.nextID, kind: content})
	if err != nil {
		panic(err) // the test wrote something that is no JSON
	}
	return pending{f.nextID, kind, body}
}

// Push gives a new update to the bot: to its webhook if it has one (an answer other than 2xx is an
// error), else to whoever polls.
func (f *Fake) Push(kind string, content map[string]any) error {
	f.mu.Lock()
	u := f.update(kind, content)
	hook, secret := f.webhook, f.secret
	if hook == "" {
		f.updates = append(f.updates, u)
		f.wake()
	}
	f.mu.Unlock()
	if hook == "" {
		return nil
	}
	return f.call(hook, secret, u.body)
}

func (f *Fake) call(hook, secret string, body []byte) error {
	req, err := http.NewRequest(http.MethodPost, hook, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("calling the webhook: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if secret != "" {
		req.Header.Set("X-Telegram-Bot-Api-Secret-Token", secret)
	}
	resp, err := (&http.Client{Timeout: 15 * time.Second}).Do(req)
	if err != nil {
		return fmt.Errorf("calling the webhook: %w", err)
	}
	defer resp.Body.Close()
	reply, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("calling the webhook: HTTP %d: %.200s", resp.StatusCode, reply)
	}
	return f.Reply(reply)
}

// Reply does what a webhook's reply asks for: the one method that this fake takes there is
// answerCallbackQuery.
func (f *Fake) Reply(body []byte) error {
	if len(body) == 0 {
		return nil
	}
	var ask struct {
		Method string `json:"method"`
		Query  string `json:"callback_query_id"`
	}
	if err := json.Unmarshal(body, &ask); err != nil || ask.Method != "answerCallbackQuery" {
		return fmt.Errorf("the webhook's reply asks for nothing known: %.200s", body)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, r := f.answer(ask.Query); r != nil {
		return fmt.Errorf("the webhook's reply: %s", r.description)
	}
	return nil
}

// answer notes an answered callback query. f.mu is held.
func (f *Fake) answer(query string) (any, *refusal) {
	if query == "" || slices.Contains(f.answered, query) {
		return nil, bad("query is too old and response timeout expired or query ID is invalid")
	}
	f.answered = append(f.answered, query)
	return true, nil
}

// Text is the content of a "message" that a person writes to the bot; more is laid over it.
func (f *Fake) Text(chat int64, text string, more map[string]any) map[string]any {
	f.mu.Lock()
	f.next++
	id := f.next
	f.mu.Unlock()
	kind := "private"
	if chat < 0 {
		kind = "group"
	}
	m := map[string]any{"message_id": id, "date": time.Now().Unix(), "chat": map[string]any{"id": chat, "type": kind},
		"from": map[string]any{"id": max(chat, -chat), "is_bot": false, "first_name": "Ilze", "last_name": "Kalniņa", "language_code": "lv"}}
	if text != "" {
		m["text"] = text
	}
	maps.Copy(m, more)
	return m
}

// Press is the content of the "callback_query" of a person who presses a button of m.
func (f *Fake) Press(query string, m Message, data string) map[string]any {
	about := shown(m)
	if m.Keyboard != "" {
		about["reply_markup"] = json.RawMessage(m.Keyboard)
	}
	return map[string]any{"id": query, "chat_instance": "1", "data": data, "message": about,
		"from": map[string]any{"id": max(m.Chat, -m.Chat), "is_bot": false, "first_name": "Ilze", "language_code": "lv"}}
}

// Member is the content of a "my_chat_member" with the bot's new status.
func (f *Fake) Member(chat int64, status string) map[string]any {
	kind := "private"
	if chat < 0 {
		kind = "supergroup"
	}
	bot := map[string]any{"id": 1, "is_bot": true, "first_name": "Fake"}
	return map[string]any{"chat": map[string]any{"id": chat, "type": kind}, "from": map[string]any{"id": max(chat, -chat), "first_name": "Ilze"}, "date": time.Now().Unix(),
		"old_chat_member": map[string]any{"user": bot, "status": "member"}, "new_chat_member": map[string]any{"user": bot, "status": status}}
}

// getUpdates has Telegram's semantics: asking from an offset forgets what stands before it, a second
// poller ends the first, and a webhook excludes polling.
func (f *Fake) getUpdates(w http.ResponseWriter, r *http.Request, form values) {
	if wrong := form.only("offset", "limit", "timeout", "allowed_updates"); wrong != nil {
		wrong.write(w)
		return
	}
	number := func(key string, def, from, to int64) (int64, bool) {
		if !form.Has(key) {
			return def, true
		}
		n, err := strconv.ParseInt(form.Get(key), 10, 64)
		return n, err == nil && n >= from && n <= to
	}
	offset, ok1 := number("offset", 0, 0, 1<<62)
	limit, ok2 := number("limit", 100, 1, 100)
	timeout, ok3 := number("timeout", 0, 0, 50)
	allowed, ok4 := kinds(form.Get("allowed_updates"))
	if !ok1 || !ok2 || !ok3 || !ok4 {
		bad("a parameter of getUpdates is out of range").write(w)
		return
	}
	f.mu.Lock()
	f.poller++
	mine := f.poller
	f.wake()
	f.mu.Unlock()
	end := time.After(time.Duration(timeout) * time.Second)
	for {
		f.mu.Lock()
		switch {
		case f.webhook != "":
			f.mu.Unlock()
			refuse(w, 409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first", nil)
			return
		case f.poller != mine:
			f.mu.Unlock()
			refuse(w, 409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running", nil)
			return
		}
		f.updates = slices.DeleteFunc(f.updates, func(u pending) bool { return u.id < offset })
		out := []json.RawMessage{}
		for _, u := range f.updates {
			if int64(len(out)) < limit && (len(allowed) == 0 || slices.Contains(allowed, u.kind)) {
				out = append(out, u.body)
			}
		}
		news := f.news
		f.mu.Unlock()
		if len(out) > 0 {
			succeed(w, out)
			return
		}
		select {
		case <-news:
		case <-end:
			succeed(w, out)
			return
		case <-f.done:
			panic(http.ErrAbortHandler)
		case <-r.Context().Done():
			return
		}
	}
}

// wake lets every waiting poll look again. f.mu is held.
func (f *Fake) wake() {
	close(f.news)
	f.news = make(chan struct{})
}

func kinds(s string) (out []string, ok bool) {
	if s == "" {
		return nil, true
	}
	return out, json.Unmarshal([]byte(s), &out) == nil
}

var secretShape = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

func (f *Fake) setWebhook(form values) (any, *refusal) {
	u, err := url.Parse(form.Get("url"))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Hostname() != "127.0.0.1" && u.Hostname() != "localhost":
		return nil, bad("bad webhook: An HTTPS URL must be provided for webhook")
	case form.Has("secret_token") && !secretShape.MatchString(form.Get("secret_token")):
		return nil, bad("bad webhook: secret token contains invalid characters")
	}
	if _, ok := kinds(form.Get("allowed_updates")); !ok {
		return nil, bad("can't parse allowed updates JSON object")
	}
	f.webhook, f.secret = form.Get("url"), form.Get("secret_token")
	f.wake()
	return true, nil
}
