package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// redacted stands for a setting that may be secret. Sent back, it means the value that is stored.
const redacted = "[redacted]"

// ProviderInput is an account at a provider.
type ProviderInput struct {
	Driver   string            `json:"driver" doc:"email, twilio, telegram, webhook or sandbox."`
	Channel  rapport.Channel   `json:"channel" enum:"email,sms,whatsapp,telegram,webhook"`
	Priority int               `json:"priority,omitempty" doc:"Lower comes first where several serve a channel."`
	Rate     float64           `json:"rate,omitempty" minimum:"0" doc:"Messages a second over all processes; 0: no bound."`
	Settings channels.Settings `json:"settings,omitempty" doc:"Of the driver, see docs/channels. [redacted] keeps the value that is stored."`
}

// ProviderView is a provider as it may be shown.
type ProviderView struct {
	Name     string            `json:"name"`
	Driver   string            `json:"driver"`
	Channel  rapport.Channel   `json:"channel"`
	Priority int               `json:"priority"`
	Rate     float64           `json:"rate"`
	Settings channels.Settings `json:"settings" doc:"Secrets are [redacted], and so is what the driver does not know."`
	ReadOnly bool              `json:"read_only" doc:"From the configuration file, or built in."`
	Healthy  bool              `json:"healthy" doc:"false: it failed too often just now, and rests."`
	Status   ProviderStatus    `json:"status"`
}

// Providers lists every provider of this process by name.
func (g *Gateway) Providers(ctx context.Context) ([]ProviderView, error) {
	statuses, err := g.ProviderStatuses(ctx)
	if err != nil {
		return nil, err
	}
	var out []ProviderView
	for _, p := range g.Hub.All() {
		out = append(out, providerView(p, statuses))
	}
	return out, nil
}

// Provider finds one.
func (g *Gateway) Provider(ctx context.Context, name string) (ProviderView, error) {
	p, ok := g.Hub.Provider(name)
	if !ok {
		return ProviderView{}, rapport.NotFound("provider")
	}
	statuses, err := g.ProviderStatuses(ctx)
	return providerView(p, statuses), err
}

func providerView(p *channels.Provider, statuses map[string]ProviderStatus) ProviderView {
	e, status := p.Entry(), statuses[p.Entry().Name]
	return ProviderView{e.Name, e.Driver, e.Channel, e.Priority, e.Rate, shown("", e.Settings, p.Settings()), e.ReadOnly, status.Breaker != channels.BreakerOpen, status}
}

// shown hides secrets, and every text that the driver does not know: it may be one.
func shown(above string, s map[string]any, known []channels.Setting) map[string]any {
	harmless := func(key string) bool {
		return slices.ContainsFunc(known, func(x channels.Setting) bool { return x.Key == above+key && !x.Secret })
	}
	out := make(map[string]any, len(s))
	for k, v := range s {
		switch v := v.(type) {
		case map[string]any:
			out[k] = shown(above+k+".", v, known)
		case bool, int, int64, uint64, float64, nil:
			out[k] = v
		default:
			if out[k] = v; !harmless(k) && v != "" {
				out[k] = redacted
			}
		}
	}
	return out
}

// PutProvider opens a provider with new settings and keeps them, sealed. Providers of the configuration
// file are changed there. Other processes follow within some seconds.
func (g *Gateway) PutProvider(ctx context.Context, by Caller, name string, in ProviderInput) (ProviderView, error) {
	v := validation{}
	if len(name) > 64 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.Trim(name, "-") == "" {
		v.refuse("name", "must be up to 64 small letters, digits and dashes: it is part of the callback address")
	}
	refuseReferences(&v, "settings", in.Settings)
	if in.Rate < 0 {
		v.refuse("rate", "must not be below 0")
	}
	if len(v.errs) > 0 {
		return ProviderView{}, invalid(v.errs)
	}
	entries, err := g.storedEntries(ctx)
	if err != nil {
		return ProviderView{}, err
	}
	old := entries
	e := channels.Entry{Name: name, Driver: in.Driver, Channel: in.Channel, Priority: in.Priority, Rate: in.Rate, Settings: in.Settings}
	if i := slices.IndexFunc(entries, func(x channels.Entry) bool { return x.Name == name }); i >= 0 {
		e.Settings = unredacted(in.Settings, entries[i].Settings)
		entries = slices.Concat(entries[:i], entries[i+1:])
	} else if p, ok := g.Hub.Provider(name); ok && p.Entry().ReadOnly {
		return ProviderView{}, rapport.Errorf(rapport.CodeConflict, "Provider %q comes from the configuration file; change it there.", name)
	}
	if err := g.configure(slices.Concat(entries, []channels.Entry{e}), name); err != nil {
		return ProviderView{}, err
	}
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		sealed, err := g.sealSettings(name, e.Settings)
		if err != nil {
			return err
		}
		if err := s.PutProvider(ctx, store.StoredProvider{Name: name, Driver: e.Driver, Channel: e.Channel, Priority: e.Priority, Rate: e.Rate, Settings: sealed}); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "provider.changed", Subject: name, Detail: detail("driver", e.Driver)})
	})
	if err != nil {
		return ProviderView{}, errors.Join(err, g.configure(old, name))
	}
	return g.Provider(ctx, name)
}

