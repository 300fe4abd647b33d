package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"rapport"
)

// CampaignInput is the body of POST /v1/campaigns. The audience is read as a stream, see campaignBody.
type CampaignInput struct {
	SendSpec
	Status   string         `json:"status,omitempty" enum:"draft" doc:"draft: recipients follow, nothing is sent until launch."`
	Audience *AudienceInput `json:"audience,omitempty"`
}

// AudienceInput is one of its fields.
type AudienceInput struct {
	Customers []RecipientInput `json:"customers,omitempty" doc:"At most 100,000; more are streamed into a draft."`
	Segment   string           `json:"segment,omitempty" doc:"Not available yet: 422."`
	Everyone  bool             `json:"everyone,omitempty" doc:"Every customer. Must be said."`
}

// RecipientInput names or describes one customer, with data for them alone.
type RecipientInput struct {
	CustomerInput
	Data map[string]any `json:"data,omitempty"`
}

// spool keeps a body so that it can be read twice: in memory while small, else in a file that is gone
// when it is closed. Memory stays bounded however large the audience is.
type spool struct {
	mem  []byte
	file *os.File
}

const spoolMemory = 1 << 20

func newSpool(r io.Reader) (*spool, error) {
	mem, err := io.ReadAll(io.LimitReader(r, spoolMemory+1))
	if err != nil {
		return nil, err
	}
	if len(mem) <= spoolMemory {
		return &spool{mem: mem}, nil
	}
	f, err := os.CreateTemp("", "rapport-body-*")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name())
	if _, err = f.Write(mem); err == nil {
		_, err = io.Copy(f, r)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &spool{file: f}, nil
}

func (s *spool) reader() (io.Reader, error) {
	if s.file == nil {
		return bytes.NewReader(s.mem), nil
	}
	_, err := s.file.Seek(0, io.SeekStart)
	return s.file, err
}

func (s *spool) close() {
	if s.file != nil {
		s.file.Close()
	}
}

// campaignBody decodes the body of a campaign, strictly, without ever holding the audience: each element
// of audience.customers is handed to customer (nil: passed over). inline tells whether there was a
// customers list, and of how many.
func campaignBody(r io.Reader, customer func(i int, raw json.RawMessage) error) (in *CampaignInput, inline int, err error) {
	dec := json.NewDecoder(r)
	in, inline = &CampaignInput{}, -1
	rest := map[string]json.RawMessage{}
	err = eachKey(dec, "", func(key string) error {
		if key != "audience" {
			return decodeKey(dec, rest, key)
		}
		in.Audience = &AudienceInput{}
		sub := map[string]json.RawMessage{}
		err := eachKey(dec, "audience", func(key string) error {
			if key != "customers" {
				return decodeKey(dec, sub, key)
			}
			if inline >= 0 {
				return rapport.Invalid("audience.customers", "is there twice")
			}
			inline = 0
			return eachElement(dec, "audience.customers", func() error {
				var raw json.RawMessage
				if err := dec.Decode(&raw); err != nil {
					return brokenJSON(err, fmt.Sprintf("audience.customers[%d]", inline))
				}
				i := inline
				inline++
				if customer == nil {
					return nil
				}
				return customer(i, raw)
			})
		})
		if err != nil {
			return err
		}
		return strictObject(sub, in.Audience, "audience")
	})
	if err != nil {
		return nil, 0, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, 0, rapport.Errorf(rapport.CodeMalformed, "There is something after the JSON object.")
	}
	audience := in.Audience
	if err := strictObject(rest, in, ""); err != nil {
		return nil, 0, err
	}
	in.Audience = audience
	return in, inline, nil
}

func decodeKey(dec *json.Decoder, into map[string]json.RawMessage, key string) error {
	if _, twice := into[key]; twice {
		return rapport.Invalid(key, "is there twice")
	}
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return brokenJSON(err, key)
	}
	into[key] = raw
	return nil
}

func eachKey(dec *json.Decoder, path string, fn func(string) error) error {
	t, err := dec.Token()
	if err != nil {
		return brokenJSON(err, path)
	}
	if t == nil && path != "" {
		return rapport.Invalid(path, "must be an object")
	}
	if t != json.Delim('{') {
		return rapport.Errorf(rapport.CodeMalformed, "A JSON object was expected%s.", where(path))
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return brokenJSON(err, path)
		}
		if err := fn(t.(string)); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return brokenJSON(err, path)
	}
	return nil
}

func eachElement(dec *json.Decoder, path string, fn func() error) error {
	t, err := dec.Token()
	if err != nil {
		return brokenJSON(err, path)
	}
	if t != json.Delim('[') {
		return rapport.Invalid(path, "must be a list")
	}
	for dec.More() {
		if err := fn(); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return brokenJSON(err, path)
	}
	return nil
}

func where(path string) string {
	if path == "" {
		return ""
	}
	return " at " + path
}

// brokenJSON turns a reading error into one for people; errors of the body itself (too large, cut off)
// keep their own.
func brokenJSON(err error, path string) error {
	if e, ok := errors.AsType[*rapport.Error](err); ok {
		return e
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return rapport.Errorf(rapport.CodeMalformed, "The JSON ends too early%s.", where(path))
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return rapport.Errorf(rapport.CodeMalformed, "The JSON is broken%s, at byte %d: %s.", where(path), e.Offset, e.Error())
	}
	return err
}

// strictObject decodes gathered keys into a struct and refuses unknown ones.
func strictObject(m map[string]json.RawMessage, into any, path string) error {
	b, err := json.Marshal(m)
	if err != nil {
		return rapport.Errorf(rapport.CodeMalformed, "The JSON is broken%s: %w", where(path), err)
	}
	return Decode(b, path, into)
}
