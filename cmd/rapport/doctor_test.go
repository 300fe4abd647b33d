package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"rapport/channels/email/emailtest"
	"rapport/internal/maildns"
)

func TestDoctor_OfflineBeforeTheFirstStart(t *testing.T) {
	t.Parallel()
	s := newShell(t, "RAPPORT_DEMO=true")
	out := s.must("doctor", "--offline")
	for _, want := range []string{"OK    configuration", "WARN  demo", "OK    database", "not made yet", "OK    redis", "left out (--offline)", "0 FAIL"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
}

func TestDoctor_SaysWhatToMendAndExitsWithOne(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.must("migrate")
	file := s.file("rapport.yaml", `
http: {addr: "nowhere"}
providers:
  - {name: mail, driver: email, channel: email, settings: {host: smtp.example.com}}
`)
	out, _, code := s.run("doctor", "--offline", "--config", file)
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"FAIL  secret_key", "openssl rand -base64 32", "FAIL  http.addr", "→ write host:port"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	// With a configuration that can be read, everything else is looked at too.
	file = s.file("rapport.yaml", "providers:\n  - {name: mail, driver: email, channel: email, settings: {host: smtp.example.com}}\n")
	out, _, code = s.run("doctor", "--offline", "--config", file)
	for _, want := range []string{"FAIL  secret_key", "FAIL  providers[0].settings.from", "docs/channels/email.md", "OK    schema", "for a durable write"} {
		if code != 1 || !strings.Contains(out, want) {
			t.Errorf("exit code %d; %q is missing in\n%s", code, want, out)
		}
	}
	if strings.Contains(out, "OK    configuration") {
		t.Errorf("the configuration is called valid in\n%s", out)
	}
}

func TestProviders_MistakesAreSaidAtOnceEachOnALineAndOnce(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	file := s.file("rapport.yaml", `
http: {addr: "127.0.0.1:0"}
providers:
  - {name: one, driver: email, channel: email, settings: {tls: sometimes, colour: red}}
  - {name: two, driver: pigeon, channel: sms}
  - {name: three, driver: twilio, channel: sms, settings: {account_sid: x, auth_token: "env:RAPPORT_TEST_NOWHERE"}}
`)
	want := []string{"secret_key", "providers[0].settings.tls", "providers[0].settings.colour", "providers[0].settings.host", "docs/channels/email.md",
		"providers[1].driver", "providers[2].settings.auth_token", "RAPPORT_TEST_NOWHERE is not set"}
	for _, args := range [][]string{{"serve", "--config", file}, {"doctor", "--offline", "--config", file}} {
		out, errs, code := s.run(args...)
		out += errs
		for _, w := range want {
			if code != 1 || !strings.Contains(out, w) {
				t.Errorf("%s: exit code %d; %q is missing in\n%s", args[0], code, w, out)
			}
		}
		for line := range strings.Lines(out) {
			if strings.Count(line, "providers[") > 1 {
				t.Errorf("%s: two mistakes share a line: %s", args[0], line)
			}
		}
		if strings.Count(out, "RAPPORT_TEST_NOWHERE is not set") != 1 || strings.Contains(out, "OK    configuration") || strings.Contains(out, "docs/channels/one.md") {
			t.Errorf("%s prints\n%s", args[0], out)
		}
	}
}

func TestDoctor_LogsInToTheRelay(t *testing.T) {
	t.Parallel()
	relay, err := emailtest.Start(emailtest.Options{TLS: "starttls", Username: "rapport", Password: "right"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(relay.Close)
	s := newShell(t, "RAPPORT_DEMO=true", "RAPPORT_PUBLIC_URL=http://127.0.0.1:1")
	ca := s.file("ca.pem", string(relay.CA()))
	for _, c := range []struct {
		name, change string
		want         []string
	}{
		{"right", "", []string{"OK    providers.mail", "logged in"}},
		{"wrong password", "password: wrong", []string{"FAIL  providers.mail", "check username and password"}},
		{"strange certificate", "tls_server_name: smtp.example.com", []string{"FAIL  providers.mail", "the certificate is not the one of settings.host"}},
		{"nobody there", "port: 1", []string{"FAIL  providers.mail", "check host, port and firewall"}},
	} {
		lines := map[string]string{"port": fmt.Sprint(relay.Port()), "password": "right", "host": relay.Host(), "tls": "starttls", "tls_ca_file": ca, "username": "rapport", "from": "a@localhost"}
		if key, value, ok := strings.Cut(c.change, ": "); ok {
			lines[key] = value
		}
		text := "providers:\n  - name: mail\n    driver: email\n    channel: email\n    settings:\n"
		for key, value := range lines {
			text += "      " + key + ": " + value + "\n"
		}
		out, _, _ := s.run("doctor", "--config", s.file("rapport.yaml", text))
		for _, want := range append(c.want, "/healthz does not answer") {
			if !strings.Contains(out, want) {
				t.Errorf("%s: %q is missing in\n%s", c.name, want, out)
			}
		}
	}
	if relay.Total() != 0 {
		t.Error("the doctor sent mail")
	}
}

// zone is a resolver with a few records.
type zone map[string][]string

func (z zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	if records := z[name]; len(records) == 1 && records[0] == "broken" {
		return nil, errors.New("server misbehaving")
	}
	return z[name], nil
}

func (z zone) LookupMX(_ context.Context, name string) (found []*net.MX, err error) {
	for _, host := range z["mx "+name] {
		found = append(found, &net.MX{Host: host, Pref: 10})
	}
	return found, nil
}

func TestDoctor_ReadsTheSendersRecords(t *testing.T) {
	t.Parallel()
	s := maildns.Sender{Provider: "mail", Domain: "news.shop.example", Envelope: "reply.shop.example", DKIMName: "r1._domainkey.shop.example"}
	good := zone{
		"reply.shop.example":         {"google-site-verification=x", "v=spf1 ip4:192.0.2.1 -all"},
		"r1._domainkey.shop.example": {"v=DKIM1; k=rsa; p=MIIB"},
		"_dmarc.shop.example":        {"v=DMARC1; p=none"}, // of the organisation, not of the sub-domain
		"mx reply.shop.example":      {"in.shop.example."},
	}
	with := func(name string, records ...string) zone {
		z := zone{}
		for k, v := range good {
			z[k] = v
		}
		z[name] = records
		return z
	}
	for _, c := range []struct {
		name   string
		zone   zone
		grades string // SPF DKIM DMARC MX
		says   string
	}{
		{"all there", good, "OK OK OK OK", "_dmarc.shop.example"},
		{"nothing there", zone{}, "FAIL FAIL FAIL FAIL", "v=DMARC1; p=none; rua="},
		{"two SPF records", with("reply.shop.example", "v=spf1 -all", "v=spf1 ~all"), "FAIL OK OK OK", "join them"},
		{"SPF for everybody", with("reply.shop.example", "v=spf1 +all"), "FAIL OK OK OK", "-all or ~all"},
		{"a revoked key", with("r1._domainkey.shop.example", "v=DKIM1; p="), "OK FAIL OK OK", "revoked"},
		{"no resolver", with("reply.shop.example", "broken"), "WARN OK OK OK", "resolver"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var grades, text []string
			for _, f := range examineSender(t.Context(), c.zone, s) {
				grades = append(grades, f.grade.String())
				text = append(text, f.found, f.mend)
			}
			if got := strings.Join(grades, " "); got != c.grades {
				t.Errorf("the grades are %s, want %s", got, c.grades)
			}
			if !strings.Contains(strings.Join(text, "\n"), c.says) {
				t.Errorf("%q is missing in\n%s", c.says, strings.Join(text, "\n"))
			}
		})
	}
}
