package templates

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// SMSCount is what a text message costs: providers bill each segment.
type SMSCount struct {
	Encoding string `json:"encoding"` // GSM-7 or UCS-2
	Units    int    `json:"units"`    // septets of GSM-7, or 16-bit units of UCS-2
	Segments int    `json:"segments"`
}

// The alphabet of GSM 03.38 (3GPP TS 23.038 §6.2.1), and what takes an escape and thus two septets.
const (
	gsmBasic    = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtended = "\f^{}\\[~]|€"
)

// A message alone holds 160 septets or 70 units; in parts, six octets of each go to the header that joins
// them (3GPP TS 23.040 §9.2.3.24.1).
const (
	gsmSingle, gsmPart = 160, 153
	ucsSingle, ucsPart = 70, 67
)

// CountSMS tells how a text message is sent. Neither an escaped character nor a surrogate pair is
// parted between two segments.
func CountSMS(text string) SMSCount {
	var c smsCounter
	c.add(text)
	return c.count()
}

// smsCounter counts both ways at once, so that a text may come in pieces.
type smsCounter struct {
	gsm, ucs tally
	notGSM   bool
}

// tally packs characters of one or two units into segments.
type tally struct{ units, segments, room int }

func (t *tally) add(width, part int) {
	if t.room < width {
		t.segments++
		t.room = part
	}
	t.room -= width
	t.units += width
}

func (t *tally) count(encoding string, single int) SMSCount {
	n := SMSCount{Encoding: encoding, Units: t.units, Segments: t.segments}
	if t.units <= single {
		n.Segments = min(t.units, 1)
	}
	return n
}

func (c *smsCounter) add(s string) {
	for _, r := range s {
		if !c.notGSM {
			w := gsmWidth(r)
			c.notGSM = w == 0
			c.gsm.add(w, gsmPart)
		}
		w := 1
		if r > 0xffff {
			w = 2
		}
		c.ucs.add(w, ucsPart)
	}
}

func (c *smsCounter) count() SMSCount {
	if c.notGSM {
		return c.ucs.count("UCS-2", ucsSingle)
	}
	return c.gsm.count("GSM-7", gsmSingle)
}

// gsmWidth is how many septets r takes, 0 when GSM-7 does not have it.
func gsmWidth(r rune) int {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= ' ' && r <= '?':
		return 1
	case r == utf8.RuneError:
		return 0
	case strings.ContainsRune(gsmBasic, r):
		return 1
	case strings.ContainsRune(gsmExtended, r):
		return 2
	default:
		return 0
	}
}

// transliterate replaces typographic punctuation that would turn a GSM-7 message into UCS-2, and so 160
// characters into 70.
func transliterate(s string) string { return typography.Replace(s) }

var typography = strings.NewReplacer(
	"‘", "'", "’", "'", "‚", "'", "‛", "'", "′", "'", "`", "'", "´", "'",
	"“", `"`, "”", `"`, "„", `"`, "‟", `"`, "″", `"`, "«", `"`, "»", `"`, "‹", "'", "›", "'",
	"‐", "-", "‑", "-", "‒", "-", "–", "-", "—", "-", "―", "-", "−", "-",
	"…", "...", "•", "*", "·", ".", "×", "x", "№", "No.", "™", "(TM)", "®", "(R)", "©", "(C)",
	"\u00a0", " ", "\u2007", " ", "\u2009", " ", "\u202f", " ", "\u200b", "", "\u200c", "", "\u200d", "", "\ufeff", "", "\u00ad", "",
)

func (n SMSCount) String() string {
	return fmt.Sprintf("%d × %s (%d units)", n.Segments, n.Encoding, n.Units)
}