// DeleteProvider closes a provider after the sends that it is at.
func (g *Gateway) DeleteProvider(ctx context.Context, by Caller, name string) error {
	if p, ok := g.Hub.Provider(name); ok && p.Entry().ReadOnly {
		return rapport.Errorf(rapport.CodeConflict, "Provider %q comes from the configuration file, or is built in.", name)
	}
	err := g.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.DeleteProvider(ctx, name); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "provider.deleted", Subject: name})
	})
	if err != nil {
		return err
	}
	return g.LoadProviders(ctx)
}

// LoadProviders opens what is stored beside what the configuration file has. A stored provider that does
// not open any more (a key was lost, a driver has changed) is an error that names it.
func (g *Gateway) LoadProviders(ctx context.Context) error {
	entries, err := g.storedEntries(ctx)
	if err != nil {
		return err
	}
	return g.configure(entries, "")
}

// followProviders takes over what other processes have changed, until ctx ends.
func (g *Gateway) followProviders(ctx context.Context) {
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	last := ""
	for {
		rows, err := g.Store.Providers(ctx)
		now := ""
		for _, r := range rows {
			now += fmt.Sprintf("%s %d\n", r.Name, r.Version)
		}
		if err == nil && now != last {
			err = g.LoadProviders(ctx)
			last = now // also after a failure: it is said once
		}
		if err != nil && ctx.Err() == nil {
			g.Log.Error("providers could not be loaded", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// configure makes stored the providers beside those of the file. Mistakes about name lose their prefix.
func (g *Gateway) configure(stored []channels.Entry, name string) error {
	err := g.Hub.Configure(slices.Concat(g.FileProviders, stored))
	mistakes, ok := errors.AsType[channels.Mistakes](err)
	if !ok || name == "" {
		return err
	}
	for i := range mistakes {
		mistakes[i].Path = strings.TrimPrefix(mistakes[i].Path, "providers."+name+".")
	}
	return invalid(mistakes)
}

func (g *Gateway) storedEntries(ctx context.Context) ([]channels.Entry, error) {
	rows, err := g.Store.Providers(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]channels.Entry, len(rows))
	for i, r := range rows {
		settings, err := g.openSettings(r.Name, r.Settings)
		if err != nil {
			return nil, fmt.Errorf("opening provider %q: %w", r.Name, err)
		}
		out[i] = channels.Entry{Name: r.Name, Driver: r.Driver, Channel: r.Channel, Priority: r.Priority, Rate: r.Rate, Settings: settings}
	}
	return out, nil
}

// refuseReferences keeps env: and file: to the configuration file: a key that may write providers must not
// read the server's environment by sending it to a base URL of its own.
func refuseReferences(v *validation, path string, s map[string]any) {
	for k, x := range s {
		switch x := x.(type) {
		case map[string]any:
			refuseReferences(v, path+"."+k, x)
		case string:
			if strings.HasPrefix(x, "env:") || strings.HasPrefix(x, "file:") {
				v.refuse(path+"."+k, "env: and file: are for the configuration file; give the value itself, it is stored sealed")
			}
		}
	}
}

// unredacted puts stored values where the caller sent back what was shown.
func unredacted(in, stored map[string]any) map[string]any {
	out := make(map[string]any, len(in))
	for k, v := range in {
		switch v := v.(type) {
		case map[string]any:
			before, _ := stored[k].(map[string]any)
			out[k] = unredacted(v, before)
		default:
			if out[k] = v; v == redacted && stored[k] != nil {
				out[k] = stored[k]
			}
		}
	}
	return out
}

// sealSettings keeps a provider's settings for this provider alone.
func (g *Gateway) sealSettings(name string, s channels.Settings) (string, error) {
	plain, err := json.Marshal(map[string]any(s))
	if err != nil {
		return "", fmt.Errorf("sealing settings: %w", err)
	}
	return seal(g.set.Seals, name, plain)
}

func (g *Gateway) openSettings(name, sealed string) (channels.Settings, error) {
	plain, err := unseal(g.set.Seals, name, sealed)
	if err != nil {
		return nil, fmt.Errorf("opening settings: %w", err)
	}
	s := channels.Settings{}
	return s, json.Unmarshal(plain, &s)
}
