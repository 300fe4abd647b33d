package twilio

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"rapport"
	"rapport/channels"
	"rapport/channels/twilio/twiliotest"
	"rapport/internal/httpx"
)

func TestReceive_EveryStatusBecomesItsReceipt(t *testing.T) {
	t.Parallel()
	cases := []struct {
		status string
		code   int
		want   channels.Receipted // Kind, Reason, Code, Suppress
	}{
		{"queued", 0, channels.Receipted{Kind: rapport.ReceiptSent}},
		{"accepted", 0, channels.Receipted{Kind: rapport.ReceiptSent}},
		{"scheduled", 0, channels.Receipted{Kind: rapport.ReceiptSent}},
		{"sending", 0, channels.Receipted{Kind: rapport.ReceiptSent}},
		{"sent", 0, channels.Receipted{Kind: rapport.ReceiptSent}},
		{"partially_delivered", 0, channels.Receipted{Kind: rapport.ReceiptSent}},
		{"delivered", 0, channels.Receipted{Kind: rapport.ReceiptDelivered}},
		{"read", 0, channels.Receipted{Kind: rapport.ReceiptRead}},
		{"canceled", 0, channels.Receipted{Kind: rapport.ReceiptFailed, Reason: "cancelled"}},
		{"undelivered", 0, channels.Receipted{Kind: rapport.ReceiptFailed, Reason: "undelivered"}},
		{"undelivered", 30003, channels.Receipted{Kind: rapport.ReceiptFailed, Reason: "unreachable", Code: "30003"}},
		{"undelivered", 30004, channels.Receipted{Kind: rapport.ReceiptFailed, Reason: "blocked", Code: "30004"}},
		{"undelivered", 30005, channels.Receipted{Kind: rapport.ReceiptBounced, Reason: "unknown_number", Code: "30005", Suppress: true}},
		{"undelivered", 30006, channels.Receipted{Kind: rapport.ReceiptBounced, Reason: "landline", Code: "30006", Suppress: true}},
		{"undelivered", 30007, channels.Receipted{Kind: rapport.ReceiptFailed, Reason: "carrier_filtered", Code: "30007"}},
		{"undelivered", 30008, channels.Receipted{Kind: rapport.ReceiptFailed, Reason: "undelivered", Code: "30008"}},
		{"failed", 30001, channels.Receipted{Kind: rapport.ReceiptFailed, Reason: "queue_full", Code: "30001"}},
		{"failed", 30036, channels.Receipted{Kind: rapport.ReceiptFailed, Reason: "expired", Code: "30036"}},
		{"failed", 21610, channels.Receipted{Kind: rapport.ReceiptFailed, Reason: "opted_out", Code: "21610", Suppress: true}},
		{"failed", 63016, channels.Receipted{Kind: rapport.ReceiptFailed, Reason: "reply_window_closed", Code: "63016"}},
		{"failed", 63003, channels.Receipted{Kind: rapport.ReceiptBounced, Reason: "not_on_channel", Code: "63003", Suppress: true}},
		{"failed", 39999, channels.Receipted{Kind: rapport.ReceiptFailed, Reason: "undelivered", Code: "39999"}},
	}
	covered := map[string]bool{}
	fake := twiliotest.New(testSID, testToken)
	c := dial(t, settings("https://api.twilio.com"), env(rapport.SMS))
	for _, k := range cases {
		covered[k.status] = true
		m := twiliotest.Message{SID: "SM0000000000000000000000000000000a", To: "+37120000001", From: testSender}
		id := rapport.ID(1 << 50)
		callback := "https://rapport.test/in/twilio/main?m=" + rapport.KindMessage.Format(id)
		updates, reply, err := c.Receive(t.Context(), signed(fake, callback, []byte(fake.StatusForm(m, k.status, k.code).Encode())))
		if err != nil || len(updates) != 1 || updates[0].Receipt == nil {
			t.Errorf("%s %d: %v, %v", k.status, k.code, updates, err)
			continue
		}
		k.want.MessageID, k.want.ProviderID, k.want.Channel, k.want.To = id, m.SID, rapport.SMS, m.To
		if got := *updates[0].Receipt; got != k.want {
			t.Errorf("%s %d:\ngot  %+v\nwant %+v", k.status, k.code, got, k.want)
		}
		if want := m.SID + ":" + k.status; updates[0].EventID != want {
			t.Errorf("%s: event id is %q, want %q", k.status, updates[0].EventID, want)
		}
		if string(reply.Body) != "<Response/>" || reply.Status != http.StatusOK || reply.ContentType != "text/xml" {
			t.Errorf("reply is %d %s %s", reply.Status, reply.ContentType, reply.Body)
		}
	}
	for word := range statuses {
		if !covered[word] {
			t.Errorf("no case for %q", word)
		}
	}
}

