package api

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"rapport"
	"rapport/gateway"
)

// maxCallReport is how large a report of a telephone exchange may be.
const maxCallReport = 64 << 10

// call takes what a telephone exchange reports about a call. Its token is all that it shows, so who has none learns
// not even that there is a door.
func (d *door) call(c *fiber.Ctx) error {
	name := ""
	for token, door := range d.o.CallDoors {
		if subtle.ConstantTimeCompare([]byte(token), []byte(c.Params("token"))) == 1 {
			name = door
		}
	}
	if name == "" {
		return rapport.NotFound("door")
	}
	stream, err := d.stream(c, maxCallReport)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(stream)
	if err != nil {
		return err
	}
	if body, err = plainForm(c.Get("Content-Type"), body); err != nil {
		return err
	}
	r, err := readCall(mediaType(c) == fiber.MIMEApplicationJSON, body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), 15*time.Second)
	defer cancel()
	if err := d.g.ReportCall(ctx, name, r); err != nil {
		return err
	}
	return c.JSON(struct{}{})
}

// plainForm is a multipart form as a plain one, without its files; any other body stays as it is.
func plainForm(contentType string, body []byte) ([]byte, error) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "multipart/form-data" {
		return body, nil //nolint:nilerr // whatever it is, readCall says what is wrong with it
	}
	form, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).ReadForm(maxCallReport) // the body is no larger: nothing goes to the disk
	if err != nil {
		return nil, rapport.Errorf(rapport.CodeMalformed, "The report is not a form.")
	}
	return []byte(url.Values(form.Value).Encode()), nil
}

// readCall reads a report, as JSON or as a form. Where one name has several values (user[] for a group that rings) they
// are joined; names that we do not know are passed over.
func readCall(asJSON bool, body []byte) (r gateway.CallReport, err error) {
	values := map[string]string{}
	if asJSON {
		var m map[string]json.RawMessage
		if json.Unmarshal(body, &m) != nil {
			return r, rapport.Errorf(rapport.CodeMalformed, "The report is not a JSON object.")
		}
		for name, raw := range m {
			values[name] = textOf(raw)
		}
	} else {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return r, rapport.Errorf(rapport.CodeMalformed, "The report is not a form.")
		}
		for name, all := range form {
			values[strings.TrimSuffix(name, "[]")] = strings.Join(all, ", ")
		}
	}
	get := func(names ...string) string {
		for _, n := range names {
			if v := oneLine(values[n]); v != "" {
				return v
			}
		}
		return ""
	}
	r = gateway.CallReport{Event: gateway.CallEvent(get("event")), CallID: get("callId", "call_id"), Direction: rapport.Direction(get("direction")), From: get("from"), To: get("to"),
		Agent: get("user", "queue"), Answering: get("answeringNumber", "answering_number"), Cause: get("cause")}
	switch r.Event {
	case gateway.NewCall, gateway.Answer, gateway.Hangup:
	default:
		return r, rapport.Invalid("event", "must be newCall, answer or hangup")
	}
	if r.CallID == "" {
		return r, rapport.Invalid("callId", "is required")
	}
	if r.Direction != rapport.CallIn && r.Direction != rapport.CallOut {
		return r, rapport.Invalid("direction", "must be in or out")
	}
	return r, nil
}

// textOf is a JSON text, number or list of them as one text; anything else is empty.
func textOf(raw json.RawMessage) string {
	var one any
	if json.Unmarshal(raw, &one) != nil {
		return ""
	}
	list, ok := one.([]any)
	if !ok {
		list = []any{one}
	}
	var out []string
	for i, v := range list {
		switch v := v.(type) {
		case string:
			out = append(out, v)
		case float64:
			if ok {
				break // only a number by itself says how it was written
			}
			out = append(out, strings.TrimSpace(string(raw)))
		}
		if i == 20 {
			break
		}
	}
	return strings.Join(out, ", ")
}

// oneLine is at most 200 characters of s that can be stored and shown.
func oneLine(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s))
	if runes := []rune(s); len(runes) > 200 {
		s = string(runes[:200])
	}
	return s
}
