package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"time"

	"rapport"
	"rapport/store"
)

// EventInput is something that happened to a customer elsewhere.
type EventInput struct {
	ID         string          `json:"id" maxLength:"200" doc:"Yours, and unique: reporting an event twice changes nothing." example:"order-1017-paid"`
	Type       string          `json:"type" maxLength:"100" example:"order"`
	Customer   string          `json:"customer" doc:"The customer's id, or ext: and your own." example:"ext:crm-1017"`
	OccurredAt *time.Time      `json:"occurred_at,omitempty" doc:"Without it: now."`
	Properties json.RawMessage `json:"properties,omitempty" doc:"A JSON object of at most 64 KiB. order events carry order_id, total (in minor units), currency (ISO 4217) and items."`
}

// order is what the properties of an order must hold.
type order struct {
	OrderID  string            `json:"order_id"`
	Total    json.RawMessage   `json:"total"` // whatever it is, to say so
	Currency string            `json:"currency"`
	Items    []json.RawMessage `json:"items"`
}

// maxEvents is how many events one request may bring.
const maxEvents = 10_000

// AddEvents takes the body of POST /v1/events: one event, an array of them, or one a line. All are
// checked, then all are stored; known counts those that were reported before.
func (g *Gateway) AddEvents(ctx context.Context, body io.Reader, format Format) (fresh, known int, err error) {
	inputs, err := readEvents(body, format)
	if err != nil {
		return 0, 0, err
	}
	var wrong []rapport.FieldError
	events := make([]rapport.Event, 0, len(inputs))
	customers := map[string]rapport.ID{}
	for _, in := range inputs {
		e, errs := g.event(in)
		if id, seen := customers[in.Customer]; seen {
			e.Customer = id
		} else if in.Customer != "" {
			c, err := g.Store.FindCustomer(ctx, in.Customer)
			if err != nil && rapport.CodeOf(err) != rapport.CodeNotFound {
				return 0, 0, err
			}
			if err == nil {
				e.Customer = c.ID
			}
			customers[in.Customer] = e.Customer
		}
		if e.Customer == 0 && in.Customer != "" {
			errs = append(errs, rapport.FieldError{Path: in.at("customer"), Message: "there is no such customer"})
		}
		if wrong = append(wrong, errs...); len(wrong) > 20 {
			break
		}
		events = append(events, e)
	}
	if len(wrong) > 0 {
		return 0, 0, invalid(wrong)
	}
	for len(events) > 0 {
		page := events[:min(len(events), store.MaxRows)]
		events = events[len(page):]
		news, err := g.Store.InsertEvents(ctx, page)
		if err != nil {
			return fresh, known, err
		}
		for _, isNew := range news {
			if isNew {
				fresh++
			} else {
				known++
			}
		}
	}
	return fresh, known, nil
}

type placedEvent struct {
	EventInput
	path string
}

func (e placedEvent) at(field string) string {
	if e.path == "" {
		return field
	}
	return e.path + "." + field
}

func readEvents(body io.Reader, format Format) ([]placedEvent, error) {
	if format == NDJSON {
		return readEventLines(body)
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimSpace(data)
	if len(data) == 0 || data[0] != '[' {
		one := make([]placedEvent, 1)
		return one, Decode(data, "", &one[0].EventInput)
	}
	var many []json.RawMessage
	if err := Decode(data, "", &many); err != nil {
		return nil, err
	}
	out := make([]placedEvent, len(many))
	for i, raw := range many {
		out[i].path = fmt.Sprintf("[%d]", i)
		if err := Decode(raw, out[i].path, &out[i].EventInput); err != nil {
			return nil, err
		}
	}
	return out, few(len(out))
}

func readEventLines(body io.Reader) ([]placedEvent, error) {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxLine)
	var out []placedEvent
	for n := 1; lines.Scan(); n++ {
		text := bytes.TrimSpace(bytes.TrimPrefix(lines.Bytes(), []byte("\ufeff")))
		if len(text) == 0 {
			continue
		}
		if !json.Valid(text) {
			return nil, rapport.Errorf(rapport.CodeMalformed, "Line %d is not JSON: %s.", n, plainly(json.Unmarshal(text, new(any))))
		}
		e := placedEvent{path: fmt.Sprintf("line %d", n)}
		if err := Decode(text, e.path, &e.EventInput); err != nil {
			return nil, err
		}
		if out = append(out, e); len(out) > maxEvents {
			break
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, rapport.Errorf(rapport.CodeTooLarge, "A line is larger than 1 MiB.")
	}
	if lines.Err() != nil {
		return nil, lines.Err()
	}
	return out, few(len(out))
}

func few(n int) error {
	switch {
	case n == 0:
		return rapport.Errorf(rapport.CodeInvalid, "There is no event in the request.")
	case n > maxEvents:
		return rapport.Errorf(rapport.CodeTooLarge, "At most %d events fit into one request.", maxEvents)
	}
	return nil
}

// event checks everything about one event but its customer.
func (g *Gateway) event(in placedEvent) (rapport.Event, []rapport.FieldError) {
	v := validation{path: in.path}
	e := rapport.Event{ExternalID: in.ID, Type: in.Type, OccurredAt: g.now(), Properties: v.attributes("properties", in.Properties)}
	if in.ID == "" {
		v.refuse("id", "is required")
	}
	v.text("id", in.ID, 200)
	if !validKey(in.Type) {
		v.refuse("type", "must be %s", keyRule)
	}
	if in.Customer == "" {
		v.refuse("customer", "is required")
	}
	if in.OccurredAt != nil {
		e.OccurredAt = in.OccurredAt.UTC()
		if e.OccurredAt.After(g.now().Add(24*time.Hour)) || e.OccurredAt.Year() < 1970 {
			v.refuse("occurred_at", "must lie between 1970 and tomorrow")
		}
	}
	if in.Type == "order" && len(v.errs) == 0 {
		v.order("properties", e.Properties)
	}
	return e, v.errs
}

// currencyCode: three capital letters: the list of ISO 4217 changes more often than we do.
var currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)

func (v *validation) order(field string, raw json.RawMessage) {
	var o order
	if len(raw) == 0 {
		v.refuse(field, "must hold order_id, total, currency and items")
		return
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && t.Field != "" {
			v.refuse(field+"."+t.Field, "must be %s, not a %s", shapeOf(t.Type).says(), t.Value)
		} else {
			v.refuse(field, "of an order: %s", plainly(err))
		}
		return
	}
	if o.OrderID == "" {
		v.refuse(field+".order_id", "is required")
	}
	if len(o.Total) == 0 || string(o.Total) == "null" {
		v.refuse(field+".total", "is required")
	} else if n, err := strconv.ParseInt(string(o.Total), 10, 64); err != nil || n < 0 {
		v.refuse(field+".total", "must be a whole number of minor units (cents), not below 0")
	}
	if !currencyCode.MatchString(o.Currency) {
		v.refuse(field+".currency", "must be an ISO 4217 code such as EUR")
	}
	if o.Items == nil {
		v.refuse(field+".items", "must be a list")
	}
}
