package gateway

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"rapport"
)

// maxDepth is how deeply a JSON document may be nested.
const maxDepth = 64

// Decode reads one JSON value into v, a pointer, more strictly than encoding/json does: names are
// compared with case, unknown and repeated names are refused, and so are broken UTF-8 and NUL
// characters, which PostgreSQL cannot keep. null stands for a field that is not given. What does not fit
// comes back as one CodeInvalid error with a path for each place, beginning with path; text that is not
// JSON at all as CodeMalformed.
func Decode(data []byte, path string, v any) error {
	if !utf8.Valid(data) {
		return &rapport.Error{Code: rapport.CodeInvalid, Message: "The text is not valid UTF-8.", Fields: []rapport.FieldError{{Path: path, Message: "holds broken UTF-8"}}}
	}
	if !json.Valid(data) {
		return malformed(data)
	}
	c := checker{data: data}
	c.value(reflect.TypeOf(v).Elem(), path, 0)
	if len(c.errs) == 0 {
		if err := json.Unmarshal(data, v); err != nil {
			c.refuse(path, "%s", plainly(err))
		}
	}
	if len(c.errs) > 0 {
		return &rapport.Error{Code: rapport.CodeInvalid, Message: "The request is not valid.", Fields: c.errs}
	}
	return nil
}

// malformed says where data stops being JSON.
func malformed(data []byte) error {
	err := json.Unmarshal(data, new(any))
	at := int64(len(data))
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = syntax.Offset
	}
	line := 1 + bytes.Count(data[:min(at, int64(len(data)))], []byte{'\n'})
	return &rapport.Error{Code: rapport.CodeMalformed, Message: fmt.Sprintf("The text is not JSON: %s, in line %d (byte %d).", plainly(err), line, at)}
}

// plainly is a decoder's complaint without the words of the decoder.
func plainly(err error) string {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return "cannot be a " + t.Value
	}
	if err == nil {
		return "it is empty"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// checker walks over valid JSON and compares it with a Go type.
type checker struct {
	data []byte
	at   int
	errs []rapport.FieldError
}

func (c *checker) refuse(path, format string, args ...any) {
	if len(c.errs) < 20 { // nobody reads more
		c.errs = append(c.errs, rapport.FieldError{Path: path, Message: fmt.Sprintf(format, args...)})
	}
}

// next returns the first byte of the next token.
func (c *checker) next() byte {
	for c.at < len(c.data) {
		switch b := c.data[c.at]; b {
		case ' ', '\t', '\r', '\n', ',', ':':
			c.at++
		default:
			return b
		}
	}
	return 0
}

// scalar passes over a string, a number or a word and returns its text.
func (c *checker) scalar() []byte {
	from := c.at
	if c.data[c.at] == '"' {
		for c.at++; c.data[c.at] != '"'; c.at++ {
			if c.data[c.at] == '\\' {
				c.at++
			}
		}
		c.at++
		return c.data[from:c.at]
	}
	for c.at < len(c.data) && !strings.ContainsRune(" \t\r\n,:]}", rune(c.data[c.at])) {
		c.at++
	}
	return c.data[from:c.at]
}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	anyType         = reflect.TypeFor[any]()
	timeType        = reflect.TypeFor[time.Time]()
	rawType         = reflect.TypeFor[json.RawMessage]()
)

