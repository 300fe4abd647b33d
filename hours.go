package rapport

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Hours are when people are there to answer: several slots a day, and holidays, in one time zone. The zero Hours are always.
type Hours struct {
	Zone     *time.Location       // nil: UTC
	Week     [7][]HoursSlot       // by time.Weekday; a day without slots is closed
	Holidays map[Date][]HoursSlot // instead of the weekday's; nil: closed
}

// HoursSlot is a stretch of a day in minutes after local midnight, Until exclusive. One that goes past midnight has an Until
// beyond 1,440, up to 2,880, and belongs to the day it begins.
type HoursSlot struct{ From, Until int }

// Date is a day of the calendar.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// ParseDate reads 2006-01-02.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("must be a date such as 2026-12-25")
	}
	return Date{t.Year(), t.Month(), t.Day()}, nil
}

// Always tells whether there are no closed hours.
func (h *Hours) Always() bool {
	for _, slots := range h.Week {
		if len(slots) > 0 {
			return false
		}
	}
	return true
}

// on are the slots that begin on a day.
func (h *Hours) on(d time.Time) []HoursSlot {
	if slots, ok := h.Holidays[Date{d.Year(), d.Month(), d.Day()}]; ok {
		return slots
	}
	return h.Week[d.Weekday()]
}

// Open tells whether t lies within the hours.
func (h *Hours) Open(t time.Time) bool {
	if h.Always() {
		return true
	}
	return h.Between(t, t.Add(time.Nanosecond)) > 0
}

// mostDays bounds what Between walks through: what took longer counts as that much.
const mostDays = 3660

// Between is how much of the time from a to b lies within the hours. Slots that overlap count once; an hour that the clock skips
// or repeats counts as long as it really is.
func (h *Hours) Between(a, b time.Time) time.Duration {
	if !b.After(a) {
		return 0
	}
	if h.Always() {
		return b.Sub(a)
	}
	zone := h.Zone
	if zone == nil {
		zone = time.UTC
	}
	y, m, d := a.In(zone).Date()
	day := time.Date(y, m, d-1, 12, 0, 0, 0, time.UTC) // yesterday's slots may reach into today
	var open []stretch
	for range mostDays {
		y, m, d := day.Date()
		if begin := AtLocal(y, m, d, 0, zone); begin.After(b) {
			break
		}
		for _, s := range h.on(day) {
			from, until := AtLocal(y, m, d, s.From, zone), AtLocal(y, m, d+s.Until/1440, s.Until%1440, zone)
			if from.Before(a) {
				from = a
			}
			if until.After(b) {
				until = b
			}
			if until.After(from) {
				open = append(open, stretch{from, until})
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return length(open)
}

type stretch struct{ from, until time.Time }

// length is how long stretches last together.
func length(all []stretch) (sum time.Duration) {
	slices.SortFunc(all, func(a, b stretch) int { return cmp.Compare(a.from.UnixNano(), b.from.UnixNano()) })
	var end time.Time
	for _, s := range all {
		if s.from.Before(end) {
			s.from = end
		}
		if s.until.After(s.from) {
			sum += s.until.Sub(s.from)
			end = s.until
		}
	}
	return sum
}
