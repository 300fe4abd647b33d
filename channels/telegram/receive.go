package telegram

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"

	"rapport/channels"
)

// Receive takes one update. What proves that Telegram sent it is the secret that Setup agreed on; it
// does not cover the body. https://core.telegram.org/bots/api#setwebhook
func (c hooked) Receive(_ context.Context, cb *channels.Callback) ([]channels.Update, channels.Reply, error) {
	said := cb.Header.Get("X-Telegram-Bot-Api-Secret-Token")
	if subtle.ConstantTimeCompare([]byte(said), []byte(c.secret)) != 1 {
		return nil, channels.Reply{}, channels.ErrSignature
	}
	if cb.Method != http.MethodPost {
		return nil, channels.Reply{}, fmt.Errorf("%w: Telegram posts, this is a %.10q", channels.ErrMalformed, cb.Method)
	}
	u, out, err := c.translate(cb.Body)
	if err != nil {
		return nil, channels.Reply{}, err
	}
	reply := channels.Reply{Status: http.StatusOK}
	if u.Callback != nil && u.Callback.ID != "" {
		// A request may stand in the reply itself, which is written once the press is stored; the button
		// then stops spinning. https://core.telegram.org/bots/api#making-requests-when-getting-updates
		body, err := json.Marshal(map[string]string{"method": "answerCallbackQuery", "callback_query_id": u.Callback.ID})
		if err == nil {
			reply.ContentType, reply.Body = "application/json", body
		}
	}
	return out, reply, nil
}
