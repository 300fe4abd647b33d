// Package twiliotest is a stand-in for Twilio's Messaging API that is stricter than Twilio: it refuses
// what Twilio would forgive or ignore, so that a mistake shows in a test and not on a bill.
//
// A Fake is an http.Handler. Start serves it on a free port of the loopback interface.
package twiliotest

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Mode is how a Fake treats the requests that create a message.
type Mode string

const (
	Accept            Mode = "accept"
	Reject            Mode = "reject"              // Behaviour.Code, nothing is created
	Throttle          Mode = "throttle"            // 429 with Behaviour.RetryAfter, nothing is created
	Down              Mode = "down"                // 503 with a page of HTML, nothing is created
	Hang              Mode = "hang"                // creates the message, never answers
	FailAfterAccept   Mode = "fail_after_accept"   // creates the message, answers 500
	CutAfterAccept    Mode = "cut_after_accept"    // creates the message, closes the connection
	GarbleAfterAccept Mode = "garble_after_accept" // creates the message, answers 201 with broken JSON
)

// Behaviour is a Mode with its details.
type Behaviour struct {
	Mode       Mode
	Code       int           // of Reject; 0: 30007
	RetryAfter time.Duration // of Throttle; 0: no header
	Latency    time.Duration // before any answer
}

// Message is one message as Twilio would keep it.
type Message struct {
	SID            string
	To, From       string
	Service        string
	Body           string
	MediaURLs      []string
	StatusCallback string
	ValidityPeriod int // 0: not given
	Status         string
	ErrorCode      int
	Created        time.Time
}

// Fake is one Twilio account. The zero value is not usable; see New.
type Fake struct {
	AccountSID, AuthToken string
	// Now is the clock behind date_created.
	Now func() time.Time

	mu        sync.Mutex
	behaviour Behaviour
	messages  []*Message
	bySID     map[string]*Message
	count     map[string]int
	media     map[string]Medium
	auto      []string
	next      int

	done       chan struct{} // closed by stop: lets hanging requests go
	background sync.WaitGroup
}

// New makes an account in mode Accept.
func New(accountSID, authToken string) *Fake {
	return &Fake{
		AccountSID: accountSID, AuthToken: authToken, Now: time.Now,
		behaviour: Behaviour{Mode: Accept},
		bySID:     map[string]*Message{}, count: map[string]int{}, media: map[string]Medium{},
		done: make(chan struct{}),
	}
}

// Start serves f on the loopback interface. stop closes the listener and every connection, and may be
// called again.
func (f *Fake) Start() (baseURL string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("starting the fake Twilio: %w", err)
	}
	s := &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(l) }()
	var once sync.Once
	return "http://" + l.Addr().String(), func() {
		once.Do(func() {
			close(f.done)
			_ = l.Close() // which s.Close leaves to Serve, and that may not have begun
			_ = s.Close()
			f.background.Wait()
		})
	}, nil
}

// Behave changes how requests that begin from now on are treated.
func (f *Fake) Behave(b Behaviour) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.behaviour = b
}

// Messages lists what was created, oldest first.
func (f *Fake) Messages() []Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Message, len(f.messages))
	for i, m := range f.messages {
		out[i] = *m
	}
	return out
}

// Count is how many messages were created for a number, with or without "whatsapp:".
func (f *Fake) Count(to string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count[strings.TrimPrefix(to, "whatsapp:")]
}

// ServeHTTP is the API: POST and GET Messages.json, GET of the account, GET of media.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if id, ok := strings.CutPrefix(r.URL.Path, "/storage/"); ok {
		f.storage(w, r, id)
		return
	}
	user, password, ok := r.BasicAuth()
	if !ok || user != f.AccountSID || password != f.AuthToken {
		refuse(w, http.StatusUnauthorized, 20003, "Authenticate")
		return
	}
	account := "/2010-04-01/Accounts/" + f.AccountSID
	switch path := r.URL.Path; {
	case path == account+".json" && r.Method == http.MethodGet:
		answer(w, http.StatusOK, map[string]any{"sid": f.AccountSID, "status": "active", "friendly_name": "Fake", "type": "Full"})
	case path == account+"/Messages.json" && r.Method == http.MethodPost:
		f.create(w, r)
	case path == account+"/Messages.json" && r.Method == http.MethodGet:
		f.list(w, r)
	case strings.HasPrefix(path, account+"/Messages/") && strings.Contains(path, "/Media/") && r.Method == http.MethodGet:
		http.Redirect(w, r, "/storage/"+path[strings.LastIndexByte(path, '/')+1:], http.StatusTemporaryRedirect)
	case path == account+"/Messages.json" || path == account+".json":
		refuse(w, http.StatusMethodNotAllowed, 20004, "Method not allowed")
	default:
		refuse(w, http.StatusNotFound, 20404, "The requested resource "+path+" was not found")
	}
}

