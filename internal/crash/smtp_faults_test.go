package crash_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/channels/email/emailtest"
	"rapport/internal/crash"
)

// start starts r and tells what the processes said last when the test fails.
func start(t *testing.T, r crash.Run) *crash.Harness {
	t.Helper()
	h, err := crash.Start(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the seed was %d; the processes said last:\n%s", r.Seed, tail(h.Log(), 40))
		}
		h.Close()
	})
	if err := h.Template(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

// smtpFaults is what a mail server may do, and what is owed to the recipient. Each case has a domain of its own.
var smtpFaults = []struct {
	name    string
	purpose rapport.Purpose
	rule    emailtest.Rule
	first   string        // the first attempt: verdict and reason
	waits   time.Duration // at least so long until the second; 0: there is none, or it comes within seconds
	end     rapport.State // when whatever is waited for is over
	tries   int           // attempts that did not simply succeed
	dead    bool          // the address is suppressed
	came    int
}{
	{"cut at RCPT", rapport.Marketing, emailtest.Rule{At: emailtest.Rcpt, Times: 1, Cut: true}, "", 0, rapport.Sent, -1, false, 1},
	{"cut at DATA, before the dot", rapport.Marketing, emailtest.Rule{At: emailtest.Data, Times: 1, Cut: true}, "", 0, rapport.Sent, -1, false, 1},
	// The kernel had taken the dot, so nobody here can know that the server had not. A message too large for the
	// kernel's buffers is sent again: channels/email has that.
	{"cut in the middle of the message", rapport.Marketing, emailtest.Rule{At: emailtest.Body, Times: 1, Cut: true}, "ambiguous no_answer", 0, rapport.Unknown, 1, false, 0},
	{"cut after the dot", rapport.Marketing, emailtest.Rule{At: emailtest.Dot, Times: 1, Cut: true}, "ambiguous no_answer", 0, rapport.Unknown, 1, false, 1},
	{"cut after the dot", rapport.Transactional, emailtest.Rule{At: emailtest.Dot, Times: 1, Cut: true}, "ambiguous no_answer", 0, rapport.Sent, 1, false, 2},
	{"no answer to RCPT", rapport.Marketing, emailtest.Rule{At: emailtest.Rcpt, Times: 1, Hang: true}, "temporary connection_lost", 0, rapport.Sent, 1, false, 1},
	{"no answer in the middle of the message", rapport.Marketing, emailtest.Rule{At: emailtest.Body, Times: 1, Hang: true}, "ambiguous no_answer", 0, rapport.Unknown, 1, false, 0},
	{"no answer to the dot", rapport.Marketing, emailtest.Rule{At: emailtest.Dot, Times: 1, Hang: true}, "ambiguous no_answer", 0, rapport.Unknown, 1, false, 1},
	{"421 at RCPT", rapport.Marketing, emailtest.Rule{At: emailtest.Rcpt, Times: 1, Reply: "421 4.7.0 Try again later, closing connection"}, "throttled domain_rate", 4 * time.Minute, rapport.Sent, 1, false, 1},
	{"421 at the dot", rapport.Marketing, emailtest.Rule{At: emailtest.Dot, Times: 1, Reply: "421 4.3.2 Shutting down"}, "throttled domain_rate", 4 * time.Minute, rapport.Sent, 1, false, 1},
	{"450", rapport.Marketing, emailtest.Rule{At: emailtest.Rcpt, Times: 1, Reply: "450 4.2.0 Mailbox busy"}, "temporary deferred", 4 * time.Minute, rapport.Sent, 1, false, 1},
	{"451 greylisted", rapport.Marketing, emailtest.Rule{At: emailtest.Rcpt, Times: 1, Reply: "451 4.7.1 Greylisting in action, please come back later"}, "temporary greylisted", 4 * time.Minute, rapport.Sent, 1, false, 1},
	{"451 for ever", rapport.Marketing, emailtest.Rule{At: emailtest.Rcpt, Reply: "451 4.3.0 Local error"}, "temporary deferred", 4 * time.Minute, rapport.Failed, 4, false, 0},
	{"452 mailbox full", rapport.Marketing, emailtest.Rule{At: emailtest.Dot, Times: 1, Reply: "452 4.2.2 Over quota"}, "temporary mailbox_full", 50 * time.Minute, rapport.Sent, 1, false, 1},
	{"550 5.1.1", rapport.Marketing, emailtest.Rule{At: emailtest.Rcpt, Reply: "550 5.1.1 No such user here"}, "address_dead hard_bounce", 0, rapport.Failed, 1, true, 0},
	{"550 5.1.1 at the dot", rapport.Transactional, emailtest.Rule{At: emailtest.Dot, Reply: "550 5.1.1 No such user here"}, "address_dead hard_bounce", 0, rapport.Failed, 1, true, 0},
	{"550 5.7.1", rapport.Marketing, emailtest.Rule{At: emailtest.Rcpt, Reply: "550 5.7.1 Blocked by policy"}, "rejected policy", 0, rapport.Failed, 1, false, 0},
	{"554 5.7.1", rapport.Marketing, emailtest.Rule{At: emailtest.Dot, Reply: "554 5.7.1 Message looks like spam"}, "rejected policy", 0, rapport.Failed, 1, false, 0},
	{"552 too large", rapport.Marketing, emailtest.Rule{At: emailtest.Dot, Reply: "552 5.3.4 Message too big"}, "rejected too_large", 0, rapport.Failed, 1, false, 0},
}

func TestCrash_MailServerRefusesCutsAndHangs(t *testing.T) {
	t.Parallel()
	r, _ := base(t)
	r.Messages, r.Latency = 0, 0
	r.Settings = func(cfg map[string]any) { cfg["delivery"].(map[string]any)["max_attempts"] = 4 }
	h := start(t, r)

	address := func(i int) string { return fmt.Sprintf("someone@case%d.example", i) }
	var rules []emailtest.Rule
	many := func(i int) string { return fmt.Sprintf("p%d@many.example", i) }
	for i, c := range smtpFaults {
		c.rule.To = address(i)
		rules = append(rules, c.rule)
	}
	// One refused among many of the same domain fails no other.
	rules = append(rules, emailtest.Rule{To: many(13), At: emailtest.Rcpt, Reply: "550 5.1.1 No such user here"})
	h.Sinks.Mail.Script(rules...)
	// First those that a server refuses, then those whose message it has seen, which may end the connection: behind
	// such a message the next one's envelope stands already, for which nothing is owed but to be sent.
	var once map[string]crash.Outcome
	all := 0
	for _, seen := range []bool{false, true} {
		to := map[rapport.Purpose][]string{}
		for i, c := range smtpFaults {
			if seen == (c.rule.At == emailtest.Body || c.rule.At == emailtest.Dot) {
				// Well ones stand between them: faults in a row open the breaker, which is another story.
				to[c.purpose] = append(to[c.purpose], address(i), many(2*i), many(2*i+1))
				all += 3
			}
		}
		for purpose, addresses := range to {
			if err := h.Sends(t.Context(), fmt.Sprint(purpose, seen), purpose, rapport.Email, addresses...); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		once, err = h.Settled(t.Context(), rapport.Email, all, 40*time.Second, nil, func(o crash.Outcome) bool {
			return o.State.Final() || o.State == rapport.Doubtful || o.Waits > time.Minute
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	end, err := h.Settled(t.Context(), rapport.Email, all, 40*time.Second, func() error { return h.Wind(t.Context()) }, func(o crash.Outcome) bool { return o.State.Final() })
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Finished(t.Context(), 20*time.Second); err != nil {
		t.Error(err)
	}
	table := ""
	for i, c := range smtpFaults {
		before, after := once[address(i)], end[address(i)]
		for _, o := range []*crash.Outcome{&before, &after} {
			o.Tries = slices.DeleteFunc(o.Tries, func(s string) bool { return s == "temporary breaker_open" }) // nothing was tried
		}
		var broken []error
		breach := func(format string, args ...any) { broken = append(broken, fmt.Errorf(format, args...)) }
		if c.first != "" && (len(after.Tries) == 0 || after.Tries[0] != c.first) {
			breach("the first attempt is %v", after.Tries)
		}
		if c.waits > 0 && (before.State != rapport.Pending || before.Waits < c.waits) {
			breach("it waits: %v", before)
		}
		if c.tries >= 0 && len(after.Tries) != c.tries {
			breach("%d attempts failed", len(after.Tries))
		}
		if after.State != c.end || after.Came != c.came || after.Suppressed != c.dead {
			breach("owed are %s, %d arrivals, suppressed %t", c.end, c.came, c.dead)
		}
		if err := errors.Join(broken...); err != nil {
			t.Errorf("%s (%s): %v\nit is %v", c.name, c.purpose, err, after)
		}
		table += fmt.Sprintf("\n  %-52s %-36s waits %-7v then %-8s suppressed %-6t came %d", c.name+", "+string(c.purpose), strings.Join(before.Tries, ", "), before.Waits.Round(time.Minute), after.State, after.Suppressed, after.Came)
	}
	for i := range 2 * len(smtpFaults) {
		if o := end[many(i)]; i == 13 && (o.State != rapport.Failed || !o.Suppressed) || i != 13 && (o.State != rapport.Sent || o.Came != 1) {
			t.Errorf("%s beside faults: %v", many(i), o)
		}
	}
	t.Logf("crash: %s: seed %d, %d faults of a mail server, each with what is owed:%s", t.Name(), r.Seed, len(smtpFaults), table)
}

// A tarpit holds no slot longer than a step may take, and a server that hides STARTTLS gets nothing in clear text:
// the mails wait, the other channels go on, and when the server is well again everything goes out once.
func TestCrash_MailServerIsATarpitOrHidesTLS(t *testing.T) {
	for _, tt := range []struct {
		name    string
		tls     string
		bad     func(*crash.Sinks, *emailtest.Sink) string // what stands behind the front at first
		verdict string
	}{
		{"tarpit", "none", func(*crash.Sinks, *emailtest.Sink) string { return "" }, "temporary"},
		{"STARTTLS stripped", "starttls", func(s *crash.Sinks, clear *emailtest.Sink) string { return at(clear) }, "misconfigured tls"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, _ := base(t)
			r.Messages, r.Latency = 400, 5*time.Millisecond
			clear, err := emailtest.Start(emailtest.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(clear.Close)
			front, err := crash.StartFront("")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(front.Close)
			ca := filepath.Join(t.TempDir(), "ca.pem")
			r.Prepare = func(s *crash.Sinks) (err error) {
				s.Mail.Close()
				o := emailtest.Options{Latency: s.Latency}
				if tt.tls != "none" {
					o.TLS = tt.tls
				}
				if s.Mail, err = emailtest.Start(o); err != nil {
					return err
				}
				front.Put(tt.bad(s, clear))
				return os.WriteFile(ca, s.Mail.CA(), 0o600)
			}
			r.Settings = func(cfg map[string]any) {
				mail := cfg["providers"].([]any)[0].(map[string]any)["settings"].(map[string]any)
				mail["port"], mail["tls"] = front.Port(), tt.tls
				if tt.tls != "none" {
					mail["tls_ca_file"] = ca
				}
			}
			h := start(t, r)
			begin := time.Now()
			if err := h.Launch(t.Context()); err != nil {
				t.Fatal(err)
			}
			// The other three are through long before the mails have a chance.
			for _, ch := range []rapport.Channel{rapport.SMS, rapport.Telegram, rapport.Webhook} {
				if _, err := h.Settled(t.Context(), ch, 100, 30*time.Second, nil, func(o crash.Outcome) bool { return o.State == rapport.Sent }); err != nil {
					t.Fatal(err)
				}
			}
			others := time.Since(begin)
			tried := 0
			mails, err := h.Settled(t.Context(), rapport.Email, 100, 30*time.Second, nil, func(o crash.Outcome) bool {
				return o.State == rapport.Pending // nobody hangs on to a slot, nobody has failed
			})
			if err != nil {
				t.Fatal(err)
			}
			for a, o := range mails {
				for _, v := range o.Tries {
					if tried++; !strings.HasPrefix(v, tt.verdict) && v != "temporary breaker_open" {
						t.Errorf("%s: %v", a, o)
					}
				}
			}
			if tried == 0 {
				t.Error("no mail was tried")
			}
			if n := clear.Total() + h.Sinks.Mail.Total(); n != 0 {
				t.Errorf("%d mails went out all the same", n)
			}
			front.Put(at(h.Sinks.Mail))
			well := time.Now()
			if _, err := h.Settled(t.Context(), rapport.Email, 100, 40*time.Second, func() error { return h.Wind(t.Context()) }, func(o crash.Outcome) bool { return o.State == rapport.Sent }); err != nil {
				t.Fatal(err)
			}
			healed := time.Since(well)
			if tt.tls != "none" {
				for _, m := range h.Sinks.Mail.Messages() {
					if !m.TLS {
						t.Errorf("a mail to %s went in clear text", m.To)
					}
				}
			}
			if _, _, err := h.Drain(t.Context(), 20*time.Second); err != nil {
				t.Fatal(err)
			}
			v, err := h.Check(t.Context())
			t.Logf("crash: %s: seed %d, %d messages: %v; the others were through after %v; all mails %v after the server was well", t.Name(), r.Seed, r.Messages, v, others.Round(time.Millisecond), healed.Round(time.Millisecond))
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func at(s *emailtest.Sink) string { return net.JoinHostPort(s.Host(), strconv.Itoa(s.Port())) }
