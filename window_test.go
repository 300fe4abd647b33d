package rapport

import (
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

// zones24 have different rules, or none, for daylight saving.
var zones24 = []string{"UTC", "Europe/Riga", "Europe/London", "Europe/Lisbon", "Europe/Moscow", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
	"America/St_Johns", "America/Sao_Paulo", "America/Santiago", "America/Havana", "Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tokyo",
	"Australia/Lord_Howe", "Australia/Adelaide", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Apia"}

func load(t interface{ Fatal(...any) }, name string) *time.Location {
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Every minute of the day of every change of the clock in 2026, in every zone: the instant has that wall
// time, or, in a gap, is the first after it; and it is the first of two.
func TestAtLocal_GapsAndOverlaps(t *testing.T) {
	t.Parallel()
	changes := 0
	for _, name := range zones24 {
		zone := load(t, name)
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, zone)
		for at.Year() == 2026 {
			_, next := at.ZoneBounds()
			if next.IsZero() || next.Year() != 2026 {
				break
			}
			changes++
			day := next.In(zone)
			for minute := range 24 * 60 {
				got := AtLocal(day.Year(), day.Month(), day.Day(), minute, zone)
				local := got.In(zone)
				if local.Hour()*60+local.Minute() == minute && local.Day() == day.Day() {
					// An hour or half an hour before must not show the same wall time.
					for _, back := range []time.Duration{30 * time.Minute, time.Hour} {
						b := got.Add(-back).In(zone)
						if b.Hour() == local.Hour() && b.Minute() == local.Minute() {
							t.Fatalf("%s minute %d: %s is the second of two", name, minute, got)
						}
					}
					continue
				}
				before := got.Add(-time.Minute).In(zone)
				if m := before.Hour()*60 + before.Minute(); before.Day() == local.Day() && m >= minute {
					t.Fatalf("%s minute %d in a gap: %s is not the first instant after it", name, minute, got)
				}
				if got.Before(next.Add(-time.Hour)) || got.After(next.Add(time.Hour)) {
					t.Fatalf("%s minute %d in a gap: %s is far from the change at %s", name, minute, got, next)
				}
			}
			at = next.Add(time.Hour)
		}
	}
	if changes < 24 {
		t.Fatalf("only %d changes of the clock were looked at", changes)
	}
}

func TestNextOpen_NeverOpensInQuietHoursOrOutsideTheWindow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone := load(t, rapid.SampledFrom(zones24).Draw(t, "zone"))
		now := time.Unix(rapid.Int64Range(1767225600, 1798761600).Draw(t, "now"), 0)
		window := &SendWindow{From: rapid.IntRange(0, 1439).Draw(t, "from"), Until: rapid.IntRange(0, 1439).Draw(t, "until"), Days: uint8(rapid.IntRange(1, 127).Draw(t, "days"))}
		quiet := &QuietHours{From: rapid.IntRange(0, 1439).Draw(t, "quiet from"), Until: rapid.IntRange(0, 1439).Draw(t, "quiet until")}
		due, end := NextOpen(now, window, zone, quiet, zone)
		if due.IsZero() {
			return
		}
		if due.Before(now.Truncate(time.Second)) {
			t.Fatalf("due %s before now %s", due, now)
		}
		local := due.In(zone)
		if !(span{window.From, window.Until, window.Days}).holds(local) {
			t.Fatalf("%s is outside the window %+v", local, window)
		}
		if quiet.From != quiet.Until && (span{quiet.From, quiet.Until, 0}).holds(local) {
			t.Fatalf("%s is in the quiet hours %+v", local, quiet)
		}
		if !end.IsZero() && !end.After(due) {
			t.Fatalf("the stretch ends at %s before it begins at %s", end, due)
		}
	})
}

// Where nobody knows which of several zones it is, quiet hours hold in each, and nothing waits longer than for that.
func TestNextOpen_StrictestOfSeveralZones(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var zones []*time.Location
		for range rapid.IntRange(1, 4).Draw(t, "zones") {
			zones = append(zones, load(t, rapid.SampledFrom(zones24).Draw(t, "zone")))
		}
		now := time.Unix(rapid.Int64Range(1767225600, 1798761600).Draw(t, "now"), 0)
		quiet := &QuietHours{From: rapid.IntRange(0, 1439).Draw(t, "quiet from"), Until: rapid.IntRange(0, 1439).Draw(t, "quiet until")}
		hushed := func(at time.Time) bool {
			return quiet.From != quiet.Until && slices.ContainsFunc(zones, func(z *time.Location) bool { return span{quiet.From, quiet.Until, 0}.holds(at.In(z)) })
		}
		due, end := NextOpen(now, nil, time.UTC, quiet, zones...)
		until := due
		if due.IsZero() {
			until = now.Add(24 * time.Hour)
		} else if hushed(due) || !end.IsZero() && (!end.After(due) || hushed(end.Add(-time.Second))) {
			t.Fatalf("due %s until %s, and it is quiet somewhere", due, end)
		}
		for at := now; at.Before(until); at = at.Add(time.Minute) {
			if !hushed(at) {
				t.Fatalf("due %s (zero: never), and at %s it is quiet nowhere", due, at)
			}
		}
	})
}

func TestNextOpen_Stories(t *testing.T) {
	t.Parallel()
	riga := load(t, "Europe/Riga")
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, riga)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	night := &QuietHours{From: 21 * 60, Until: 9 * 60}
	office := &SendWindow{From: 9 * 60, Until: 18 * 60, Days: 0b0111110}
	for _, c := range []struct {
		name     string
		now      string
		window   *SendWindow
		quiet    *QuietHours
		due, end string
	}{
		{"nothing set: at once, without an end", "2026-05-05 03:00", nil, nil, "2026-05-05 03:00", ""},
		{"quiet at night waits for the morning", "2026-05-05 23:30", nil, night, "2026-05-06 09:00", "2026-05-06 21:00"},
		{"a minute before quiet goes out, until quiet begins", "2026-05-05 20:59", nil, night, "2026-05-05 20:59", "2026-05-05 21:00"},
		{"Saturday waits for Monday", "2026-05-09 12:00", office, nil, "2026-05-11 09:00", "2026-05-11 18:00"},
		{"quiet inside the window shortens it", "2026-05-05 12:00", office, &QuietHours{From: 17 * 60, Until: 10 * 60}, "2026-05-05 12:00", "2026-05-05 17:00"},
		{"a window past midnight belongs to the day it begins", "2026-05-09 01:00", &SendWindow{From: 22 * 60, Until: 2 * 60, Days: 1 << time.Friday}, nil, "2026-05-09 01:00", "2026-05-09 02:00"},
		{"a window that begins in the gap of spring opens when the gap ends", "2026-03-29 02:00", &SendWindow{From: 3*60 + 30, Until: 6 * 60}, nil, "2026-03-29 04:00", "2026-03-29 06:00"},
		{"no room at all", "2026-05-05 12:00", &SendWindow{From: 22 * 60, Until: 23 * 60}, night, "", ""},
	} {
		due, end := NextOpen(at(c.now), c.window, riga, c.quiet, riga)
		want := func(s string) time.Time {
			if s == "" {
				return time.Time{}
			}
			return at(s).UTC()
		}
		if !due.Equal(want(c.due)) || !end.Equal(want(c.end)) {
			t.Errorf("%s: due %s end %s, want %s and %s", c.name, due.In(riga), end.In(riga), c.due, c.end)
		}
	}
}
