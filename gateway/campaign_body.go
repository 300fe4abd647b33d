package gateway

import (
	"errors"
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
	Segment   string           `json:"segment,omitempty" maxLength:"100" doc:"Key or id of a segment: the customers whom it finds at launch and while the campaign is planned."`
	Everyone  bool             `json:"everyone,omitempty" doc:"Every customer, without partners: they are known from the conversations of others. Must be said."`
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
	if err = os.Remove(f.Name()); err == nil {
		_, err = f.Write(mem)
	}
	if err == nil {
		_, err = io.Copy(f, r)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &spool{file: f}, nil
}

// split begins to read what was kept, from its start.
func (s *spool) split() (*splitter, error) {
	if s.file == nil {
		return &splitter{buf: s.mem, end: io.EOF}, nil
	}
	_, err := s.file.Seek(0, io.SeekStart)
	return &splitter{in: s.file, buf: make([]byte, 0, 64<<10)}, err
}

func (s *spool) close() {
	if s.file != nil {
		s.file.Close()
	}
}

// campaignBody decodes the body of a campaign, strictly, without ever holding the audience: each element
// of audience.customers is handed to customer (nil: passed over), as text that may not be JSON and is
// there until customer returns. inline tells whether there was a customers list, and of how many.
func campaignBody(s *splitter, customer func(i int, raw []byte) error) (in *CampaignInput, inline int, err error) {
	in, inline = &CampaignInput{}, -1
	var audience *AudienceInput
	rest, err := s.object("", func(name string) (taken bool, err error) {
		if name != "audience" {
			return false, nil
		}
		if audience != nil {
			return true, rapport.Invalid("audience", "is there twice")
		}
		audience = &AudienceInput{}
		rest, err := s.object("audience", func(name string) (bool, error) {
			if name != "customers" {
				return false, nil
			}
			if inline >= 0 {
				return true, rapport.Invalid("audience.customers", "is there twice")
			}
			inline, err = s.list("audience.customers", customer)
			return true, err
		})
		if err != nil {
			return true, err
		}
		return true, Decode(rest, "audience", audience)
	})
	if err != nil {
		return nil, 0, err
	}
	if b, err := s.first(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = rapport.Errorf(rapport.CodeMalformed, "There is something after the JSON object: %q.", b)
		}
		return nil, 0, err
	}
	if err := Decode(rest, "", in); err != nil {
		return nil, 0, err
	}
	in.Audience = audience
	return in, inline, nil
}
