// Command bench measures Rapport from the POST of a campaign to the last recorded outcome, beside the bare
// parts that it is made of, in one run. docs/benchmark.md tells how to read what it prints.
//
//	go run ./internal/bench [-n 10000] [-rounds 3] [-only email,sms,telegram,webhook,doors] [-layouts sqlite,postgres] [-quick] [-json FILE]
//
// PostgreSQL and Redis are those of RAPPORT_TEST_DATABASE_URL and RAPPORT_TEST_REDIS_URL (make bench starts
// them); they must run on this machine, because their processor time is read from /proc.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	if task := os.Getenv(floorVariable); task != "" {
		if err := floorProcess(task); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := options(os.Args[1:])
	if err == nil {
		_, err = bench(ctx, o, os.Stdout, os.Stderr)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// Options of one run.
type Options struct {
	N       int      `json:"n"`
	Rounds  int      `json:"rounds"`
	Only    []string `json:"only"`
	Layouts []string `json:"layouts"`
	Queued  int      `json:"queued"`
	Quick   bool     `json:"quick"`
	JSON    string   `json:"-"`
	// Profiles is where the profiles that the stages are read from are kept; "": nowhere.
	Profiles string `json:"-"`
}

func options(args []string) (o Options, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.IntVar(&o.N, "n", 10_000, "messages of a campaign")
	f.IntVar(&o.Rounds, "rounds", 3, "rounds; every figure is the median of as many")
	only := f.String("only", "", "of email, sms, telegram, webhook, doors; empty: all")
	layouts := f.String("layouts", "sqlite,postgres", "of sqlite, postgres")
	f.IntVar(&o.Queued, "queued", 100_000, "messages of the campaign that memory is read with; 0: leave it out")
	f.BoolVar(&o.Quick, "quick", false, "200 messages, one round, SQLite: to see that it works, not to believe")
	f.StringVar(&o.Profiles, "profiles", "", "also keep the profiles in this directory, for go tool pprof")
	f.StringVar(&o.JSON, "json", "", "also write everything to this file, as JSON")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("what is %q? See -help", f.Arg(0))
	}
	if o.Quick {
		o.N, o.Rounds, o.Queued, *layouts = 200, 1, 400, "sqlite"
	}
	if o.N < 1 || o.Rounds < 1 || o.Queued < 0 {
		return o, errors.New("-n and -rounds must be at least 1, -queued 0")
	}
	if o.Only, err = words("only", *only, append(slices.Clone(channelNames), "doors")); err != nil {
		return o, err
	}
	o.Layouts, err = words("layouts", *layouts, []string{"sqlite", "postgres"})
	return o, err
}

func words(name, text string, allowed []string) (out []string, err error) {
	if text == "" {
		return allowed, nil
	}
	for w := range strings.SplitSeq(text, ",") {
		if !slices.Contains(allowed, w) {
			return nil, fmt.Errorf("-%s: %q is not one of %s", name, w, strings.Join(allowed, ", "))
		}
		out = append(out, w)
	}
	return out, nil
}

// bench measures everything, prints the tables to out, and what it is at to progress.
func bench(ctx context.Context, o Options, out, progress io.Writer) (_ *Report, err error) {
	dir, err := os.MkdirTemp("", "rapport-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b := &session{o: o, ctx: ctx, dir: dir, progress: progress, sinks: map[string]*Sink{}, report: newReport(o)}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.open(); err != nil {
		return nil, err
	}
	if err := b.measure(); err != nil {
		return nil, err
	}
	b.report.Machine.Load[1] = load()
	for _, c := range channelNames {
		if n := b.sinks[c].odd.Load(); n > 0 {
			b.report.note("the sink of %s could not read %d requests", c, n)
		}
	}
	for _, l := range b.layouts {
		for _, c := range l.in.Complaints() {
			b.report.note("%s logged: %s", l.Title, c)
		}
	}
	b.report.print(out)
	if o.JSON != "" {
		text, err := json.MarshalIndent(b.report, "", "  ")
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(o.JSON, append(text, '\n'), 0o644); err != nil {
			return nil, err
		}
	}
	return b.report, nil
}

// session is one run of the bench with everything that it has started.
type session struct {
	o        Options
	ctx      context.Context
	dir      string
	bin      string
	progress io.Writer
	sinks    map[string]*Sink
	layouts  []*Layout
	report   *Report
	postgres int // pid of the server
}

