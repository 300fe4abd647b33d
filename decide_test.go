package rapport

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func facts(change func(*Facts)) *Facts {
	f := &Facts{Now: time.Date(2026, 5, 5, 12, 0, 0, 0, time.UTC), Purpose: Marketing, Topic: "news", Policy: OptIn, Zone: time.UTC,
		Routing:   Routing{Method: Preferred, Channels: []Channel{Email, SMS}},
		Variants:  map[Channel]bool{Email: true, SMS: true, Telegram: true},
		Providers: map[Channel]bool{Email: true, SMS: true, Telegram: true},
		Addresses: []AddressFacts{
			{Address: Address{ID: 1, Channel: Email, Primary: true, Epoch: 7}, Consent: ConsentGranted},
			{Address: Address{ID: 2, Channel: SMS, Primary: true}, Consent: ConsentGranted},
		}}
	if change != nil {
		change(f)
	}
	return f
}

func TestDecide_TheRulesInTheirOrder(t *testing.T) {
	t.Parallel()
	off, on := false, true
	only := func(f *Facts) { f.Addresses = f.Addresses[:1] }
	for _, c := range []struct {
		name   string
		change func(*Facts)
		send   bool
		on     Channel
		reason string
	}{
		{"everything allows it", nil, true, Email, ""},
		{"a suppression moves it to the next channel", func(f *Facts) { f.Addresses[0].Suppressed = &Suppression{Scope: SuppressAll} }, true, SMS, ""},
		{"suppression comes before withdrawn consent", func(f *Facts) {
			only(f)
			f.Addresses[0].Suppressed, f.Addresses[0].Consent = &Suppression{Scope: SuppressAll}, ConsentWithdrawn
		}, false, Email, ReasonSuppressed},
		{"a complaint stops marketing", func(f *Facts) { only(f); f.Addresses[0].Suppressed = &Suppression{Scope: SuppressMarketing} }, false, Email, ReasonSuppressed},
		{"a complaint does not stop an invoice", func(f *Facts) {
			only(f)
			f.Purpose, f.Addresses[0].Suppressed = Transactional, &Suppression{Scope: SuppressMarketing}
		}, true, Email, ""},
		{"a STOP stops also an invoice", func(f *Facts) {
			only(f)
			f.Purpose, f.Addresses[0].Suppressed = Transactional, &Suppression{Scope: SuppressAll}
		}, false, Email, ReasonSuppressed},
		{"a STOP does not stop its own confirmation", func(f *Facts) {
			only(f)
			f.Purpose, f.Confirms, f.Addresses[0].Suppressed = Transactional, true, &Suppression{Scope: SuppressAll, Reason: ReasonStop}
		}, true, Email, ""},
		{"a dead address gets no confirmation", func(f *Facts) {
			only(f)
			f.Purpose, f.Confirms, f.Addresses[0].Suppressed = Transactional, true, &Suppression{Scope: SuppressAll, Reason: "hard_bounce"}
		}, false, Email, ReasonSuppressed},
		{"nor does one that has blocked us", func(f *Facts) {
			only(f)
			f.Purpose, f.Confirms, f.Addresses[0].Off, f.Addresses[0].Suppressed = Transactional, true, "blocked", &Suppression{Scope: SuppressAll, Reason: ReasonStop}
		}, false, Email, ReasonAddressOff},
		{"withdrawn consent comes before the preference", func(f *Facts) {
			only(f)
			f.Addresses[0].Consent, f.Addresses[0].Preference = ConsentWithdrawn, &off
		}, false, Email, ReasonWithdrawn},
		{"a preference switched off", func(f *Facts) { only(f); f.Addresses[0].Preference = &off }, false, Email, ReasonPreference},
		{"a preference switched on is no consent", func(f *Facts) { only(f); f.Addresses[0].Consent, f.Addresses[0].Preference = ConsentNone, &on }, false, Email, ReasonNoConsent},
		{"opt_in without consent", func(f *Facts) { only(f); f.Addresses[0].Consent = ConsentNone }, false, Email, ReasonNoConsent},
		{"an unconfirmed double opt-in is no consent", func(f *Facts) { only(f); f.Addresses[0].Consent = ConsentAsked }, false, Email, ReasonNoConsent},
		{"opt_out without consent", func(f *Facts) { only(f); f.Policy, f.Addresses[0].Consent = OptOut, ConsentNone }, true, Email, ""},
		{"transactional needs no consent", func(f *Facts) { only(f); f.Purpose, f.Addresses[0].Consent = Transactional, ConsentNone }, true, Email, ""},
		{"the cap is used up", func(f *Facts) { f.Cap, f.CapUsed = &Cap{Max: 3, Per: time.Hour}, 3 }, false, NoChannel, ReasonCap},
		{"the cap does not bind transactional", func(f *Facts) { f.Purpose, f.Cap, f.CapUsed = Transactional, &Cap{Max: 3, Per: time.Hour}, 3 }, true, Email, ""},
		{"an address that is off", func(f *Facts) { only(f); f.Addresses[0].Off = "blocked" }, false, Email, ReasonAddressOff},
		{"no variant of the template", func(f *Facts) { only(f); f.Variants = nil }, false, Email, ReasonNoVariant},
		{"no provider", func(f *Facts) { only(f); f.Providers = nil }, false, Email, ReasonNoProvider},
		{"no address at all", func(f *Facts) { f.Addresses = nil }, false, NoChannel, ReasonNoAddress},
		{"an address, but not on the campaign's channels", func(f *Facts) { f.Routing.Channels = []Channel{Telegram} }, false, NoChannel, ReasonNoAddress},
		{"the customer's order", func(f *Facts) { f.Order = []Channel{SMS, Email} }, true, SMS, ""},
		{"a fallback keeps the campaign's order", func(f *Facts) { f.Routing.Method, f.Order = Fallback, []Channel{SMS, Email} }, true, Email, ""},
		{"what was tried is left out", func(f *Facts) { f.Tried = map[Channel]bool{Email: true} }, true, SMS, ""},
		{"expired before the window opens", func(f *Facts) {
			only(f)
			f.Window, f.ExpiresAt = &SendWindow{From: 15 * 60, Until: 16 * 60, Zone: "recipient"}, f.Now.Add(time.Hour)
		}, false, Email, ReasonExpired},
		{"window and quiet hours leave no room", func(f *Facts) {
			only(f)
			f.Window, f.Quiet = &SendWindow{From: 60, Until: 120, Zone: "recipient"}, &QuietHours{From: 0, Until: 180}
		}, false, Email, ReasonNeverOpen},
	} {
		d := Decide(facts(c.change), nil)
		if len(d) != 1 || d[0].Send != c.send || d[0].Channel != c.on || d[0].Reason != c.reason {
			t.Errorf("%s: %+v, want send %v on %s for %q", c.name, d, c.send, c.on, c.reason)
		}
	}
}

