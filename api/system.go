package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/gateway"
)

// Surroundings is what the program sees of the machine that it runs on.
type Surroundings struct {
	Queue     string // embedded, redis
	QueueErr  error
	HintsLost int64
	DiskFree  int64 // bytes where the data directory is; 0: nobody knows
	DiskTotal int64
}

// System is how the whole is doing, for people.
type System struct {
	Version   string         `json:"version"`
	Problems  []Problematic  `json:"problems" nullable:"false" doc:"What somebody should look at; empty: nothing."`
	Database  SystemDatabase `json:"database"`
	Queue     SystemQueue    `json:"queue"`
	Disk      *SystemDisk    `json:"disk,omitempty" doc:"Where the data directory of the answering process is."`
	Workers   []SystemWorker `json:"workers" nullable:"false" doc:"Processes that are alive, at most a hundred."`
	Due       []SystemDue    `json:"due" nullable:"false" doc:"What is due and waits for a worker, by lane and channel; counted up to 10,000 batches."`
	HeldBack  []SystemHeld   `json:"held_back" nullable:"false" doc:"Messages that wait because no provider of their channel works; not all of them are among what is due."`
	OldestDue *time.Time     `json:"oldest_due,omitempty" doc:"Since when the oldest of it has been waiting."`
	Doubtful  int64          `json:"doubtful" doc:"Messages of which nobody knows yet whether they went out."`
	Campaigns int            `json:"open_campaigns"`
	Jobs      int            `json:"open_jobs"`
	Held      bool           `json:"quarantine" doc:"A restore holds something back until somebody decides."`
	Events    SystemEvents   `json:"events"`
}

// Problematic is something that somebody should look at.
type Problematic struct {
	What  string `json:"what" enum:"no_worker,overdue,queue,disk,quarantine,events,endpoints,provider,held_back"`
	About string `json:"about,omitempty" doc:"The provider, the lane, or the channel."`
	Says  string `json:"says" doc:"A sentence."`
}

// SystemDatabase is the database.
type SystemDatabase struct {
	Engine string `json:"engine" example:"PostgreSQL 17.2"`
	Bytes  int64  `json:"bytes"`
}

// SystemQueue is the wake-up service. Without it messages go out all the same, a second later.
type SystemQueue struct {
	Kind      string `json:"kind,omitempty" enum:"embedded,redis"`
	OK        bool   `json:"ok"`
	HintsLost int64  `json:"hints_lost" doc:"Wake-ups that it did not take since the start of the answering process; the sweeper found the work instead."`
}

// SystemDisk is a file system.
type SystemDisk struct {
	Free  int64 `json:"free" doc:"Bytes."`
	Total int64 `json:"total" doc:"Bytes."`
}

// SystemWorker is a process.
type SystemWorker struct {
	Name   string     `json:"name"`
	Role   string     `json:"role" enum:"serve,api,worker" doc:"serve: both in one."`
	SeenAt *time.Time `json:"seen_at,omitempty" doc:"Its last sign of life, within some seconds; absent: it was not watched for long enough yet."`
}

// SystemDue is what waits in one lane for one channel.
type SystemDue struct {
	Lane    string          `json:"lane" enum:"fast,bulk"`
	Channel rapport.Channel `json:"channel"`
	Batches int             `json:"batches"`
	Rows    int64           `json:"messages" doc:"At most: batches are not counted again while they are worked on."`
	Overdue int             `json:"overdue" doc:"Batches that have been due for more than a minute."`
	Oldest  time.Time       `json:"oldest"`
}

// SystemHeld is what waits because no provider of the channel works.
type SystemHeld struct {
	Channel rapport.Channel `json:"channel"`
	Rows    int64           `json:"messages" doc:"At most, of the first 10,000 batches that are to be sent within two minutes."`
}

// SystemEvents is how telling others is going.
type SystemEvents struct {
	Waiting    int64      `json:"waiting" doc:"Events that are not in the stream yet, counted up to 10,000."`
	Oldest     *time.Time `json:"oldest,omitempty"`
	Endpoints  int        `json:"endpoints"`
	Failing    int        `json:"endpoints_failing" doc:"Failed last time, and are tried again."`
	Disabled   int        `json:"endpoints_disabled"`
	Deliveries int64      `json:"deliveries_open" doc:"Counted up to 10,000."`
}