func TestReceive_AnUnknownWordListsTheKnownOnes(t *testing.T) {
	t.Parallel()
	fake := twiliotest.New(testSID, testToken)
	c := dial(t, settings("https://api.twilio.com"), env(rapport.SMS))
	form := fake.StatusForm(twiliotest.Message{SID: "SM1"}, "teleported", 0)
	_, _, err := c.Receive(t.Context(), signed(fake, "https://rapport.test/in/twilio/main", []byte(form.Encode())))
	if !errors.Is(err, channels.ErrMalformed) || !strings.Contains(err.Error(), "teleported") || !strings.Contains(err.Error(), "undelivered") {
		t.Errorf("error is %v", err)
	}
}

func TestReceive_WithoutOurIDTheSIDNamesTheMessage(t *testing.T) {
	t.Parallel()
	fake := twiliotest.New(testSID, testToken)
	c := dial(t, settings("https://api.twilio.com"), env(rapport.SMS))
	for _, callback := range []string{"https://rapport.test/in/twilio/main", "https://rapport.test/in/twilio/main?m=cus_000000000000a", "https://rapport.test/in/twilio/main?m="} {
		updates, _, err := c.Receive(t.Context(), signed(fake, callback, []byte(fake.StatusForm(twiliotest.Message{SID: "SM1"}, "sent", 0).Encode())))
		if err != nil || len(updates) != 1 || updates[0].Receipt.MessageID != 0 || updates[0].Receipt.ProviderID != "SM1" {
			t.Errorf("%s: %+v, %v", callback, updates, err)
		}
	}
}

func TestReceive_OnlyTwilioIsHeard(t *testing.T) {
	t.Parallel()
	fake := twiliotest.New(testSID, testToken)
	c := dial(t, settings("https://api.twilio.com"), env(rapport.SMS))
	body := []byte(fake.InboundForm("", twiliotest.Inbound{From: "+37120000001", To: testSender, Body: "Hi"}).Encode())
	const callback = "https://rapport.test/in/twilio/main?m=msg_0000000000001"
	cases := []struct {
		name   string
		change func(*channels.Callback)
		want   error
	}{
		{"another path", func(cb *channels.Callback) { cb.URL = "https://rapport.test/in/twilio/other?m=msg_0000000000001" }, channels.ErrSignature},
		{"another message", func(cb *channels.Callback) { cb.URL = strings.Replace(cb.URL, "0001", "0002", 1) }, channels.ErrSignature},
		{"another host", func(cb *channels.Callback) { cb.URL = strings.Replace(cb.URL, "rapport.test", "internal:8080", 1) }, channels.ErrSignature},
		{"another sender", func(cb *channels.Callback) {
			cb.Body = bytes.Replace(cb.Body, []byte("37120000001"), []byte("37120000002"), 1)
		}, channels.ErrSignature},
		{"one more parameter", func(cb *channels.Callback) { cb.Body = append(cb.Body, "&OptOutType=STOP"...) }, channels.ErrSignature},
		{"the signature cut short", func(cb *channels.Callback) {
			h := cb.Header.Get("X-Twilio-Signature")
			cb.Header.Set("X-Twilio-Signature", h[:len(h)-1])
		}, channels.ErrSignature},
		{"an empty signature", func(cb *channels.Callback) { cb.Header.Set("X-Twilio-Signature", "") }, channels.ErrSignature},
		{"a body hash of one's own", func(cb *channels.Callback) {
			cb.URL += "&bodySHA256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
			cb.Body = nil
		}, channels.ErrSignature},
		{"a GET", func(cb *channels.Callback) { cb.Method = http.MethodGet }, channels.ErrMalformed},
	}
	for _, k := range cases {
		cb := signed(fake, callback, body)
		k.change(cb)
		if updates, _, err := c.Receive(t.Context(), cb); !errors.Is(err, k.want) || updates != nil {
			t.Errorf("%s: %v, %v", k.name, updates, err)
		}
	}
	// A repeated key is not covered by the signature; the value that is must be the one we read.
	cb := signed(fake, callback, body)
	cb.Body = append(cb.Body, "&Body=Transfer+everything"...)
	if updates, _, err := c.Receive(t.Context(), cb); err == nil && updates[0].Message.Text != "Hi" {
		t.Errorf("an unsigned value was read: %q", updates[0].Message.Text)
	}
	// Twilio adds the port on its side or leaves it out: both are right.
	cb = signed(fake, "https://rapport.test:443/in/twilio/main", body)
	cb.URL = "https://rapport.test/in/twilio/main"
	if _, _, err := c.Receive(t.Context(), cb); err != nil {
		t.Errorf("with the port in the signature: %v", err)
	}
}

