package rapport

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Facts are all that Decide looks at: everything it says about a customer follows from these.
type Facts struct {
	Now       time.Time
	Purpose   Purpose
	Topic     string
	Policy    Policy
	Routing   Routing
	SendAt    time.Time // not before; zero: now
	ExpiresAt time.Time // zero: never
	Window    *SendWindow
	// WindowZone is the zone of Window unless that is "recipient".
	WindowZone *time.Location

	Order []Channel
	Zone  *time.Location // the customer's, or the default
	// Elsewhere tells in which zones the owner of an address may be as well, where nobody has said which is theirs:
	// quiet hours hold while it is night in any of them. Nil: in none.
	Elsewhere func(Address) []*time.Location
	Quiet     *QuietHours             // the customer's own
	QuietOf   map[Channel]*QuietHours // the installation's, for marketing on a channel
	Cap       *Cap
	CapUsed   int // marketing messages to this customer within Cap.Per before Now
	Addresses []AddressFacts

	Variants  map[Channel]bool // the template has something to say there
	Providers map[Channel]bool // somebody could carry it
	Tried     map[Channel]bool // channels that an escalation leaves behind
	// Confirms says that the message answers what the person has just asked the sender (STOP, START, HELP): their own
	// stop does not bind it, every other suppression does.
	Confirms bool
}

// AddressFacts are the facts about one address for this purpose and topic.
type AddressFacts struct {
	Address
	Suppressed *Suppression
	Consent    ConsentState
	Preference *bool // what the customer set for this topic, or for every topic; nil: nothing
	PrefTopic  string
}

// Decision is one message row: to be sent at Due, or stopped with a Reason.
type Decision struct {
	Channel   Channel
	Address   ID
	Epoch     int64
	Send      bool
	State     State  // when not Send: Skipped or Expired
	Reason    string // when not Send
	Due       time.Time
	WindowEnd time.Time // zero: open end
}

// Rule is one line of an explanation.
type Rule struct {
	Rule    string  `json:"rule"`
	Channel Channel `json:"channel,omitempty"`
	Passed  bool    `json:"passed"`
	Detail  string  `json:"detail"`
	// Facts are what Detail says, by name, for whoever says it in another language: scope, reason and at of a suppression;
	// topic; policy; used, max and per of a cap; off of an address; at and expiry of a time.
	Facts map[string]string `json:"facts,omitempty" doc:"What detail says, by name: scope, reason, at, topic, policy, used, max, per, off, expiry."`
}

// ReasonStop is the reason of a suppression that the person asked for with a word to us.
const ReasonStop = "stop"

// Reasons for which a rule stops a message.
const (
	ReasonSuppressed = "suppressed"
	ReasonWithdrawn  = "consent_withdrawn"
	ReasonPreference = "preference_off"
	ReasonNoConsent  = "no_consent"
	ReasonCap        = "frequency_cap"
	ReasonAddressOff = "address_off"
	ReasonNoAddress  = "no_address"
	ReasonNoVariant  = "no_template_variant"
	ReasonNoProvider = "no_provider"
	ReasonExpired    = "expired"
	ReasonNeverOpen  = "window_never_opens"
	ReasonConflict   = "address_conflict"
	ReasonMissing    = "missing_variable"
	ReasonInvalid    = "invalid_recipient"
	ReasonDuplicate  = "duplicate_recipient"
	ReasonRender     = "template_error"
	ReasonOvertaken  = "overtaken" // it confirms what the person has taken back since
)