func (d *door) system() {
	handle(d, route{Method: http.MethodGet, Path: "/v1/system", Scope: "read:system", Tag: "System", Summary: "How everything is doing",
		About: "Numbers that cost little: no campaign gets slower because somebody looks."}, d.getSystem)
}

func (d *door) getSystem(ctx context.Context, _ *justRequest) (*reply[System], error) {
	g, err := d.g.System(ctx)
	if err != nil {
		return nil, err
	}
	around := Surroundings{}
	if d.o.Around != nil {
		around = d.o.Around(ctx)
	}
	q := g.Queues
	v := System{Version: d.o.Version, Database: SystemDatabase{g.Engine, g.Bytes}, Queue: SystemQueue{around.Queue, around.QueueErr == nil, around.HintsLost}, Workers: []SystemWorker{}, Due: []SystemDue{}, HeldBack: []SystemHeld{},
		OldestDue: maybe(g.OldestDue()), Doubtful: q.Doubtful, Campaigns: q.CampaignsOpen, Jobs: q.Jobs, Held: g.Quarantine,
		Events: SystemEvents{q.Told, maybe(q.OldestTold), q.Endpoints, q.Failing, q.Disabled, q.Deliveries}}
	if around.DiskTotal > 0 {
		v.Disk = &SystemDisk{around.DiskFree, around.DiskTotal}
	}
	for _, w := range g.Workers[:min(100, len(g.Workers))] {
		v.Workers = append(v.Workers, SystemWorker{w.Name, w.Role, maybe(w.At)})
	}
	for _, x := range g.Due {
		v.Due = append(v.Due, SystemDue{x.Lane.String(), x.Channel, x.Batches, x.Rows, x.Overdue, x.Oldest})
	}
	for _, ch := range slices.Sorted(maps.Keys(g.HeldBack)) {
		v.HeldBack = append(v.HeldBack, SystemHeld{ch, g.HeldBack[ch]})
	}
	v.Problems = problems(g, around, d.st.Now())
	return ok(v)
}

// problems says what somebody should look at.
func problems(g gateway.System, around Surroundings, now time.Time) []Problematic {
	out := []Problematic{}
	say := func(what, about, format string, args ...any) {
		out = append(out, Problematic{what, about, fmt.Sprintf(format, args...)})
	}
	if !g.Sends() {
		say("no_worker", "", "No process delivers: nothing goes out.")
	}
	for _, x := range g.Due {
		if x.Overdue > 0 {
			say("overdue", x.Lane.String(), "%s waits in the %s lane since %s.", x.Channel, x.Lane, now.Sub(x.Oldest).Round(time.Second))
		}
	}
	for _, ch := range slices.Sorted(maps.Keys(g.HeldBack)) {
		say("held_back", string(ch), "%d messages wait on %s: no provider of the channel works.", g.HeldBack[ch], ch)
	}
	if around.QueueErr != nil {
		say("queue", "", "Redis does not answer; messages go out a second later.")
	}
	if around.DiskTotal > 0 && around.DiskFree < around.DiskTotal/20 {
		say("disk", "", "The disk is nearly full: %d MiB are free.", around.DiskFree>>20)
	}
	if g.Quarantine {
		say("quarantine", "", "A restore holds messages back until somebody decides.")
	}
	if t := g.Queues.OldestTold; !t.IsZero() && now.Sub(t) > time.Minute {
		say("events", "", "Events have been waiting to be told since %s.", now.Sub(t).Round(time.Second))
	}
	if n := g.Queues.Failing + g.Queues.Disabled; n > 0 {
		say("endpoints", "", "%d of %d endpoints do not take what they are told.", n, g.Queues.Endpoints)
	}
	for _, name := range slices.Sorted(maps.Keys(g.Providers)) {
		switch p := g.Providers[name]; {
		case p.Breaker == channels.BreakerOpen:
			say("provider", name, "%s failed too often just now, and rests.", name)
		case p.Inbound.Error != "":
			say("provider", name, "Nothing comes in from %s: %s", name, p.Inbound.Error)
		}
	}
	return out
}