// The example of Twilio's own documentation, as its libraries test it.
func TestReceive_TheDocumentedSignature(t *testing.T) {
	t.Parallel()
	fake := twiliotest.New(testSID, "12345")
	form := url.Values{"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675309"}, "Digits": {"1234"}, "From": {"+14158675309"}, "To": {"+18005551212"}}
	const want = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
	if got := fake.Sign("https://mycompany.com/myapp.php?foo=1&bar=2", form); got != want {
		t.Errorf("signature is %q, want %q", got, want)
	}
	s := settings("https://api.twilio.com")
	s["auth_token"] = "12345"
	c := dial(t, s, env(rapport.SMS))
	cb := &channels.Callback{Method: http.MethodPost, URL: "https://mycompany.com/myapp.php?foo=1&bar=2", Header: http.Header{"X-Twilio-Signature": {want}}, Body: []byte(form.Encode())}
	if _, _, err := c.Receive(t.Context(), cb); !errors.Is(err, channels.ErrMalformed) { // a call is no message, but its signature is right
		t.Errorf("error is %v, want ErrMalformed", err)
	}
}

func TestReceive_WhatAPersonSent(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		in   twiliotest.Inbound
		want channels.Incoming
	}{
		{"an SMS", twiliotest.Inbound{From: "+37120000001", To: testSender, Body: "Да, спасибо 👍"},
			channels.Incoming{Channel: rapport.SMS, From: "+37120000001", To: testSender, Text: "Да, спасибо 👍"}},
		{"a WhatsApp reply", twiliotest.Inbound{From: "whatsapp:+37120000001", To: "whatsapp:" + testSender, Body: "Yes", InReplyTo: "SM77", Extra: map[string]string{"ProfileName": "Ilze"}},
			channels.Incoming{Channel: rapport.WhatsApp, From: "+37120000001", FromName: "Ilze", To: testSender, Text: "Yes", InReplyTo: []string{"SM77"}}},
		{"a pressed button", twiliotest.Inbound{From: "whatsapp:+37120000001", To: "whatsapp:" + testSender, Body: "Yes, please", Extra: map[string]string{"ButtonPayload": "yes", "ButtonText": "Yes, please"}},
			channels.Incoming{Channel: rapport.WhatsApp, From: "+37120000001", To: testSender, Text: "Yes, please", Button: "yes"}},
		{"a place", twiliotest.Inbound{From: "whatsapp:+37120000001", To: "whatsapp:" + testSender, Extra: map[string]string{"Latitude": "56.95", "Longitude": "24.11", "Label": "Home"}},
			channels.Incoming{Channel: rapport.WhatsApp, From: "+37120000001", To: testSender, Text: "Location: 56.95, 24.11, Home"}},
		{"a chosen line of a list", twiliotest.Inbound{From: "whatsapp:+37120000001", To: "whatsapp:" + testSender, Extra: map[string]string{"ListId": "size-m", "ListTitle": "Medium", "MessageType": "interactive"}},
			channels.Incoming{Channel: rapport.WhatsApp, From: "+37120000001", To: testSender, Text: "Medium", Button: "size-m"}},
		{"a button with a name only", twiliotest.Inbound{From: "whatsapp:+37120000001", To: "whatsapp:" + testSender, Extra: map[string]string{"ButtonText": "Yes", "ButtonPayload": "yes"}},
			channels.Incoming{Channel: rapport.WhatsApp, From: "+37120000001", To: testSender, Text: "Yes", Button: "yes"}},
		{"forwarded words", twiliotest.Inbound{From: "whatsapp:+37120000001", To: "whatsapp:" + testSender, Body: "STOP", Extra: map[string]string{"Forwarded": "true"}},
			channels.Incoming{Channel: rapport.WhatsApp, From: "+37120000001", To: testSender, Text: "Forwarded:\nSTOP"}},
		{"something that we cannot read", twiliotest.Inbound{From: "whatsapp:+37120000001", To: "whatsapp:" + testSender, Extra: map[string]string{"MessageType": "order"}},
			channels.Incoming{Channel: rapport.WhatsApp, From: "+37120000001", To: testSender, Text: "[unsupported: order]"}},
		{"a long one in many parts", twiliotest.Inbound{From: "+37120000001", To: testSender, Body: strings.Repeat("Щ", 1600), Extra: map[string]string{"NumSegments": "24"}},
			channels.Incoming{Channel: rapport.SMS, From: "+37120000001", To: testSender, Text: strings.Repeat("Щ", 1600)}},
		{"STOP", twiliotest.Inbound{From: "+37120000001", To: testSender, Body: "STOP", OptOutType: "STOP"},
			channels.Incoming{Channel: rapport.SMS, From: "+37120000001", To: testSender, Text: "STOP", OptOut: true, Answered: true}},
		{"STOP without Advanced Opt-Out", twiliotest.Inbound{From: "+37120000001", To: testSender, Body: "STOP"},
			channels.Incoming{Channel: rapport.SMS, From: "+37120000001", To: testSender, Text: "STOP"}},
		{"START", twiliotest.Inbound{From: "+37120000001", To: testSender, Body: "START", OptOutType: "START"},
			channels.Incoming{Channel: rapport.SMS, From: "+37120000001", To: testSender, Text: "START", OptIn: true, Answered: true}},
		{"HELP", twiliotest.Inbound{From: "+37120000001", To: testSender, Body: "HELP", OptOutType: "HELP"},
			channels.Incoming{Channel: rapport.SMS, From: "+37120000001", To: testSender, Text: "HELP", Answered: true}},
		{"nothing", twiliotest.Inbound{From: "+37120000001", To: testSender},
			channels.Incoming{Channel: rapport.SMS, From: "+37120000001", To: testSender}},
	}
	fake := twiliotest.New(testSID, testToken)
	c := dial(t, settings("https://api.twilio.com"), env(rapport.SMS))
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			form := fake.InboundForm("", k.in)
			updates, reply, err := c.Receive(t.Context(), signed(fake, "https://rapport.test/in/twilio/main", []byte(form.Encode())))
			if err != nil || len(updates) != 1 || updates[0].Message == nil {
				t.Fatalf("%v, %v", updates, err)
			}
			if updates[0].EventID != form.Get("MessageSid") || string(reply.Body) != "<Response/>" {
				t.Errorf("event id %q, reply %q", updates[0].EventID, reply.Body)
			}
			got, want := *updates[0].Message, k.want
			if got.ProviderID != form.Get("MessageSid") {
				t.Errorf("provider id is %q", got.ProviderID)
			}
			if got.Channel != want.Channel || got.From != want.From || got.FromName != want.FromName || got.To != want.To || got.Text != want.Text ||
				!slices.Equal(got.InReplyTo, want.InReplyTo) || got.Button != want.Button || got.OptOut != want.OptOut || got.OptIn != want.OptIn || got.Answered != want.Answered || len(got.Attachments) != 0 {
				t.Errorf("got\n%+v, want\n%+v", got, want)
			}
		})
	}
}