// Decide settles whether, where and when one customer gets one message. It is pure: the same facts give
// the same decisions. The order of rules is part of the contract: suppression, withdrawn consent,
// preference, topic policy, frequency cap, address and template variant, then window, quiet hours, expiry.
// There is at least one decision; with Routing.Method All there may be one a channel. When explain is
// not nil it is called for every rule looked at.
func Decide(f *Facts, explain func(Rule)) []Decision {
	candidates := f.candidates()
	if len(candidates) == 0 {
		note(explain, "address", "", false, func() (string, particulars) {
			return fmt.Sprintf("none of the channels %v has an address", f.channels()), nil
		})
		return []Decision{{Channel: NoChannel, State: Skipped, Reason: ReasonNoAddress}}
	}
	var out []Decision
	var first Decision // the first refusal, kept as the reason when no channel is usable
	for _, a := range candidates {
		if f.Routing.Method == All && slices.ContainsFunc(out, func(d Decision) bool { return d.Send && d.Channel == a.Channel }) {
			continue // a second address of a channel already served
		}
		d := f.one(a, explain)
		switch {
		case f.Routing.Method == All:
			i := slices.IndexFunc(out, func(d Decision) bool { return d.Channel == a.Channel })
			if i < 0 {
				out = append(out, d)
			} else if d.Send {
				out[i] = d
			}
		case d.Send:
			return []Decision{d}
		case first.Channel == "":
			first = d
		}
	}
	if f.Routing.Method == All {
		return out
	}
	if len(candidates) > 1 {
		first.Channel, first.Address, first.Epoch = NoChannel, 0, 0
	}
	return []Decision{first}
}

// note explains one rule, when somebody listens. What it says is made only then: most decisions are not explained.
func note(explain func(Rule), rule string, c Channel, ok bool, says func() (string, particulars)) {
	if explain != nil {
		detail, facts := says()
		explain(Rule{rule, c, ok, detail, facts})
	}
}

type particulars = map[string]string

// channels is the order in which channels are tried: the customer's first, limited to the campaign's.
func (f *Facts) channels() []Channel {
	allowed := f.Routing.Channels
	if len(allowed) == 0 {
		allowed = Channels
	}
	var out []Channel
	add := func(c Channel) {
		if slices.Contains(allowed, c) && !slices.Contains(out, c) && !f.Tried[c] {
			out = append(out, c)
		}
	}
	if f.Routing.Method != Fallback { // a fallback order is the campaign's: it was chosen for its cost
		for _, c := range f.Order {
			add(c)
		}
	}
	for _, c := range allowed {
		add(c)
	}
	return out
}

// candidates are the addresses in the order in which they are tried: by channel, the primary one first.
func (f *Facts) candidates() []*AddressFacts {
	var out []*AddressFacts
	for _, c := range f.channels() {
		for _, primary := range []bool{true, false} {
			for i := range f.Addresses {
				if a := &f.Addresses[i]; a.Channel == c && a.Primary == primary {
					out = append(out, a)
				}
			}
		}
	}
	return out
}

