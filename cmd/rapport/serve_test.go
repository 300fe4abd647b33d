package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"rapport/config"
	"rapport/gateway"
)

// Whoever starts a server is told how to become its owner, whatever the role and the form of the logs, until somebody is.
func TestServe_TellsHowToBecomeTheOwner(t *testing.T) {
	t.Parallel()
	app, _ := start(t, false)
	app.Config.Demo = false
	told := func(role config.Role, format string) string {
		t.Helper()
		app.Config.Log.Format = format
		var out strings.Builder
		if err := (&cli{out: &out}).greet(t.Context(), app, role, false); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if text := told(config.RoleAPI, "text"); strings.Count(text, "/setup#token=") != 1 || strings.Contains(text, "rpt_live_") {
		t.Errorf("api: %q", text)
	}
	var line struct{ Msg, Setup string }
	var last string
	for _, role := range []config.Role{config.RoleAPI, config.RoleServe} {
		text := told(role, "json")
		if err := json.Unmarshal([]byte(text), &line); err != nil || strings.Count(text, "\n") != 1 || line.Msg == "" {
			t.Errorf("%s with logs in JSON: %q", role, text)
		}
		last = line.Setup
	}
	_, token, _ := strings.Cut(last, "/setup#token=")
	if _, err := app.Gateway.Agents.Setup(context.Background(), gateway.Visitor{Address: "192.0.2.1"}, gateway.SetupInput{Token: token, Name: "Anna", Email: "anna@shop.example", Password: "a quiet green meadow"}); err != nil {
		t.Fatal(err)
	}
	if text := told(config.RoleAPI, "text") + told(config.RoleServe, "json"); text != "" {
		t.Errorf("with an owner: %q", text)
	}
}
