package store

import (
	"context"
	"encoding/json"
	"fmt"

	"rapport"
)

// What happens to threads, entries and consents is told where it is written, so that no way of doing it can forget to.
// Tests and others that do not listen pay a row in the outbox.

// SetTold has fn called after each commit that told something: the relay need not look for it then.
func (s *Store) SetTold(fn func()) { s.told.Store(&fn) }

// Tell writes notices in the transaction of their cause. They stand in the stream when the relay has come by.
func (s *Store) Tell(ctx context.Context, notices ...rapport.Notice) error {
	if len(notices) == 0 {
		return nil
	}
	rows := make([][]any, len(notices))
	now := ms(s.Now())
	for i, n := range notices {
		rows[i] = []any{s.NewID(), string(n.Type), n.Customer, string(n.Data), now}
	}
	err := s.Tx(ctx, func(s *Store) error {
		if fn := s.told.Load(); fn != nil {
			s.Committed(*fn)
		}
		return s.bulkLater(ctx, "outbox", []column{{"id", "bigint"}, {"type", "text"}, {"customer_id", "bigint"}, {"data", "text"}, {"created_at", "bigint"}}, rows, "")
	})
	if err != nil {
		return fmt.Errorf("telling: %w", err)
	}
	return nil
}

// tellEntry tells of a new entry, and of what a person wrote apart from that: a machine's answer, or a call that
// nobody took, is no reply.
func (s *Store) tellEntry(ctx context.Context, e *rapport.Entry) error {
	f := rapport.Fact{Entry: rapport.KindEntry.Format(e.ID), Thread: rapport.KindThread.Format(e.Thread), Kind: string(e.Kind), Channel: e.Channel, Message: rapport.KindMessage.Format(e.Message)}
	if e.Kind == rapport.Note {
		f.Mentions = rapport.Mentions(e.Text)
	}
	notices := []rapport.Notice{f.Notice(rapport.EntryCreated, e.Customer)}
	if e.Kind == rapport.Inbound {
		var meta struct{ Auto, Call string }
		if len(e.Meta) == 0 || json.Unmarshal(e.Meta, &meta) != nil || meta.Auto == "" && meta.Call == "" {
			f.Text, f.MatchedBy = cut(e.Text, rapport.MaxToldText), e.MatchedBy
			f.InReplyTo, f.Campaign = rapport.KindMessage.Format(e.Answers.Message), rapport.KindCampaign.Format(e.Answers.Campaign)
			notices = append(notices, f.Notice(rapport.ReplyReceived, e.Customer))
		}
	}
	return s.Tell(ctx, notices...)
}

func threadFact(t rapport.Thread) rapport.Fact {
	return rapport.Fact{Thread: rapport.KindThread.Format(t.ID), Channel: t.Channel, Status: string(t.Status), Assignee: &t.Assignee, Campaign: rapport.KindCampaign.Format(t.Campaign)}
}

// tellThread tells what a change made of a thread. What is told of one kind is not repeated as an update.
func (s *Store) tellThread(ctx context.Context, was, is rapport.Thread) error {
	var types []rapport.NoticeType
	if was.Assignee != is.Assignee {
		types = append(types, rapport.ThreadAssigned)
	}
	if was.Status != is.Status && is.Status == rapport.ThreadResolved {
		types = append(types, rapport.ThreadClosed)
	}
	if len(types) == 0 {
		types = []rapport.NoticeType{rapport.ThreadUpdated}
	}
	notices := make([]rapport.Notice, len(types))
	for i, t := range types {
		notices[i] = threadFact(is).Notice(t, is.Customer)
	}
	return s.Tell(ctx, notices...)
}

func (s *Store) tellConsents(ctx context.Context, consents []rapport.Consent) error {
	notices := make([]rapport.Notice, len(consents))
	for i, c := range consents {
		notices[i] = ConsentFact(c).Notice(rapport.ConsentUpdated, c.Customer)
	}
	return s.Tell(ctx, notices...)
}

// ConsentFact is what is told of a consent: neither its proof nor whence it came.
func ConsentFact(c rapport.Consent) rapport.Fact {
	return rapport.Fact{Channel: c.Channel, Purpose: c.Purpose, Topic: c.Topic, Granted: &c.Granted, Source: c.Source, Message: rapport.KindMessage.Format(c.Message)}
}
