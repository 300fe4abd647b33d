package channels

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rapport"
)

// Settings are a provider entry's settings as read from YAML or JSON: nested maps, lists, scalars.
// Secrets ("env:NAME", "file:PATH") have been resolved before Open sees them.
type Settings map[string]any

// Reader reads Settings key by key and gathers every mistake, so that a person mends them all at once.
type Reader struct {
	s    Settings
	used map[string]bool
	errs Mistakes
}

// Mistakes is every fault of some settings, each with its dotted path ("settings.dkim.domain").
type Mistakes []rapport.FieldError

func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, f := range m {
		lines[i] = f.Path + ": " + f.Message
	}
	return strings.Join(lines, "\n")
}

// Read starts reading s.
func (s Settings) Read() *Reader { return &Reader{s: s, used: map[string]bool{}} }

func (r *Reader) find(key string) (any, bool) {
	r.used[key] = true
	var at any = map[string]any(r.s)
	for _, k := range strings.Split(key, ".") {
		m, ok := at.(map[string]any)
		if !ok {
			return nil, false
		}
		if at, ok = m[k]; !ok {
			return nil, false
		}
	}
	return at, at != nil
}

// Fail notes a mistake at key.
func (r *Reader) Fail(key, format string, args ...any) {
	r.errs = append(r.errs, rapport.FieldError{Path: "settings." + key, Message: fmt.Sprintf(format, args...)})
}

// Has tells whether key is present.
func (r *Reader) Has(key string) bool { _, ok := r.find(key); return ok }

// String returns the scalar at key, or def.
func (r *Reader) String(key, def string) string {
	v, ok := r.find(key)
	if !ok {
		return def
	}
	switch v := v.(type) {
	case string:
		return v
	case float64: // every number of JSON; never 3.67e+07
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool, int, int64, uint64:
		return fmt.Sprint(v)
	}
	r.Fail(key, "must be text")
	return def
}

// Required is String for a key that must be there.
func (r *Reader) Required(key string) string {
	v := r.String(key, "")
	if v == "" {
		r.Fail(key, "is required")
	}
	return v
}

// OneOf is String limited to some words.
func (r *Reader) OneOf(key, def string, words ...string) string {
	v := r.String(key, def)
	if !slices.Contains(words, v) {
		r.Fail(key, "must be one of %s, not %.40q", strings.Join(words, ", "), v)
	}
	return v
}

// Int returns the whole number at key between min and max, or def.
func (r *Reader) Int(key string, def, min, max int) int {
	s := r.String(key, "")
	if s == "" {
		return def
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < min || n > max {
		r.Fail(key, "must be a whole number from %d to %d", min, max)
		return def
	}
	return n
}

// Bool returns the truth value at key, or def.
func (r *Reader) Bool(key string, def bool) bool {
	s := r.String(key, "")
	if s == "" {
		return def
	}
	b, err := strconv.ParseBool(s)
	if err != nil {
		r.Fail(key, "must be true or false")
	}
	return b
}

// Duration returns the Go duration at key, or def.
func (r *Reader) Duration(key string, def time.Duration) time.Duration {
	s := r.String(key, "")
	if s == "" {
		return def
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		r.Fail(key, "must be a duration such as 30s")
		return def
	}
	return d
}

// Strings returns the list of text at key; one text is a list of one.
func (r *Reader) Strings(key string) []string {
	v, ok := r.find(key)
	if !ok {
		return nil
	}
	switch v := v.(type) {
	case string:
		return []string{v}
	case []string:
		return v
	case []any:
		out := make([]string, 0, len(v))
		for _, x := range v {
			s, ok := x.(string)
			if !ok {
				r.Fail(key, "must be a list of texts")
				return nil
			}
			out = append(out, s)
		}
		return out
	}
	r.Fail(key, "must be a list of texts")
	return nil
}

// Err reports every mistake, unknown keys included, as Mistakes; or nil.
func (r *Reader) Err() error {
	var walk func(prefix string, m map[string]any)
	walk = func(prefix string, m map[string]any) {
		for k, v := range m {
			key := prefix + k
			if r.used[key] {
				continue
			}
			if sub, ok := v.(map[string]any); ok && r.usedBelow(key+".") {
				walk(key+".", sub)
				continue
			}
			r.Fail(key, "is not a setting of this driver")
		}
	}
	walk("", r.s)
	if len(r.errs) == 0 {
		return nil
	}
	slices.SortFunc(r.errs, func(a, b rapport.FieldError) int { return strings.Compare(a.Path, b.Path) })
	return r.errs
}

func (r *Reader) usedBelow(prefix string) bool {
	for k := range r.used {
		if strings.HasPrefix(k, prefix) {
			return true
		}
	}
	return false
}
