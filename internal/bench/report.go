package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

const (
	doorRest         = "at rest"
	doorAccept1      = "POST /v1/campaigns, 1 client"
	doorAccept4      = "POST /v1/campaigns, 4 clients"
	doorSingle       = "POST /v1/messages, 50 clients"
	doorIdleMessage  = "idle to first byte, POST /v1/messages"
	doorIdleCampaign = "idle to first byte, POST /v1/campaigns"
)

// Report is everything that a run has found, round by round; the tables show medians of it.
type Report struct {
	Machine Machine             `json:"machine"`
	Options Options             `json:"options"`
	Runs    []*RunRow           `json:"runs"`
	Floors  map[string][]Figure `json:"floors"`
	Stages  []StageRow          `json:"stages"`
	Doors   []*DoorRow          `json:"doors"`
	Queued  []QueuedRow         `json:"queued"`
	Notes   []string            `json:"notes"`
}

// Figure is one round of something, for one message (or customer) each. Processor time is in µs.
type Figure struct {
	N        int     `json:"n"`
	Rate     float64 `json:"per_second"`
	CPU      float64 `json:"cpu_us"` // app + database + redis
	App      float64 `json:"app_us"`
	Database float64 `json:"database_us"`
	Redis    float64 `json:"redis_us"`
	Bench    float64 `json:"bench_us,omitempty"`  // sinks and clients, in the bench's own process
	Insert   float64 `json:"insert_us,omitempty"` // bare store: of CPU, what writing the rows took
	Finished float64 `json:"finished_s,omitempty"`
	P50      float64 `json:"p50_ms,omitempty"`
	P99      float64 `json:"p99_ms,omitempty"`
}

// RunRow is one channel on one layout, to new or known customers, or held back to see the phases.
type RunRow struct {
	Channel string              `json:"channel"`
	Layout  string              `json:"layout"`
	Title   string              `json:"-"`
	Kind    string              `json:"kind"` // new, known, held; or of a setup
	Rounds  []Figure            `json:"rounds"`
	Phases  map[string][]Figure `json:"phases,omitempty"` // accept, plan, deliver
}

// DoorRow is one of the API's measurements on one layout.
type DoorRow struct {
	Layout string   `json:"layout"`
	Title  string   `json:"-"`
	What   string   `json:"what"`
	Rounds []Figure `json:"rounds"`
}

// QueuedRow is memory with a large campaign queued, and that campaign's cost.
type QueuedRow struct {
	Layout  string     `json:"layout"`
	Title   string     `json:"-"`
	Before  []Resident `json:"before"` // just started
	Queued  []Resident `json:"queued"`
	End     []Resident `json:"end"`
	Accept  float64    `json:"accept_s"`
	Plan    float64    `json:"plan_s"`
	Deliver float64    `json:"deliver_s"`
	Figure  Figure     `json:"figure"`
}

func newReport(o Options) *Report { return &Report{Options: o, Floors: map[string][]Figure{}} }

func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

func figure(n int, took time.Duration, u Usage) Figure {
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / float64(n) }
	f := Figure{N: n, CPU: each(u.server()), App: each(u["app"]), Database: each(u["database"]), Redis: each(u["redis"]), Bench: each(u["bench"])}
	if took > 0 {
		f.Rate = float64(n) / took.Seconds()
	}
	return f
}

func (r *Report) floor(what string, f *Floor) {
	g := figure(f.N, f.Took, f.Usage)
	g.Insert = float64(f.Insert.Nanoseconds()) / 1000 / float64(f.N)
	r.Floors[what] = append(r.Floors[what], g)
}

