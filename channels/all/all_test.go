package all

import (
	"testing"

	"rapport"
	"rapport/channels"
	"rapport/channels/sandbox"
)

func TestDrivers_HaveNamesOfTheirOwnAndServeEveryChannel(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	real := map[rapport.Channel]bool{}
	for _, d := range Drivers(sandbox.NewMemory()) {
		if d.Name == "" || names[d.Name] {
			t.Errorf("the name %q is empty or used twice", d.Name)
		}
		names[d.Name] = true
		for _, c := range d.Channels {
			real[c] = real[c] || d.Name != "sandbox"
		}
	}
	for _, c := range rapport.Channels {
		if !real[c] {
			t.Errorf("nothing but the sandbox serves %s", c)
		}
	}
	h := channels.NewHub(Drivers(sandbox.NewMemory()), channels.HubOptions{})
	if got := len(h.All()); got != len(rapport.Channels) {
		t.Errorf("%d implicit sandboxes, want one a channel", got)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}
