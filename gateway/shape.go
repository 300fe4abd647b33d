package gateway

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// shape is what Decode knows about a Go type: which JSON value fits and where its parts go.
type shape struct {
	t      reflect.Type
	kind   shapeKind
	elem   *shape           // of a pointer, a list, a map
	fields map[string]field // of a struct
}

type field struct {
	index []int
	shape *shape
}

type shapeKind int8

const (
	anyValue shapeKind = iota
	objects            // a struct, or a map with strings as keys
	lists
	texts
	booleans
	wholes
	numbers
	pointer
	rawText // json.RawMessage
	foreign // reads itself, or is nothing that requests are made of
)

// says is what JSON calls the values that fit.
func (s *shape) says() string {
	return [...]string{objects: "an object", lists: "a list", texts: "a string", booleans: "a boolean", wholes: "a whole number", numbers: "a number", foreign: ""}[s.kind]
}

// element is the shape of a list's elements; of a list that is only looked at, anything.
func (s *shape) element() *shape {
	if s.elem == nil {
		return anything
	}
	return s.elem
}

// anything fits every value.
var anything = &shape{t: reflect.TypeFor[any]()}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	timeType        = reflect.TypeFor[time.Time]()
	rawType         = reflect.TypeFor[json.RawMessage]()
)

// shapes remembers shapes by type: making one takes longer than reading a customer.
var shapes sync.Map

func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s := newShape(t, map[reflect.Type]*shape{})
	shapes.Store(t, s)
	return s
}

// newShape makes the shape of t; made holds those that are being made, for types that hold themselves.
func newShape(t reflect.Type, made map[reflect.Type]*shape) *shape {
	if s := made[t]; s != nil {
		return s
	}
	s := &shape{t: t}
	made[t] = s
	reads := reflect.PointerTo(t).Implements(jsonUnmarshaler) || reflect.PointerTo(t).Implements(textUnmarshaler)
	switch k := t.Kind(); {
	case k == reflect.Pointer:
		s.kind, s.elem = pointer, newShape(t.Elem(), made)
	case t == rawType:
		s.kind = rawText
	case reads:
		s.kind = foreign
	case k == reflect.Struct:
		s.kind, s.fields = objects, map[string]field{}
		s.collect(t, nil, made)
	case k == reflect.Map && t.Key().Kind() == reflect.String && !reflect.PointerTo(t.Key()).Implements(textUnmarshaler):
		s.kind, s.elem = objects, newShape(t.Elem(), made)
	case k == reflect.Slice:
		s.kind, s.elem = lists, newShape(t.Elem(), made)
	case k == reflect.String:
		s.kind = texts
	case k == reflect.Bool:
		s.kind = booleans
	case k >= reflect.Int && k <= reflect.Int64:
		s.kind = wholes
	case k == reflect.Float32 || k == reflect.Float64:
		s.kind = numbers
	case k != reflect.Interface || t.NumMethod() > 0:
		s.kind = foreign
	}
	return s
}

// collect gathers the fields of a struct by their JSON names, with those of the structs embedded in it.
func (s *shape) collect(t reflect.Type, at []int, made map[reflect.Type]*shape) {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		index := append(slices.Clone(at), f.Index...)
		switch {
		case f.Anonymous && name == "":
			s.collect(f.Type, index, made)
		case name != "-" && name != "" && f.IsExported():
			s.fields[name] = field{index, newShape(f.Type, made)}
		}
	}
}
