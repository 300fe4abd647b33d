package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

// StageRow is where the processor time of a campaign to everyone goes: each stage's part of the whole.
type StageRow struct {
	Channel string             `json:"channel"`
	Layout  string             `json:"layout"`
	Title   string             `json:"-"`
	Shares  map[string]float64 `json:"shares"`
}

// stages by the functions that they begin with. The frame nearest to the work decides, so garbage that a stage makes
// counts as collecting it.
var stages = []struct{ name, function string }{
	{"gc", "runtime.gcBgMarkWorker"}, {"gc", "runtime.gcAssistAlloc"}, {"gc", "runtime.bgsweep"}, {"gc", "runtime.bgscavenge"},
	{"plan", "rapport/gateway.(*Gateway).planOne"},
	{"claim", "rapport/store.(*Store).claim"},
	{"record", "rapport/store.(*Store).record"},
	{"commit", "rapport/store.(*Store).Commit"},
	{"render", "rapport/gateway.(*Gateway).compose"},
	{"send", "rapport/channels.(*Provider).Send"},
	{"accept", "rapport/api."}, // what is left below rapport/gateway is the engine
}

// stageNames in the order of a message's way; the last two belong to no stage of ours.
var stageNames = []string{"accept", "plan", "claim", "render", "send", "record", "commit", "engine", "gc", "runtime"}

// stagesOf profiles the product's processes for long, while run is done again and again. keep is the directory for the
// profiles, which are named after what is run, or empty.
func stagesOf(l *Layout, keep, what string, long time.Duration, run func() error) (map[string]float64, error) {
	type answer struct {
		p   *profile.Profile
		err error
	}
	got := make(chan answer, len(l.in.Pprof))
	for _, at := range l.in.Pprof {
		role, url, _ := strings.Cut(at, " ")
		path := ""
		if keep != "" {
			path = filepath.Join(keep, fmt.Sprintf("%s-%s-%s.pb.gz", what, l.Name, role))
		}
		go func() {
			p, err := fetchProfile(fmt.Sprintf("%sprofile?seconds=%d", url, int(long.Seconds())), path)
			got <- answer{p, err}
		}()
	}
	for end := time.Now().Add(long); time.Now().Before(end); {
		if err := run(); err != nil {
			return nil, err
		}
	}
	out, sum := map[string]float64{}, 0.0
	for range l.in.Pprof {
		a := <-got
		if a.err != nil {
			return nil, a.err
		}
		for name, d := range shares(a.p) {
			out[name] += d.Seconds()
			sum += d.Seconds()
		}
	}
	for name := range out {
		out[name] /= sum
	}
	return out, nil
}

func fetchProfile(url, keep string) (*profile.Profile, error) {
	r, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(r.Body)
		return nil, fmt.Errorf("the profile: %s: %.200s", r.Status, said)
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if keep != "" {
		if err := os.WriteFile(keep, raw, 0o600); err != nil {
			return nil, err
		}
	}
	return profile.ParseData(raw)
}

// shares is the processor time of each stage. What no frame tells, such as the scheduler and system calls of nobody's
// stack, is "runtime".
func shares(p *profile.Profile) map[string]time.Duration {
	sum := map[string]time.Duration{}
	unit := slices.IndexFunc(p.SampleType, func(t *profile.ValueType) bool { return t.Unit == "nanoseconds" })
	for _, s := range p.Sample {
		sum[stageOf(s)] += time.Duration(s.Value[unit])
	}
	return sum
}

func stageOf(s *profile.Sample) string {
	name := "runtime"
	for _, at := range s.Location { // the innermost first
		for _, line := range at.Line {
			if line.Function == nil {
				continue
			}
			for _, x := range stages {
				if strings.HasPrefix(line.Function.Name, x.function) {
					return x.name
				}
			}
			if strings.HasPrefix(line.Function.Name, "rapport/gateway.") {
				name = "engine"
			}
		}
	}
	return name
}
