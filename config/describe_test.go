package config

import (
	"strings"
	"testing"
)

func TestDescribe_EveryFieldIsDocumented(t *testing.T) {
	t.Parallel()
	for _, f := range Describe() {
		if f.Help == "" || strings.HasSuffix(f.Path, ".") || strings.Contains(f.Path, "..") {
			t.Errorf("%+v lacks a key or a help text", f)
		}
		if f.Secret && f.Default != "" {
			t.Errorf("%s: a secret must not have a default", f.Path)
		}
	}
}

func TestMarkdown_IsOneRowASetting(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.TrimSpace(Markdown()), "\n")
	if len(lines) != len(Describe())+2 {
		t.Errorf("%d lines for %d settings", len(lines), len(Describe()))
	}
	for _, line := range lines {
		if strings.Count(line, "|")-strings.Count(line, `\|`) != 6 {
			t.Errorf("not five cells: %s", line)
		}
	}
	for _, want := range []string{
		"| `http.addr` | `RAPPORT_HTTP_ADDR` | text | `127.0.0.1:8080` | Address to listen on; :8080 listens on every interface. |",
		"| `delivery.group_size` | `RAPPORT_DELIVERY_GROUP_SIZE` | number, 1 to 256 | `256` | Outcomes recorded in one transaction at most. |",
		"| `providers[].priority` |  | number | `0` |",
	} {
		if !strings.Contains(Markdown(), want) {
			t.Errorf("missing: %s", want)
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Size{"0": 0, "1048576": 1 << 20, "24MiB": 24 << 20, "2 GiB": 2 << 30, "25MB": 25e6, "512B": 512, "1KB": 1000} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%s: got %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.5GiB", "9999999999GiB", "1TiB", "1 2"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q: got %d", text, got)
		}
	}
	for size, want := range map[Size]string{0: "0", 1 << 20: "1MiB", 1 << 30: "1GiB", 1500: "1500", 3 << 10: "3KiB"} {
		if got := size.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if back, err := ParseSize(size.String()); err != nil || back != size {
			t.Errorf("%s does not read back: %d, %v", size, back, err)
		}
	}
}
