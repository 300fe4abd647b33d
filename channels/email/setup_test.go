package email

import (
	"os"
	"path/filepath"
	"testing"

	"rapport/channels"
	"rapport/channels/email/emailtest"
)

func TestSetup_ProvesNameCertificateAndPassword(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		server emailtest.Options
		change channels.Settings
		want   channels.Kind // "": all is right
	}{
		{"in clear text", emailtest.Options{}, nil, ""},
		{"with STARTTLS and login", emailtest.Options{TLS: "starttls", Username: "rapport", Password: "secret"}, channels.Settings{"tls": "starttls", "username": "rapport", "password": "secret"}, ""},
		{"wrong password", emailtest.Options{TLS: "starttls", Username: "rapport", Password: "secret"}, channels.Settings{"tls": "starttls", "username": "rapport", "password": "guess"}, channels.Misconfigured},
		{"no TLS there", emailtest.Options{}, channels.Settings{"tls": "starttls"}, channels.Misconfigured},
		{"nobody there", emailtest.Options{}, channels.Settings{"port": 1}, channels.Temporary},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sink := start(t, c.server)
			s := settings(sink)
			if c.server.TLS != "" {
				ca := filepath.Join(t.TempDir(), "ca.pem")
				if err := os.WriteFile(ca, sink.CA(), 0o600); err != nil {
					t.Fatal(err)
				}
				s["tls_ca_file"] = ca
			}
			for k, v := range c.change {
				s[k] = v
			}
			err := openConn(t, s).Setup(t.Context())
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if _, open := sink.Connections(); open != 1 {
					t.Errorf("%d connections are kept for the first message", open)
				}
				return
			}
			if err == nil || channels.VerdictOf(err).Kind != c.want {
				t.Errorf("the error is %v, want %s", err, c.want)
			}
			if sink.Total() != 0 {
				t.Error("a message was sent")
			}
		})
	}
}
