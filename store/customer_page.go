package store

import (
	"context"
	"time"

	"rapport"
)

// Received is a message of a campaign to a customer, and what they did with it.
type Received struct {
	Message  rapport.Message
	Campaign string // its name
	Topic    string
	Purpose  rapport.Purpose
	Engaged  []rapport.Engagement
}

// Received lists what campaigns had for a customer, newest first: also what was skipped.
func (s *Store) Received(ctx context.Context, customer rapport.ID, p Page) ([]Received, rapport.ID, error) {
	rows, err := collect(ctx, s, func(scan func(...any) error) (x Received, err error) {
		x.Message, err = scanMessage(func(to ...any) error { return scan(append(to, &x.Campaign, &x.Topic, &x.Purpose)...) })
		return
	}, `SELECT `+messageColumns+`, c.name, c.topic, c.purpose FROM messages m JOIN campaigns c ON c.id = m.campaign_id
		WHERE m.customer_id = $1 AND m.id < $2 AND c.kind = 'campaign' ORDER BY m.id DESC LIMIT $3`, customer, p.after(), p.Limit+1)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, p.Limit, func(x Received) rapport.ID { return x.Message.ID })
	at := make(map[rapport.ID]*Received, len(out))
	ids := make([]rapport.ID, len(out))
	for i := range out {
		ids[i] = out[i].Message.ID
		at[ids[i]] = &out[i]
	}
	if len(ids) == 0 {
		return out, 0, nil
	}
	return out, next, s.each(ctx, func(scan func(...any) error) error {
		var id rapport.ID
		var kind rapport.Engagement
		err := scan(&id, &kind)
		if x := at[id]; x != nil {
			x.Engaged = append(x.Engaged, kind)
		}
		return err
	}, `SELECT message_id, kind FROM engagements WHERE n > 0 AND message_id `+s.d.in(1)+` ORDER BY message_id, kind`, s.d.list(ids))
}

// Activity is what there has been with a customer of late.
type Activity struct {
	LastReply   time.Time // zero: none yet
	LastMessage time.Time // that went out
	Messages    int64     // that went out since a time
	OpenThreads int64     // neither resolved nor spam
}

// Activities reads it for a page of customers: four looks into an index for each.
func (s *Store) Activities(ctx context.Context, customers []rapport.ID, since time.Time) (map[rapport.ID]Activity, error) {
	of := make(map[rapport.ID]Activity, len(customers))
	if len(customers) == 0 {
		return of, nil
	}
	return of, s.each(ctx, func(scan func(...any) error) error {
		var id rapport.ID
		var reply, message int64
		var a Activity
		err := scan(&id, &reply, &message, &a.Messages, &a.OpenThreads)
		a.LastReply, a.LastMessage = at(reply), at(message)
		of[id] = a
		return err
	}, `SELECT c.id, coalesce((SELECT max(created_at) FROM entries WHERE customer_id = c.id AND kind = 'inbound'), 0), coalesce((SELECT max(sent_at) FROM messages WHERE customer_id = c.id), 0),
		(SELECT count(*) FROM messages WHERE customer_id = c.id AND sent_at >= $2), (SELECT count(*) FROM threads WHERE customer_id = c.id AND merged_into = 0 AND coalesce(status, '') IN ('open', 'pending', 'snoozed'))
		FROM customers c WHERE c.id `+s.d.in(1), s.d.list(customers), ms(since))
}
