package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"rapport/channels"
	"rapport/config"
	"rapport/queue"
	"rapport/store"
)

// grade of a finding.
type grade int

const (
	fine grade = iota
	doubtful
	wrong
)

func (g grade) String() string { return [...]string{"OK", "WARN", "FAIL"}[g] }

// finding is one line of the doctor's table. Mend says what to do; empty for OK.
type finding struct {
	grade grade
	about string
	found string
	mend  string
}

func (c *cli) doctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check configuration, database, Redis, providers and DNS, and say what to mend",
		Long: `Checks everything that a server needs, beside a running one or before the first start, and prints a table of
OK, WARN and FAIL with what to do. Exit code 1 when anything is FAIL.

Providers are really logged in to: SMTP as far as the password, Twilio's account, Telegram's bot (which is told where its
updates go, as at every start). Nothing is sent to anybody. --offline leaves out what needs the network.`,
		Example: `  rapport doctor --config rapport.yaml
  rapport doctor --offline`,
		Args: cobra.NoArgs,
	}
	load := c.settings(cmd)
	offline := cmd.Flags().Bool("offline", false, "leave out what needs the network beyond database and Redis")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load(config.RoleServe)
		findings := configured(cfg, err)
		if err != nil {
			cfg, err = load(config.RoleTool) // a missing secret hides nothing of the rest
		}
		if err == nil {
			findings = append(findings, c.examine(cmd.Context(), cfg, *offline)...)
		}
		if err := print(c.out, findings); err != nil {
			return err
		}
		for _, f := range findings {
			if f.grade == wrong {
				return errQuiet
			}
		}
		return nil
	}
	return cmd
}

func print(w io.Writer, findings []finding) error {
	width, counts := 0, [3]int{}
	for _, f := range findings {
		width = max(width, len([]rune(f.about)))
		counts[f.grade]++
	}
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%-4s  %-*s  %s\n", f.grade, width, f.about, strings.ReplaceAll(f.found, "\n", "; "))
		if f.mend != "" {
			fmt.Fprintf(&b, "      %-*s  → %s\n", width, "", f.mend)
		}
	}
	fmt.Fprintf(&b, "\n%d OK, %d WARN, %d FAIL\n", counts[fine], counts[doubtful], counts[wrong])
	_, err := io.WriteString(w, b.String())
	return err
}

// configured is what the configuration itself says.
func configured(cfg *config.Config, err error) []finding {
	if err != nil {
		var out []finding
		for _, m := range mistakes(err) {
			about := m.Path
			if m.Source != "" && m.Source != m.Path {
				about += " (" + m.Source + ")"
			}
			out = append(out, finding{wrong, about, m.Problem, m.Mend})
		}
		if len(out) == 0 {
			out = []finding{{wrong, "configuration", err.Error(), "correct it"}}
		}
		return out
	}
	out := []finding{{fine, "configuration", "every setting is valid", ""}}
	if cfg.Demo {
		out = append(out, finding{doubtful, "demo", "is on: weak secrets and plain http are allowed", "leave RAPPORT_DEMO out in production"})
	}
	if cfg.Company.PostalAddress == "" && !cfg.Demo {
		out = append(out, finding{doubtful, "company.postal_address", "is empty", "commercial mail must carry a postal address in the US and elsewhere (15 USC 7704); set company.name and company.postal_address"})
	}
	return out
}

// examine looks at everything outside of the configuration. The slow questions are asked side by side.
func (c *cli) examine(ctx context.Context, cfg *config.Config, offline bool) []finding {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out := c.examineDatabase(ctx, cfg)
	out = append(out, examineRedis(ctx, cfg))
	hub := bareHub(cfg)
	defer hub.Close()
	entries := entriesOf(cfg)
	openGood(hub, entries)
	if len(entries) == 0 && !cfg.Demo {
		out = append(out, finding{doubtful, "providers", "none in the configuration", "add some (docs/channels), or through PUT /v1/providers; those of the API are checked when they are saved"})
	}
	var checks []func() []finding
	if offline {
		out = append(out, finding{fine, "network", "left out (--offline)", ""})
	} else {
		checks = append(checks, func() []finding { return examinePublicURL(ctx, cfg) })
		for _, p := range hub.All() {
			checks = append(checks, func() []finding { return examineLogin(ctx, p) })
		}
		for _, p := range hub.All() {
			if s, ok := p.MailSender(); ok {
				checks = append(checks, func() []finding { return examineSender(ctx, net.DefaultResolver, s) })
			}
		}
	}
	results := make([][]finding, len(checks))
	var wg sync.WaitGroup
	for i, check := range checks {
		wg.Go(func() { results[i] = check() })
	}
	wg.Wait()
	for _, r := range results {
		out = append(out, r...)
	}
	return out
}

