package liquid

import (
	"strconv"
	"strings"
	"time"
)

// maxPad bounds the width in a directive such as %10Y.
const maxPad = 32

// directive is % and what may stand between it and its letter.
type directive struct {
	letter byte
	noPad  bool
	pad    byte // 0 unless the flags ask for one
	upper  bool
	swap   bool
	colons int
	width  int
	length int // in bytes, without the %
}

// strftime writes t in Ruby's format (Time#strftime), with names in the given language.
func strftime(dst []byte, format string, t time.Time, l language) []byte {
	beside := besideDay(format)
	for {
		i := strings.IndexByte(format, '%')
		if i < 0 || i+1 == len(format) {
			return append(dst, format...)
		}
		dst = append(dst, format[:i]...)
		d := readDirective(format[i+1:])
		whole := format[i : i+1+d.length]
		format = format[i+1+d.length:]
		if s, ok := d.text(t, l, beside); ok {
			dst = append(dst, s...)
		} else {
			dst = append(dst, whole...)
		}
	}
}

// besideDay is true of formats with the day of the month, where Russian months are in the genitive.
func besideDay(format string) bool {
	for {
		i := strings.IndexByte(format, '%')
		if i < 0 {
			return false
		}
		d := readDirective(format[i+1:])
		if d.letter == 'd' || d.letter == 'e' {
			return true
		}
		format = format[i+1+d.length:]
	}
}

func readDirective(s string) directive {
	d := directive{}
	for i := range len(s) {
		d.length = i + 1
		switch c := s[i]; {
		case c == '-':
			d.noPad = true
		case c == '_':
			d.pad = ' '
		case c == '0' && d.width == 0:
			d.pad = '0'
		case c == '^':
			d.upper = true
		case c == '#':
			d.swap = true
		case c == ':':
			d.colons++
		case isDigit(c):
			d.width = min(d.width*10+int(c-'0'), maxPad)
		case (c == 'E' || c == 'O') && i+1 < len(s):
		default:
			d.letter = c
			return d
		}
	}
	return d
}

// text is what the directive stands for; ok is false when it stands for nothing.
func (d directive) text(t time.Time, l language, beside bool) (s string, ok bool) {
	switch d.letter {
	case 'Y':
		return d.number(t.Year(), 1, '0'), true
	case 'C':
		return d.number(t.Year()/100, 2, '0'), true
	case 'y':
		return d.number(t.Year()%100, 2, '0'), true
	case 'm':
		return d.number(int(t.Month()), 2, '0'), true
	case 'B':
		return d.word(l.monthName(int(t.Month()), false, beside)), true
	case 'b', 'h':
		return d.word(l.monthName(int(t.Month()), true, beside)), true
	case 'd':
		return d.number(t.Day(), 2, '0'), true
	case 'e':
		return d.number(t.Day(), 2, ' '), true
	case 'j':
		return d.number(t.YearDay(), 3, '0'), true
	case 'H':
		return d.number(t.Hour(), 2, '0'), true
	case 'k':
		return d.number(t.Hour(), 2, ' '), true
	case 'I':
		return d.number((t.Hour()+11)%12+1, 2, '0'), true
	case 'l':
		return d.number((t.Hour()+11)%12+1, 2, ' '), true
	case 'M':
		return d.number(t.Minute(), 2, '0'), true
	case 'S':
		return d.number(t.Second(), 2, '0'), true
	case 'L':
		return d.fraction(t, 3), true
	case 'N':
		return d.fraction(t, 9), true
	case 'p':
		if d.swap {
			return strings.ToLower(meridian(t)), true
		}
		return d.word(meridian(t)), true
	case 'P':
		return d.word(strings.ToLower(meridian(t))), true
	case 'z':
		return d.zone(t), true
	case 'Z':
		name := t.Format("MST")
		if d.swap {
			return strings.ToLower(name), true
		}
		return d.word(name), true
	case 'A':
		return d.word(l.dayName(int(t.Weekday()), false)), true
	case 'a':
		return d.word(l.dayName(int(t.Weekday()), true)), true
	case 'u':
		return d.number((int(t.Weekday())+6)%7+1, 1, '0'), true
	case 'w':
		return d.number(int(t.Weekday()), 1, '0'), true
	case 'G':
		year, _ := t.ISOWeek()
		return d.number(year, 1, '0'), true
	case 'g':
		year, _ := t.ISOWeek()
		return d.number(year%100, 2, '0'), true
	case 'V':
		_, week := t.ISOWeek()
		return d.number(week, 2, '0'), true
	case 'U':
		return d.number((t.YearDay()+6-int(t.Weekday()))/7, 2, '0'), true
	case 'W':
		return d.number((t.YearDay()+6-(int(t.Weekday())+6)%7)/7, 2, '0'), true
	case 's':
		return strconv.FormatInt(t.Unix(), 10), true
	case 'n':
		return "\n", true
	case 't':
		return "\t", true
	case '%':
		return "%", true
	}
	if f, ok := compound(d.letter); ok {
		return d.word(string(strftime(nil, f, t, l))), true
	}
	return "", false
}

// compound directives stand for a format of others.
func compound(letter byte) (string, bool) {
	switch letter {
	case 'c':
		return "%a %b %e %H:%M:%S %Y", true
	case 'D', 'x':
		return "%m/%d/%y", true
	case 'F':
		return "%Y-%m-%d", true
	case 'T', 'X':
		return "%H:%M:%S", true
	case 'R':
		return "%H:%M", true
	case 'r':
		return "%I:%M:%S %p", true
	case 'v':
		return "%e-%^b-%Y", true
	case '+':
		return "%a %b %e %H:%M:%S %Z %Y", true
	default:
		return "", false
	}
}

func (d directive) number(n, width int, pad byte) string {
	s := strconv.Itoa(n)
	if d.noPad {
		return s
	}
	if d.pad != 0 {
		pad = d.pad
	}
	if d.width > 0 {
		width = d.width
	}
	return strings.Repeat(string(pad), max(0, width-len(s))) + s
}

func (d directive) word(s string) string {
	if d.upper || d.swap {
		s = strings.ToUpper(s)
	}
	pad := byte(' ')
	if d.pad != 0 {
		pad = d.pad
	}
	return strings.Repeat(string(pad), max(0, d.width-len(s))) + s
}

func (d directive) fraction(t time.Time, digits int) string {
	if d.width > 0 {
		digits = d.width
	}
	s := strconv.Itoa(t.Nanosecond())
	s = strings.Repeat("0", 9-len(s)) + s + strings.Repeat("0", maxPad)
	return s[:digits]
}

func (d directive) zone(t time.Time) string {
	_, seconds := t.Zone()
	sign := "+"
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	two := directive{}
	s := sign + two.number(seconds/3600, 2, '0')
	if d.colons > 0 {
		s += ":"
	}
	s += two.number(seconds/60%60, 2, '0')
	if d.colons > 1 {
		s += ":" + two.number(seconds%60, 2, '0')
	}
	return s
}

func meridian(t time.Time) string {
	if t.Hour() < 12 {
		return "AM"
	}
	return "PM"
}
