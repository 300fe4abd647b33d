package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rapport"
	"rapport/api"
	"rapport/channels"
)

// watch counts what passes through: attempts at the providers, and requests.
type watch struct {
	sends    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	requests *prometheus.HistogramVec
	refused  *prometheus.CounterVec
	dropped  *prometheus.CounterVec
}

func newWatch() *watch {
	return &watch{
		sends: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rapport_sends_total",
			Help: "Attempts handed to a provider, by verdict (ok, or why not: rejected, address_dead, throttled, ambiguous, ...).",
		}, []string{"provider", "channel", "verdict"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "rapport_send_seconds",
			Help:    "How long a provider took to answer one attempt.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}, []string{"provider", "channel"}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "rapport_http_request_seconds",
			Help:    "How long a request took, streamed bodies included.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60},
		}, []string{"method", "route", "status"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rapport_http_overload_total",
			Help: "Requests refused because there were too many of them, by the bound that they met (requests, large_requests, bytes, campaigns).",
		}, []string{"bound"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rapport_incoming_dropped_total",
			Help: "Incoming messages thrown away on purpose, by the reason (loop, own).",
		}, []string{"provider", "why"}),
	}
}

// drop is called for each incoming message that is thrown away, from many goroutines.
func (w *watch) drop(provider, why string) { w.dropped.WithLabelValues(provider, why).Inc() }

// observe is called after each Send, from many goroutines.
func (w *watch) observe(o channels.Observation) {
	verdict := "ok"
	if o.Verdict != nil {
		verdict = string(o.Verdict.Kind)
	}
	w.sends.WithLabelValues(o.Provider, string(o.Channel), verdict).Inc()
	w.took.WithLabelValues(o.Provider, string(o.Channel)).Observe(o.Took.Seconds())
	traceSend(o)
}

// request is called after each request, from many goroutines.
func (w *watch) request(o api.Observation) {
	w.requests.WithLabelValues(o.Method, o.Route, strconv.Itoa(o.Status)).Observe(o.Took.Seconds())
	if o.Overload != "" {
		w.refused.WithLabelValues(o.Overload).Inc()
	}
	traceRequest(o)
}

// metricsServer is the door for those who run Rapport: /metrics, /healthz, /readyz and pprof.
type metricsServer struct {
	http *http.Server
	Addr string // where it listens
}

// startMetrics opens the door at addr; "": there is none, and the server is nil.
func startMetrics(addr string, a *App, log *slog.Logger) (*metricsServer, error) {
	if addr == "" {
		return nil, nil
	}
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		a.watch.sends, a.watch.took, a.watch.requests, a.watch.refused, a.watch.dropped, &state{app: a}, build())
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Timeout: 20 * time.Second}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, q *http.Request) {
		ctx, cancel := context.WithTimeout(q.Context(), 3*time.Second)
		defer cancel()
		if err := a.Ready(ctx); err != nil {
			log.Warn("not ready", "error", err)
			http.Error(w, "not ready; the log has the reason", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("metrics.addr: %w", err)
	}
	m := &metricsServer{http: &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}, Addr: l.Addr().String()}
	go func() {
		if err := m.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the metrics server ended", "error", err)
		}
	}()
	return m, nil
}

func (m *metricsServer) close() { _ = m.http.Close() }

func build() prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "rapport_build_info", Help: "1, with the version as a label.", ConstLabels: prometheus.Labels{"version": version}})
	g.Set(1)
	return g
}

// state is asked for when somebody asks for metrics: nothing is counted in between, and a database that
// cannot be reached leaves these figures out, not the others.
type state struct{ app *App }

var (
	overdue      = prometheus.NewDesc("rapport_oldest_due_batch_seconds", "How long the oldest due batch that nobody works on has been waiting; 0: none does.", []string{"lane"}, nil)
	waiting      = prometheus.NewDesc("rapport_due_batches", "Batches that are due and wait for a worker (counted up to 1000).", []string{"lane"}, nil)
	campaigns    = prometheus.NewDesc("rapport_open_campaigns", "Campaigns that have not ended, by status.", []string{"status"}, nil)
	workers      = prometheus.NewDesc("rapport_workers", "Processes that give a sign of life.", nil, nil)
	hintsLost    = prometheus.NewDesc("rapport_hints_lost_total", "Wake-ups that Redis did not take; the sweeper found the work instead.", nil, nil)
	healthy      = prometheus.NewDesc("rapport_provider_healthy", "0 while a provider's breaker is open.", []string{"provider", "channel"}, nil)
	connections  = prometheus.NewDesc("rapport_database_connections", "Connections to the database, by pool (write and read of SQLite, all of PostgreSQL).", []string{"pool", "state"}, nil)
	waitedFor    = prometheus.NewDesc("rapport_database_wait_seconds_total", "Time spent waiting for a free connection.", []string{"pool"}, nil)
	descriptions = []*prometheus.Desc{overdue, waiting, campaigns, workers, hintsLost, healthy, connections, waitedFor}
)

func (s *state) Describe(to chan<- *prometheus.Desc) {
	for _, d := range descriptions {
		to <- d
	}
}

func (s *state) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	to <- prometheus.MustNewConstMetric(hintsLost, prometheus.CounterValue, float64(s.app.queue.Lost()))
	for _, p := range s.app.Hub.All() {
		up := 0.0
		if p.Healthy() {
			up = 1
		}
		gauge(healthy, up, p.Entry().Name, string(p.Entry().Channel))
	}
	for pool, n := range s.app.Store.Pools() {
		gauge(connections, float64(n.InUse), pool, "in_use")
		gauge(connections, float64(n.Idle), pool, "idle")
		to <- prometheus.MustNewConstMetric(waitedFor, prometheus.CounterValue, n.WaitDuration.Seconds(), pool)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s.database(ctx, gauge)
}

func (s *state) database(ctx context.Context, gauge func(*prometheus.Desc, float64, ...string)) {
	st := s.app.Store
	for _, lane := range []rapport.Lane{rapport.Fast, rapport.Bulk} {
		due, err := st.DueBatches(ctx, lane, 1000)
		if err != nil {
			return
		}
		oldest := time.Duration(0)
		for _, b := range due {
			oldest = max(oldest, st.Now().Sub(b.Due))
		}
		gauge(waiting, float64(len(due)), lane.String())
		gauge(overdue, oldest.Seconds(), lane.String())
	}
	open, err := st.OpenCampaigns(ctx, 1000, rapport.CampaignScheduled, rapport.CampaignPlanning, rapport.CampaignRunning, rapport.CampaignPaused, rapport.CampaignQuarantined)
	if err != nil {
		return
	}
	count := map[rapport.CampaignStatus]int{}
	for _, c := range open {
		count[c.Status]++
	}
	for _, status := range []rapport.CampaignStatus{rapport.CampaignScheduled, rapport.CampaignPlanning, rapport.CampaignRunning, rapport.CampaignPaused, rapport.CampaignQuarantined} {
		gauge(campaigns, float64(count[status]), string(status))
	}
	if alive, err := st.Workers(ctx); err == nil {
		gauge(workers, float64(len(alive)))
	}
}
