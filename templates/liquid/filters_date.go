package liquid

import (
	"strconv"
	"strings"
	"time"
)

// date prints a moment: a format of strftime, or one of the presets short, long and time. What is
// no moment is printed as it is.
func date(c *Call, in any, args []any) (any, error) {
	format := asText(args[0])
	if format == "" {
		return in, nil
	}
	t, ok := moment(c, in)
	if !ok {
		return in, nil
	}
	if c.Zone != nil {
		t = t.In(c.Zone)
	}
	l := languageOf(c.Locale)
	out := strftime(nil, l.dateFormat(format), t, l)
	return string(out), c.Grow(len(out))
}

// maxUnix bounds timestamps to years that can be written.
const maxUnix = 250_000_000_000

func moment(c *Call, in any) (time.Time, bool) {
	switch v := in.(type) {
	case time.Time:
		return v, true
	case int64:
		return time.Unix(v, 0).UTC(), v > -maxUnix && v < maxUnix
	case string:
		switch s := strings.ToLower(v); {
		case s == "now" || s == "today":
			return c.Now, true
		case s != "" && allDigits(s):
			n, err := strconv.ParseInt(s, 10, 64)
			return time.Unix(n, 0).UTC(), err == nil && n < maxUnix
		default:
			return parseDate(s, c.Zone, c.Now)
		}
	default:
		return time.Time{}, false
	}
}
