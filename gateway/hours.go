package gateway

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rapport"
	"rapport/store"
)

// HoursInput is when people are there to answer, as it is given and stored.
type HoursInput struct {
	Timezone string                 `json:"timezone" maxLength:"64" example:"Europe/Riga" doc:"IANA name."`
	Week     map[string][]SlotInput `json:"week" doc:"By mon, tue, wed, thu, fri, sat, sun; a day that is left out is closed. No day at all: always open."`
	Holidays []HolidayInput         `json:"holidays,omitempty" maxItems:"1000"`
}

// SlotInput is a stretch of a day. One whose until is not later than its from goes on past midnight.
type SlotInput struct {
	From  string `json:"from" example:"09:00"`
	Until string `json:"until" example:"18:00"`
}

// HolidayInput is a day with hours of its own.
type HolidayInput struct {
	Date  string      `json:"date" example:"2026-12-25"`
	Name  string      `json:"name,omitempty" maxLength:"200"`
	Slots []SlotInput `json:"slots,omitempty" maxItems:"20" doc:"None: closed."`
}

// hours checks the input and makes what can be calculated with of it.
func (in *HoursInput) hours() (rapport.Hours, error) {
	var h rapport.Hours
	var v validation
	z, err := zone(in.Timezone)
	if err != nil || in.Timezone == "Local" || in.Timezone == "" {
		v.refuse("timezone", "is not an IANA time zone")
	}
	h.Zone = z
	for day, slots := range in.Week {
		n, ok := weekdays[day]
		if !ok {
			v.refuse("week."+truncate(day, 20), "must be one of mon tue wed thu fri sat sun")
			continue
		}
		h.Week[n] = readSlots("week."+day, slots, &v)
	}
	for i, d := range in.Holidays {
		path := fmt.Sprintf("holidays[%d]", i)
		date, err := rapport.ParseDate(d.Date)
		if err != nil {
			v.refuse(path+".date", "%v", err)
			continue
		}
		if _, twice := h.Holidays[date]; twice {
			v.refuse(path+".date", "is there twice")
		}
		if h.Holidays == nil {
			h.Holidays = map[rapport.Date][]rapport.HoursSlot{}
		}
		h.Holidays[date] = readSlots(path+".slots", d.Slots, &v)
	}
	if len(v.errs) > 0 {
		return h, invalid(v.errs)
	}
	return h, nil
}

func readSlots(path string, in []SlotInput, v *validation) []rapport.HoursSlot {
	if len(in) > 20 {
		v.refuse(path, "holds more than 20 slots")
		return nil
	}
	var out []rapport.HoursSlot
	for i, s := range in {
		from, ok := clock(s.From)
		if !ok {
			v.refuse(fmt.Sprintf("%s[%d].from", path, i), "must be a time of day such as 09:00")
		}
		until, ok := clock(s.Until)
		if s.Until == "24:00" {
			until, ok = 1440, true
		}
		if !ok {
			v.refuse(fmt.Sprintf("%s[%d].until", path, i), "must be a time of day such as 18:00")
		}
		if until <= from {
			until += 1440
		}
		out = append(out, rapport.HoursSlot{From: from, Until: until})
	}
	return out
}

// overlaps refuses slots of which one begins before another has ended, also where that one goes past midnight into the
// next day of the week: somebody has mistyped. What was stored before anybody asked stays readable.
func (in *HoursInput) overlaps(h *rapport.Hours) error {
	v := validation{}
	within := func(path string, slots []rapport.HoursSlot) {
		for i, b := range slots {
			for j, a := range slots[:i] {
				if a.From < b.Until && b.From < a.Until {
					v.refuse(fmt.Sprintf("%s[%d]", path, i), "overlaps slot %d of the day", j+1)
				}
			}
		}
	}
	for name, day := range weekdays {
		within("week."+name, h.Week[day])
		for i, late := range h.Week[(day+6)%7] {
			for j, early := range h.Week[day] {
				if early.From < late.Until-1440 {
					v.refuse(fmt.Sprintf("week.%s[%d]", name, j), "overlaps slot %d of the day before, which goes past midnight", i+1)
				}
			}
		}
	}
	for i, d := range in.Holidays {
		if date, err := rapport.ParseDate(d.Date); err == nil {
			within(fmt.Sprintf("holidays[%d].slots", i), h.Holidays[date])
		}
	}
	if len(v.errs) == 0 {
		return nil
	}
	slices.SortFunc(v.errs, func(a, b rapport.FieldError) int { return strings.Compare(a.Path, b.Path) })
	return invalid(v.errs)
}

// PutHours replaces the business hours. What was measured before keeps the hours that held then.
func (g *Gateway) PutHours(ctx context.Context, by Caller, in HoursInput) error {
	h, err := in.hours()
	if err != nil {
		return err
	}
	if err := in.overlaps(&h); err != nil {
		return err
	}
	return g.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.PutHours(ctx, in); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "hours.changed", Subject: "hours"})
	})
}

// BusinessHours are as they were set; at first, always.
func (g *Gateway) BusinessHours(ctx context.Context) (HoursInput, error) {
	in := HoursInput{Timezone: g.set.DefaultZone.String(), Week: map[string][]SlotInput{}}
	_, err := g.Store.Hours(ctx, &in)
	return in, err
}

// measure writes how long the customer waited for an entry of an agent's: an answer, or the event by which a thread was resolved.
func (g *Gateway) measure(ctx context.Context, s *store.Store, t rapport.Thread, e rapport.Entry, kind rapport.ResponseKind) error {
	var in HoursInput
	var hours rapport.Hours
	set, err := s.Hours(ctx, &in)
	if err != nil {
		return err
	}
	if set {
		if hours, err = in.hours(); err != nil {
			return fmt.Errorf("the stored business hours: %w", err)
		}
	}
	return s.AddResponse(ctx, t, e, &rapport.Response{Kind: kind, Agent: e.Author}, func(from, until time.Time) time.Duration { return hours.Between(from, until) })
}
