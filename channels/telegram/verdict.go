package telegram

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"rapport/channels"
)

// phrase is a part of a description by which Telegram tells refusals of one code apart. There is no
// finer code: https://core.telegram.org/bots/api#making-requests. The words are those of the server's
// own source: https://github.com/tdlib/telegram-bot-api/blob/master/telegram-bot-api/Client.cpp
type phrase struct {
	part   string // in lower case
	kind   channels.Kind
	reason string
}

// phrases by code; the first that fits wins, and an empty part fits always.
var phrases = map[int][]phrase{
	400: {
		{"chat not found", channels.AddressDead, "chat_not_found"},
		{"user not found", channels.AddressDead, "chat_not_found"},
		{"peer_id_invalid", channels.AddressDead, "chat_not_found"},
		{"text is empty", channels.Rejected, "empty"},
		{"reply markup", channels.Rejected, "invalid_button"},
		{"is too long", channels.Rejected, "text_too_long"},
		{"can't parse entities", channels.Rejected, "invalid_markup"},
		{"button", channels.Rejected, "invalid_button"},
		{"rights", channels.Rejected, "no_rights"},
		{"chat_write_forbidden", channels.Rejected, "no_rights"},
		{"photo", channels.Rejected, "invalid_attachment"},
		{"file", channels.Rejected, "invalid_attachment"},
		{"webhook", channels.Misconfigured, "invalid_callback"},
		{"", channels.Rejected, "refused"},
	},
	401: {{"", channels.Misconfigured, "login_refused"}},
	// All of these end when the person starts the bot (again), or adds it to the group.
	403: {
		{"blocked by the user", channels.OptedOut, "blocked"},
		{"user is deactivated", channels.OptedOut, "deactivated"},
		{"kicked", channels.OptedOut, "kicked"},
		{"not a member", channels.OptedOut, "kicked"},
		{"initiate conversation", channels.OptedOut, "not_started"},
		{"messages to bots", channels.Rejected, "is_a_bot"},
		{"rights", channels.Rejected, "no_rights"},
		{"", channels.OptedOut, "forbidden"},
	},
	404: {{"", channels.Misconfigured, "login_refused"}}, // how a malformed token is answered
	409: {{"", channels.Misconfigured, "two_receivers"}},
	413: {{"", channels.Rejected, "attachments_too_large"}},
	429: {{"", channels.Throttled, "too_many_requests"}},
	// 5xx leaves doubt: when the server restarts it answers 500 to messages that it had already handed on
	// (Client::on_closed in the source above, pending_send_message_queries_).
}

// afterBusy is for a 429 that does not say how long, which only a proxy would send.
const afterBusy = 5 * time.Second

// verdict reads what became of a request for chat.
func (k *call) verdict(chat string, resp *tg.APIResponse, err error) *channels.Verdict {
	code, said := k.status, resp != nil && resp.ErrorCode != 0
	v := &channels.Verdict{}
	if said {
		code, v.Detail = resp.ErrorCode, cut(resp.Description)
	} else {
		v.Err = err
	}
	if code != 0 {
		v.Code = strconv.Itoa(code)
	}
	switch {
	case k.status == 0 && !k.seen():
		v.Kind, v.Reason = channels.Temporary, "unreachable"
	case k.status == 0:
		v.Kind, v.Reason = channels.Ambiguous, "no_answer"
	case k.status >= 500 || code >= 500:
		v.Kind, v.Reason = channels.Ambiguous, "server_error"
	case said && resp.Parameters != nil && resp.Parameters.MigrateToChatID != 0:
		v.Kind, v.Reason = channels.AddressMoved, "group_upgraded"
		v.MovedTo = strconv.FormatInt(resp.Parameters.MigrateToChatID, 10)
	case said && resp.Parameters != nil && resp.Parameters.RetryAfter > 0:
		v.Kind, v.Reason, v.After = channels.Throttled, "too_many_requests", time.Duration(resp.Parameters.RetryAfter)*time.Second
	case said || code == http.StatusUnauthorized || code == http.StatusRequestEntityTooLarge || code == http.StatusTooManyRequests:
		v.Kind, v.Reason = named(code, resp)
	case code < 300, code == http.StatusRequestTimeout:
		v.Kind, v.Reason = channels.Ambiguous, "unreadable_answer"
	default: // a redirect, or a page that Telegram did not write
		v.Kind, v.Reason = channels.Misconfigured, "not_telegram"
	}
	if v.Kind == channels.Throttled {
		if v.After == 0 {
			v.After = max(k.after, afterBusy)
		}
		// Telegram does not say whether the bot or the chat is too fast. A group has the lower limit
		// (20 a minute: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this),
		// so there it is taken to be the group; else to be the bot.
		v.Scope = channels.ScopeProvider
		if strings.HasPrefix(chat, "-") {
			v.Scope = channels.ScopeRecipient
		}
	}
	return v
}

func named(code int, resp *tg.APIResponse) (channels.Kind, string) {
	description := ""
	if resp != nil {
		description = strings.ToLower(resp.Description)
	}
	for _, p := range phrases[code] {
		if strings.Contains(description, p.part) {
			return p.kind, p.reason
		}
	}
	return channels.Rejected, "refused"
}

// asError keeps a nil verdict from becoming an error that is not nil.
func asError(v *channels.Verdict) error {
	if v == nil {
		return nil
	}
	return v
}

// cut keeps a provider's sentence short enough for a row.
func cut(s string) string {
	if r := []rune(s); len(r) > 300 {
		return string(r[:300])
	}
	return s
}
