package config

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// decoder puts what the layers hold into the struct. It goes on after a mistake, so that all of
// them can be told at once; a setting with a mistake keeps its default.
type decoder struct {
	fields   []Field
	origin   func(path string) string
	mistakes []*Mistake
}

func (d *decoder) mistake(path, problem, mend string) {
	d.mistakes = append(d.mistakes, &Mistake{Path: path, Source: d.origin(path), Problem: problem, Mend: mend})
}

// structure fills the struct that into points to.
func (d *decoder) structure(path string, settings map[string]any, into any) {
	v := reflect.ValueOf(into).Elem()
	known := map[string]reflect.Value{}
	for i := range v.NumField() {
		known[v.Type().Field(i).Tag.Get("key")] = v.Field(i)
	}
	for key, raw := range settings {
		at := joinPath(path, key)
		if field, ok := known[key]; !ok && strings.Contains(key, ".") {
			d.mistake(at, "is not a setting", "a dot is not a level: write the section, and the setting below it, indented")
		} else if !ok {
			d.mistake(at, "is not a setting", suggest(withoutIndex(at), d.known()))
		} else if raw != nil { // "http:" with nothing below it says nothing
			d.value(at, raw, field)
		}
	}
}

// value reports whether raw was of the kind that field is; a section is, whatever is wrong in it.
func (d *decoder) value(path string, raw any, field reflect.Value) bool {
	if field.Kind() == reflect.Slice {
		d.list(path, raw, field)
		return true
	}
	if isSection(field.Type()) {
		settings, ok := raw.(map[string]any)
		if !ok {
			d.mistake(path, "is a section, not a value", "write its settings below it, indented")
			return false
		}
		d.structure(path, settings, field.Addr().Interface())
		return true
	}
	problem, mend := scalar(raw, field)
	if problem != "" {
		d.mistake(path, problem, mend)
	}
	return problem == ""
}

func (d *decoder) list(path string, raw any, field reflect.Value) {
	items, ok := raw.([]any)
	if text, isText := raw.(string); isText {
		items, ok = listFromText(text, isSection(field.Type().Elem()))
	}
	if !ok {
		d.mistake(path, "is not a list", "write [a, b], or in a variable a,b; providers as a JSON list")
		return
	}
	out := reflect.MakeSlice(field.Type(), len(items), len(items))
	whole := true
	for i, item := range items {
		whole = d.value(path+"["+strconv.Itoa(i)+"]", item, out.Index(i)) && whole
	}
	if whole {
		field.Set(out)
	}
}

// listFromText is a list as a variable or a flag holds it.
func listFromText(text string, isJSON bool) (items []any, ok bool) {
	if isJSON {
		return items, json.Unmarshal([]byte(text), &items) == nil
	}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items, true
}

// scalar sets one value. The text form is the same in every layer; YAML's own numbers and truth
// values are taken too. A problem never quotes a secret.
func scalar(raw any, field reflect.Value) (problem, mend string) {
	text, isText := raw.(string)
	quoted := fmt.Sprintf("%q", fmt.Sprint(raw))
	switch at := field.Addr().Interface().(type) {
	case *Settings:
		settings, ok := raw.(map[string]any)
		if !ok {
			return "is a section, not a value", "write the driver's settings below it, indented"
		}
		*at = settings
	case *Secret:
		if !isText {
			return "is not a text", "put it in quotes"
		}
		*at = Secret(text)
	case *string:
		if !isText {
			return quoted + " is not a text", "put it in quotes"
		}
		*at = text
	case *bool:
		b, ok := raw.(bool)
		if isText {
			b, ok = truth(text)
		}
		if !ok {
			return quoted + " is neither true nor false", "write true or false"
		}
		*at = b
	case *int:
		n, ok := whole(raw)
		if !ok || n != int64(int(n)) {
			return quoted + " is not a whole number", "write it in digits, like 8"
		}
		*at = int(n)
	case *float64:
		f, err := strconv.ParseFloat(strings.TrimSpace(fmt.Sprint(raw)), 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return quoted + " is not a number", "write it in digits, like 14.5"
		}
		*at = f
	case *Size:
		n, ok := whole(raw)
		size := Size(n)
		if isText {
			var err error
			size, err = ParseSize(text)
			ok = err == nil
		}
		if !ok || size < 0 {
			return quoted + " is not a size", "write it like 24MiB or 1048576"
		}
		*at = size
	case *time.Duration:
		dur, err := time.ParseDuration(strings.TrimSpace(fmt.Sprint(raw)))
		if err != nil {
			return quoted + " is not a duration", "write it like 30s, 15m or 24h"
		}
		*at = dur
	case *netip.Prefix:
		prefix, ok := network(text)
		if !ok {
			return quoted + " is not a network", "write it like 10.0.0.0/8 or 192.0.2.7"
		}
		*at = prefix
	default:
		panic(fmt.Sprintf("config: no decoder for %s", field.Type())) // a field of a new type; the first test finds it
	}
	return "", ""
}

func truth(text string) (value, ok bool) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "1", "yes", "on":
		return true, true
	case "false", "0", "no", "off":
		return false, true
	}
	return false, false
}

// whole reads a whole number; JSON gives them as floats.
func whole(raw any) (int64, bool) {
	switch n := raw.(type) {
	case int:
		return int64(n), true
	case float64:
		return int64(n), n == math.Trunc(n) && math.Abs(n) < 1<<53
	case string:
		i, err := strconv.ParseInt(strings.TrimSpace(n), 10, 64)
		return i, err == nil
	}
	return 0, false
}

func network(text string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), true
	}
	ip, err := netip.ParseAddr(text)
	if err != nil || ip.Zone() != "" {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()), true
}

// known are all paths, sections included.
func (d *decoder) known() []string {
	var names []string
	for _, f := range d.fields {
		for path := f.Path; path != ""; path = parent(path) {
			if !slices.Contains(names, path) {
				names = append(names, path)
			}
		}
	}
	return names
}

func parent(path string) string { return path[:max(strings.LastIndexByte(path, '.'), 0)] }

func joinPath(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// withoutIndex makes providers[3].rate the providers[].rate that Describe knows.
func withoutIndex(path string) string {
	before, rest, ok := strings.Cut(path, "[")
	if !ok {
		return path
	}
	_, after, _ := strings.Cut(rest, "]")
	return before + "[]" + after
}
