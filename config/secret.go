package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

const redacted = "[redacted]"

// Secret is a text that prints as [redacted] in fmt (every verb), slog, JSON and YAML; an empty one
// prints as empty, so that a log shows what is not set. Keep it in exported fields, because
// fmt cannot call methods on others, and never as the key of a map.
type Secret string

// Reveal is the one way to the text.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

func (s Secret) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, s.String()) }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(s.String()) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
func (s Secret) MarshalYAML() (any, error)    { return s.String(), nil }

// Settings are a driver's settings. Only the driver knows which of them are secret, so all print
// as [redacted], except numbers, truth values and references (env:NAME, file:PATH).
type Settings map[string]any

func (s Settings) shown() map[string]any { return shown(map[string]any(s)).(map[string]any) }

func (s Settings) Format(f fmt.State, _ rune)   { _, _ = fmt.Fprintf(f, "%v", s.shown()) }
func (s Settings) LogValue() slog.Value         { return slog.AnyValue(s.shown()) }
func (s Settings) MarshalJSON() ([]byte, error) { return json.Marshal(s.shown()) }
func (s Settings) MarshalYAML() (any, error)    { return s.shown(), nil }

func shown(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = shown(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = shown(e)
		}
		return out
	case string:
		if v == "" || isReference(v) {
			return v
		}
		return redacted
	case bool, int, int64, uint64, float64, nil:
		return v
	}
	return redacted
}

// ResolveSecret returns what a setting stands for: env:NAME the environment variable, file:PATH
// the file's content without white space at its end, anything else itself. A variable that is
// not set and an empty file are errors: a secret that is quietly empty opens a door.
func ResolveSecret(setting string) (string, error) { return resolve(setting, os.LookupEnv) }

// maxSecretFile keeps a mistaken path (a device, a log) from filling the memory.
const maxSecretFile = 64 << 10

func isReference(s string) bool {
	return strings.HasPrefix(s, "env:") || strings.HasPrefix(s, "file:")
}

func resolve(setting string, lookup func(string) (string, bool)) (string, error) {
	if name, ok := strings.CutPrefix(setting, "env:"); ok {
		if value, _ := lookup(name); value != "" {
			return value, nil
		}
		return "", fmt.Errorf("the environment variable %s is not set", name)
	}
	path, ok := strings.CutPrefix(setting, "file:")
	if !ok {
		return setting, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", err
	}
	if len(content) > maxSecretFile {
		return "", fmt.Errorf("%s is larger than %d bytes", path, maxSecretFile)
	}
	value := strings.TrimRight(string(content), " \t\r\n")
	if value == "" {
		return "", errors.New(path + " is empty")
	}
	return value, nil
}
