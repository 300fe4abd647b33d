package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"rapport"
)

// splitter cuts a JSON text into its values as it is read, and never holds more than one of them. It looks
// at brackets and quotation marks only: whether a value is JSON is seen by who decodes it.
type splitter struct {
	in   io.Reader
	end  error // what in ended with
	buf  []byte
	at   int   // what of buf was taken
	past int64 // bytes before buf
}

// more reads on. What of buf was not taken moves to its beginning.
func (s *splitter) more() bool {
	if s.end != nil {
		return false
	}
	s.past += int64(s.at)
	s.buf = s.buf[:copy(s.buf, s.buf[s.at:])]
	s.at = 0
	if len(s.buf) == cap(s.buf) {
		bigger := make([]byte, len(s.buf), 2*cap(s.buf))
		copy(bigger, s.buf)
		s.buf = bigger
	}
	n, err := s.in.Read(s.buf[len(s.buf):cap(s.buf)])
	s.buf, s.end = s.buf[:len(s.buf)+n], err
	return n > 0 || err == nil
}

// first returns the next byte that is not white space, and does not take it.
func (s *splitter) first() (byte, error) {
	for {
		for ; s.at < len(s.buf); s.at++ {
			switch b := s.buf[s.at]; b {
			case ' ', '\t', '\r', '\n':
			default:
				return b, nil
			}
		}
		if !s.more() {
			return 0, s.end
		}
	}
}

// value takes the next value. It is there until the next call.
func (s *splitter) value() ([]byte, error) {
	if _, err := s.first(); err != nil {
		return nil, err
	}
	for {
		n, ended := valueLen(s.buf[s.at:])
		if ended || !s.more() {
			if s.end != nil && !errors.Is(s.end, io.EOF) {
				return nil, s.end
			}
			s.at += n
			return s.buf[s.at-n : s.at], nil
		}
	}
}

// punctuation takes one of the bytes in allowed and returns it.
func (s *splitter) punctuation(path, allowed string) (byte, error) {
	b, err := s.first()
	if err != nil {
		return 0, broken(err, path)
	}
	for i := range len(allowed) {
		if allowed[i] == b {
			s.at++
			return b, nil
		}
	}
	return 0, rapport.Errorf(rapport.CodeMalformed, "The JSON is broken%s, at byte %d: %q where one of %q was expected.", where(path), s.past+int64(s.at)+1, b, allowed)
}

// object takes an object. take is called at the value of each member and takes it or leaves it; the members
// that it left come back as an object of their own.
func (s *splitter) object(path string, take func(name string) (taken bool, err error)) (rest []byte, err error) {
	b, err := s.first()
	switch {
	case err != nil:
		return nil, broken(err, path)
	case b != '{' && path != "":
		return nil, rapport.Invalid(path, "must be an object")
	case b != '{':
		return nil, rapport.Errorf(rapport.CodeMalformed, "A JSON object was expected.")
	}
	s.at++
	rest = []byte{'{'}
	if b, err = s.first(); err == nil && b == '}' {
		s.at++
		return []byte("{}"), nil
	}
	for b = ','; b == ','; {
		if b, err = s.first(); err != nil || b != '"' {
			_, err = s.punctuation(path, `"`)
			return nil, err
		}
		raw, err := s.whole(path)
		if err != nil {
			return nil, err
		}
		var name string
		if err := json.Unmarshal(raw, &name); err != nil {
			return nil, s.broken(raw, path)
		}
		kept := append(rest, raw...)
		if _, err := s.punctuation(path, ":"); err != nil {
			return nil, err
		}
		taken, err := take(name)
		if err != nil {
			return nil, err
		}
		if !taken {
			sub := name
			if path != "" {
				sub = path + "." + name
			}
			if raw, err = s.whole(sub); err != nil {
				return nil, err
			}
			rest = append(append(append(kept, ':'), raw...), ',')
		}
		if b, err = s.punctuation(path, ",}"); err != nil {
			return nil, err
		}
	}
	if len(rest) > 1 {
		rest = rest[:len(rest)-1]
	}
	return append(rest, '}'), nil
}

// list takes a list and hands each element to element (nil: nobody).
func (s *splitter) list(path string, element func(i int, raw []byte) error) (n int, err error) {
	if b, err := s.first(); err != nil {
		return 0, broken(err, path)
	} else if b != '[' {
		return 0, rapport.Invalid(path, "must be a list")
	}
	s.at++
	if b, err := s.first(); err == nil && b == ']' {
		s.at++
		return 0, nil
	}
	for b := byte(','); b == ','; n++ {
		raw, err := s.value()
		if err != nil {
			return n, broken(err, fmt.Sprintf("%s[%d]", path, n))
		}
		if element != nil {
			if err = element(n, raw); rapport.CodeOf(err) == rapport.CodeMalformed {
				err = s.broken(raw, fmt.Sprintf("%s[%d]", path, n))
			}
		} else if len(raw) == 0 {
			err = s.broken(raw, fmt.Sprintf("%s[%d]", path, n))
		}
		if err != nil {
			return n, err
		}
		if b, err = s.punctuation(path, ",]"); err != nil {
			return n, err
		}
	}
	return n, nil
}

// whole takes a value that must be JSON.
func (s *splitter) whole(path string) ([]byte, error) {
	raw, err := s.value()
	if err != nil {
		return nil, broken(err, path)
	}
	if !json.Valid(raw) {
		return nil, s.broken(raw, path)
	}
	return raw, nil
}

// broken says where raw, the value that was just taken, stops being JSON.
func (s *splitter) broken(raw []byte, path string) error {
	if len(raw) == 0 && s.at < len(s.buf) {
		return rapport.Errorf(rapport.CodeMalformed, "The JSON is broken%s, at byte %d: a value is missing.", where(path), s.past+int64(s.at)+1)
	}
	err := json.Unmarshal(raw, new(any))
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok || syntax.Offset >= int64(len(raw)) && s.at == len(s.buf) && s.end != nil {
		return broken(io.ErrUnexpectedEOF, path)
	}
	return rapport.Errorf(rapport.CodeMalformed, "The JSON is broken%s, at byte %d: %s.", where(path), s.past+int64(s.at-len(raw))+syntax.Offset, plainly(err))
}

// broken turns the end of a text into a refusal; errors of the body itself (too large, cut off) keep their own.
func broken(err error, path string) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return rapport.Errorf(rapport.CodeMalformed, "The JSON ends too early%s.", where(path))
	}
	return err
}

func where(path string) string {
	if path == "" {
		return ""
	}
	return " at " + path
}