func TestDecide_AllServesEachUsableChannelOnce(t *testing.T) {
	t.Parallel()
	d := Decide(facts(func(f *Facts) {
		f.Routing.Method = All
		f.Addresses = append(f.Addresses, AddressFacts{Address: Address{ID: 3, Channel: Email}, Consent: ConsentGranted})
		f.Addresses[1].Consent = ConsentNone
	}), nil)
	if len(d) != 2 || !d[0].Send || d[0].Address != 1 || d[1].Send || d[1].Channel != SMS {
		t.Fatalf("%+v", d)
	}
}

func TestDecide_QuietHoursDeferMarketingAndNotAReceipt(t *testing.T) {
	t.Parallel()
	quiet := func(p Purpose) Decision {
		return Decide(facts(func(f *Facts) { f.Purpose, f.Quiet = p, &QuietHours{From: 11 * 60, Until: 13 * 60} }), nil)[0]
	}
	if d := quiet(Marketing); d.Due.Hour() != 13 {
		t.Errorf("marketing is due at %s", d.Due)
	}
	if d := quiet(Transactional); d.Due.Hour() != 12 {
		t.Errorf("transactional is due at %s", d.Due)
	}
}

// Whatever the facts, nothing is sent to an address that a rule forbids, and explaining changes nothing.
func TestDecide_NeverSendsAgainstARule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		flag := rapid.Bool()
		f := facts(func(f *Facts) {
			f.Purpose = rapid.SampledFrom([]Purpose{Marketing, Transactional}).Draw(t, "purpose")
			f.Policy = rapid.SampledFrom([]Policy{OptIn, OptOut, NoPolicy}).Draw(t, "policy")
			f.Routing.Method = rapid.SampledFrom([]Method{Preferred, Fallback, All}).Draw(t, "method")
			for i := range f.Addresses {
				a := &f.Addresses[i]
				a.Consent = ConsentState(rapid.IntRange(0, 3).Draw(t, "consent"))
				if flag.Draw(t, "suppressed") {
					a.Suppressed = &Suppression{Scope: rapid.SampledFrom([]SuppressionScope{SuppressAll, SuppressMarketing}).Draw(t, "scope")}
				}
				if flag.Draw(t, "preferred") {
					on := flag.Draw(t, "on")
					a.Preference, a.PrefTopic = &on, "news"
				}
				if flag.Draw(t, "off") {
					a.Off = "blocked"
				}
			}
		})
		rules := 0
		d := Decide(f, func(Rule) { rules++ })
		if len(d) == 0 || rules == 0 {
			t.Fatal("no decision, or no explanation")
		}
		for _, d := range d {
			if !d.Send {
				if d.Reason == "" {
					t.Fatalf("stopped without a reason: %+v", d)
				}
				continue
			}
			a := f.Addresses[d.Address-1]
			marketing := f.Purpose == Marketing
			if a.Suppressed.Binds(f.Purpose) || a.Consent == ConsentWithdrawn || a.Off != "" || a.Preference != nil && !*a.Preference ||
				marketing && (f.Policy == NoPolicy || f.Policy == OptIn && a.Consent != ConsentGranted) {
				t.Fatalf("sent against a rule: %+v with %+v", d, a)
			}
		}
	})
}
