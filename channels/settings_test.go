package channels

import (
	"errors"
	"testing"
	"time"
)

func TestReader_ReadsWhatYAMLAndJSONGive(t *testing.T) {
	t.Parallel()
	r := Settings{"host": "a", "port": float64(25), "size": float64(36700160), "tls": true, "wait": "3s", "list": []any{"x", "y"}, "one": "z", "dkim": map[string]any{"domain": "d"}, "none": nil}.Read()
	if r.String("host", "") != "a" || r.Int("port", 0, 1, 65535) != 25 || r.Int("size", 0, 1, 1<<30) != 36700160 || !r.Bool("tls", false) || r.Duration("wait", 0) != 3*time.Second ||
		len(r.Strings("list")) != 2 || len(r.Strings("one")) != 1 || r.String("dkim.domain", "") != "d" || r.Has("none") || r.String("dkim.selector", "def") != "def" {
		t.Error("something was misread")
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
}

func TestReader_GathersEveryMistake(t *testing.T) {
	t.Parallel()
	r := Settings{"host": []any{"a"}, "port": "many", "tls": "perhaps", "wait": "-3s", "list": []any{1}, "mode": "x", "colour": 1, "dkim": map[string]any{"dommain": "d"}}.Read()
	r.String("host", "")
	r.Int("port", 0, 1, 65535)
	r.Bool("tls", false)
	r.Duration("wait", 0)
	r.Strings("list")
	r.OneOf("mode", "a", "a", "b")
	r.Required("user")
	r.String("dkim.domain", "")
	mistakes, ok := errors.AsType[Mistakes](r.Err())
	if !ok {
		t.Fatalf("the error is %v", r.Err())
	}
	got := map[string]bool{}
	for _, m := range mistakes {
		got[m.Path] = true
	}
	want := []string{"settings.host", "settings.port", "settings.tls", "settings.wait", "settings.list", "settings.mode", "settings.user", "settings.colour", "settings.dkim.dommain"}
	for _, path := range want {
		if !got[path] {
			t.Errorf("%s is not named in %v", path, mistakes)
		}
	}
	if len(mistakes) != len(want) {
		t.Errorf("%d mistakes, want %d: %v", len(mistakes), len(want), mistakes)
	}
}
