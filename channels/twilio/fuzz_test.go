package twilio

import (
	"errors"
	"net/http"
	"testing"

	"rapport"
	"rapport/channels"
	"rapport/channels/twilio/twiliotest"
	"rapport/internal/fuzzing"
)

func FuzzReceive(f *testing.F) {
	fake := twiliotest.New(testSID, testToken)
	f.Add([]byte(fake.StatusForm(twiliotest.Message{SID: "SM1", To: "+37120000001"}, "undelivered", 30005).Encode()), "m=msg_0000000000001")
	f.Add([]byte(fake.InboundForm("https://api.twilio.com", twiliotest.Inbound{From: "whatsapp:+37120000001", To: "whatsapp:+15005550006", Body: "Hi",
		Media: []twiliotest.Medium{{ContentType: "image/png"}}, Extra: map[string]string{"Latitude": "1", "Longitude": "2"}}).Encode()), "")
	f.Add([]byte("MessageSid=SM1&From=x&NumMedia=-9223372036854775808&MediaUrl0=%25&MediaContentType0=/"), "m=%zz")
	f.Add([]byte("MessageSid=SM1&From=whatsapp:%2B37120000001&ListId=a&ListTitle=b&Forwarded=true&MessageType=interactive&OptOutType=STOP"), "")
	f.Add([]byte("a=%zz;&&=&"), "bodySHA256=00")
	c := dial(f, settings("https://api.twilio.com"), env(rapport.SMS))
	f.Fuzz(func(t *testing.T, body []byte, query string) {
		defer fuzzing.Budget(t)()
		updates, _, err := c.Receive(t.Context(), signed(fake, "https://rapport.test/in/twilio/main?"+query, body))
		if err != nil {
			if !errors.Is(err, channels.ErrMalformed) && !errors.Is(err, channels.ErrSignature) {
				t.Errorf("error is %v", err)
			}
			return
		}
		for _, u := range updates {
			if u.EventID == "" || (u.Message == nil) == (u.Receipt == nil) {
				t.Errorf("update %+v", u)
			}
		}
	})
}

// FuzzSignature: nothing but the one signature over the one URL and body opens the door.
func FuzzSignature(f *testing.F) {
	fake := twiliotest.New(testSID, testToken)
	body := []byte("From=%2B37120000001&MessageSid=SM1&Body=Hi")
	good := signed(fake, "https://rapport.test/in/twilio/main", body)
	f.Add(good.URL, body, good.Header.Get("X-Twilio-Signature"))
	f.Add(good.URL+"?bodySHA256=", body, "")
	f.Add("https://rapport.test:443/in/twilio/main", body, good.Header.Get("X-Twilio-Signature")[1:])
	c := dial(f, settings("https://api.twilio.com"), env(rapport.SMS))
	stranger := twiliotest.New(testSID, "anotherToken")
	f.Fuzz(func(t *testing.T, rawURL string, body []byte, signature string) {
		defer fuzzing.Budget(t)()
		same := rawURL == good.URL || rawURL == "https://rapport.test:443/in/twilio/main"
		cb := &channels.Callback{Method: http.MethodPost, URL: rawURL, Header: http.Header{"X-Twilio-Signature": {signature}}, Body: body}
		if _, _, err := c.Receive(t.Context(), cb); err == nil && (!same || signature != good.Header.Get("X-Twilio-Signature")) {
			t.Errorf("%q with %q was let in", rawURL, signature)
		}
		if _, _, err := c.Receive(t.Context(), signed(stranger, rawURL, body)); err == nil {
			t.Errorf("a stranger's token signed %q, and was let in", rawURL)
		}
	})
}