func (r *Report) run(channel string, l *Layout, kind string, x *Run) {
	var row *RunRow
	for _, known := range r.Runs {
		if known.Channel == channel && known.Layout == l.Name && known.Kind == kind {
			row = known
		}
	}
	if row == nil {
		row = &RunRow{Channel: channel, Layout: l.Name, Title: l.Title, Kind: kind}
		r.Runs = append(r.Runs, row)
	}
	f := figure(x.N, x.Took, x.Usage)
	f.Finished = x.Finished.Seconds()
	row.Rounds = append(row.Rounds, f)
	if kind == "held" {
		if row.Phases == nil {
			row.Phases = map[string][]Figure{}
		}
		for name, p := range map[string]Phase{"accept": x.Accept, "plan": x.Plan, "deliver": x.Deliver} {
			row.Phases[name] = append(row.Phases[name], figure(x.N, p.Took, p.Usage))
		}
	}
	if x.Wrong != "" {
		r.note("%s, %s, %s: %s", l.Title, channel, kind, x.Wrong)
	}
}

func (r *Report) door(l *Layout, what string, d *Door) {
	var row *DoorRow
	for _, known := range r.Doors {
		if known.Layout == l.Name && known.What == what {
			row = known
		}
	}
	if row == nil {
		row = &DoorRow{Layout: l.Name, Title: l.Title, What: what}
		r.Doors = append(r.Doors, row)
	}
	f := figure(d.N, d.Took, d.Usage)
	f.P50, f.P99 = float64(d.P50.Microseconds())/1000, float64(d.P99.Microseconds())/1000
	row.Rounds = append(row.Rounds, f)
}

func (r *Report) queued(l *Layout, before []Resident, x *Run) {
	r.Queued = append(r.Queued, QueuedRow{Layout: l.Name, Title: l.Title, Before: before, Queued: x.RSS, End: x.End, Accept: x.Accept.Took.Seconds(),
		Plan: x.Plan.Took.Seconds(), Deliver: x.Deliver.Took.Seconds(), Figure: figure(x.N, x.Took, x.Usage)})
	if x.Wrong != "" {
		r.note("%s, %d queued: %s", l.Title, x.N, x.Wrong)
	}
}

// median of one figure over the rounds, with its least and greatest.
func median(rounds []Figure, of func(Figure) float64) (mid, low, high float64) {
	var all []float64
	for _, f := range rounds {
		all = append(all, of(f))
	}
	if len(all) == 0 {
		return 0, 0, 0
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2, all[0], all[len(all)-1]
}

func mid(rounds []Figure, of func(Figure) float64) float64 { m, _, _ := median(rounds, of); return m }

func rate(f Figure) float64 { return f.Rate }
func cpu(f Figure) float64  { return f.CPU }

var bareNames = map[string]string{"email": "go-mail Send", "sms": "twilio-go", "telegram": "telegram-bot-api", "webhook": "net/http, signed"}

func (r *Report) print(out io.Writer) {
	m := r.Machine
	fmt.Fprintf(out, "%s  %s, %d cores, %.1f GiB, Linux %s, fsync %.0f µs\n", m.At.Format(time.RFC3339), m.Processor, m.Cores, m.MemoryGiB, m.Kernel, m.Fsync)
	fmt.Fprintf(out, "commit %s, binary %s, %s; load before %s, after %s\n", m.Commit, m.Binary, m.Go, m.Load[0], m.Load[1])
	fmt.Fprintf(out, "%d messages a campaign, medians of %d rounds, %d connections to the sinks\n", r.Options.N, r.Options.Rounds, connections)
	if r.Options.Quick {
		fmt.Fprintln(out, "-quick: this shows that it works; believe no figure of it")
	}
	r.printStored(out)
	r.printStages(out)
	r.printRuns(out)
	r.printPhases(out)
	r.printDoors(out)
	for i, n := range r.Notes {
		if i == 0 {
			fmt.Fprintln(out, "\nNOTES")
		}
		fmt.Fprintln(out, " - "+strings.ReplaceAll(n, "\n", "\n   "))
	}
}

func table(out io.Writer, title string, columns ...string) *tabwriter.Writer {
	fmt.Fprintf(out, "\n%s\n", title)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, " "+strings.Join(columns, "\t"))
	return w
}

