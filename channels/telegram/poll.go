package telegram

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"rapport/channels"
)

const (
	pollWait  = 25 * time.Second
	pollGrace = 15 * time.Second // for the answer to arrive after the wait
)

// Poll asks for the updates from cursor on, which is Telegram's offset: the next update's id. Asking
// from an offset is also what makes Telegram forget everything before it, so a cursor must be stored
// with its updates before it is polled with, as the contract says.
// https://core.telegram.org/bots/api#getupdates
func (p *polling) Poll(ctx context.Context, cursor string) ([]channels.Update, string, error) {
	params := tg.Params{"allowed_updates": updateKinds, "limit": "100"}
	if cursor != "" {
		offset, err := strconv.ParseInt(cursor, 10, 64)
		if err != nil || offset <= 0 {
			return nil, cursor, fmt.Errorf("the cursor %.40q is not an update id", cursor)
		}
		p.answer(ctx, offset)
		params["offset"] = cursor
	}
	wait := pollWait
	if end, ok := ctx.Deadline(); ok {
		wait = max(0, min(wait, time.Until(end)-time.Second))
	}
	params["timeout"] = strconv.Itoa(int(wait / time.Second))
	result, v := p.ask(ctx, wait+pollGrace, "getUpdates", params)
	switch {
	case ctx.Err() != nil:
		return nil, cursor, nil //nolint:nilerr // nothing came until ctx ended, as the contract allows
	case v != nil && v.Code == "409":
		return nil, cursor, fmt.Errorf("polling Telegram: another process polls with this token, or a webhook is set: %w", v)
	case v != nil:
		return nil, cursor, fmt.Errorf("polling Telegram: %w", v)
	}
	var batch []json.RawMessage
	if err := json.Unmarshal(result, &batch); err != nil {
		return nil, cursor, fmt.Errorf("polling Telegram: the answer is no list of updates")
	}
	var out []channels.Update
	for _, raw := range batch {
		u, updates, err := p.translate(raw)
		if err != nil {
			// Stopping here would stop the bot for good: Telegram repeats the update until it is passed over.
			p.log.Warn("passed over an update of Telegram", "update_id", u.ID, "error", err)
		}
		if u.ID > 0 {
			cursor = strconv.FormatInt(u.ID+1, 10)
		}
		if u.Callback != nil && u.Callback.ID != "" {
			p.remember(u.ID, u.Callback.ID)
		}
		out = append(out, updates...)
	}
	return out, cursor, nil
}

// remember keeps a pressed button until the press is stored. What is lost by a restart spins a little
// longer on the person's screen, no more.
func (p *polling) remember(update int64, query string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.pressed) < 1000 {
		p.pressed[update] = query
	}
}

// answer stops the spinning of the buttons whose updates stand before offset, which are stored by now.
func (p *polling) answer(ctx context.Context, offset int64) {
	p.mu.Lock()
	var queries []string
	for id, q := range p.pressed {
		if id < offset {
			queries = append(queries, q)
			delete(p.pressed, id)
		}
	}
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, q := range queries {
		if _, v := p.ask(ctx, 5*time.Second, "answerCallbackQuery", tg.Params{"callback_query_id": q}); v != nil {
			p.log.Info("left a pressed button unanswered", "error", v)
		}
	}
}
