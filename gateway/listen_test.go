package gateway

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
	"rapport/store/storetest"
)

// doorman is a provider that takes connections itself, at the address in its settings.
type doorman struct {
	at   string
	town *town
}

// town notes who listens where.
type town struct {
	mu    sync.Mutex
	open  map[string]bool
	story []string
	fails int
}

func (d doorman) Send(context.Context, *channels.Outgoing) (string, error) { return "", nil }

func (d doorman) Listen(ctx context.Context, _ func(context.Context, []channels.Update) error) error {
	t := d.town
	t.mu.Lock()
	if t.fails > 0 || t.open[d.at] {
		t.fails--
		t.story = append(t.story, "no "+d.at)
		t.mu.Unlock()
		return errors.New("listening: address already in use")
	}
	t.open[d.at] = true
	t.story = append(t.story, "open "+d.at)
	t.mu.Unlock()
	<-ctx.Done()
	time.Sleep(time.Second) // somebody is still being served
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open[d.at] = false
	t.story = append(t.story, "close "+d.at)
	return nil
}

// told is what has happened so far, and whether somebody listens at an address.
func (t *town) told(at string) (story []string, open bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.story), t.open[at]
}

// listening is in a bubble; st, which has the clock, is from outside.
func listening(t *testing.T, st *store.Store) (*town, *Gateway, *bytes.Buffer, func(at ...string)) {
	place := &town{open: map[string]bool{}}
	driver := channels.Driver{Name: "door", Channels: []rapport.Channel{rapport.Email}, Caps: channels.Caps{Timeout: time.Second},
		Settings: []channels.Setting{{Key: "at"}},
		Open: func(s channels.Settings, _ channels.Env) (channels.Conn, error) {
			return doorman{s["at"].(string), place}, nil
		}}
	hub := channels.NewHub([]channels.Driver{driver}, channels.HubOptions{})
	var log bytes.Buffer
	configure := func(at ...string) {
		var entries []channels.Entry
		for i, a := range at {
			entries = append(entries, channels.Entry{Name: string(rune('a' + i)), Driver: "door", Channel: rapport.Email, Settings: channels.Settings{"at": a}})
		}
		if err := hub.Configure(entries); err != nil {
			t.Fatal(err)
		}
	}
	return place, &Gateway{Store: st, Hub: hub, Log: slog.New(slog.NewTextHandler(&log, nil))}, &log, configure
}

func TestListen_FollowsTheProviders(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, storetest.SQLite(t), time.Now)
	synctest.Test(t, func(t *testing.T) {
		place, g, log, configure := listening(t, st)
		configure("25")
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); g.listen(ctx) }()
		time.Sleep(time.Minute)
		configure("25") // nothing has changed
		time.Sleep(time.Minute)
		configure("26", "27")
		time.Sleep(time.Minute)
		configure("26")
		time.Sleep(time.Minute)
		stop()
		<-done
		g.wg.Wait()
		want := []string{"open 25", "close 25", "open 26", "open 27", "close 27", "close 26"}
		got, _ := place.told("")
		if !slices.Contains(got, "open 27") || len(got) != len(want) {
			t.Errorf("%q, want %q", got, want)
		}
		if slices.Index(got, "close 25") > slices.Index(got, "open 26") {
			t.Errorf("the new one began before the old one had ended: %q", got)
		}
		if log.Len() > 0 {
			t.Errorf("logged: %s", log)
		}
	})
}

func TestListen_TriesAgainAndSaysSoOnce(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, storetest.SQLite(t), time.Now)
	synctest.Test(t, func(t *testing.T) {
		place, g, log, configure := listening(t, st)
		place.fails = 3
		configure("25")
		ctx, stop := context.WithCancel(t.Context())
		go g.listen(ctx)
		time.Sleep(14 * time.Second)
		synctest.Wait()
		if _, open := place.told("25"); open {
			t.Error("it has not waited")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if story, open := place.told("25"); !open || len(story) != 4 {
			t.Errorf("%q", story)
		}
		if n := strings.Count(log.String(), "cannot listen"); n != 1 {
			t.Errorf("logged %d times: %s", n, log)
		}
		begin := time.Now()
		stop()
		time.Sleep(10 * time.Millisecond)
		g.wg.Wait()
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("it ended after %v", took)
		}
	})
}
