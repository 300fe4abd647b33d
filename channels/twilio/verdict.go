package twilio

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/twilio/twilio-go/client"

	"rapport"
	"rapport/channels"
)

// errNoSID is an answer that says yes but names no message.
var errNoSID = errors.New("the answer names no message")

const (
	afterBusy  = 2 * time.Second // Twilio asks for exponential back-off and rarely says how long
	afterQueue = time.Minute     // a sender's queue of ten hours is full; it drains at the sender's own slow rate
)

// ruling is what one of Twilio's error codes proves about a message that was refused with it, or that
// ended with it.
type ruling struct {
	kind   channels.Kind
	reason string
}

// rulings stand by code. Each is explained at https://www.twilio.com/docs/api/errors/<code>.
//
// Twilio warns that codes are refined over time; what is not here is Rejected, which suppresses nothing
// and stops nothing. AddressDead stands only where the number itself is at fault, never for a route, a
// sender or a handset that is switched off.
var rulings = map[int]ruling{
	// The number.
	21211: {channels.AddressDead, "invalid_number"},
	21217: {channels.AddressDead, "invalid_number"},
	21265: {channels.AddressDead, "short_code"},
	21614: {channels.AddressDead, "not_mobile"},
	21635: {channels.AddressDead, "landline"},
	30005: {channels.AddressDead, "unknown_number"},
	30006: {channels.AddressDead, "landline"},
	63003: {channels.AddressDead, "not_on_channel"},

	// The person.
	21610: {channels.OptedOut, "opted_out"},
	63014: {channels.OptedOut, "blocked"},

	// This message, or this route.
	21266: {channels.Rejected, "to_equals_from"},
	21408: {channels.Rejected, "region_not_enabled"},
	21602: {channels.Rejected, "empty"},
	21608: {channels.Rejected, "unverified_number"}, // trial accounts reach verified numbers only
	21612: {channels.Rejected, "no_route"},
	21617: {channels.Rejected, "text_too_long"},
	21619: {channels.Rejected, "empty"},
	21620: {channels.Rejected, "invalid_media"},
	21623: {channels.Rejected, "too_many_attachments"},
	30003: {channels.Rejected, "unreachable"},
	30004: {channels.Rejected, "blocked"},
	30007: {channels.Rejected, "carrier_filtered"},
	30008: {channels.Rejected, "undelivered"},
	30036: {channels.Rejected, "expired"},
	63016: {channels.Rejected, "reply_window_closed"},
	63021: {channels.Rejected, "invalid_content"},
	63024: {channels.Rejected, "unreachable"}, // no WhatsApp there, or one too old: may change
	63032: {channels.Rejected, "channel_limit"},
	63049: {channels.Rejected, "channel_limit"},

	// Too fast.
	14107: {channels.Throttled, "too_many_requests"},
	20429: {channels.Throttled, "too_many_requests"},
	21611: {channels.Throttled, "queue_full"},
	30001: {channels.Throttled, "queue_full"},
	63018: {channels.Throttled, "too_many_requests"},

	// Us.
	20003: {channels.Misconfigured, "login_refused"},
	20404: {channels.Misconfigured, "unknown_account"},
	21212: {channels.Misconfigured, "invalid_sender"},
	21222: {channels.Misconfigured, "login_refused"},
	21224: {channels.Misconfigured, "login_refused"},
	21603: {channels.Misconfigured, "no_sender"},
	21606: {channels.Misconfigured, "invalid_sender"},
	21609: {channels.Misconfigured, "invalid_callback"},
	21624: {channels.Misconfigured, "invalid_validity"},
	21659: {channels.Misconfigured, "invalid_sender"},
	21660: {channels.Misconfigured, "invalid_sender"},
	21661: {channels.Misconfigured, "invalid_sender"},
	21703: {channels.Misconfigured, "no_sender"},
	21705: {channels.Misconfigured, "invalid_service"},
	30002: {channels.Misconfigured, "account_suspended"},
	30032: {channels.Misconfigured, "sender_not_registered"},
	30034: {channels.Misconfigured, "sender_not_registered"},
	63007: {channels.Misconfigured, "invalid_sender"},
}

// verdict reads what became of the request. A 5xx stays in doubt, whatever its body says: Twilio's POST
// is not idempotent, and a message may have been created before the answer was spoilt
// (https://www.twilio.com/docs/api/errors/20500).
func (k *call) verdict(err error) *channels.Verdict {
	v := &channels.Verdict{}
	rest, said := errors.AsType[*client.TwilioRestError](err)
	if said = said && rest.Code != 0; said {
		v.Code, v.Detail = strconv.Itoa(rest.Code), cut(rest.Message)
	} else {
		v.Err = err
		if u, ok := errors.AsType[*url.Error](err); ok {
			v.Err = u.Err // u names api.twilio.com, which is not where the request went when base_url is set
		}
		if k.status != 0 {
			v.Code = "HTTP " + strconv.Itoa(k.status)
		}
	}
	known, isKnown := ruling{}, false
	if said {
		known, isKnown = rulings[rest.Code]
	}
	switch {
	case k.status == 0 && said: // twilio-go refused before asking
		v.Kind, v.Reason = known.kind, known.reason
	case k.status == 0 && !k.seen():
		v.Kind, v.Reason = channels.Temporary, "unreachable"
	case k.status == 0:
		v.Kind, v.Reason = channels.Ambiguous, "no_answer"
	case k.status >= 500:
		v.Kind, v.Reason = channels.Ambiguous, "server_error"
	case k.status < 300, k.status == http.StatusRequestTimeout:
		v.Kind, v.Reason = channels.Ambiguous, "unreadable_answer"
	case isKnown:
		v.Kind, v.Reason = known.kind, known.reason
	case k.status == http.StatusTooManyRequests:
		v.Kind, v.Reason = channels.Throttled, "too_many_requests"
	case k.status == http.StatusUnauthorized:
		v.Kind, v.Reason = channels.Misconfigured, "login_refused"
	case said:
		v.Kind, v.Reason = channels.Rejected, "refused"
	default: // a redirect, or a page that Twilio did not write
		v.Kind, v.Reason = channels.Misconfigured, "not_twilio"
	}
	if v.Kind == "" {
		v.Kind, v.Reason = channels.Misconfigured, "refused"
	}
	if v.Kind == channels.Throttled {
		v.Scope = channels.ScopeProvider
		if v.After = k.after; v.After == 0 {
			v.After = afterBusy
			if v.Reason == "queue_full" {
				v.After = afterQueue
			}
		}
	}
	return v
}

// ended says what an error code in a receipt or a list proves about a message that Twilio had taken.
func ended(code string) (kind rapport.Receipt, reason string, suppress bool) {
	n, _ := strconv.Atoi(code)
	r, ok := rulings[n]
	switch {
	case !ok:
		return rapport.ReceiptFailed, "undelivered", false
	case r.kind == channels.AddressDead:
		return rapport.ReceiptBounced, r.reason, true
	case r.kind == channels.OptedOut:
		return rapport.ReceiptFailed, r.reason, true
	}
	return rapport.ReceiptFailed, r.reason, false
}

// cut keeps a provider's sentence short enough for a row.
func cut(s string) string {
	if r := []rune(s); len(r) > 300 {
		return string(r[:300])
	}
	return s
}
