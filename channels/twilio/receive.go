package twilio

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"rapport"
	"rapport/channels"
)

// statuses brings Twilio's words for an outgoing message to ours:
// https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
//
// The words before "sent" also prove that Twilio has the message, which is what a message in doubt
// waits to hear. A failed one may be a bounce, which its error code tells.
var statuses = map[string]rapport.Receipt{
	"accepted":            rapport.ReceiptSent,
	"scheduled":           rapport.ReceiptSent,
	"queued":              rapport.ReceiptSent,
	"sending":             rapport.ReceiptSent,
	"sent":                rapport.ReceiptSent,
	"partially_delivered": rapport.ReceiptSent,
	"delivered":           rapport.ReceiptDelivered,
	"read":                rapport.ReceiptRead,
	"undelivered":         rapport.ReceiptFailed,
	"failed":              rapport.ReceiptFailed,
	"canceled":            rapport.ReceiptFailed,
}

// Receive takes status callbacks and incoming messages, which Twilio posts as forms:
// https://www.twilio.com/docs/usage/webhooks/messaging-webhooks
// The answer is an empty TwiML document, so that Twilio sends nothing of its own back to the person.
func (c *conn) Receive(_ context.Context, cb *channels.Callback) ([]channels.Update, channels.Reply, error) {
	refuse := func(err error) ([]channels.Update, channels.Reply, error) { return nil, channels.Reply{}, err }
	if cb.Method != http.MethodPost {
		return refuse(fmt.Errorf("%w: Twilio posts, this is a %.10q", channels.ErrMalformed, cb.Method))
	}
	form, err := url.ParseQuery(string(cb.Body))
	if err != nil {
		return refuse(fmt.Errorf("%w: not a form", channels.ErrMalformed))
	}
	// Only the first value of a key is signed; url.Values.Get reads no other.
	// https://www.twilio.com/docs/usage/security#validating-requests
	if !c.signed.ValidateBody(cb.URL, cb.Body, cb.Header.Get("X-Twilio-Signature")) {
		return refuse(channels.ErrSignature)
	}
	sid := form.Get("MessageSid")
	if sid == "" {
		sid = form.Get("SmsSid")
	}
	if sid == "" || len(sid) > 64 {
		return refuse(fmt.Errorf("%w: no MessageSid", channels.ErrMalformed))
	}
	word := form.Get("MessageStatus")
	if s := form.Get("SmsStatus"); word == "" && s != "received" {
		word = s
	}
	var u channels.Update
	if word != "" {
		u, err = c.receipt(cb.URL, sid, word, form)
	} else {
		u, err = c.incoming(sid, form)
	}
	if err != nil {
		return refuse(err)
	}
	return []channels.Update{u}, channels.Reply{Status: http.StatusOK, ContentType: "text/xml", Body: []byte("<Response/>")}, nil
}

func (c *conn) receipt(callback, sid, word string, form url.Values) (channels.Update, error) {
	kind, ok := statuses[word]
	if !ok {
		return channels.Update{}, channels.UnknownWord("twilio", word, slices.Sorted(maps.Keys(statuses)))
	}
	to, onWhatsApp := strings.CutPrefix(form.Get("To"), "whatsapp:")
	r := &channels.Receipted{ProviderID: sid, Channel: rapport.SMS, To: to, Kind: kind, Code: form.Get("ErrorCode"), Detail: cut(form.Get("ErrorMessage"))}
	if u, err := url.Parse(callback); err == nil {
		// Without our id, as in a callback that a Messaging Service sends by itself, SID and number have to do.
		r.MessageID, _ = rapport.KindMessage.Parse(u.Query().Get("m"))
	}
	if onWhatsApp {
		r.Channel = rapport.WhatsApp
	}
	if kind == rapport.ReceiptFailed {
		r.Kind, r.Reason, r.Suppress = ended(r.Code)
		if word == "canceled" {
			r.Reason = "cancelled"
		}
	}
	return channels.Update{EventID: sid + ":" + word, Receipt: r}, nil
}

func (c *conn) incoming(sid string, form url.Values) (channels.Update, error) {
	from, onWhatsApp := strings.CutPrefix(form.Get("From"), "whatsapp:")
	if from == "" {
		return channels.Update{}, fmt.Errorf("%w: a message without From", channels.ErrMalformed)
	}
	m := &channels.Incoming{
		Channel:    rapport.SMS,
		From:       from,
		FromName:   form.Get("ProfileName"),
		To:         strings.TrimPrefix(form.Get("To"), "whatsapp:"),
		ProviderID: sid,
		Text:       text(form),
		Button:     cmp.Or(form.Get("ButtonPayload"), form.Get("ListId")),
		OptOut:     form.Get("OptOutType") == "STOP",
		OptIn:      form.Get("OptOutType") == "START",
		// Advanced Opt-Out has answered what it names: https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out
		Answered: form.Get("OptOutType") != "" || c.answers && ownWords[strings.ToUpper(strings.TrimSpace(form.Get("Body")))],
	}
	if onWhatsApp {
		m.Channel = rapport.WhatsApp
	}
	if id := form.Get("OriginalRepliedMessageSid"); id != "" {
		m.InReplyTo = []string{id}
	}
	count, _ := strconv.Atoi(form.Get("NumMedia"))
	for i := range min(count, maxMediaURLs) {
		n := strconv.Itoa(i)
		if a, ok := c.attachment(form.Get("MediaUrl"+n), form.Get("MediaContentType"+n)); ok {
			m.Attachments = append(m.Attachments, a)
		}
	}
	if kind := form.Get("MessageType"); m.Text == "" && len(m.Attachments) == 0 && kindName.MatchString(kind) && kind != "text" {
		m.Text, m.Raw = "[unsupported: "+kind+"]", []byte(form.Encode())
	}
	return channels.Update{EventID: sid, Message: m}, nil
}

var kindName = regexp.MustCompile(`^[a-z][a-z_]{0,30}$`)

// ownWords are those that Twilio answers by itself on long codes and toll-free numbers, as whole messages:
// https://help.twilio.com/articles/223134027
var ownWords = map[string]bool{
	"STOP": true, "STOPALL": true, "UNSUBSCRIBE": true, "CANCEL": true, "END": true, "QUIT": true, "REVOKE": true, "OPTOUT": true,
	"START": true, "YES": true, "UNSTOP": true, "HELP": true, "INFO": true,
}

// text is what the person wrote or chose, with a shared place put into words. Forwarded words are somebody else's.
func text(form url.Values) string {
	said := written(form)
	if form.Get("Forwarded") == "true" || form.Get("FrequentlyForwarded") == "true" {
		return strings.TrimSpace("Forwarded:\n" + said)
	}
	return said
}

func written(form url.Values) string {
	body := cmp.Or(form.Get("Body"), form.Get("ButtonText"), form.Get("ListTitle"))
	lat, lon := form.Get("Latitude"), form.Get("Longitude")
	if lat == "" || lon == "" {
		return body
	}
	place := "Location: " + lat + ", " + lon
	for _, more := range []string{form.Get("Label"), form.Get("Address")} {
		if more != "" && more != body {
			place += ", " + more
		}
	}
	return strings.TrimSpace(body + "\n" + place)
}
