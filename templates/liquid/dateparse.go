package liquid

import (
	"strconv"
	"strings"
	"time"
)

// maxDate is the longest text that is tried as a date.
const maxDate = 64

// dateParts are what has been recognised of a date; -1 is unknown.
type dateParts struct {
	year, month, day            int
	hour, minute, second, nanos int
	afternoon                   int // 12 for pm, 0 for am, -1 for neither
	zone                        *time.Location
	known                       bool
}

// parseDate reads the ways people and programs write dates: 2026-03-05T10:00:00+03:00,
// 2026-03-05 10:00, 05.03.2026, March 5, 2026, Thu, 05 Mar 2026 10:00:00 GMT, 10:30 pm. s is lower
// case. What it does not say is taken from now; without a zone it is a time in zone, or in UTC.
func parseDate(s string, zone *time.Location, now time.Time) (time.Time, bool) {
	if s == "" || len(s) > maxDate {
		return time.Time{}, false
	}
	p := dateParts{year: -1, month: -1, day: -1, afternoon: -1}
	for _, word := range strings.FieldsFunc(s, func(c rune) bool { return c == ' ' || c == ',' || c >= '\t' && c <= '\r' }) {
		if !p.word(word) {
			return time.Time{}, false
		}
	}
	if !p.known {
		return time.Time{}, false
	}
	if p.zone != nil {
		zone = p.zone
	}
	if zone == nil {
		zone = time.UTC
	}
	return p.time(zone, now.In(zone))
}

func (p *dateParts) time(zone *time.Location, now time.Time) (time.Time, bool) {
	if p.month < 0 && p.day < 0 && p.year < 0 {
		p.day = now.Day()
	}
	if p.month < 0 {
		p.month = int(now.Month())
	}
	if p.year < 0 {
		p.year = now.Year()
	}
	if p.day < 0 {
		p.day = 1
	}
	if p.afternoon >= 0 {
		if p.hour > 12 {
			return time.Time{}, false
		}
		p.hour = p.hour%12 + p.afternoon
	}
	t := time.Date(p.year, time.Month(p.month), p.day, p.hour, p.minute, p.second, p.nanos, zone)
	ok := p.month >= 1 && p.month <= 12 && t.Day() == p.day && p.hour < 24 && p.minute < 60 && p.second <= 60
	return t, ok
}

func (p *dateParts) word(w string) bool {
	switch {
	case w == "am":
		p.afternoon = 0
		return true
	case w == "pm":
		p.afternoon = 12
		return true
	case isLetter(w[0]):
		return p.name(w)
	case w[0] == '+' || w[0] == '-':
		return p.offset(w)
	case !isDigit(w[0]):
		return false
	}
	if i := strings.IndexAny(w, "t"); i > 0 && isDigit(w[i-1]) && i+1 < len(w) && isDigit(w[i+1]) {
		return p.date(w[:i]) && p.clock(w[i+1:])
	}
	if strings.Contains(w, ":") || strings.HasSuffix(w, "am") || strings.HasSuffix(w, "pm") {
		return p.clock(w)
	}
	if strings.ContainsAny(w, "-/.") {
		return p.date(w)
	}
	return p.number(w)
}

// name is a month, a weekday or a zone.
func (p *dateParts) name(w string) bool {
	switch w {
	case "utc", "gmt", "z":
		p.zone = time.UTC
		return true
	}
	w = strings.TrimSuffix(w, ".")
	if len(w) < 3 {
		return false
	}
	for i, m := range englishMonths {
		if strings.HasPrefix(strings.ToLower(m), w) || w == "sept" && i == 8 {
			p.month, p.known = i+1, true
			return true
		}
	}
	for _, d := range englishDays {
		if strings.HasPrefix(strings.ToLower(d), w) {
			return true
		}
	}
	return false
}

// number is a day (5, 5th), a year, or a whole date (20260305).
func (p *dateParts) number(w string) bool {
	for _, ordinal := range []string{"st", "nd", "rd", "th"} {
		w = strings.TrimSuffix(w, ordinal)
	}
	if !allDigits(w) {
		return false
	}
	n, err := strconv.Atoi(w)
	if err != nil {
		return false
	}
	switch {
	case len(w) <= 2 && p.day < 0:
		p.day = n
	case len(w) == 4 && p.year < 0:
		p.year = n
	case len(w) == 8 && p.day < 0:
		p.year, p.month, p.day = n/10000, n/100%100, n%100
	default:
		return false
	}
	p.known = true
	return true
}

// date is year-month-day, or day.month.year, with any of the signs - / . between.
func (p *dateParts) date(w string) bool {
	parts := strings.FieldsFunc(w, func(c rune) bool { return c == '-' || c == '/' || c == '.' })
	if len(parts) != 3 && len(parts) != 2 {
		return false
	}
	var n [3]int
	for i, part := range parts {
		if !allDigits(part) || len(part) > 4 {
			if i == 1 && len(part) >= 3 && p.name(part) { // 5-Mar-2026
				n[i] = p.month
				continue
			}
			return false
		}
		n[i], _ = strconv.Atoi(part)
	}
	p.known = true
	switch {
	case len(parts[0]) == 4 && len(parts) == 2:
		p.year, p.month = n[0], n[1]
	case len(parts[0]) == 4:
		p.year, p.month, p.day = n[0], n[1], n[2]
	case len(parts) == 3 && len(parts[2]) == 4:
		p.day, p.month, p.year = n[0], n[1], n[2]
	default:
		return false
	}
	return true
}

// clock is 10:30, 10:30:15.250, 10pm, each perhaps with a zone at its end.
func (p *dateParts) clock(w string) bool {
	if i := strings.IndexAny(w, "+-z"); i > 0 {
		if w[i] == 'z' {
			if i+1 != len(w) {
				return false
			}
			p.zone = time.UTC
		} else if !p.offset(w[i:]) {
			return false
		}
		w = w[:i]
	}
	if t, ok := strings.CutSuffix(w, "am"); ok {
		p.afternoon, w = 0, t
	} else if t, ok := strings.CutSuffix(w, "pm"); ok {
		p.afternoon, w = 12, t
	}
	w, fraction, _ := strings.Cut(w, ".")
	if !allDigits(fraction) {
		return false
	}
	if fraction != "" {
		p.nanos, _ = strconv.Atoi((fraction + "000000000")[:9])
	}
	parts := strings.Split(w, ":")
	if len(parts) > 3 {
		return false
	}
	for i, part := range parts {
		if part == "" || len(part) > 2 || !allDigits(part) {
			return false
		}
		n, _ := strconv.Atoi(part)
		switch i {
		case 0:
			p.hour = n
		case 1:
			p.minute = n
		case 2:
			p.second = n
		}
	}
	p.known = true
	return true
}

// offset is +03:00, +0300 or +03.
func (p *dateParts) offset(w string) bool {
	digits := strings.Replace(w[1:], ":", "", 1)
	if len(digits) != 2 && len(digits) != 4 || !allDigits(digits) {
		return false
	}
	n, _ := strconv.Atoi((digits + "00")[:4])
	seconds := (n/100*60 + n%100) * 60
	if seconds > 24*60*60 {
		return false
	}
	if w[0] == '-' {
		seconds = -seconds
	}
	p.zone = time.FixedZone("", seconds)
	return true
}
