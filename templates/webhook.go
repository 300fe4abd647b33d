package templates

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"rapport/channels"
	"rapport/templates/liquid"
)

// document is a webhook's body: JSON whose strings are Liquid, or Liquid that renders to JSON.
type document struct {
	pieces []documentPiece
	whole  *liquid.Template // instead of pieces
	fixed  bool             // there is no Liquid in whole
}

// documentPiece is JSON that never changes, and the string value after it.
type documentPiece struct {
	fixed []byte
	value *liquid.Template // nil after the last
}

// parseDocument reads a Variant's Body.
func parseDocument(body json.RawMessage) (*document, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, body); err != nil {
		return nil, fmt.Errorf("is not JSON: %w", err)
	}
	src := compact.Bytes()
	if len(src) > 0 && src[0] == '"' {
		var text string
		if err := json.Unmarshal(src, &text); err != nil {
			return nil, err
		}
		whole, err := liquid.Parse(text, textOptions)
		return &document{whole: whole, fixed: !hasLiquid(text)}, err
	}
	d := &document{}
	from := 0
	for i := 0; i < len(src); i++ {
		if src[i] != '"' {
			continue
		}
		end := i + 1
		for src[end] != '"' {
			if src[end] == '\\' {
				end++
			}
			end++
		}
		end++
		if literal := src[i:end]; hasLiquid(string(literal)) {
			var text string
			if err := json.Unmarshal(literal, &text); err != nil {
				return nil, err
			}
			if end < len(src) && src[end] == ':' {
				return nil, fmt.Errorf("the name %q: only values are Liquid; give the body as one string to print names", text)
			}
			value, err := liquid.Parse(text, textOptions)
			if err != nil {
				return nil, fmt.Errorf("in %q: %w", text, err)
			}
			d.pieces = append(d.pieces, documentPiece{src[from:i:i], value})
			from = end
		}
		i = end - 1
	}
	d.pieces = append(d.pieces, documentPiece{fixed: src[from:]})
	return d, nil
}

// check says what can be known of the JSON before there are data. A text without Liquid must be JSON. One
// with Liquid is tried without any data: what comes out is nothing to refuse it for, but worth a warning.
func (d *document) check() (wrong, doubt error) {
	if d.whole == nil {
		return nil, nil // JSON already, and each value is encoded
	}
	out, err := d.whole.Render(nil, liquid.Run{})
	if err != nil {
		return nil, nil //nolint:nilerr // there are data that it cannot do without
	}
	broken := checkJSON([]byte(out))
	if d.fixed {
		return broken, nil
	}
	return nil, broken
}

func (d *document) render(data map[string]any, run liquid.Run) (channels.Part, error) {
	if d.whole != nil {
		part, err := partOf(d.whole, data, run)
		if err != nil {
			return nil, err
		}
		return part, checkJSON([]byte(part.String()))
	}
	part := make(channels.Part, 0, 2*len(d.pieces))
	for _, p := range d.pieces {
		part = append(part, channels.Segment{Bytes: p.fixed, Static: true})
		if p.value == nil {
			break
		}
		text, err := p.value.Render(data, run)
		if err != nil {
			return nil, err
		}
		encoded, err := jsonString(text)
		if err != nil {
			return nil, err
		}
		part = append(part, channels.Segment{Bytes: encoded})
	}
	return part, nil
}

// jsonString is a JSON string. Most values hold nothing that needs an escape, and encoding/json takes ten times
// as long to find that out.
func jsonString(text string) ([]byte, error) {
	for _, c := range []byte(text) {
		if c < ' ' || c >= utf8.RuneSelf || strings.IndexByte(`"\<>&`, c) >= 0 {
			return json.Marshal(text)
		}
	}
	b := make([]byte, 0, len(text)+2)
	return append(append(append(b, '"'), text...), '"'), nil
}

// checkJSON says where and why b is not JSON.
func checkJSON(b []byte) error {
	if json.Valid(b) {
		return nil
	}
	err := json.Unmarshal(b, new(any))
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at := min(int(syntax.Offset), len(b))
		return fmt.Errorf("came out as broken JSON: %w, after %.60q (print values with | json)", err, b[max(0, at-40):at])
	}
	return errors.New("came out as broken JSON")
}

func hasLiquid(src string) bool { return strings.Contains(src, "{{") || strings.Contains(src, "{%") }

func (d *document) templates() []*liquid.Template {
	if d.whole != nil {
		return []*liquid.Template{d.whole}
	}
	var out []*liquid.Template
	for _, p := range d.pieces {
		if p.value != nil {
			out = append(out, p.value)
		}
	}
	return out
}
