package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rapport/config"
	"rapport/internal/maildns"
)

// absent tells whether the SQLite database is still to be made, and whether it could be.
func absent(dir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, "rapport.db"))
	if err == nil {
		return false, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	// The nearest directory that exists must let us in.
	for at, _ := filepath.Abs(dir); ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err == nil && !info.IsDir() {
			return false, fmt.Errorf("%s is not a directory", at)
		}
		if err == nil {
			probe, err := os.CreateTemp(at, ".rapport-doctor-*")
			if err != nil {
				return false, err
			}
			return true, errors.Join(probe.Close(), os.Remove(probe.Name()))
		}
		if at == filepath.Dir(at) {
			return false, err
		}
	}
}

// examinePublicURL visits the server as its customers and providers will.
func examinePublicURL(ctx context.Context, cfg *config.Config) []finding {
	if cfg.PublicURL == "" {
		return []finding{{doubtful, "public_url", "is empty: links and callbacks say " + cfg.PublicBase(), "set it to the https address under which the world reaches this server; without it nobody can unsubscribe by a link"}}
	}
	var out []finding
	if !strings.HasPrefix(cfg.PublicURL, "https://") {
		out = append(out, finding{doubtful, "public_url", "is plain http", "put a reverse proxy with TLS before the server: mail programs show one-click unsubscribe for https only"})
	}
	limited, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err := alive(limited, cfg.PublicBase()+"/healthz")
	if err == nil {
		return append(out, finding{fine, "public_url", cfg.PublicBase() + " answers", ""})
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return append(out, finding{doubtful, "public_url", "/healthz does not answer: " + err.Error(), "start the server, then see DNS, certificate and the reverse proxy; from inside a network it may be right all the same"})
}

// examineSender reads what receivers will read about a sender.
func examineSender(ctx context.Context, dns maildns.Resolver, s maildns.Sender) []finding {
	var out []finding
	for _, f := range maildns.Check(ctx, dns, maildns.Records(s)) {
		about := strings.ToUpper(string(f.Purpose)) + " of " + s.Provider
		switch f.Status {
		case maildns.OK:
			at := f.Name
			if f.At != "" {
				at = f.At
			}
			out = append(out, finding{fine, about, at + ": " + strings.Join(f.Found, ", "), ""})
		case maildns.Unknown:
			out = append(out, finding{doubtful, about, f.Says, f.Mend + "; look with dig " + f.Type + " " + f.Name})
		default:
			out = append(out, finding{wrong, about, f.Says, f.Mend})
		}
	}
	if s.DKIMName == "" {
		out = append(out, finding{doubtful, "DKIM of " + s.Provider, "Rapport does not sign; the relay must", "set settings.dkim, or see that the relay signs as " + s.Domain + " and covers List-Unsubscribe"})
	}
	return out
}
