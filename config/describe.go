package config

import (
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"time"
)

const envPrefix = "RAPPORT_"

// Field describes one setting.
type Field struct {
	Path    string // like http.addr; providers[].rate inside the list
	Env     string // RAPPORT_HTTP_ADDR; "" inside the list
	Type    string // text, yes or no, number, duration, size, list, settings
	Default string // as it is written in the file
	Help    string
	Secret  bool
	OneOf   []string // the allowed words, if they are few
	Min     string   // bounds, in the setting's own notation; "" means none
	Max     string

	mayBeEmpty bool
}

// Default returns the configuration without a file, an environment and flags.
func Default() *Config {
	c := new(Config)
	setDefaults(reflect.ValueOf(c).Elem())
	return c
}

func setDefaults(v reflect.Value) {
	for i := range v.NumField() {
		text, ok := v.Type().Field(i).Tag.Lookup("default")
		switch {
		case isSection(v.Field(i).Type()):
			setDefaults(v.Field(i))
		case ok:
			if problem, _ := scalar(text, v.Field(i)); problem != "" {
				panic("config: default of " + v.Type().Field(i).Name + " " + problem) // found by the first test
			}
		}
	}
}

// Describe lists every setting in the order of the struct.
func Describe() []Field {
	var fields []Field
	describe("", reflect.TypeFor[Config](), &fields)
	return fields
}

func describe(path string, t reflect.Type, fields *[]Field) {
	for i := range t.NumField() {
		f := t.Field(i)
		at := joinPath(path, f.Tag.Get("key"))
		if isSection(f.Type) {
			describe(at, f.Type, fields)
			continue
		}
		field := Field{
			Path: at, Env: envName(at), Type: typeName(f.Type),
			Default: f.Tag.Get("default"), Help: f.Tag.Get("help"),
			Secret: f.Type == reflect.TypeFor[Secret](),
			OneOf:  strings.Fields(f.Tag.Get("oneof")), Min: f.Tag.Get("min"), Max: f.Tag.Get("max"),
		}
		field.mayBeEmpty = field.Type == "text" && len(field.OneOf) == 0
		*fields = append(*fields, field)
		if f.Type.Kind() == reflect.Slice && isSection(f.Type.Elem()) {
			describe(at+"[]", f.Type.Elem(), fields)
		}
	}
}

// isSection tells a struct of settings from a struct that is one value.
func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[netip.Prefix]()
}

// envName is the variable of a path. What Describe lists inside a list has none; a mistake in
// providers[0] came in RAPPORT_PROVIDERS.
func envName(path string) string {
	if strings.Contains(path, "[]") {
		return ""
	}
	path, _, _ = strings.Cut(path, "[")
	return envPrefix + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[Size]():
		return "size"
	case reflect.TypeFor[Settings]():
		return "settings"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "yes or no"
	case reflect.Int, reflect.Float64:
		return "number"
	case reflect.Slice:
		return "list"
	}
	return "text"
}

// Markdown is the table of all settings that stands in the README.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| Setting | Variable | Type | Default | Meaning |\n|---|---|---|---|---|\n")
	for _, f := range Describe() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", code(f.Path), code(f.Env), f.bounds(), code(f.Default), cell(f.Help))
	}
	return b.String()
}

func (f Field) bounds() string {
	switch {
	case f.Secret:
		return "secret"
	case len(f.OneOf) > 0:
		return strings.Join(f.OneOf, ", ")
	case f.Min != "" && f.Max != "":
		return f.Type + ", " + f.Min + " to " + f.Max
	case f.Min != "" && f.Min != "0":
		return f.Type + ", at least " + f.Min
	}
	return f.Type
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + cell(s) + "`"
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// Redacted lists every setting with its value as text, secrets as [redacted], for a log at start.
func (c *Config) Redacted() map[string]any {
	out := map[string]any{}
	redact("", reflect.ValueOf(c).Elem(), out)
	return out
}

func redact(path string, v reflect.Value, out map[string]any) {
	for i := range v.NumField() {
		at, field := joinPath(path, v.Type().Field(i).Tag.Get("key")), v.Field(i)
		if isSection(field.Type()) {
			redact(at, field, out)
			continue
		}
		if field.Kind() != reflect.Slice || !isSection(field.Type().Elem()) {
			out[at] = shownValue(field.Interface())
			continue
		}
		for n := range field.Len() {
			redact(fmt.Sprintf("%s[%d]", at, n), field.Index(n), out)
		}
	}
}

func shownValue(v any) any {
	switch v := v.(type) {
	case Settings:
		return v.shown()
	case fmt.Stringer: // Secret, Duration, Size
		return v.String()
	}
	return v
}

// LogValue is Redacted for slog.
func (c *Config) LogValue() slog.Value { return slog.AnyValue(c.Redacted()) }