// value checks the next value against t.
func (c *checker) value(t reflect.Type, path string, depth int) {
	if depth > maxDepth {
		c.refuse(path, "is nested too deeply")
		c.skip()
		return
	}
	first := c.next()
	if first == 'n' {
		c.scalar()
		return
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == rawType {
		t = anyType
	}
	if p := reflect.PointerTo(t); p.Implements(jsonUnmarshaler) || p.Implements(textUnmarshaler) {
		from := c.at
		c.value(anyType, path, depth)
		if err := json.Unmarshal(c.data[from:c.at], reflect.New(t).Interface()); err != nil && t == timeType {
			c.refuse(path, "must be a time such as 2026-12-01T09:00:00Z")
		} else if err != nil {
			c.refuse(path, "%s", plainly(err))
		}
		return
	}
	want := kindName(t)
	switch first {
	case '{':
		if want != "an object" && want != "" {
			c.refuse(path, "must be %s, not an object", want)
			t = anyType
		}
		c.object(t, path, depth)
	case '[':
		if want != "a list" && want != "" {
			c.refuse(path, "must be %s, not a list", want)
			t = anyType
		}
		elem := anyType
		if t.Kind() == reflect.Slice {
			elem = t.Elem()
		}
		c.at++
		for i := 0; c.next() != ']'; i++ {
			c.value(elem, path+"["+strconv.Itoa(i)+"]", depth+1)
		}
		c.at++
	case '"':
		text := c.scalar()
		if want != "a string" && want != "" {
			c.refuse(path, "must be %s, not a string", want)
		} else if bytes.Contains(text, []byte(`\u0000`)) && strings.IndexByte(unquote(text), 0) >= 0 {
			c.refuse(path, "holds a NUL character")
		}
	case 't', 'f':
		c.scalar()
		if want != "a boolean" && want != "" {
			c.refuse(path, "must be %s, not a boolean", want)
		}
	default:
		c.number(t, want, string(c.scalar()), path)
	}
}

func (c *checker) number(t reflect.Type, want, text, path string) {
	switch want {
	case "":
	case "a whole number":
		if n, err := strconv.ParseInt(text, 10, 64); err != nil || reflect.New(t).Elem().OverflowInt(n) {
			c.refuse(path, "must be a whole number in the range of %s", t.Kind())
		}
	case "a number":
		if f, err := strconv.ParseFloat(text, 64); err != nil || math.IsInf(f, 0) {
			c.refuse(path, "is out of range")
		}
	default:
		c.refuse(path, "must be %s, not a number", want)
	}
}

// kindName is what JSON calls a value of type t; "" is anything.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "a boolean"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return ""
}

func (c *checker) object(t reflect.Type, path string, depth int) {
	var fields map[string]reflect.Type
	elem := anyType
	switch t.Kind() {
	case reflect.Struct:
		fields = map[string]reflect.Type{}
		fieldsOf(t, fields)
	case reflect.Map:
		elem = t.Elem()
	}
	seen := make(map[string]bool, 8)
	c.at++
	for c.next() != '}' {
		raw := c.scalar()
		name := unquote(raw)
		sub := name
		if path != "" {
			sub = path + "." + name
		}
		if seen[name] {
			c.refuse(sub, "is given twice")
		}
		seen[name] = true
		if strings.IndexByte(name, 0) >= 0 {
			c.refuse(sub, "has a NUL character in its name")
		}
		ft := elem
		if fields != nil {
			known, ok := fields[name]
			if !ok {
				c.refuse(sub, "is not a field of this object")
				known = anyType
			}
			ft = known
		}
		c.value(ft, sub, depth+1)
	}
	c.at++
}

// skip passes over the next value without looking at it.
func (c *checker) skip() {
	c.next()
	depth := 0
	for {
		switch c.next() {
		case '{', '[':
			depth++
			c.at++
		case '}', ']':
			depth--
			c.at++
		default:
			c.scalar()
		}
		if depth == 0 {
			return
		}
	}
}

// fieldsOf collects the JSON names of a struct, with those of the structs embedded in it.
func fieldsOf(t reflect.Type, into map[string]reflect.Type) {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			fieldsOf(f.Type, into)
		case name != "-" && name != "" && f.IsExported():
			into[name] = f.Type
		}
	}
}

func unquote(text []byte) string {
	if bytes.IndexByte(text, '\\') < 0 {
		return string(text[1 : len(text)-1])
	}
	var s string
	_ = json.Unmarshal(text, &s) // it was valid JSON
	return s
}
