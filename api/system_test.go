package api

import (
	"errors"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

func TestSystem_TellsHowEverythingIsDoing(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		a := h.want(200, "GET", "/v1/system", nil)
		if a.text("version") != "test" || !strings.Contains(a.text("database.engine"), "QL") || a.get("database.bytes").(float64) < 10_000 || a.text("workers.0.name") != "test" || a.text("workers.0.seen_at") == "" ||
			a.get("queue.ok") != true || a.get("quarantine") != false || len(a.get("problems").([]any)) != 0 {
			t.Errorf("a new house: %s", a)
		}
		h.want(201, "POST", "/v1/endpoints", `{"url":"https://far.example/hook","events":["message.sent"]}`)
		if a := h.want(200, "GET", "/v1/system", nil); a.get("events.endpoints") != 1.0 {
			t.Errorf("with an endpoint: %s", a)
		}
	})
}

func TestSystem_SaysWhatSomebodyShouldLookAt(t *testing.T) {
	t.Parallel()
	now := time.Now()
	out := problems(gateway.System{HeldBack: map[rapport.Channel]int64{rapport.Email: 140}, Due: []store.Due{{Lane: rapport.Bulk, Channel: rapport.SMS, Batches: 3, Overdue: 2, Oldest: now.Add(-2 * time.Minute)}}, Quarantine: true,
		Workers: []gateway.WorkerSign{{Worker: store.Worker{Role: "api"}}}, Queues: store.Queues{OldestTold: now.Add(-time.Hour), Endpoints: 2, Disabled: 1},
		Providers: map[string]gateway.ProviderStatus{"a": {Breaker: "open"}, "b": {Breaker: "closed", Inbound: gateway.ProviderInbound{Error: "no login"}}, "c": {Breaker: "closed"}}},
		Surroundings{QueueErr: errors.New("refused"), DiskTotal: 100 << 30, DiskFree: 1 << 30}, now)
	var got []string
	for _, p := range out {
		got = append(got, strings.TrimSuffix(p.What+" "+p.About, " "))
		if p.Says == "" {
			t.Errorf("%s says nothing", p.What)
		}
	}
	want := "no_worker, overdue bulk, held_back email, queue, disk, quarantine, events, endpoints, provider a, provider b"
	if strings.Join(got, ", ") != want {
		t.Errorf("problems: %s, want %s", strings.Join(got, ", "), want)
	}
	if out := problems(gateway.System{Workers: []gateway.WorkerSign{{Worker: store.Worker{Role: "all"}}}}, Surroundings{}, now); len(out) != 0 {
		t.Errorf("nothing is wrong, and it says %v", out)
	}
}