func (c *cli) examineDatabase(ctx context.Context, cfg *config.Config) []finding {
	if cfg.DatabaseURL == "" {
		if missing, err := absent(cfg.DataDir); err != nil {
			return []finding{{wrong, "database", err.Error(), "make " + cfg.DataDir + " readable and writable for this user, or choose another data_dir"}}
		} else if missing {
			return []finding{{fine, "database", "SQLite in " + cfg.DataDir + ": not made yet; the first rapport serve makes it", ""}}
		}
	}
	limited, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	st, err := store.Open(limited, databaseOf(cfg, true))
	if err != nil {
		return []finding{{wrong, "database", err.Error(), "check database_url, that the server runs, and that this machine may connect"}}
	}
	defer st.Close()
	var out []finding
	if err := st.Current(limited); err != nil {
		return append(out, finding{wrong, "schema", err.Error(), "run rapport migrate (rapport serve does so by itself)"})
	}
	out = append(out, finding{fine, "schema", "is this binary's", ""})
	about, err := st.About(limited)
	if err != nil {
		return append(out, finding{wrong, "database", err.Error(), "check that the user of database_url may write"})
	}
	f := finding{fine, "database", fmt.Sprintf("%s, %s for a durable write", about.Version, about.Write.Round(10*time.Microsecond)), ""}
	if about.Write > 50*time.Millisecond {
		f.grade, f.mend = doubtful, "every acceptance waits for one: use a faster disk, or a database that is nearer"
	}
	out = append(out, f)
	out = append(out, examineQuarantine(limited, st)...)
	if away := time.Since(about.Clock); !about.Clock.IsZero() {
		f := finding{fine, "clock", "agrees with the database's", ""}
		if away.Abs() > 5*time.Second {
			f = finding{wrong, "clock", fmt.Sprintf("differs from the database's by %s", away.Round(time.Second)), "start NTP on both machines (timedatectl set-ntp true): send windows, expiries and signatures depend on it"}
		}
		out = append(out, f)
	} else if time.Now().Year() < 2025 {
		out = append(out, finding{wrong, "clock", "says " + time.Now().Format(time.DateOnly), "set it: send windows, expiries and signatures depend on it"})
	}
	if about.Unsafe != "" {
		out = append(out, finding{wrong, "durability", about.Unsafe, "a message that was accepted could be lost in a power failure; switch it on"})
	}
	return out
}

func examineRedis(ctx context.Context, cfg *config.Config) finding {
	if cfg.RedisURL == "" {
		return finding{fine, "redis", "embedded in rapport serve", ""}
	}
	q, err := queue.Open(cfg.RedisURL.Reveal(), newLog(io.Discard, cfg.Log))
	if err != nil {
		return finding{wrong, "redis", err.Error(), "correct redis_url"}
	}
	defer q.Close()
	begin := time.Now()
	limited, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := q.Ping(limited); err != nil {
		return finding{wrong, "redis", err.Error(), "check redis_url, its password, and that the server runs; meanwhile messages go out, a second or two later"}
	}
	return finding{fine, "redis", "answers in " + time.Since(begin).Round(10*time.Microsecond).String(), ""}
}

// openGood opens the providers whose settings are right; the others stand among the mistakes of the
// configuration.
func openGood(hub *channels.Hub, entries []channels.Entry) {
	var good []channels.Entry
	for _, e := range entries {
		if hub.Configure(append(good[:len(good):len(good)], e)) == nil {
			good = append(good, e)
		}
	}
}

// examineLogin connects as the server would.
func examineLogin(ctx context.Context, p *channels.Provider) []finding {
	s, ok := p.Setup()
	if !ok {
		if p.Implicit() {
			return nil
		}
		return []finding{{fine, "providers." + p.Entry().Name, "its settings are valid; " + p.Entry().Driver + " has no login to try", ""}}
	}
	limited, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	about := "providers." + p.Entry().Name
	err := s.Setup(limited)
	if err == nil {
		return []finding{{fine, about, "logged in", ""}}
	}
	return []finding{{wrong, about, withoutPeople(err.Error()), cure(p.Entry().Driver, channels.VerdictOf(err))}}
}

// cure says what to do about a login that failed.
func cure(driver string, v *channels.Verdict) string {
	if v.Kind != channels.Misconfigured {
		return "it cannot be reached from here: check host, port and firewall, and try again later"
	}
	switch v.Reason {
	case "imap_login":
		return "check inbound.imap.username and password, and that the mailbox allows IMAP; many providers want a password made for the application"
	case "imap_certificate":
		return "the certificate is not the one of inbound.imap.host: use the name in it, or set inbound.imap.tls_server_name or tls_ca_file"
	case "imap_tls":
		return "the IMAP server does not speak TLS that way: implicit is for port 993, starttls for 143"
	case "imap_folder", "imap_move":
		return "make the folder in the mailbox, or correct inbound.imap.folders, after and move_to"
	case "listen":
		return "check inbound.listen: ports below 1024 need a right of their own (CAP_NET_BIND_SERVICE), a unix socket its directory"
	case "tls_certificate":
		return "the certificate is not the one of settings.host: use the name in it, or set tls_server_name or tls_ca_file"
	case "tls":
		return "the server does not speak TLS that way: starttls is for port 587, implicit for 465"
	}
	switch driver {
	case "email":
		return "check username and password; many providers want a password made for the application"
	case "twilio":
		return "check account_sid and auth_token against the first page of Twilio's console; an API key will not do"
	case "telegram":
		return "check the token (@BotFather, /mybots); for mode webhook, public_url must be https on port 443, 80, 88 or 8443"
	}
	return "check the settings against docs/channels/" + driver + ".md"
}
