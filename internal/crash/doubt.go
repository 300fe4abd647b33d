package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/mail"

	"rapport"
)

// DoubtVerdict is what CheckDoubt found, by channel.
type DoubtVerdict struct {
	Injected, Unknown, Repeated map[rapport.Channel]int
	Lost, Duplicates            int // duplicates: what may not be repeated, or more often than once an answer was missed
}

func (v DoubtVerdict) String() string {
	s := fmt.Sprintf("lost %d, duplicates %d", v.Lost, v.Duplicates)
	for _, ch := range channels {
		s += fmt.Sprintf("; %s: %d answers kept back, %d sent again, %d unknown", ch, v.Injected[ch], v.Repeated[ch], v.Unknown[ch])
	}
	return s
}

// CheckDoubt is Check for a run in which nobody died, but answers were kept back. What it owes is exact: a
// number can be asked about, so nothing is sent again and nothing is unknown; a webhook is repeated under its
// id; mail and chats are repeated when transactional, mail with the same Message-ID, and end as unknown when not.
func (h *Harness) CheckDoubt(ctx context.Context, doubts Doubts) (v DoubtVerdict, err error) {
	v = DoubtVerdict{Injected: map[rapport.Channel]int{}, Unknown: map[rapport.Channel]int{}, Repeated: map[rapport.Channel]int{}}
	view, err := h.View(ctx)
	if err != nil {
		return v, err
	}
	db, err := h.database()
	if err != nil {
		return v, err
	}
	defer db.Close()
	var broken []error
	breach := func(format string, args ...any) { broken = append(broken, fmt.Errorf(format, args...)) }

	type end struct {
		state  rapport.State
		reason string
	}
	ends := map[string]end{}
	states := map[rapport.State]int{}
	rows, err := db.QueryContext(ctx, `SELECT a.channel, a.address, m.state, m.reason FROM messages m JOIN addresses a ON a.id = m.address_id`)
	if err != nil {
		return v, err
	}
	defer rows.Close()
	for rows.Next() {
		var ch, address string
		var e end
		if err := rows.Scan(&ch, &address, &e.state, &e.reason); err != nil {
			return v, err
		}
		k := ch + " " + address
		if _, twice := ends[k]; twice {
			breach("%s has two rows", k)
		}
		ends[k] = e
		states[e.state]++
	}
	if err := rows.Err(); err != nil {
		return v, err
	}
	ids := h.messageIDs()
	total := 0
	for n := range h.Messages {
		ch := channels[n%len(channels)]
		address := h.Sinks.Address(ch, n)
		e, known := ends[string(ch)+" "+address]
		doubted := doubts[ch][n]
		want, state := 1, rapport.Sent
		if doubted {
			v.Injected[ch]++
			switch {
			case ch == rapport.SMS:
			case ch == rapport.Webhook, h.Purpose == rapport.Transactional:
				want = 2
			default:
				state = rapport.Unknown
			}
		}
		got := h.Sinks.Count(ch, address)
		total += got
		if e.state == rapport.Unknown {
			v.Unknown[ch]++
		}
		if got > 1 && want > 1 {
			v.Repeated[ch]++
		}
		v.Duplicates += max(0, got-want)
		if got == 0 {
			v.Lost++
		}
		if !known || e.state != state || got != want {
			breach("%s %s ended as %s (%s) and came %d times; owed are %s and %d (answer kept back: %t)", ch, address, e.state, e.reason, got, state, want, doubted)
		}
		if ch == rapport.Email && doubted && len(ids[address]) != 1 {
			breach("%s was mailed under %d Message-IDs", address, len(ids[address]))
		}
	}
	if t := h.Sinks.Total(); t != total {
		breach("%d arrived in all, %d at recipients", t, total)
	}
	if again := h.Sinks.Hook.Repeated(); again != doubts.Of(rapport.Webhook) {
		breach("%d webhooks came again under an id that was known, %d answers were kept back", again, doubts.Of(rapport.Webhook))
	}
	h.ledger(view, states, breach)
	if err := h.counters(ctx, db, states, breach); err != nil {
		return v, err
	}
	broken = append(broken, h.Sinks.Hook.Err())
	return v, errors.Join(broken...)
}

// messageIDs are the distinct ones of each recipient's mails, as far as the sink keeps them.
func (h *Harness) messageIDs() map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, m := range h.Sinks.Mail.Messages() {
		msg, err := mail.ReadMessage(bytes.NewReader(m.Data))
		if err != nil {
			continue
		}
		if out[m.To] == nil {
			out[m.To] = map[string]bool{}
		}
		out[m.To][msg.Header.Get("Message-ID")] = true
	}
	return out
}
