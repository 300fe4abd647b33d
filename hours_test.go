package rapport_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"rapport"
)

func at(t *testing.T, zone *time.Location, s string) time.Time {
	t.Helper()
	x, err := time.ParseInLocation("2006-01-02 15:04", s, zone)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestHours_Between(t *testing.T) {
	t.Parallel()
	riga, err := time.LoadLocation("Europe/Riga")
	if err != nil {
		t.Fatal(err)
	}
	office := rapport.Hours{Zone: riga, Holidays: map[rapport.Date][]rapport.HoursSlot{{Year: 2026, Month: 12, Day: 24}: {{540, 720}}, {Year: 2026, Month: 12, Day: 25}: nil}}
	for d := time.Monday; d <= time.Friday; d++ {
		office.Week[d] = []rapport.HoursSlot{{540, 780}, {840, 1080}} // 9-13, 14-18
	}
	office.Week[time.Saturday] = []rapport.HoursSlot{{1320, 1680}} // 22-04
	for _, c := range []struct {
		name, from, until string
		want              time.Duration
	}{
		{"within a slot", "2026-11-23 09:30", "2026-11-23 10:15", 45 * time.Minute},
		{"over the break", "2026-11-23 12:30", "2026-11-23 14:30", time.Hour},
		{"a whole day", "2026-11-23 00:00", "2026-11-24 00:00", 8 * time.Hour},
		{"overnight", "2026-11-23 17:00", "2026-11-24 10:00", 2 * time.Hour},
		{"past midnight", "2026-11-28 20:00", "2026-11-29 12:00", 6 * time.Hour},
		{"begun yesterday", "2026-11-29 03:00", "2026-11-29 12:00", time.Hour},
		{"over a weekend", "2026-11-27 17:00", "2026-11-30 10:00", 2*time.Hour + 6*time.Hour},
		{"a short holiday", "2026-12-24 00:00", "2026-12-25 00:00", 3 * time.Hour},
		{"a holiday", "2026-12-25 00:00", "2026-12-26 00:00", 0},
		{"backwards", "2026-11-23 10:00", "2026-11-23 09:00", 0},
		{"the night the clock goes back", "2026-10-24 22:00", "2026-10-25 04:00", 7 * time.Hour},
		{"the night it goes forward", "2026-03-28 22:00", "2026-03-29 04:00", 5 * time.Hour},
	} {
		if got := office.Between(at(t, riga, c.from), at(t, riga, c.until)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if office.Open(at(t, riga, "2026-11-23 13:30")) || !office.Open(at(t, riga, "2026-11-23 14:00")) || office.Open(at(t, riga, "2026-11-23 18:00")) {
		t.Error("Open disagrees with the slots")
	}
	var always rapport.Hours
	if from := at(t, riga, "2026-11-23 13:30"); !always.Open(from) || always.Between(from, from.Add(time.Hour)) != time.Hour {
		t.Error("no hours are not always")
	}
}

// Whatever the slots, time parts: what lies between a and c is what lies between a and b and between b and c.
func TestHours_BetweenAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom([]string{"UTC", "Europe/Riga", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"}).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		h := rapport.Hours{Zone: zone, Holidays: map[rapport.Date][]rapport.HoursSlot{}}
		for d := range h.Week {
			for range rapid.IntRange(0, 3).Draw(t, "slots") {
				from := rapid.IntRange(0, 1439).Draw(t, "from")
				h.Week[d] = append(h.Week[d], rapport.HoursSlot{From: from, Until: from + rapid.IntRange(1, 1440).Draw(t, "length")})
			}
		}
		a := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.Int64Range(0, 525_600).Draw(t, "a")) * time.Minute)
		b := a.Add(time.Duration(rapid.Int64Range(0, 20_000).Draw(t, "b")) * time.Minute)
		c := b.Add(time.Duration(rapid.Int64Range(0, 20_000).Draw(t, "c")) * time.Minute)
		if whole, parts := h.Between(a, c), h.Between(a, b)+h.Between(b, c); whole != parts || whole > c.Sub(a) {
			t.Fatalf("%v as a whole, %v in parts, of %v", whole, parts, c.Sub(a))
		}
	})
}