func (b *session) open() error {
	var err error
	if b.bin, err = Binary(b.dir); err != nil {
		return err
	}
	if b.report.Machine, err = machine(b.bin, b.dir); err != nil {
		return err
	}
	for _, c := range channelNames {
		if b.sinks[c], err = openSink(c, SinkOptions{}); err != nil {
			return err
		}
	}
	settings, err := b.settings(b.sinks, nil)
	if err != nil {
		return err
	}
	for _, name := range b.o.Layouts {
		if name == "postgres" && os.Getenv("RAPPORT_TEST_DATABASE_URL") != "" {
			if b.postgres, err = postgresPID(os.Getenv("RAPPORT_TEST_DATABASE_URL")); err != nil {
				return err
			}
		}
		l, err := openLayout(name, b.bin, filepath.Join(b.dir, name), settings)
		if errors.Is(err, errLeftOut) {
			b.report.note("PostgreSQL + Redis was left out: %s", err)
			continue
		}
		if l != nil {
			b.layouts = append(b.layouts, l)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, p := range l.in.Pprof {
			fmt.Fprintf(b.progress, "%s: %s\n", l.Name, p)
		}
	}
	return nil
}

// settings are those of every installation; mail is laid over the settings of the email provider.
func (b *session) settings(sinks map[string]*Sink, mail map[string]any) ([]string, error) {
	list, err := providers(sinks, mail)
	// Quiet hours off: at night marketing SMS would wait for the morning.
	return []string{"PROVIDERS=" + list, "SECRET_KEY=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "QUIET_HOURS_SMS_MARKETING_FROM=", "QUIET_HOURS_SMS_MARKETING_UNTIL=",
		"COMPANY_NAME=Bench Ltd", "COMPANY_POSTAL_ADDRESS=1 Example Street, Riga"}, err
}

func (b *session) close() error {
	var errs []error
	for _, l := range b.layouts {
		errs = append(errs, l.Close())
	}
	for _, s := range b.sinks {
		if s != nil {
			s.Close()
		}
	}
	return errors.Join(errs...)
}

// at says what is being measured, and stops when the run was interrupted.
func (b *session) at(format string, args ...any) error {
	fmt.Fprintf(b.progress, time.Now().Format("15:04:05 ")+format+"\n", args...)
	return context.Cause(b.ctx)
}

func (b *session) channels() (out []string) {
	for _, c := range channelNames {
		if slices.Contains(b.o.Only, c) {
			out = append(out, c)
		}
	}
	return out
}

// measure alternates whatever will be compared: in each round the parts, then every channel on each layout.
func (b *session) measure() error {
	setups, err := b.setups()
	if err != nil {
		return err
	}
	for round := range b.o.Rounds {
		if err := b.floors(round); err != nil {
			return err
		}
		for _, c := range b.channels() {
			for _, l := range b.layouts {
				if err := b.campaigns(l, c, round); err != nil {
					return fmt.Errorf("%s, %s: %w", l.Title, c, err)
				}
			}
		}
		for _, s := range setups {
			for _, l := range b.layouts {
				last := round == b.o.Rounds-1
				if err := b.stored(s, l.Name, round, last && s.kind == kindStored); err != nil {
					return fmt.Errorf("%s, %s: %w", l.Title, s.kind, err)
				}
			}
		}
	}
	for _, l := range b.layouts {
		if slices.Contains(b.o.Only, "doors") {
			if err := b.doors(l); err != nil {
				return fmt.Errorf("%s: %w", l.Title, err)
			}
		}
		if b.o.Queued > 0 && slices.Contains(b.o.Only, "email") {
			if err := b.queued(l.Name); err != nil {
				return fmt.Errorf("%s: %w", l.Title, err)
			}
		}
	}
	return nil
}

func (b *session) floors(round int) error {
	for _, c := range b.channels() {
		if err := b.at("round %d: the bare client, %s", round+1, c); err != nil {
			return err
		}
		f, err := measureFloor(b.ctx, floorTask{What: c, N: b.o.N, Sink: b.sinks[c].Addr()})
		if err != nil {
			return err
		}
		b.report.floor(c, f)
	}
	for _, l := range b.layouts {
		if err := b.at("round %d: the bare store, %s", round+1, l.Name); err != nil {
			return err
		}
		t := floorTask{What: "store", N: b.o.N, Database: "sqlite:" + filepath.Join(b.dir, fmt.Sprintf("bare-%d", round), "rapport.db")}
		drop := func() error { return os.RemoveAll(filepath.Dir(strings.TrimPrefix(t.Database, "sqlite:"))) }
		if l.Name == "postgres" {
			var err error
			if t.Database, drop, err = newDatabase(os.Getenv("RAPPORT_TEST_DATABASE_URL")); err != nil {
				return err
			}
			t.Postgres = b.postgres
		}
		f, err := measureFloor(b.ctx, t)
		if err := errors.Join(err, drop()); err != nil {
			return err
		}
		b.report.floor("store "+l.Name, f)
	}
	return nil
}

// campaigns runs one to customers that nobody knows, one to the same when they are known, and one of those
// held back, for its phases.
func (b *session) campaigns(l *Layout, channel string, round int) error {
	kinds := []string{"new", "known", "held"}
	if b.o.Quick {
		kinds = []string{"new", "held"} // each takes a second for its campaign to say finished
	}
	for _, kind := range kinds {
		if err := b.at("round %d: %s, %s, %s", round+1, channel, l.Name, kind); err != nil {
			return err
		}
		what, err := newLaunch(channel, audience(channel, b.sinks[channel].URL(), round*b.o.N, b.o.N, kind != "new"))
		if err != nil {
			return err
		}
		r, err := run(l, b.sinks[channel], what, kind == "held")
		if err != nil {
			return err
		}
		b.report.run(channel, l, kind, r)
	}
	return nil
}

// queued is a large campaign to new customers, read with all of it in the database and nothing sent. Its processes
// are fresh: memory that another measurement needed would be counted here.
func (b *session) queued(layout string) (err error) {
	if err := b.at("%d messages queued, %s", b.o.Queued, layout); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(b.dir, "queued-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	settings, err := b.settings(b.sinks, nil)
	if err != nil {
		return err
	}
	l, err := openLayout(layout, b.bin, dir, settings)
	if l != nil {
		defer func() { err = errors.Join(err, l.Close()) }()
	}
	if err != nil {
		return err
	}
	before, err := l.RSS()
	if err != nil {
		return err
	}
	what, err := newLaunch("email", audience("email", "", 1_000_000, b.o.Queued, false))
	if err != nil {
		return err
	}
	r, err := run(l, b.sinks["email"], what, true)
	if err != nil {
		return err
	}
	b.report.queued(l, before, r)
	return nil
}

func (b *session) doors(l *Layout) error {
	channel := "email"
	if !slices.Contains(b.o.Only, channel) {
		// The customers that single messages go to.
		what, err := newLaunch(channel, audience(channel, "", 0, b.o.N, false))
		if err != nil {
			return err
		}
		if _, err := run(l, b.sinks[channel], what, false); err != nil {
			return err
		}
	}
	requests, size, tries, still := 50, 1000, 10, 10*time.Second
	pause := time.Second
	if b.o.Quick {
		requests, size, tries, still, pause = 4, 100, 2, time.Second, 100*time.Millisecond
	}
	sink := b.sinks[channel]
	for _, m := range []struct {
		name    string
		do      func() (*Door, error)
		profile string // under which one more round's is kept, when profiles are; "": none is
	}{
		{doorRest, func() (*Door, error) { return rest(l, still) }, ""},
		{doorAccept1, func() (*Door, error) { return accept(l, channel, "", requests, size, 1) }, "accept"},
		{doorAccept4, func() (*Door, error) { return accept(l, channel, "", requests, size, 4) }, ""},
		{doorSingle, func() (*Door, error) { return single(l, sink, channel, b.o.N, b.o.N, 50) }, "single"},
		{doorIdleMessage, func() (*Door, error) { return idle(l, sink, channel, tries, pause, "/v1/messages") }, ""},
		{doorIdleCampaign, func() (*Door, error) { return idle(l, sink, channel, tries, pause, "/v1/campaigns") }, ""},
	} {
		if m.profile != "" && b.o.Profiles != "" {
			if _, err := stagesOf(l, b.o.Profiles, m.profile, 3*time.Second, func() error { _, err := m.do(); return err }); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
		}
		for round := range b.o.Rounds {
			if round > 0 && (m.name == doorRest || m.name == doorIdleMessage || m.name == doorIdleCampaign) {
				break // many tries in one already
			}
			if err := b.at("%s, %s", m.name, l.Name); err != nil {
				return err
			}
			d, err := m.do()
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			b.report.door(l, m.name, d)
		}
	}
	return nil
}
