package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// setup is one way in which campaigns to everyone in the database go out. Each is measured on an installation of its
// own that knows nobody but its N customers.
type setup struct {
	kind       string // the rows' name in the report
	channels   []string
	sink       SinkOptions
	mail       map[string]any // laid over the settings of the email provider
	attachment int            // bytes of a file that each mail carries
}

// Kinds of the rows that setups make.
const (
	kindStored     = "stored"
	kindDKIM       = "DKIM, RSA 2048"
	kindTLS        = "TLS"
	kindAttachment = "attachment of 20 KB"
	kindSlow       = "sink 20 ms, 400 conns"
)

// setups are the four channels as they are, and email with what makes it dearer.
func (b *session) setups() ([]setup, error) {
	all := []setup{{kind: kindStored, channels: b.channels()}}
	if !slices.Contains(b.o.Only, "email") || b.o.Quick {
		return all, nil
	}
	key, err := rsaKey(filepath.Join(b.dir, "dkim.pem"))
	if err != nil {
		return nil, err
	}
	served, authority, err := certificate(filepath.Join(b.dir, "authority.pem"))
	if err != nil {
		return nil, err
	}
	email := []string{"email"}
	return append(all,
		setup{kind: kindDKIM, channels: email, mail: map[string]any{"dkim": map[string]any{"domain": "shop.example", "selector": "bench", "key_file": key}}},
		setup{kind: kindTLS, channels: email, sink: SinkOptions{TLS: served}, mail: map[string]any{"tls": "implicit", "tls_ca_file": authority}},
		setup{kind: kindAttachment, channels: email, attachment: 20 << 10},
		setup{kind: kindSlow, channels: email, sink: SinkOptions{Latency: 20 * time.Millisecond}, mail: map[string]any{"connections": 400}},
	), nil
}

// stored measures one setup on one layout: for each of its channels a campaign to everyone. With profile, each
// channel's stages besides.
func (b *session) stored(s setup, layout string, round int, profile bool) (err error) {
	dir, err := os.MkdirTemp(b.dir, "stored-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	sinks := map[string]*Sink{}
	for _, c := range s.channels {
		if sinks[c], err = openSink(c, s.sink); err != nil {
			return err
		}
		defer sinks[c].Close()
	}
	settings, err := b.settings(sinks, s.mail)
	if err != nil {
		return err
	}
	l, err := openLayout(layout, b.bin, dir, settings)
	if l != nil {
		defer func() { err = errors.Join(err, l.Close()) }()
	}
	if err != nil {
		return err
	}
	if err := b.seed(l, sinks, s); err != nil {
		return fmt.Errorf("seeding: %w", err)
	}
	for _, c := range s.channels {
		if err := b.at("round %d: %s to everyone, %s, %s", round+1, c, layout, s.kind); err != nil {
			return err
		}
		spec := campaignSpec(c)
		spec["template"], spec["audience"] = "stored-"+c, map[string]any{"everyone": true}
		what := launch{n: b.o.N}
		if what.spec, err = json.Marshal(spec); err != nil {
			return err
		}
		r, err := run(l, sinks[c], what, false)
		if err != nil {
			return err
		}
		b.report.run(c, l, s.kind, r)
		if profile {
			found, err := stagesOf(l, b.o.Profiles, c, 3*time.Second, func() error { _, err := run(l, sinks[c], what, false); return err })
			if err != nil {
				return err
			}
			b.report.Stages = append(b.report.Stages, StageRow{Channel: c, Layout: l.Name, Title: l.Title, Shares: found})
		}
	}
	for _, c := range l.in.Complaints() {
		b.report.note("%s, %s logged: %s", l.Title, s.kind, c)
	}
	return nil
}

// seed imports the N customers and saves the templates that read their attributes.
func (b *session) seed(l *Layout, sinks map[string]*Sink, s setup) error {
	webhook := ""
	if sink := sinks["webhook"]; sink != nil {
		webhook = sink.URL()
	}
	people := make([]map[string]any, b.o.N)
	for i := range people {
		people[i] = person{i: i, webhook: webhook}.stored(s.channels)
	}
	rows, err := ndjson(people)
	if err != nil {
		return err
	}
	var job struct {
		ID, Status     string
		Done, Rejected int
	}
	if err := l.in.Call("POST", "/v1/customers/import", rows, &job); err != nil {
		return err
	}
	err = Wait(5*time.Minute, "the customers are imported", func() (bool, error) {
		err := l.in.Call("GET", "/v1/jobs/"+job.ID, nil, &job)
		return job.Status == "finished" || job.Status == "failed", err
	})
	if err != nil {
		return err
	}
	if job.Done != b.o.N {
		return fmt.Errorf("of %d customers %d were taken and %d refused: %s", b.o.N, job.Done, job.Rejected, job.Status)
	}
	var file struct{ ID string }
	if s.attachment > 0 {
		if err := l.in.Call("POST", "/v1/files?name=offer.bin", bytes.Repeat([]byte("All there is to know. "), s.attachment/22), &file); err != nil {
			return err
		}
	}
	for _, c := range s.channels {
		t, err := storedTemplate(c, file.ID)
		if err == nil {
			err = l.in.Call("PUT", "/v1/templates/stored-"+c, t, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// rsaKey writes a signing key.
func rsaKey(path string) (string, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	return path, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

// certificate makes one for 127.0.0.1 that vouches for itself, and writes it to path for who shall trust it.
func certificate(path string) (*tls.Config, string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, "", err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, "", err
	}
	served := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return &tls.Config{Certificates: []tls.Certificate{served}, MinVersion: tls.VersionTLS12}, path,
		os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}
