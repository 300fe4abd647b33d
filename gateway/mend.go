package gateway

import (
	"strings"
	"unicode/utf8"

	"rapport/channels"
)

// mostWords bounds each text of a message; the rest of a mail is in its original.
const mostWords = 1 << 20

// mend makes every text of an update one that both databases take: valid UTF-8 without NUL. What was there stands in the
// original.
func mend(u *channels.Update) {
	texts := []*string{&u.EventID}
	switch {
	case u.Message != nil:
		in := *u.Message // the caller's stays as it is
		u.Message = &in
		in.Tokens, in.InReplyTo, in.References = mendedAll(in.Tokens), mendedAll(in.InReplyTo), mendedAll(in.References)
		in.Others = append([]channels.Person(nil), in.Others...)
		for i := range in.Others {
			texts = append(texts, &in.Others[i].Name, &in.Others[i].Address)
		}
		texts = append(texts, &in.From, &in.FromName, &in.To, &in.ProviderID, &in.Subject, &in.Text, &in.Quoted, &in.Signature, &in.HTML, &in.Button, &in.Start, &in.EditOf, &in.Album, &in.OwnPhone)
	case u.Receipt != nil:
		r := *u.Receipt
		u.Receipt = &r
		texts = append(texts, &r.Token, &r.ProviderID, &r.To, &r.Reason, &r.Code, &r.Detail)
	}
	for _, t := range texts {
		*t = mended(*t)
	}
}

func mendedAll(list []string) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = mended(t)
	}
	return out
}

func mended(t string) string {
	if len(t) > mostWords {
		t = t[:mostWords]
	}
	if strings.IndexByte(t, 0) >= 0 {
		t = strings.ReplaceAll(t, "\x00", "\uFFFD")
	}
	if !utf8.ValidString(t) {
		t = strings.ToValidUTF8(t, "\uFFFD")
	}
	return t
}