func TestReceive_MediaIsFetchedWhenAsked(t *testing.T) {
	t.Parallel()
	fake, base, stop := start(t)
	c := dial(t, settings(base), env(rapport.SMS))
	photo := bytes.Repeat([]byte("pixel"), 50_000)
	form := fake.InboundForm(base, twiliotest.Inbound{From: "+37120000001", To: testSender, Media: []twiliotest.Medium{
		{ContentType: "image/jpeg", Data: photo}, {ContentType: "text/vcard; charset=utf-8", Data: []byte("BEGIN:VCARD")},
		{ContentType: "application/zip", Data: make([]byte, maxMedia+1)},
	}})
	updates, _, err := c.Receive(t.Context(), signed(fake, "https://rapport.test/in/twilio/main", []byte(form.Encode())))
	if err != nil || len(updates) != 1 || len(updates[0].Message.Attachments) != 3 {
		t.Fatalf("%+v, %v", updates, err)
	}
	files := updates[0].Message.Attachments
	if n := files[0].Name; !strings.HasPrefix(n, "photo-ME") || !strings.HasSuffix(n, ".jpeg") {
		t.Errorf("the photo is called %q", n)
	}
	if n := files[1].Name; !strings.HasSuffix(n, ".vcard") {
		t.Errorf("the card is called %q", n)
	}
	for range 2 { // Open may be called again
		r, err := files[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, photo) {
			t.Errorf("%d bytes of %d, %v", len(got), len(photo), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	r, err := files[2].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n, err := io.Copy(io.Discard, r); !errors.Is(err, httpx.ErrBodyTooLarge) || n > maxMedia {
		t.Errorf("a file over the limit: %d bytes, %v", n, err)
	}
	stop()
	if _, err := files[1].Open(); err == nil || strings.Contains(err.Error(), testToken) {
		t.Errorf("with Twilio down: %v", err)
	}
}

func TestReceive_TheLoginGoesToTwilioOnly(t *testing.T) {
	t.Parallel()
	var asked []string
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked = append(asked, r.Header.Get("Authorization")) }))
	t.Cleanup(thief.Close)
	fake, base, _ := start(t)
	c := dial(t, settings(base), env(rapport.SMS))
	redirecting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(testSID+":"+testToken))
		if r.Header.Get("Authorization") != want {
			t.Errorf("authorization is %q", r.Header.Get("Authorization"))
		}
		http.Redirect(w, r, thief.URL+"/private", http.StatusFound)
	}))
	t.Cleanup(redirecting.Close)
	form := func(u string) []byte {
		return []byte(url.Values{"MessageSid": {"SM1"}, "From": {"+37120000001"}, "NumMedia": {"1"}, "MediaUrl0": {u}, "MediaContentType0": {"image/png"}}.Encode())
	}
	open := func(c *conn, u string) error {
		updates, _, err := c.Receive(t.Context(), signed(fake, "https://rapport.test/in/twilio/main", form(u)))
		if err != nil || len(updates[0].Message.Attachments) != 1 {
			t.Fatalf("%+v, %v", updates, err)
		}
		r, err := updates[0].Message.Attachments[0].Open()
		if err == nil {
			r.Close()
		}
		return err
	}
	for _, u := range []string{thief.URL + "/x", "http://api.twilio.com/x", "https://api.twilio.com.evil.test/x", "https://twilio.com.evil.test/x", "file:///etc/passwd", "https://user@evil.test/x"} {
		updates, _, err := c.Receive(t.Context(), signed(fake, "https://rapport.test/in/twilio/main", form(u)))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range updates[0].Message.Attachments {
			if r, err := a.Open(); !errors.Is(err, errForeign) {
				t.Errorf("%s: %v, %v", u, r, err)
			}
		}
	}
	// A redirect to a private network is refused at dial, and would have carried no login.
	if err := open(dial(t, settings(redirecting.URL), env(rapport.SMS)), redirecting.URL+"/x"); !errors.Is(err, httpx.ErrRefused) {
		t.Errorf("a redirect into a private network: %v", err)
	}
	if len(asked) != 0 {
		t.Errorf("the stranger was asked with %q", asked)
	}
}

