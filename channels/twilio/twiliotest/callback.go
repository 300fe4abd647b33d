package twiliotest

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sign computes X-Twilio-Signature as Twilio documents it: HMAC-SHA1 over the URL and the sorted
// parameters, in Base64. https://www.twilio.com/docs/usage/security#validating-requests
func (f *Fake) Sign(rawURL string, form url.Values) string {
	h := hmac.New(sha1.New, []byte(f.AuthToken))
	_, _ = io.WriteString(h, rawURL) // a hash never fails
	for _, k := range slices.Sorted(maps.Keys(form)) {
		_, _ = io.WriteString(h, k+form.Get(k))
	}
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// StatusForm is what Twilio posts to the StatusCallback when a message changes its status.
// https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
func (f *Fake) StatusForm(m Message, status string, errorCode int) url.Values {
	form := url.Values{
		"AccountSid": {f.AccountSID}, "ApiVersion": {"2010-04-01"}, "From": {m.From}, "To": {m.To},
		"MessageSid": {m.SID}, "SmsSid": {m.SID}, "MessageStatus": {status}, "SmsStatus": {status},
	}
	if errorCode != 0 {
		form.Set("ErrorCode", strconv.Itoa(errorCode))
	}
	return form
}

// Report moves a message to status and tells its StatusCallback, signed. An answer other than 2xx is an error.
func (f *Fake) Report(sid, status string, errorCode int) error {
	f.mu.Lock()
	m, ok := f.bySID[sid]
	if !ok {
		f.mu.Unlock()
		return fmt.Errorf("there is no message %s", sid)
	}
	m.Status, m.ErrorCode = status, errorCode
	told := *m
	f.mu.Unlock()
	if told.StatusCallback == "" {
		return nil
	}
	return f.post(told.StatusCallback, f.StatusForm(told, status, errorCode))
}

// AutoReport makes every message created from now on go through these statuses by itself.
func (f *Fake) AutoReport(statuses ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.auto = statuses
}

// Inbound is a message that a person sends to us.
type Inbound struct {
	From, To   string // with "whatsapp:" for WhatsApp
	Body       string
	InReplyTo  string            // SID of the message that was replied to (WhatsApp)
	Media      []Medium          // files of the message
	OptOutType string            // STOP, START or HELP, where Advanced Opt-Out is on
	Extra      map[string]string // any further parameter: Latitude, ButtonPayload, ProfileName, ...
}

// Medium is a file of an incoming message.
type Medium struct {
	ContentType string
	Data        []byte
}

// InboundForm is what Twilio posts for a new incoming message. baseURL is where this fake serves media.
func (f *Fake) InboundForm(baseURL string, in Inbound) url.Values {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	sid := fmt.Sprintf("SM%032x", f.next)
	form := url.Values{
		"AccountSid": {f.AccountSID}, "ApiVersion": {"2010-04-01"}, "MessageSid": {sid}, "SmsSid": {sid}, "SmsMessageSid": {sid},
		"SmsStatus": {"received"}, "From": {in.From}, "To": {in.To}, "Body": {in.Body}, "NumSegments": {"1"}, "NumMedia": {strconv.Itoa(len(in.Media))},
	}
	for i, m := range in.Media {
		f.next++
		id := fmt.Sprintf("ME%032x", f.next)
		f.media[id] = m
		form.Set("MediaUrl"+strconv.Itoa(i), baseURL+"/2010-04-01/Accounts/"+f.AccountSID+"/Messages/"+sid+"/Media/"+id)
		form.Set("MediaContentType"+strconv.Itoa(i), m.ContentType)
	}
	for k, v := range map[string]string{"OriginalRepliedMessageSid": in.InReplyTo, "OptOutType": in.OptOutType} {
		if v != "" {
			form.Set(k, v)
		}
	}
	for k, v := range in.Extra {
		form.Set(k, v)
	}
	return form
}

// Deliver posts an incoming message to target, the public URL of the provider entry, signed.
func (f *Fake) Deliver(target, baseURL string, in Inbound) error {
	return f.post(target, f.InboundForm(baseURL, in))
}

func (f *Fake) post(target string, form url.Values) error {
	req, err := http.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("calling back: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	req.Header.Set("X-Twilio-Signature", f.Sign(target, form))
	resp, err := (&http.Client{Timeout: 15 * time.Second}).Do(req)
	if err != nil {
		return fmt.Errorf("calling back: %w", err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("calling back: HTTP %d: %.200s", resp.StatusCode, body)
	}
	return nil
}

// storage is where media really is. Like Twilio's, it refuses requests that carry a login.
func (f *Fake) storage(w http.ResponseWriter, r *http.Request, id string) {
	f.mu.Lock()
	m, ok := f.media[id]
	f.mu.Unlock()
	switch {
	case r.Header.Get("Authorization") != "":
		http.Error(w, "Only one auth mechanism allowed", http.StatusBadRequest)
	case !ok:
		http.NotFound(w, r)
	default:
		w.Header().Set("Content-Type", m.ContentType)
		_, _ = w.Write(m.Data)
	}
}
