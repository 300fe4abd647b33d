package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rapport"
	"rapport/channels"
	"rapport/channels/all"
	"rapport/config"
	"rapport/gateway"
)

// settings gives cmd --config and flags for settings, and returns what loads them. paths limits the flags;
// none means every setting. Secrets have no flag: whoever lists processes could read them.
func (c *cli) settings(cmd *cobra.Command, paths ...string) func(config.Role) (*config.Config, error) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-")) // --data_dir as in the file, --data-dir as people guess
	})
	file := flags.String("config", c.lookup("RAPPORT_CONFIG"), "YAML file with settings (or RAPPORT_CONFIG)")
	wanted := map[string]bool{}
	for _, p := range paths {
		wanted[p] = true
	}
	byFlag := map[string]string{}
	for _, f := range config.Describe() {
		if f.Secret || f.Env == "" || f.Path == "providers" || f.Path == "cti.doors" || len(paths) > 0 && !wanted[f.Path] {
			continue
		}
		flags.Var(&setting{kind: strings.ReplaceAll(f.Type, "yes or no", "bool"), fallback: f.Default}, f.Path, f.Help)
		flag := flags.Lookup(f.Path)
		if f.Type == "yes or no" {
			flag.NoOptDefVal = "true"
		}
		byFlag[flag.Name] = f.Path
	}
	return func(role config.Role) (*config.Config, error) {
		given := map[string]string{}
		flags.Visit(func(f *pflag.Flag) {
			if path, ok := byFlag[f.Name]; ok {
				given[path] = f.Value.(*setting).text
			}
		})
		o := config.Options{File: *file, Env: c.env, Flags: given, Role: role}
		cfg, err := config.Load(o)
		if role != config.RoleTool {
			err = withProviders(o, cfg, err)
		}
		if err != nil {
			return nil, plainly(err)
		}
		return cfg, nil
	}
}

// setting is the text of a flag; the configuration reads it, with the same rules as all other layers.
type setting struct{ text, kind, fallback string }

func (s *setting) Set(text string) error { s.text = text; return nil }
func (s *setting) String() string        { return s.fallback }
func (s *setting) Type() string          { return s.kind }

// withProviders adds to err, the mistakes of a configuration, what the drivers say about their settings, so
// that all of them are seen at once. cfg is nil where there are mistakes; then it is read again as far as
// drivers need it.
func withProviders(o config.Options, cfg *config.Config, err error) error {
	if cfg == nil {
		o.Role = config.RoleTool
		var unread error
		if cfg, unread = config.Load(o); unread != nil {
			return err
		}
	}
	said := mistakes(err)
	joined := []error{err}
	for _, m := range providerMistakes(cfg) {
		known := slices.ContainsFunc(said, func(s *config.Mistake) bool { return s.Path == m.Path || strings.HasPrefix(s.Path, m.Path+"[") })
		if !known {
			m.Source = o.File
			said, joined = append(said, m), append(joined, m)
		}
	}
	return errors.Join(joined...)
}

// providerMistakes opens each provider by itself, so that a mistake in one hides none in another. No network
// is touched.
func providerMistakes(cfg *config.Config) []*config.Mistake {
	hub := bareHub(cfg)
	defer hub.Close()
	var out []*config.Mistake
	for i, e := range entriesOf(cfg) {
		found, ok := errors.AsType[channels.Mistakes](hub.Configure([]channels.Entry{e}))
		if !ok {
			continue // Configure has no other error
		}
		manual := "docs/channels"
		if d := e.Driver; slices.ContainsFunc(all.Drivers(gateway.NewBox(nil)), func(have channels.Driver) bool { return have.Name == d }) {
			manual += "/" + d + ".md"
		}
		for _, f := range found {
			path := fmt.Sprintf("providers[%d].%s", i, strings.TrimPrefix(f.Path, "providers."+e.Name+"."))
			out = append(out, &config.Mistake{Path: path, Problem: f.Message, Mend: "see " + manual})
		}
	}
	return out
}

// bareHub knows the drivers and has no providers.
func bareHub(cfg *config.Config) *channels.Hub {
	return channels.NewHub(all.Drivers(gateway.NewBox(nil)), channels.HubOptions{Log: newLog(io.Discard, cfg.Log), PublicURL: cfg.PublicBase(), ResolveSecret: config.ResolveSecret,
		ReplyToken: func(rapport.ID) string { return "" }, Demo: cfg.Demo})
}

func entriesOf(cfg *config.Config) []channels.Entry {
	var out []channels.Entry
	for _, p := range cfg.Providers {
		out = append(out, channels.Entry{Name: p.Name, Driver: p.Driver, Channel: rapport.Channel(p.Channel), Priority: p.Priority, Rate: p.Rate,
			Settings: channels.Settings(p.Settings), Window: cfg.Delivery.Window, ReadOnly: true})
	}
	return out
}

// plainly puts a line over the mistakes of a configuration.
func plainly(err error) error {
	switch n := len(mistakes(err)); n {
	case 0:
		return err
	case 1:
		return fmt.Errorf("the configuration has a mistake:\n%w", err)
	default:
		return fmt.Errorf("the configuration has %d mistakes:\n%w", n, err)
	}
}

// mistakes are all of them that err holds.
func mistakes(err error) []*config.Mistake {
	switch e := err.(type) { //nolint:errorlint // it takes the tree apart itself
	case *config.Mistake:
		return []*config.Mistake{e}
	case interface{ Unwrap() []error }:
		var all []*config.Mistake
		for _, one := range e.Unwrap() {
			all = append(all, mistakes(one)...)
		}
		return all
	case interface{ Unwrap() error }:
		return mistakes(e.Unwrap())
	}
	return nil
}
