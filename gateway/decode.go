package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"rapport"
)

// maxDepth is how deeply a JSON document may be nested.
const maxDepth = 64

// Decode reads one JSON value into v, a pointer to a zero value, more strictly than encoding/json does: names
// are compared with case, unknown and repeated names are refused, and so are broken UTF-8 and NUL
// characters, which PostgreSQL cannot keep. null stands for a field that is not given. What does not fit
// comes back as one CodeInvalid error with a path for each place, beginning with path; text that is not
// JSON at all as CodeMalformed. After an error v holds a part.
//
// It checks and stores in one pass, because every recipient of a campaign goes through here: with
// encoding/json the same takes three passes and several times the time.
func Decode(data []byte, path string, v any) error {
	if !utf8.Valid(data) {
		return &rapport.Error{Code: rapport.CodeInvalid, Message: "The text is not valid UTF-8.", Fields: []rapport.FieldError{{Path: path, Message: "holds broken UTF-8"}}}
	}
	into := reflect.ValueOf(v).Elem()
	d := decoder{data: data, root: path, steps: make([]step, 0, 8), names: make([][]byte, 0, 32)}
	if !d.value(shapeOf(into.Type()), into) || d.first() != 0 || d.at < len(data) {
		return malformed(data)
	}
	if len(d.errs) > 0 {
		return &rapport.Error{Code: rapport.CodeInvalid, Message: "The request is not valid.", Fields: d.errs}
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

// decoder walks once over a JSON text, holds it against a shape and stores what fits. Its methods return
// false where the text is not JSON; what is JSON and does not fit is refused, and read to its end.
type decoder struct {
	data  []byte
	at    int
	root  string   // where the text stands in the request
	steps []step   // the way from there to the value that is being read
	names [][]byte // of the members so far of each object on that way
	errs  []rapport.FieldError
}

// step leads into an object by name, or into a list by index.
type step struct {
	name  []byte
	index int // -1: by name
}

func (d *decoder) refuse(format string, args ...any) {
	if len(d.errs) < 20 { // nobody reads more
		d.errs = append(d.errs, rapport.FieldError{Path: d.path(), Message: fmt.Sprintf(format, args...)})
	}
}

func (d *decoder) path() string {
	path := []byte(d.root)
	for _, s := range d.steps {
		switch {
		case s.index >= 0:
			path = append(strconv.AppendInt(append(path, '['), int64(s.index), 10), ']')
		case len(path) > 0:
			path = append(append(path, '.'), s.name...)
		default:
			path = append(path, s.name...)
		}
	}
	return string(path)
}

// first passes over white space and returns the byte behind it, 0 at the end.
func (d *decoder) first() byte {
	for ; d.at < len(d.data); d.at++ {
		switch b := d.data[d.at]; b {
		case ' ', '\t', '\r', '\n':
		default:
			return b
		}
	}
	return 0
}

// value reads the next value, of shape s, into v. An invalid v is for a value that is only looked at.
func (d *decoder) value(s *shape, v reflect.Value) bool {
	first := d.first()
	from := d.at
	if len(d.steps) > maxDepth {
		d.refuse("is nested too deeply")
		return d.leap()
	}
	switch s.kind {
	case rawText:
		if !d.value(anything, reflect.Value{}) {
			return false
		}
		if v.IsValid() {
			v.SetBytes(bytes.Clone(d.data[from:d.at]))
		}
		return true
	case foreign:
		return d.value(anything, reflect.Value{}) && d.foreign(s, v, d.data[from:d.at])
	}
	if first == 'n' {
		return d.word("null")
	}
	switch {
	case s.kind == pointer:
		to := reflect.New(s.elem.t)
		if v.IsValid() {
			v.Set(to)
		}
		return d.value(s.elem, to.Elem())
	case s.kind == anyValue && v.IsValid():
		x, ok := d.any(first)
		if ok {
			v.Set(reflect.ValueOf(x))
		}
		return ok
	}
	switch first {
	case '{':
		return d.object(d.wants(s, &v, objects, "an object"), v)
	case '[':
		return d.list(d.wants(s, &v, lists, "a list"), v)
	case '"':
		fits := d.wants(s, &v, texts, "a string") == s
		text, ok := d.text()
		if ok && fits {
			d.refuseNUL(text)
		}
		if ok && v.IsValid() {
			v.SetString(string(text))
		}
		return ok
	case 't', 'f':
		d.wants(s, &v, booleans, "a boolean")
		if v.IsValid() {
			v.SetBool(first == 't')
		}
		return first == 't' && d.word("true") || first == 'f' && d.word("false")
	}
	text, ok := d.number()
	if ok {
		d.keepNumber(s, v, string(text))
	}
	return ok
}

// wants refuses a value of kind got where s is another, and then has it only looked at.
func (d *decoder) wants(s *shape, v *reflect.Value, got shapeKind, called string) *shape {
	if s.kind != got && s.kind != anyValue {
		d.refuse("must be %s, not %s", s.says(), called)
		*v = reflect.Value{}
		return anything
	}
	return s
}

// word passes over true, false or null.
func (d *decoder) word(w string) bool {
	if !bytes.HasPrefix(d.data[d.at:], []byte(w)) {
		return false
	}
	d.at += len(w)
	return true
}

func (d *decoder) refuseNUL(text []byte) {
	if bytes.IndexByte(text, 0) >= 0 {
		d.refuse("holds a NUL character")
	}
}

// text passes over a string and returns what it says.
func (d *decoder) text() ([]byte, bool) {
	plain := true
	for i := d.at + 1; i < len(d.data); i++ {
		switch b := d.data[i]; {
		case b == '"':
			raw := d.data[d.at : i+1]
			d.at = i + 1
			if plain {
				return raw[1 : len(raw)-1], true
			}
			var s string
			if json.Unmarshal(raw, &s) != nil {
				return nil, false
			}
			return []byte(s), true
		case b == '\\':
			plain = false
			i++
		case b < ' ':
			return nil, false
		}
	}
	return nil, false
}

// number passes over a number (RFC 8259 §6) and returns its text.
func (d *decoder) number() ([]byte, bool) {
	from := d.at
	is := func(any string) bool {
		if d.at < len(d.data) && strings.IndexByte(any, d.data[d.at]) >= 0 {
			d.at++
			return true
		}
		return false
	}
	digits := func() bool {
		begin := d.at
		for is("0123456789") {
		}
		return d.at > begin
	}
	is("-")
	if !is("0") && !digits() || is(".") && !digits() {
		return nil, false
	}
	if is("eE") {
		is("+-")
		if !digits() {
			return nil, false
		}
	}
	return d.data[from:d.at], true
}

func (d *decoder) keepNumber(s *shape, v reflect.Value, text string) {
	switch s.kind {
	case anyValue:
	case wholes:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || s.t.OverflowInt(n) {
			d.refuse("must be a whole number in the range of %s", s.t.Kind())
		} else if v.IsValid() {
			v.SetInt(n)
		}
	case numbers:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || s.t.OverflowFloat(f) {
			d.refuse("is out of range")
		} else if v.IsValid() {
			v.SetFloat(f)
		}
	default:
		d.refuse("must be %s, not a number", s.says())
	}
}

// foreign lets a type that reads itself do so.
func (d *decoder) foreign(s *shape, v reflect.Value, text []byte) bool {
	if !v.IsValid() {
		v = reflect.New(s.t).Elem()
	}
	if err := json.Unmarshal(text, v.Addr().Interface()); err != nil && s.t == timeType {
		d.refuse("must be a time such as 2026-12-01T09:00:00Z")
	} else if err != nil {
		d.refuse("%s", plainly(err))
	}
	return true
}

// object reads the members of an object. What s does not know is refused and only looked at.
func (d *decoder) object(s *shape, v reflect.Value) bool {
	if s.kind == objects && s.fields == nil && v.IsValid() {
		v.Set(reflect.MakeMap(s.t))
	}
	return d.members(func(name []byte) bool {
		switch {
		case s.fields != nil:
			f, known := s.fields[string(name)]
			if !known {
				d.refuse("is not a field of this object")
				return d.value(anything, reflect.Value{})
			}
			to := reflect.Value{}
			if v.IsValid() {
				to = v.FieldByIndex(f.index)
			}
			return d.value(f.shape, to)
		case s.kind == objects && v.IsValid():
			elem := reflect.New(s.elem.t).Elem()
			if !d.value(s.elem, elem) {
				return false
			}
			key := reflect.New(s.t.Key()).Elem()
			key.SetString(string(name))
			v.SetMapIndex(key, elem)
			return true
		}
		return d.value(anything, reflect.Value{})
	})
}

// members calls read at the value of each member of an object, whose name is a step then.
func (d *decoder) members(read func(name []byte) bool) bool {
	before := len(d.names)
	var many map[string]bool // the names, when they are too many to look through
	d.at++
	for more := d.first() != '}'; more; {
		if d.first() != '"' {
			return false
		}
		name, ok := d.text()
		if !ok || d.first() != ':' {
			return false
		}
		d.at++
		d.steps = append(d.steps, step{name, -1})
		if d.again(name, before, &many) {
			d.refuse("is given twice")
		}
		if bytes.IndexByte(name, 0) >= 0 {
			d.refuse("has a NUL character in its name")
		}
		if !read(name) {
			return false
		}
		d.steps = d.steps[:len(d.steps)-1]
		switch d.first() {
		case ',':
			d.at++
		case '}':
			more = false
		default:
			return false
		}
	}
	d.at++
	d.names = d.names[:before]
	return true
}

// again tells whether an object has had this name, and remembers it.
func (d *decoder) again(name []byte, before int, many *map[string]bool) bool {
	if *many == nil {
		for _, n := range d.names[before:] {
			if string(n) == string(name) {
				return true
			}
		}
		d.names = append(d.names, name)
		if len(d.names)-before < 32 {
			return false
		}
		*many = make(map[string]bool, 128)
		for _, n := range d.names[before:] {
			(*many)[string(n)] = true
		}
		return false
	}
	was := (*many)[string(name)]
	(*many)[string(name)] = true
	return was
}

// list reads the elements of a list.
func (d *decoder) list(s *shape, v reflect.Value) bool {
	if v.IsValid() {
		v.Set(reflect.MakeSlice(s.t, 0, 0))
	}
	return d.elements(func(i int) bool {
		if !v.IsValid() {
			return d.value(s.element(), reflect.Value{})
		}
		v.Grow(1)
		v.SetLen(i + 1)
		return d.value(s.elem, v.Index(i))
	})
}

// elements calls read at each element of a list, whose index is a step then.
func (d *decoder) elements(read func(i int) bool) bool {
	d.at++
	if d.first() == ']' {
		d.at++
		return true
	}
	for i := 0; ; i++ {
		d.steps = append(d.steps, step{index: i})
		if !read(i) {
			return false
		}
		d.steps = d.steps[:len(d.steps)-1]
		switch d.first() {
		case ',':
			d.at++
		case ']':
			d.at++
			return true
		default:
			return false
		}
	}
}

// any reads a value of no particular shape, which is not null, as encoding/json would.
func (d *decoder) any(first byte) (any, bool) {
	one := func() (x any, ok bool) {
		first := d.first()
		switch {
		case len(d.steps) > maxDepth:
			d.refuse("is nested too deeply")
			return nil, d.leap()
		case first == 'n':
			return nil, d.word("null")
		}
		return d.any(first)
	}
	switch first {
	case '{':
		m := map[string]any{}
		return m, d.members(func(name []byte) bool {
			x, ok := one()
			m[string(name)] = x
			return ok
		})
	case '[':
		l := []any{}
		return l, d.elements(func(int) bool {
			x, ok := one()
			l = append(l, x)
			return ok
		})
	case '"':
		text, ok := d.text()
		d.refuseNUL(text)
		return string(text), ok
	case 't':
		return true, d.word("true")
	case 'f':
		return false, d.word("false")
	}
	text, ok := d.number()
	if !ok {
		return nil, false
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		d.refuse("is out of range")
	}
	return f, true
}

// leap passes over the next value however deep it is: brackets are counted, not followed.
func (d *decoder) leap() bool {
	d.first()
	n, _ := valueLen(d.data[d.at:])
	d.at += n
	return json.Valid(d.data[d.at-n : d.at])
}

// valueLen is how long the JSON value is that text begins with. ended is false when it may go on behind
// text. Of what is not JSON it is some length.
func valueLen(text []byte) (n int, ended bool) {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i, true // of what is around it
			}
			if depth--; depth == 0 {
				return i + 1, true
			}
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if depth == 0 && i < len(text) {
				return i + 1, true
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i, true
			}
		}
	}
	return len(text), false
}
