package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	yamlparser "github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/v2"
)

// Options says where the settings come from.
type Options struct {
	File  string            // YAML; "" means none
	Env   []string          // NAME=value; nil means the process's own
	Flags map[string]string // by path, like "http.addr"
	Role  Role              // what the process will be; "" means RoleServe
}

// Load reads all layers (defaults < file < environment < flags), resolves env: and file:
// references in secret settings, and validates the result for the role. The error holds every
// mistake there is, each a [*Mistake].
//
// The settings of providers keep their references, so that they can be shown; a driver's settings
// are resolved by [ResolveSecret] when it is opened.
func Load(o Options) (*Config, error) {
	var file []byte
	if o.File != "" {
		var err error
		if file, err = readFile(o.File); err != nil {
			return nil, fmt.Errorf("reading configuration: %w", err)
		}
	}
	return load(o, file)
}

// maxFile keeps a mistaken path from filling the memory.
const maxFile = 1 << 20

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(content) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return content, err
}

func load(o Options, file []byte) (*Config, error) {
	environ := o.Env
	if environ == nil {
		environ = os.Environ()
	}
	fields := Describe()
	fromFile, err := parseFile(file)
	if err != nil {
		return nil, &Mistake{Path: o.File, Problem: err.Error(), Mend: "correct the YAML"}
	}
	fromEnv, envMistakes := parseEnv(environ, fields)
	layers := []source{
		{func(string) string { return o.File }, fromFile},
		{envName, fromEnv},
		{func(path string) string { return "flag " + path }, parseFlags(o.Flags)},
	}

	merged := koanf.New(".")
	for _, l := range layers {
		if err := merged.Load(l, nil); err != nil {
			return nil, fmt.Errorf("merging configuration: %w", err)
		}
	}

	c := Default()
	d := decoder{fields: fields, origin: originOf(layers), mistakes: envMistakes}
	d.structure("", merged.Raw(), c)
	c.resolveSecrets(environ, &d)
	unread := slices.Clone(d.mistakes)
	for _, m := range c.mistakes(o.Role, lookupIn(environ)) {
		if slices.ContainsFunc(unread, func(u *Mistake) bool { return u.Path == m.Path }) {
			continue // what could not be read is empty, which need not be said too
		}
		m.Source = d.origin(m.Path)
		d.mistakes = append(d.mistakes, m)
	}
	if len(d.mistakes) > 0 {
		return nil, join(d.mistakes)
	}
	return c, nil
}

// source is one layer: the settings it holds, and its name for one of them in a message.
type source struct {
	name     func(path string) string
	settings map[string]any
}

func (s source) Read() (map[string]any, error) { return s.settings, nil }
func (s source) ReadBytes() ([]byte, error)    { return nil, errors.ErrUnsupported }

// originOf names the layer that had the last word on a path.
func originOf(layers []source) func(path string) string {
	return func(path string) string {
		for i := len(layers) - 1; i >= 0; i-- {
			if has(layers[i].settings, strings.Split(path, ".")) {
				return layers[i].name(path)
			}
		}
		return ""
	}
}

func has(settings map[string]any, path []string) bool {
	key, _, _ := strings.Cut(path[0], "[")
	v, ok := settings[key]
	if !ok || len(path) == 1 {
		return ok
	}
	inner, isMap := v.(map[string]any)
	if !isMap {
		return true // a list, or a value where a section should stand
	}
	return has(inner, path[1:])
}

func parseFile(file []byte) (map[string]any, error) {
	if len(bytes.TrimSpace(file)) == 0 {
		return nil, nil
	}
	settings, err := yamlparser.Parser().Unmarshal(file)
	if err != nil {
		return nil, errors.New(withoutValues(err.Error()))
	}
	return settings, nil
}

// withoutValues takes out what YAML's errors quote from the file: it may be a secret.
func withoutValues(text string) string {
	text = quotedValue.ReplaceAllString(text, "a value")
	return unknownAnchor.ReplaceAllString(text, "unknown anchor (put quotes around a value that begins with *)")
}

var (
	quotedValue   = regexp.MustCompile("(?s)`.*`")
	unknownAnchor = regexp.MustCompile(`(?s)unknown anchor '.*' referenced`)
)

// parseEnv finds the RAPPORT_ variables. An empty one empties a text (RAPPORT_METRICS_ADDR= switches
// that door off) and leaves any other setting alone, where empty means nothing.
func parseEnv(environ []string, fields []Field) (map[string]any, []*Mistake) {
	byName := map[string]Field{}
	for _, f := range fields {
		if f.Env != "" {
			byName[f.Env] = f
		}
	}
	settings := map[string]any{}
	var mistakes []*Mistake
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || isForeign(name) {
			continue
		}
		f, ok := byName[name]
		switch {
		case !ok:
			mistakes = append(mistakes, &Mistake{Path: name, Problem: "is not a setting", Mend: suggest(name, keysOf(byName))})
		case value == "" && !f.mayBeEmpty:
		default:
			set(settings, f.Path, value)
		}
	}
	return settings, mistakes
}

// isForeign knows variables that begin like ours and are not settings of a server: those of the
// client commands and of our tests, and those that Kubernetes and Docker set for a service that
// is called rapport.
func isForeign(name string) bool {
	switch name {
	case "RAPPORT_URL", "RAPPORT_API_KEY", "RAPPORT_CONFIG", "RAPPORT_PORT", "RAPPORT_SERVICE_HOST":
		return true
	}
	for _, prefix := range []string{"RAPPORT_TEST_", "RAPPORT_PORT_", "RAPPORT_SERVICE_PORT"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func parseFlags(flags map[string]string) map[string]any {
	settings := map[string]any{}
	for path, value := range flags {
		set(settings, path, value)
	}
	return settings
}

func set(settings map[string]any, path string, value any) {
	section, rest, nested := strings.Cut(path, ".")
	if !nested {
		settings[path] = value
		return
	}
	inner, ok := settings[section].(map[string]any)
	if !ok {
		inner = map[string]any{}
		settings[section] = inner
	}
	set(inner, rest, value)
}

func lookupIn(environ []string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, entry := range environ {
			if n, v, ok := strings.Cut(entry, "="); ok && n == name {
				return v, true
			}
		}
		return "", false
	}
}

// resolveSecrets puts the text in the place of its reference.
func (c *Config) resolveSecrets(environ []string, d *decoder) {
	type secret struct {
		path string
		at   *Secret
	}
	all := []secret{{"database_url", &c.DatabaseURL}, {"redis_url", &c.RedisURL}, {"secret_key", &c.SecretKey}, {"assistant.key", &c.Assistant.Key}}
	for i := range c.CTI.Doors {
		all = append(all, secret{fmt.Sprintf("cti.doors[%d].token", i), &c.CTI.Doors[i].Token})
	}
	for _, s := range all {
		text, err := resolve(s.at.Reveal(), lookupIn(environ))
		if err != nil {
			d.mistake(s.path, "cannot be read: "+err.Error(), "set it, or correct the reference")
		}
		*s.at = Secret(strings.TrimSpace(text))
	}
}
