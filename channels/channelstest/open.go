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

// keepsItsWord holds Driver.Settings, which forms are drawn from, against what Open takes: a value of another kind is
// refused by its name, and each choice and each default is taken.
func keepsItsWord(t *testing.T, h Harness) {
	b := start(t, h)
	complaint := func(key string, value any) string {
		conn, err := b.up.Open(with(b.up.Settings, key, value), b.env)
		if closer, ok := conn.(io.Closer); ok && err == nil {
			_ = closer.Close()
		}
		if err == nil {
			return ""
		}
		for line := range strings.Lines(err.Error()) {
			if text, ok := strings.CutPrefix(line, "settings."+key+": "); ok {
				return text
			}
		}
		return ""
	}
	seen := map[string]bool{}
	for _, s := range h.Driver.Settings {
		if seen[s.Key] {
			t.Errorf("%s is described twice", s.Key)
		}
		seen[s.Key] = true
		if text := complaint(s.Key, ""); text == "is not a setting of this driver" {
			t.Errorf("%s is described, and Open does not know it", s.Key)
		}
		for _, good := range append(slices.Clone(s.Choices), s.Default) {
			if text := complaint(s.Key, good); good != "" && strings.HasPrefix(text, "must be") {
				t.Errorf("%s: Open does not take %q: %s", s.Key, good, text)
			}
		}
		switch s.Kind {
		case channels.KindNumber, channels.KindBool, channels.KindDuration:
			if complaint(s.Key, "soon") == "" {
				t.Errorf("%s is described as a %s, and Open takes the word soon", s.Key, s.Kind)
			}
		case channels.KindList:
			if complaint(s.Key, map[string]any{"a": "b"}) == "" {
				t.Errorf("%s is described as a list, and Open takes an object", s.Key)
			}
		case channels.KindChoice:
			if want := "must be one of " + strings.Join(s.Choices, ", ") + ", not"; !strings.HasPrefix(complaint(s.Key, "soon"), want) {
				t.Errorf("%s: Open says %q, want %q", s.Key, complaint(s.Key, "soon"), want)
			}
		case "", channels.KindText:
			if len(s.Choices) > 0 {
				t.Errorf("%s is text and has choices", s.Key)
			}
			if text := complaint(s.Key, "soon"); strings.HasPrefix(text, "must be one of") || strings.HasPrefix(text, "must be true") || strings.HasPrefix(text, "must be a whole number") || strings.HasPrefix(text, "must be a duration") {
				t.Errorf("%s is described as text, and Open says it %s", s.Key, text)
			}
		default:
			t.Errorf("%s has the unknown kind %q", s.Key, s.Kind)
		}
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
