package twilio

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	api "github.com/twilio/twilio-go/rest/api/v2010"

	"rapport"
	"rapport/channels"
)

const (
	lookupPage  = 200
	lookupPages = 10 // 2,000 messages to one number; beyond that we do not know
)

var (
	errRedacted = errors.New("the text of a message of that time is redacted at Twilio, so it cannot be told apart")
	errTooMany  = errors.New("Twilio has too many messages to this number to look through")
)

// Lookup reads the list of messages to the number and looks for ours: same address, same time, same
// text. Twilio's list knows no callback URL, so there is no better mark. It does not filter by
// DateSent, because a message that still stands in Twilio's queue has none and would be missed, and
// missing it means sending it twice.
// https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources
func (c *conn) Lookup(ctx context.Context, q channels.Query) (channels.Answer, error) {
	list := new(api.ListMessageParams).SetTo(c.address(q.To)).SetPageSize(lookupPage)
	var token, number string
	unreadable := false
	for range lookupPages {
		k, end := c.call(ctx)
		page, err := k.api().PageMessage(list, token, number)
		end()
		if err != nil {
			return channels.Answer{}, fmt.Errorf("listing messages: %w", k.verdict(err))
		}
		if k.status != 200 || page.Uri == "" {
			return channels.Answer{}, fmt.Errorf("listing messages: %w", k.verdict(errors.New("the answer is no list")))
		}
		for _, m := range page.Messages {
			switch found, readable := c.matches(m, q); {
			case found:
				return answer(m), nil
			case !readable:
				unreadable = true
			}
		}
		if page.NextPageUri == nil || *page.NextPageUri == "" {
			if unreadable {
				return channels.Answer{}, errRedacted
			}
			return channels.Answer{}, nil
		}
		next, err := url.Parse(*page.NextPageUri)
		if err != nil {
			return channels.Answer{}, fmt.Errorf("listing messages: the link to the next page is broken")
		}
		token, number = next.Query().Get("PageToken"), next.Query().Get("Page")
	}
	return channels.Answer{}, errTooMany
}

// matches tells whether m is the message asked for; readable is false when m may be it and nobody can say.
func (c *conn) matches(m api.ApiV2010Message, q channels.Query) (found, readable bool) {
	if value(m.To) != c.address(q.To) || strings.HasPrefix(value(m.Direction), "inbound") {
		return false, true
	}
	made, err := mail.ParseDate(value(m.DateCreated))
	if err == nil && (made.Before(q.SentFrom.Truncate(time.Second)) || made.After(q.SentUntil)) {
		return false, true
	}
	if err != nil || value(m.Body) == "" && q.Text != "" {
		return false, false
	}
	return sameText(value(m.Body), q.Text), true
}

// sameText compares letters and digits only: a Messaging Service may swap quotation marks, dashes and
// spaces for cheaper ones (Smart Encoding), and a trial account puts a sentence in front.
func sameText(theirs, ours string) bool {
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return r
			}
			return -1
		}, s)
	}
	if l := letters(ours); l != "" {
		return strings.HasSuffix(letters(theirs), l)
	}
	return strings.HasSuffix(strings.TrimSpace(theirs), strings.TrimSpace(ours))
}

func answer(m api.ApiV2010Message) channels.Answer {
	a := channels.Answer{Found: true, ProviderID: value(m.Sid), Receipt: rapport.ReceiptSent}
	if r, ok := statuses[value(m.Status)]; ok {
		a.Receipt = r
	}
	if a.Receipt == rapport.ReceiptFailed {
		code := ""
		if m.ErrorCode != nil {
			code = strconv.Itoa(*m.ErrorCode)
		}
		a.Receipt, a.Reason, _ = ended(code)
	}
	return a
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