func TestReceive_TwilioMayAnswerItsOwnWords(t *testing.T) {
	t.Parallel()
	fake := twiliotest.New(testSID, testToken)
	s := settings("https://api.twilio.com")
	s["opt_out"] = "twilio"
	for _, k := range []struct {
		channel  rapport.Channel
		body     string
		answered bool
	}{
		{rapport.SMS, "STOP", true}, {rapport.SMS, " sToP\n", true}, {rapport.SMS, "Unstop", true}, {rapport.SMS, "help", true},
		{rapport.SMS, "STOP!", false}, {rapport.SMS, "stop please", false}, {rapport.SMS, "СТОП", false}, {rapport.SMS, "Hello", false},
		{rapport.WhatsApp, "STOP", false}, // Twilio knows no such words there
	} {
		c := dial(t, s, env(k.channel))
		form := fake.InboundForm("", twiliotest.Inbound{From: "+37120000001", To: testSender, Body: k.body})
		updates, _, err := c.Receive(t.Context(), signed(fake, "https://rapport.test/in/twilio/main", []byte(form.Encode())))
		if err != nil || len(updates) != 1 || updates[0].Message.Answered != k.answered {
			t.Errorf("%s %q: %+v, %v", k.channel, k.body, updates, err)
		}
	}
}
