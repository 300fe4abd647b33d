package channelstest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"rapport"
	"rapport/channels"
)

func describes(t *testing.T, h Harness) {
	d := h.Driver
	if d.Name == "" || len(d.Channels) == 0 || d.Open == nil {
		t.Fatalf("a driver has a name, channels and Open; got %q, %v, Open %t", d.Name, d.Channels, d.Open != nil)
	}
	for _, c := range d.Channels {
		if !rapport.ValidChannel(c) {
			t.Errorf("channel %q is not one of %v", c, rapport.Channels)
		}
	}
	if d.Caps.Timeout <= 0 {
		t.Errorf("Caps.Timeout is %v; Hub needs a deadline", d.Caps.Timeout)
	}
	for _, s := range d.Settings {
		if s.Key == "" || s.Help == "" {
			t.Errorf("setting %q needs a key and a help text", s.Key)
		}
	}
	b := start(t, h)
	for _, key := range leaves("", b.up.Settings) {
		if !slices.ContainsFunc(d.Settings, func(s channels.Setting) bool {
			return key == s.Key || strings.HasPrefix(key, s.Key+".")
		}) {
			t.Errorf("settings.%s is used but not described in Driver.Settings", key)
		}
	}
	conn := b.open(t, b.up.Settings)
	if _, ok := conn.(channels.Lookup); ok != d.Caps.Lookup {
		t.Errorf("Caps.Lookup is %t, but the Conn's Lookup is there: %t", d.Caps.Lookup, ok)
	}
}

func badSettings(t *testing.T, h Harness) {
	bad := slices.Clone(h.Bad)
	bad = append(bad, BadSetting{Key: "no_such_setting_at_all", Value: "red"})
	for _, s := range h.Driver.Settings {
		if s.Required {
			bad = append(bad, BadSetting{Key: s.Key})
		}
	}
	for _, c := range bad {
		t.Run(fmt.Sprintf("%s=%v", c.Key, c.Value), func(t *testing.T) {
			b := start(t, h)
			conn, err := b.up.Open(with(b.up.Settings, c.Key, c.Value), b.env)
			if err == nil {
				if closer, ok := conn.(io.Closer); ok {
					_ = closer.Close()
				}
				t.Fatalf("Open took it")
			}
			want := "settings." + c.Want
			if c.Want == "" {
				want = "settings." + c.Key
			}
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error does not name %s: %v", want, err)
			}
			b.showsNoSecret(t, "the error of Open", err.Error())
		})
	}
}

func opensOffline(t *testing.T, h Harness) {
	b := start(t, h)
	b.up.Play(Down)
	var mu sync.Mutex
	var went []string
	env := b.env
	env.Transport = tripper(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		went = append(went, r.URL.Host)
		mu.Unlock()
		return nil, errors.New("no network while opening")
	})
	env.Dial = func(_ context.Context, _, addr string) (net.Conn, error) {
		mu.Lock()
		went = append(went, addr)
		mu.Unlock()
		return nil, errors.New("no network while opening")
	}
	conn, err := b.up.Open(b.up.Settings, env)
	if err != nil {
		t.Fatalf("opening while the upstream is down: %v", err)
	}
	if c, ok := conn.(io.Closer); ok {
		_ = c.Close()
	}
	mu.Lock()
	defer mu.Unlock()
	if len(went) > 0 {
		t.Errorf("Open went to %v", went)
	}
}

func closedTwice(t *testing.T, h Harness) {
	b := start(t, h)
	conn := b.open(t, b.up.Settings)
	if _, v := b.send(t, conn, b.message(0)); v != nil {
		t.Fatal(v)
	}
	c, ok := conn.(io.Closer)
	if !ok {
		return
	}
	if err := c.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
	_ = c.Close()
	// A Conn may still serve after Close (HTTP has only idle connections to drop), but if not, it knows that nothing was written.
	if _, v := b.send(t, conn, b.message(1)); v != nil && v.Kind == channels.Ambiguous {
		t.Errorf("sending on a closed Conn: verdict is %v", v)
	}
}