func (f *Fake) create(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	b, auto := f.behaviour, f.auto
	f.mu.Unlock()
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	m, code, problem := parse(r)
	if b.Latency > 0 {
		select {
		case <-time.After(b.Latency):
		case <-r.Context().Done():
			return
		}
	}
	if code != 0 {
		refuse(w, http.StatusBadRequest, code, problem)
		return
	}
	switch b.Mode {
	case Reject:
		code := b.Code
		if code == 0 {
			code = 30007
		}
		refuse(w, http.StatusBadRequest, code, "The fake was told to refuse")
		return
	case Throttle:
		if b.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(b.RetryAfter/time.Second)))
		}
		refuse(w, http.StatusTooManyRequests, 20429, "Too Many Requests")
		return
	case Down:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("<html><body>503 Service Unavailable</body></html>"))
		return
	}
	shown := f.keep(m)
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
		refuse(w, http.StatusInternalServerError, 20500, "Internal Server Error")
		return
	case GarbleAfterAccept:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"sid": "SM`))
		return
	}
	answer(w, http.StatusCreated, shown)
	if len(auto) > 0 && m.StatusCallback != "" {
		f.background.Go(func() {
			for _, status := range auto {
				_ = f.Report(m.SID, status, 0)
			}
		})
	}
}

// keep gives m its SID and returns it as the API shows it.
func (f *Fake) keep(m *Message) map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	m.SID, m.Created, m.Status = fmt.Sprintf("SM%032x", f.next), f.Now(), "queued"
	if m.Service != "" {
		m.Status = "accepted"
	}
	f.messages = append(f.messages, m)
	f.bySID[m.SID] = m
	f.count[strings.TrimPrefix(m.To, "whatsapp:")]++
	return f.show(m)
}

var (
	e164   = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	sender = regexp.MustCompile(`^([0-9]{3,8}|[0-9A-Za-z &+_-]*[A-Za-z][0-9A-Za-z &+_-]*)$`)
	known  = []string{"To", "From", "MessagingServiceSid", "Body", "MediaUrl", "StatusCallback", "ValidityPeriod"}
)

// parse reads the form of a new message, or says what is wrong with it in Twilio's code and words.
func parse(r *http.Request) (m *Message, code int, problem string) {
	bad := func(code int, format string, args ...any) (*Message, int, string) {
		return nil, code, fmt.Sprintf(format, args...)
	}
	if ct := r.Header.Get("Content-Type"); ct != "application/x-www-form-urlencoded" {
		return bad(20001, "Content-Type must be application/x-www-form-urlencoded, not %q", ct)
	}
	if r.URL.RawQuery != "" {
		return bad(20001, "Parameters belong into the body")
	}
	if err := r.ParseForm(); err != nil {
		return bad(20001, "The form is broken: %v", err)
	}
	form := r.PostForm
	for k, v := range form {
		if !slices.Contains(known, k) {
			return bad(20001, "Unknown parameter %s", k)
		}
		if len(v) != 1 && k != "MediaUrl" {
			return bad(20001, "Parameter %s is given %d times", k, len(v))
		}
		if !utf8.ValidString(strings.Join(v, "")) {
			return bad(20001, "Parameter %s is not UTF-8", k)
		}
	}
	m = &Message{To: form.Get("To"), From: form.Get("From"), Service: form.Get("MessagingServiceSid"),
		Body: form.Get("Body"), MediaURLs: form["MediaUrl"], StatusCallback: form.Get("StatusCallback")}
	to, toWhatsApp := strings.CutPrefix(m.To, "whatsapp:")
	from, fromWhatsApp := strings.CutPrefix(m.From, "whatsapp:")
	switch {
	case m.To == "":
		return bad(21604, "A 'To' phone number is required.")
	case !e164.MatchString(to):
		return bad(21211, "The 'To' number %s is not a valid phone number.", m.To)
	case m.From == "" && m.Service == "":
		return bad(21603, "A 'From' phone number is required.")
	case m.From != "" && !e164.MatchString(from) && (fromWhatsApp || !sender.MatchString(from)):
		return bad(21212, "The 'From' number %s is not a valid phone number, shortcode, or alphanumeric sender ID.", m.From)
	case m.From != "" && toWhatsApp != fromWhatsApp:
		return bad(63007, "Twilio could not find a Channel with the specified From address")
	case m.From == m.To:
		return bad(21266, "'To' and 'From' number cannot be the same: %s", m.To)
	case m.Service != "" && (len(m.Service) != 34 || !strings.HasPrefix(m.Service, "MG")):
		return bad(21705, "The Messaging Service Sid %s is invalid", m.Service)
	case m.Body == "" && len(m.MediaURLs) == 0:
		return bad(21602, "Message body is required.")
	case utf8.RuneCountInString(m.Body) > 1600:
		return bad(21617, "The concatenated message body exceeds the 1600 character limit")
	case len(m.MediaURLs) > 10:
		return bad(21623, "Number of media files exceeds allowed limit")
	}
	for _, u := range m.MediaURLs {
		if !absolute(u) {
			return bad(21620, "Invalid media URL(s)")
		}
	}
	if form.Has("StatusCallback") && !absolute(m.StatusCallback) {
		return bad(21609, "The StatusCallback URL %s is not a valid URL", m.StatusCallback)
	}
	if form.Has("ValidityPeriod") {
		n, err := strconv.Atoi(form.Get("ValidityPeriod"))
		if err != nil || n < 1 || n > 36000 {
			return bad(21624, "Validity period can only be set to integers between 1 and 36,000 seconds")
		}
		m.ValidityPeriod = n
	}
	return m, 0, ""
}

