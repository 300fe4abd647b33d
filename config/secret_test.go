package config

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestSecrets_NeverPrint(t *testing.T) {
	t.Parallel()
	c := Default()
	c.SecretKey, c.DatabaseURL, c.RedisURL = "hunter2", "postgres://u:hunter2@h/d", "redis://:hunter2@h"
	c.Providers = []Provider{{Name: "mail", Driver: "email", Settings: Settings{
		"password": "hunter2", "nested": map[string]any{"list": []any{"hunter2", []string{"hunter2"}}}, "port": 587, "token": "env:TOKEN",
	}}}

	printed := map[string]string{}
	for _, value := range []any{c, *c, c.SecretKey, &c.SecretKey, c.Providers, c.Providers[0], c.Providers[0].Settings, []Secret{"hunter2"}, map[string]Secret{"a": "hunter2"}, c.Redacted(), c.SecretKeys()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10.3s", "%T %v"} {
			printed[fmt.Sprintf("fmt %s of %T", verb, value)] = strings.Replace(fmt.Sprintf(verb, value, value), "%!(EXTRA", "", 1)
		}
		asJSON, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		printed[fmt.Sprintf("JSON of %T", value)] = string(asJSON)
		asYAML, err := yaml.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		printed[fmt.Sprintf("YAML of %T", value)] = string(asYAML)
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "value", value)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "value", value)
		printed[fmt.Sprintf("slog of %T", value)] = log.String()
	}
	for how, text := range printed {
		if strings.Contains(text, "hunter2") || strings.Contains(strings.ToLower(text), hex.EncodeToString([]byte("hunter2"))) {
			t.Errorf("%s shows it: %s", how, text)
		}
	}
	shown := fmt.Sprint(c.Redacted())
	for _, want := range []string{"587", "env:TOKEN", "[redacted]", "127.0.0.1:8080", "24h0m0s"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%s is not shown in %s", want, shown)
		}
	}
	if c.SecretKey.Reveal() != "hunter2" || Secret("").String() != "" {
		t.Error("Reveal and the empty secret")
	}
}

func TestSecretKey_RefusesWhatCouldBeGuessed(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"":                                 "is empty",
		" , ":                              "is empty",
		"short":                            "too weak",
		"changeme":                         "sample",
		strings.Repeat("x", 64):            "sample",
		strings.Repeat("Kq7", 30):          "repeats itself after 3",
		"0123456789abcdef0123456789abcdef": "sample",
		"my-very-long-secret-key-that-nobody-will-guess-1":  "sample",
		"9f86d081884c7d659a2feaa0c55ad015":                  "about 128 bits of 256",
		strings.Repeat("ab", 10) + strings.Repeat("ba", 12): "too weak",
		strongKey + ",short":                                "key 2 of 2 is too weak",
	} {
		_, err := Load(Options{Env: []string{"RAPPORT_SECRET_KEY=" + key}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "openssl rand -base64 32") {
			t.Errorf("%q: got %v, want %q", key, err, want)
		}
		if err != nil && len(key) > 8 && strings.Contains(err.Error(), key) {
			t.Errorf("%q shows in the error", key)
		}
	}
}

func TestSecretKey_TakesRandomKeysInEveryUsualForm(t *testing.T) {
	t.Parallel()
	source := rand.NewChaCha8([32]byte{1}) // the same keys in every run
	for range 2000 {
		raw := make([]byte, 32)
		_, _ = source.Read(raw)
		for _, key := range []string{
			hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)),
			base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw),
		} {
			if problem := weakness(key); problem != "" {
				t.Errorf("%s %s", key, problem)
			}
		}
	}
	c, err := Load(Options{Env: []string{"RAPPORT_SECRET_KEY=" + strongKey + ", " + strings.ToLower(strongKey)}})
	if err != nil {
		t.Fatal(err)
	}
	if keys := c.SecretKeys(); len(keys) != 2 || keys[0].Reveal() != strongKey {
		t.Errorf("%d keys", len(keys))
	}
}
