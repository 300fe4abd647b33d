package gateway

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// Bounds of the page on which a message is answered.
const (
	answerWithin  = 90 * 24 * time.Hour // after the message was made
	mostAnswerLen = 4000                // characters
	mostNameLen   = 100
	mostAnswers   = 5 // of one link within answerPer
	answerPer     = time.Hour
)

// PageAnswer is what the form of the page brings.
type PageAnswer struct {
	Form string // of the page as it was shown: the same form counts once
	Text string
	Name string // empty: they do not say
}

// AnswerPage says what a POST to the same address would answer. It changes nothing.
func (g *Gateway) AnswerPage(ctx context.Context, token string) (Page, error) {
	l, _, err := g.answerable(ctx, token)
	p := l.Page
	p.Form = randomToken()
	return p, err
}

// answered is the letter of an answer's page, as the page shows it. Closed: nothing can be answered there any more, because
// the message is old or its customer gone.
type answered struct {
	letter
	Page
}

func (g *Gateway) answerable(ctx context.Context, token string) (l answered, a rapport.Address, err error) {
	l.Page = Page{Company: g.set.Company.Name, Closed: true}
	l.letter, err = g.letter(ctx, useAnswer, token)
	if rapport.CodeOf(err) == rapport.CodeNotFound && l.message.ID != 0 {
		return l, a, nil
	}
	if err != nil {
		return l, a, err
	}
	if l.Page, err = g.page(ctx, l.letter); err != nil {
		return l, a, err
	}
	l.Closed = true
	if l.campaign.Purpose != rapport.Marketing { // its topic is a word of ours
		l.Topic = ""
	}
	if g.now().Sub(l.message.ID.Time()) > answerWithin {
		return l, a, nil
	}
	a, err = g.Store.Address(ctx, l.message.Address)
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		return l, a, nil
	}
	if err != nil {
		return l, a, err
	}
	owner, err := g.Store.Customer(ctx, a.Customer)
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		return l, a, nil
	}
	l.Closed = err != nil || owner.ID != l.customer.ID // the address is somebody else's by now
	return l, a, err
}

// AnswerByPage takes what somebody wrote on the page into the thread, as the customer's answer to the message. The same form
// counts once. CodeConflict: the page is closed; CodeInvalid: there is no text, or too much; CodeRateLimited: too much was
// written by this link of late, and nothing was kept.
func (g *Gateway) AnswerByPage(ctx context.Context, token string, in PageAnswer) error {
	l, a, err := g.answerable(ctx, token)
	if err != nil {
		return err
	}
	if l.Closed {
		return rapport.Errorf(rapport.CodeConflict, "This page takes no answers any more.")
	}
	text := strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(in.Text))
	switch {
	case text == "":
		return rapport.Invalid("text", "is required")
	case utf8.RuneCountInString(text) > mostAnswerLen:
		return rapport.Invalid("text", "is longer than %d characters", mostAnswerLen)
	}
	u := channels.Update{At: g.now(), Message: &channels.Incoming{Channel: a.Channel, From: a.Value, Text: text, FromName: oneName(in.Name)}}
	mend(&u)
	if a.Channel == rapport.Email { // a new thread has the subject that the person saw
		if r, err := g.Shown(ctx, l.message); err == nil && r != nil {
			u.Message.Subject = strings.Join(strings.Fields(r.Subject.String()), " ")
		}
	}
	var then func()
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		then = nil
		if err := s.LockAddress(ctx, a.ID); err != nil {
			return err
		}
		fresh, err := s.Once(ctx, "@reply_page", rapport.KindMessage.Format(l.message.ID)+"."+in.Form)
		if err != nil || !fresh {
			return err
		}
		recent, err := s.RecentInbound(ctx, a, g.now().Add(-answerPer))
		if err != nil {
			return err
		}
		recent = slices.DeleteFunc(recent, func(e rapport.Entry) bool {
			return e.MatchedBy != byReplyLink || e.Answers.Message != l.message.ID
		})
		if len(recent) >= mostAnswers {
			return &rapport.Error{Code: rapport.CodeRateLimited, Message: "Much was written here of late.", RetryAfter: max(time.Second, recent[len(recent)-1].CreatedAt.Add(answerPer).Sub(g.now()))}
		}
		then, err = g.update(ctx, s, &arrival{from: channels.Entry{Name: l.message.Provider}, Update: u, page: &l.message})
		return err
	})
	if err == nil && then != nil {
		then()
	}
	return err
}

// oneName is a name as one line, cut where it is too long for one.
func oneName(name string) string {
	words := []rune(strings.Join(strings.Fields(name), " "))
	return strings.TrimSpace(string(words[:min(len(words), mostNameLen)]))
}
