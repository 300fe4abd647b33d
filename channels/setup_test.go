package channels_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"rapport"
	"rapport/channels"
	"rapport/channels/sandbox"
)

type settingUp struct{ do func() error }

func (settingUp) Send(context.Context, *channels.Outgoing) (string, error) { return "", nil }
func (s settingUp) Setup(context.Context) error                            { return s.do() }

func TestSetup_IsOfferedWhereThereIsOneAndGuarded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		do   func() error
		kind channels.Kind // "": no error
	}{
		{"right", func() error { return nil }, ""},
		{"wrong", func() error {
			return &channels.Verdict{Kind: channels.Misconfigured, Reason: "login", Err: errors.New("hunter2-token is not it")}
		}, channels.Misconfigured},
		{"panic", func() error { panic("hunter2-token") }, channels.Ambiguous},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := channels.Driver{Name: "fake", Channels: []rapport.Channel{rapport.SMS}, Settings: []channels.Setting{{Key: "token", Secret: true}},
				Open: func(channels.Settings, channels.Env) (channels.Conn, error) { return settingUp{c.do}, nil }}
			h := channels.NewHub([]channels.Driver{d, sandbox.Driver(sandbox.NewMemory())}, channels.HubOptions{Log: slog.New(slog.DiscardHandler)})
			t.Cleanup(func() { h.Close() })
			if err := h.Configure([]channels.Entry{{Name: "a", Driver: "fake", Channel: rapport.SMS, Settings: channels.Settings{"token": "hunter2-token"}}}); err != nil {
				t.Fatal(err)
			}
			if p, _ := h.Provider("sandbox-sms"); p == nil {
				t.Fatal("there is no sandbox")
			} else if _, ok := p.Setup(); ok {
				t.Error("the sandbox has something to set up")
			}
			p, _ := h.Provider("a")
			s, ok := p.Setup()
			if !ok {
				t.Fatal("no Setup is offered")
			}
			err := s.Setup(t.Context())
			if (err == nil) != (c.kind == "") {
				t.Fatalf("the error is %v", err)
			}
			if err != nil && (channels.VerdictOf(err).Kind != c.kind || strings.Contains(err.Error(), "hunter2")) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
