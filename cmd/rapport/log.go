package main

import (
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"

	"rapport/config"
)

// newLog writes one line an event, as text for people or as JSON. Personal data and secrets stay out by
// two nets: attributes whose name says that they hold such are replaced, and what looks like a mail
// address, a phone number or an API key is taken out of every text, errors of providers included.
func newLog(w io.Writer, settings config.Log) *slog.Logger {
	o := &slog.HandlerOptions{Level: settings.SlogLevel(), ReplaceAttr: discreet}
	if settings.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// private are the attributes that are never written.
var private = map[string]bool{
	"address": true, "addresses": true, "to": true, "from": true, "to_name": true, "recipient": true, "email": true, "phone": true, "sms": true,
	"chat": true, "chat_id": true, "ip": true, "customer_name": true, "external_id": true, "reply_to": true,
	"text": true, "html": true, "body": true, "subject": true, "content": true, "payload": true, "vars": true, "data": true, "attributes": true,
	"token": true, "secret": true, "password": true, "authorization": true, "cookie": true, "api_key": true, "signature": true,
}

var (
	mailAddress = regexp.MustCompile(`[^\s<>"'(),:;=]+@[^\s<>"'(),:;]+`)
	phoneNumber = regexp.MustCompile(`\+[0-9][0-9 ()-]{6,18}[0-9]`)
	apiKey      = regexp.MustCompile(`rpt_live_[A-Za-z0-9_-]+`)
)

func discreet(_ []string, a slog.Attr) slog.Attr {
	if private[strings.ToLower(a.Key)] {
		return slog.String(a.Key, "[private]")
	}
	a.Value = a.Value.Resolve()
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(withoutPeople(a.Value.String()))
	case slog.KindAny:
		switch v := a.Value.Any().(type) {
		case error:
			a.Value = slog.StringValue(withoutPeople(v.Error()))
		case fmt.Stringer:
			a.Value = slog.StringValue(withoutPeople(v.String()))
		}
	}
	return a
}

func withoutPeople(s string) string {
	if strings.Contains(s, "@") {
		s = mailAddress.ReplaceAllString(s, "[mail]")
	}
	if strings.Contains(s, "+") {
		s = phoneNumber.ReplaceAllString(s, "[phone]")
	}
	if strings.Contains(s, "rpt_live_") {
		s = apiKey.ReplaceAllString(s, "[key]")
	}
	return s
}