func (f *Facts) one(a *AddressFacts, explain func(Rule)) Decision {
	stop := func(reason string) Decision {
		return Decision{Channel: a.Channel, Address: a.ID, Epoch: a.Epoch, State: Skipped, Reason: reason}
	}
	if a.Suppressed.Binds(f.Purpose) && !(f.Confirms && a.Suppressed.Reason == ReasonStop) {
		note(explain, "suppression", a.Channel, false, func() (string, particulars) {
			scope, at := fmt.Sprint(a.Suppressed.Scope), a.Suppressed.At.UTC().Format(time.RFC3339)
			return fmt.Sprintf("suppressed for %s (%s) since %s", scope, a.Suppressed.Reason, at), particulars{"scope": scope, "reason": a.Suppressed.Reason, "at": at}
		})
		return stop(ReasonSuppressed)
	}
	note(explain, "suppression", a.Channel, true, func() (string, particulars) { return fmt.Sprintf("not suppressed for %s", f.Purpose), nil })
	if a.Consent == ConsentWithdrawn {
		note(explain, "consent", a.Channel, false, func() (string, particulars) { return fmt.Sprintf("%s consent was withdrawn", f.Purpose), nil })
		return stop(ReasonWithdrawn)
	}
	note(explain, "consent", a.Channel, true, func() (string, particulars) { return fmt.Sprintf("%s consent was not withdrawn", f.Purpose), nil })
	if a.Preference != nil && !*a.Preference && (f.Purpose == Marketing || a.PrefTopic == f.Topic) {
		note(explain, "preference", a.Channel, false, func() (string, particulars) {
			return fmt.Sprintf("the customer switched topic %q off here", a.PrefTopic), particulars{"topic": a.PrefTopic}
		})
		return stop(ReasonPreference)
	}
	note(explain, "preference", a.Channel, true, func() (string, particulars) { return "the customer did not switch it off", nil })
	if f.Purpose == Marketing {
		if f.Policy == OptIn && a.Consent != ConsentGranted || f.Policy == NoPolicy {
			note(explain, "topic_policy", a.Channel, false, func() (string, particulars) {
				return fmt.Sprintf("topic %q is %s and there is no consent", f.Topic, f.Policy), particulars{"topic": f.Topic, "policy": string(f.Policy)}
			})
			return stop(ReasonNoConsent)
		}
		note(explain, "topic_policy", a.Channel, true, func() (string, particulars) {
			return fmt.Sprintf("topic %q is %s", f.Topic, f.Policy), particulars{"topic": f.Topic, "policy": string(f.Policy)}
		})
		if f.Cap != nil && f.CapUsed >= f.Cap.Max {
			note(explain, "frequency_cap", a.Channel, false, func() (string, particulars) {
				used, most, per := strconv.Itoa(f.CapUsed), strconv.Itoa(f.Cap.Max), FormatDuration(f.Cap.Per)
				return fmt.Sprintf("%s of at most %s in %s", used, most, per), particulars{"used": used, "max": most, "per": per}
			})
			return stop(ReasonCap)
		}
		note(explain, "frequency_cap", a.Channel, true, func() (string, particulars) {
			return fmt.Sprintf("%d used", f.CapUsed), particulars{"used": strconv.Itoa(f.CapUsed)}
		})
	} else {
		note(explain, "topic_policy", a.Channel, true, func() (string, particulars) { return "transactional ignores topic policies and caps", nil })
	}
	switch {
	case a.Off != "":
		note(explain, "address", a.Channel, false, func() (string, particulars) {
			return fmt.Sprintf("the address is off: %s", a.Off), particulars{"off": a.Off}
		})
		return stop(ReasonAddressOff)
	case !f.Variants[a.Channel]:
		note(explain, "template", a.Channel, false, func() (string, particulars) { return "the template has no variant for this channel", nil })
		return stop(ReasonNoVariant)
	case !f.Providers[a.Channel]:
		note(explain, "provider", a.Channel, false, func() (string, particulars) { return "no provider is configured for this channel", nil })
		return stop(ReasonNoProvider)
	}
	note(explain, "address", a.Channel, true, func() (string, particulars) { return "usable, with a template variant and a provider", nil })
	return f.when(a, explain)
}

// when places the message in time.
func (f *Facts) when(a *AddressFacts, explain func(Rule)) Decision {
	d := Decision{Channel: a.Channel, Address: a.ID, Epoch: a.Epoch, Send: true}
	quiet := f.Quiet
	if f.Purpose != Marketing {
		quiet = nil
	} else if quiet == nil {
		quiet = f.QuietOf[a.Channel]
	}
	earliest := f.Now
	if f.SendAt.After(earliest) {
		earliest = f.SendAt
	}
	zone := f.Zone
	if f.Window != nil && f.Window.Zone != "recipient" && f.WindowZone != nil {
		zone = f.WindowZone
	}
	nights := []*time.Location{f.Zone}
	if quiet != nil && f.Elsewhere != nil {
		nights = append(nights, f.Elsewhere(a.Address)...)
	}
	d.Due, d.WindowEnd = NextOpen(earliest, f.Window, zone, quiet, nights...)
	switch {
	case d.Due.IsZero():
		note(explain, "window", a.Channel, false, func() (string, particulars) { return "send window and quiet hours leave no room", nil })
		d.Send, d.State, d.Reason = false, Skipped, ReasonNeverOpen
	case !f.ExpiresAt.IsZero() && !d.Due.Before(f.ExpiresAt):
		note(explain, "expiry", a.Channel, false, func() (string, particulars) {
			at, expiry := d.Due.Format(time.RFC3339), f.ExpiresAt.UTC().Format(time.RFC3339)
			return fmt.Sprintf("the next open moment %s is not before the expiry %s", at, expiry), particulars{"at": at, "expiry": expiry}
		})
		d.Send, d.State, d.Reason = false, Expired, ReasonExpired
	default:
		note(explain, "window", a.Channel, true, func() (string, particulars) {
			at := d.Due.Format(time.RFC3339)
			return "may be sent at " + at, particulars{"at": at}
		})
	}
	return d
}