// printStored shows campaigns to everyone: who the audience is stands in the database, as it does for a list server.
func (r *Report) printStored(out io.Writer) {
	w := table(out, "A CAMPAIGN TO EVERYONE in the database, from the POST to the last recorded outcome (CPU in µs a message; the sinks' apart)",
		"channel", "layout", "", "messages/s", "CPU", "least-most", "= app", "+ database", "+ Redis", "sinks")
	for _, c := range channelNames {
		if f := r.Floors[c]; len(f) > 0 {
			v, low, high := median(f, cpu)
			fmt.Fprintf(w, " %s	bare %s		%.0f	%.1f	%.1f-%.1f				\n", c, bareNames[c], mid(f, rate), v, low, high)
		}
		for _, row := range r.Runs {
			if row.Channel != c || row.Kind == "new" || row.Kind == "known" || row.Kind == "held" {
				continue
			}
			kind := row.Kind
			if kind == kindStored {
				kind = ""
			}
			v, low, high := median(row.Rounds, cpu)
			fmt.Fprintf(w, " 	%s	%s	%.0f	%.1f	%.1f-%.1f	%.1f	%.1f	%.1f	%.1f\n", row.Title, kind, mid(row.Rounds, rate), v, low, high,
				mid(row.Rounds, func(f Figure) float64 { return f.App }), mid(row.Rounds, func(f Figure) float64 { return f.Database }),
				mid(row.Rounds, func(f Figure) float64 { return f.Redis }), mid(row.Rounds, func(f Figure) float64 { return f.Bench }))
		}
	}
	w.Flush()
}

// printStages shows where the time goes within the product's processes.
func (r *Report) printStages(out io.Writer) {
	if len(r.Stages) == 0 {
		return
	}
	w := table(out, "STAGES of such a campaign: the product's own CPU in µs a message, divided by a profile of its processes (the database server apart)",
		slices.Concat([]string{"channel", "layout"}, stageNames, []string{"app"})...)
	for _, row := range r.Stages {
		var app float64
		for _, x := range r.Runs {
			if x.Channel == row.Channel && x.Layout == row.Layout && x.Kind == kindStored {
				app = mid(x.Rounds, func(f Figure) float64 { return f.App })
			}
		}
		fmt.Fprintf(w, " %s\t%s", row.Channel, row.Title)
		for _, name := range stageNames {
			fmt.Fprintf(w, "\t%.1f", app*row.Shares[name])
		}
		fmt.Fprintf(w, "\t%.1f\n", app)
	}
	w.Flush()
}

// printRuns shows each channel beside the bare client and the bare store. "Of floor" is the known
// customers' CPU by that of the two together.
func (r *Report) printRuns(out io.Writer) {
	if len(r.Runs) == 0 {
		return
	}
	w := table(out, "AN AUDIENCE IN THE REQUEST, from its POST to the last recorded outcome (CPU in µs a message; the sinks' apart)",
		"channel", "layout", "customers", "messages/s", "CPU", "least-most", "= app", "+ database", "+ Redis", "of floor", "sinks", "finished after")
	last := ""
	for _, row := range r.Runs {
		if row.Kind != "new" && row.Kind != "known" {
			continue
		}
		if row.Channel != last {
			last = row.Channel
			f := r.Floors[last]
			c, low, high := median(f, cpu)
			fmt.Fprintf(w, " %s\tbare %s\t\t%.0f\t%.1f\t%.1f-%.1f\t\t\t\t\t\t\n", last, bareNames[last], mid(f, rate), c, low, high)
		}
		c, low, high := median(row.Rounds, cpu)
		floor := mid(r.Floors[row.Channel], cpu) + mid(r.Floors["store "+row.Layout], cpu)
		fmt.Fprintf(w, " \t%s\t%s\t%.0f\t%.1f\t%.1f-%.1f\t%.1f\t%.1f\t%.1f\t%.2f x\t%.1f\t%.2f s\n", row.Title, row.Kind, mid(row.Rounds, rate), c, low, high,
			mid(row.Rounds, func(f Figure) float64 { return f.App }), mid(row.Rounds, func(f Figure) float64 { return f.Database }), mid(row.Rounds, func(f Figure) float64 { return f.Redis }),
			c/floor, mid(row.Rounds, func(f Figure) float64 { return f.Bench }), mid(row.Rounds, func(f Figure) float64 { return f.Finished }))
	}
	w.Flush()

	w = table(out, "THE STORE ALONE (rows of messages, through store.Store, one writer)", "engine", "rows/s", "CPU µs a row", "least-most", "= insert", "+ claim and record")
	for _, engine := range []string{"sqlite", "postgres"} {
		f := r.Floors["store "+engine]
		if len(f) == 0 {
			continue
		}
		c, low, high := median(f, cpu)
		fmt.Fprintf(w, " %s\t%.0f\t%.1f\t%.1f-%.1f\t%.1f\t%.1f\n", engine, mid(f, rate), c, low, high, mid(f, func(f Figure) float64 { return f.Insert }),
			mid(f, func(f Figure) float64 { return f.CPU - f.Insert }))
	}
	w.Flush()
}

