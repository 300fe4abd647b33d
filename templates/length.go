package templates

import (
	"fmt"
	"html"
	"strings"

	"rapport"
	"rapport/channels"
)

// MostSMS is how many characters a provider takes of one SMS, however many segments it is sent in
// (https://www.twilio.com/docs/api/errors/21617).
const MostSMS = 1600

const mostTelegram = 4096 // characters, without the markup: https://core.telegram.org/bots/api#sendmessage

// tooLong says why a channel's provider would refuse a text for its length; nil when it would not. Bytes
// are counted first: there are never fewer of them, and nearly every text is done with.
func tooLong(ch rapport.Channel, text channels.Part) error {
	most, bytes := 0, 0
	switch ch {
	case rapport.Telegram:
		most = mostTelegram
	case rapport.SMS:
		most = MostSMS
	default:
		return nil
	}
	for i := range text {
		bytes += len(text[i].Bytes)
	}
	if bytes <= most {
		return nil
	}
	words := text.String()
	if ch == rapport.Telegram {
		words = html.UnescapeString(withoutTags(words))
	}
	if n := characters(words); n > most {
		return fmt.Errorf("has %d characters; %s takes %d", n, spoken(ch), most)
	}
	return nil
}

// characters counts UTF-16 units, as phones and Telegram do: an emoji is two.
func characters(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// withoutTags takes out the tags of a text in Telegram's subset, where every < begins one.
func withoutTags(s string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "<")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, s, _ = strings.Cut(rest, ">")
	}
}

func spoken(ch rapport.Channel) string {
	if ch == rapport.SMS {
		return "an SMS"
	}
	return "Telegram"
}
