package rapport

import (
	"slices"
	"time"
)

// SendWindow is when a campaign may be sent: from From until Until (minutes after midnight, Until
// exclusive, From later than Until wraps past midnight and belongs to the day it begins), on Days (bit
// time.Weekday; 0: every day), in Zone ("recipient" or an IANA name).
type SendWindow struct {
	From  int
	Until int
	Days  uint8
	Zone  string
}

// span is a daily stretch of local time, the common shape of windows and quiet hours.
type span struct {
	from, until int
	days        uint8
}

func (s span) onDay(d time.Weekday) bool { return s.days == 0 || s.days&(1<<d) != 0 }

// holds tells whether the local minute of t lies in the span.
func (s span) holds(t time.Time) bool {
	m := t.Hour()*60 + t.Minute()
	if s.from == s.until {
		return s.onDay(t.Weekday()) // the whole day
	}
	if s.from < s.until {
		return m >= s.from && m < s.until && s.onDay(t.Weekday())
	}
	yesterday := (t.Weekday() + 6) % 7
	return m >= s.from && s.onDay(t.Weekday()) || m < s.until && s.onDay(yesterday)
}

// next returns the first instant after t at which the span begins (or ends).
func (s span) next(t time.Time, minute int, ends bool) time.Time {
	y, mo, d := t.Date()
	for i := 0; i < 10; i++ {
		day := time.Date(y, mo, d+i, 12, 0, 0, 0, time.UTC)
		begun := day.Weekday()
		if ends && s.from >= s.until {
			begun = (begun + 6) % 7
		}
		if !s.onDay(begun) {
			continue
		}
		at := AtLocal(day.Year(), day.Month(), day.Day(), minute, t.Location())
		if at.After(t) {
			return at
		}
	}
	return time.Time{}
}

// AtLocal is the instant of a local wall-clock minute. Where the clock is set forward over it, the first
// valid instant after the gap; where it is set back and the minute comes twice, the first of the two.
func AtLocal(year int, month time.Month, day, minute int, zone *time.Location) time.Time {
	wall := time.Date(year, month, day, 0, minute, 0, 0, time.UTC)
	var found time.Time
	_, before := wall.Add(-26 * time.Hour).In(zone).Zone()
	_, after := wall.Add(26 * time.Hour).In(zone).Zone()
	for _, offset := range []int{before, after} {
		at := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		_, real := at.Zone()
		if real == offset && (found.IsZero() || at.Before(found)) {
			found = at
		}
	}
	if found.IsZero() {
		begin, _ := wall.Add(-time.Duration(before) * time.Second).In(zone).ZoneBounds()
		return begin
	}
	return found
}

// NextOpen returns the first instant at or after now when window (nil: always) is open in its zone and quiet (nil:
// none) holds in none of the quiet zones, and when that stretch ends (zero: it does not). A zero due
// means that they never leave room for each other.
func NextOpen(now time.Time, window *SendWindow, windowZone *time.Location, quiet *QuietHours, quietZones ...*time.Location) (due, end time.Time) {
	var open, hush *span
	if window != nil && !(window.From == window.Until && window.Days == 0) {
		open = &span{window.From, window.Until, window.Days}
	}
	if quiet != nil && quiet.From != quiet.Until {
		hush = &span{quiet.From, quiet.Until, 0}
	} else {
		quietZones = nil
	}
	t := now
	for range 32 * (1 + len(quietZones)) { // each step moves to the next edge; 32 edges are more than a week of each
		if open != nil && !open.holds(t.In(windowZone)) {
			if t = open.next(t.In(windowZone), open.from, false); t.IsZero() {
				return
			}
			continue
		}
		held := slices.IndexFunc(quietZones, func(z *time.Location) bool { return hush.holds(t.In(z)) })
		if held >= 0 {
			t = hush.next(t.In(quietZones[held]), hush.until, true)
			continue
		}
		due = t.UTC()
		if open != nil {
			end = open.next(t.In(windowZone), open.until, true)
		}
		for _, z := range quietZones {
			if q := hush.next(t.In(z), hush.from, false); end.IsZero() || q.Before(end) {
				end = q
			}
		}
		if !end.IsZero() {
			end = end.UTC()
		}
		return
	}
	return time.Time{}, time.Time{}
}