func (r *Report) printPhases(out io.Writer) {
	if len(r.Runs) == 0 {
		return
	}
	w := table(out, "PHASES, known customers; the sink answers only when all is planned, so that they do not overlap (CPU µs a message, and seconds)",
		"channel", "layout", "accept", "plan", "deliver", "sum", "accept s", "plan s", "deliver s")
	for _, row := range r.Runs {
		if row.Kind != "held" {
			continue
		}
		var us, s [3]float64
		for i, name := range []string{"accept", "plan", "deliver"} {
			us[i] = mid(row.Phases[name], cpu)
			s[i] = mid(row.Phases[name], func(f Figure) float64 { return float64(f.N) / f.Rate })
		}
		fmt.Fprintf(w, " %s\t%s\t%.1f\t%.1f\t%.1f\t%.1f\t%.2f\t%.2f\t%.2f\n", row.Channel, row.Title, us[0], us[1], us[2], us[0]+us[1]+us[2], s[0], s[1], s[2])
	}
	w.Flush()
}

func (r *Report) printDoors(out io.Writer) {
	if len(r.Doors) > 0 {
		w := table(out, "THE API (each 202 is durable)", "what", "layout", "", "CPU µs", "p50", "p99")
		for _, d := range r.Doors {
			f := d.Rounds
			p50, p99 := mid(f, func(f Figure) float64 { return f.P50 }), mid(f, func(f Figure) float64 { return f.P99 })
			switch d.What {
			case doorRest:
				fmt.Fprintf(w, " %s\t%s\t%.1f %% of a core\t\t\t\n", d.What, d.Title, mid(f, cpu)/1e4*mid(f, rate))
			case doorIdleMessage, doorIdleCampaign:
				fmt.Fprintf(w, " %s\t%s\t\t\t%.1f ms\t%.1f ms\n", d.What, d.Title, p50, p99)
			case doorSingle:
				fmt.Fprintf(w, " %s\t%s\t%.0f messages/s\t%.1f with sending\t%.1f ms\t%.1f ms\n", d.What, d.Title, mid(f, rate), mid(f, cpu), p50, p99)
			default:
				fmt.Fprintf(w, " %s\t%s\t%.0f customers/s\t%.1f a customer\t%.1f ms\t%.1f ms\n", d.What, d.Title, mid(f, rate), mid(f, cpu), p50, p99)
			}
		}
		w.Flush()
	}
	if len(r.Queued) > 0 {
		w := table(out, fmt.Sprintf("MEMORY (resident, MiB) of fresh processes with %d messages to new customers queued, and that campaign", r.Options.Queued),
			"layout", "process", "started", "queued", "all sent", "peak", "accept", "plan", "deliver", "CPU µs a message")
		mib := func(n int64) float64 { return float64(n) / (1 << 20) }
		for _, q := range r.Queued {
			for i, p := range q.Queued {
				fmt.Fprintf(w, " %s\t%s\t%.0f\t%.0f\t%.0f\t%.0f", q.Title, p.Role, mib(q.Before[i].Now), mib(p.Now), mib(q.End[i].Now), mib(q.End[i].Peak))
				if i == 0 {
					fmt.Fprintf(w, "\t%.1f s\t%.1f s\t%.1f s\t%.1f", q.Accept, q.Plan, q.Deliver, q.Figure.CPU)
				}
				fmt.Fprintln(w)
			}
		}
		w.Flush()
	}
}