// absolute is what Twilio asks of URLs: http(s), a host, no underscore in it.
func absolute(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && !strings.Contains(u.Host, "_")
}

func (f *Fake) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	for k := range q {
		if !slices.Contains([]string{"To", "From", "PageSize", "Page", "PageToken"}, k) {
			refuse(w, http.StatusBadRequest, 20001, "Unknown parameter "+k)
			return
		}
	}
	size, page := 50, 0
	for key, into := range map[string]*int{"PageSize": &size, "Page": &page} {
		if !q.Has(key) {
			continue
		}
		n, err := strconv.Atoi(q.Get(key))
		if err != nil || n < 0 || key == "PageSize" && (n < 1 || n > 1000) {
			refuse(w, http.StatusBadRequest, 20001, "Parameter "+key+" is out of range")
			return
		}
		*into = n
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	all := []map[string]any{}
	for _, m := range slices.Backward(f.messages) {
		if (!q.Has("To") || m.To == q.Get("To")) && (!q.Has("From") || m.From == q.Get("From")) {
			all = append(all, f.show(m))
		}
	}
	first := min(page*size, len(all))
	last := min(first+size, len(all))
	at := func(page int) string {
		p := url.Values{"To": q["To"], "PageSize": {strconv.Itoa(size)}, "Page": {strconv.Itoa(page)}, "PageToken": {"PASM" + strconv.Itoa(page)}}
		return r.URL.Path + "?" + p.Encode()
	}
	var next any
	if last < len(all) {
		next = at(page + 1)
	}
	answer(w, http.StatusOK, map[string]any{"messages": all[first:last], "page": page, "page_size": size, "start": first, "end": last,
		"first_page_uri": at(0), "next_page_uri": next, "previous_page_uri": nil, "uri": at(page)})
}

// show is the resource as the API returns it. f.mu is held.
func (f *Fake) show(m *Message) map[string]any {
	date := m.Created.UTC().Format(time.RFC1123Z)
	none := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	var sent, code, message any
	if m.Status != "queued" && m.Status != "accepted" {
		sent = date
	}
	if m.ErrorCode != 0 {
		code, message = m.ErrorCode, "Error "+strconv.Itoa(m.ErrorCode)
	}
	uri := "/2010-04-01/Accounts/" + f.AccountSID + "/Messages/" + m.SID
	return map[string]any{
		"account_sid": f.AccountSID, "api_version": "2010-04-01", "body": m.Body, "date_created": date, "date_sent": sent,
		"date_updated": date, "direction": "outbound-api", "error_code": code, "error_message": message, "from": none(m.From),
		"messaging_service_sid": none(m.Service), "num_media": strconv.Itoa(len(m.MediaURLs)), "num_segments": "1", "price": nil,
		"price_unit": "USD", "sid": m.SID, "status": m.Status, "subresource_uris": map[string]any{"media": uri + "/Media.json"},
		"to": m.To, "uri": uri + ".json",
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone does not matter here
}

func refuse(w http.ResponseWriter, status, code int, message string) {
	answer(w, status, map[string]any{"code": code, "message": message, "more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code), "status": status})
}
