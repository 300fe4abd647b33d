package incoming

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// decode makes UTF-8 of text in the charset that its label names. Labels lie: text that is UTF-8 is taken for that where a
// label of one byte a letter says otherwise, and text that its label cannot explain is guessed.
func decode(b []byte, label string) string {
	label, _, _ = strings.Cut(strings.ToLower(strings.Trim(label, " \t\"'")), " ") // a comment may follow
	label = strings.TrimPrefix(strings.TrimPrefix(label, "charset="), "iso=")
	if strings.HasPrefix(label, "utf-7") || label == "unicode-1-1-utf-7" || label == "utf7" {
		return decodeUTF7(b)
	}
	if ascii(b) && !strings.HasPrefix(label, "utf-16") && !strings.HasPrefix(label, "iso-2022") && !strings.HasPrefix(label, "hz") && !bytes.Contains(b, []byte("\x1b$")) {
		return string(b)
	}
	e := named(label)
	if e == nil {
		return unlabelled(b)
	}
	single, _ := e.(*charmap.Charmap)
	if utf8.Valid(b) && (single != nil || beyond(b) >= 6) { // hardly by chance
		return string(b)
	}
	if single != nil {
		if russian := reread(b, single); russian != nil {
			e = russian
		}
	}
	s, err := e.NewDecoder().Bytes(b)
	if err != nil || bytes.ContainsRune(s, utf8.RuneError) {
		if utf8.Valid(b) {
			return string(b)
		}
		if guessed := unlabelled(b); strings.Count(guessed, "\ufffd") < bytes.Count(s, []byte("\ufffd")) || err != nil {
			return guessed
		}
	}
	return string(s)
}

// named is the charset of a label; nil: UTF-8, ASCII, unknown, or one that is decoded by guessing anyhow.
func named(label string) encoding.Encoding {
	switch label {
	case "", "utf-8", "utf8", "us-ascii", "ascii", "unknown-8bit", "x-unknown", "unknown", "8bit", "7bit", "default":
		return nil
	case "hz-gb-2312", "hz":
		return simplifiedchinese.HZGB2312
	case "mac-cyrillic", "maccyrillic", "macintosh-cyrillic", "x-macintosh-cyrillic":
		return charmap.MacintoshCyrillic
	case "gb2312", "gbk", "cp936", "x-gbk", "gb_2312-80", "euc-cn":
		return simplifiedchinese.GB18030 // holds the others
	}
	e, err := htmlindex.Get(label)
	if err != nil {
		label = strings.Replace(strings.ReplaceAll(label, "_", "-"), "cp-", "cp", 1)
		if n, ok := strings.CutPrefix(label, "win-"); ok {
			label = "windows-" + n
		}
		if e, err = htmlindex.Get(label); err != nil {
			if e, err = ianaindex.IANA.Encoding(strings.Replace(label, "cp", "ibm", 1)); err != nil {
				return nil
			}
		}
	}
	if e == encoding.Replacement {
		return nil
	}
	return e
}

// unlabelled makes UTF-8 of text whose charset nobody tells.
func unlabelled(b []byte) string {
	if bytes.Contains(b, []byte("\x1b$")) && ascii(b) {
		if s, err := japanese.ISO2022JP.NewDecoder().Bytes(b); err == nil && !bytes.ContainsRune(s, utf8.RuneError) {
			return string(s)
		}
	}
	if utf8.Valid(b) {
		return string(b)
	}
	if mostlyUTF8(b) {
		return string(bytes.ToValidUTF8(b, []byte("\ufffd")))
	}
	sample := b[:min(len(b), 16<<10)]
	e := reread(sample, nil)
	if e == nil {
		e = cyrillic(sample)
	}
	if e == nil {
		e = eastAsian(sample)
	}
	if e == nil {
		e = charmap.Windows1252
	}
	s, err := e.NewDecoder().Bytes(b)
	if err != nil || bytes.Count(s, []byte("\ufffd"))*20 > utf8.RuneCount(s) {
		s, err = charmap.Windows1252.NewDecoder().Bytes(b)
	}
	if err != nil {
		return strings.ToValidUTF8(string(b), "\ufffd")
	}
	return string(s)
}

// beyond counts the letters of UTF-8 beyond ASCII.
func beyond(b []byte) (n int) {
	for _, r := range string(b) {
		if r >= utf8.RuneSelf {
			n++
		}
	}
	return n
}

// mostlyUTF8 tells whether b is UTF-8 that was cut or mended in places.
func mostlyUTF8(b []byte) bool {
	good, bad := 0, 0
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			bad++
		} else if n > 1 {
			good++
		}
		b = b[n:]
	}
	return good > 2*bad
}

// cyrillic tells KOI8-R from windows-1251 by where the small letters stand: a word has few capitals, and what are small
// letters in one are capitals in the other. nil: it is neither, because letters beyond ASCII stand alone, or in pairs as those
// of East Asia do.
func cyrillic(b []byte) encoding.Encoding {
	upper, lower, other, runs, odd := 0, 0, 0, 0, 0
	for i := 0; i < len(b); {
		n := 0
		for ; i+n < len(b) && b[i+n] >= 0x80; n++ {
			switch c := b[i+n]; {
			case c >= 0xe0:
				upper++
			case c >= 0xc0:
				lower++
			case c == 0xa3 || c == 0xb3 || c == 0xa8 || c == 0xb8: // ё
			default:
				other++
			}
		}
		if n > 0 {
			runs++
			odd += n % 2
		}
		i += max(n, 1)
	}
	letters := upper + lower
	if letters < 3 || other*2 > letters || letters < 2*runs || odd*6 < runs && max(upper, lower) < 4*min(upper, lower) {
		return nil
	}
	if lower > upper {
		return charmap.KOI8R
	}
	return charmap.Windows1251
}

// eastAsian tells the charsets of two bytes a letter from each other, by the letters that all texts of a language are made
// of. nil: it is none. (The known detector for Go, gogs/chardet, gives now this and now that for the same bytes.)
func eastAsian(b []byte) encoding.Encoding {
	pairs, runs, high := paired(b)
	if pairs < 2*runs { // letters that stand alone among those of ASCII: some language of Europe
		return nil
	}
	for _, c := range []struct {
		encoding encoding.Encoding
		usual    func(r rune) bool
		share    int // of those among all beyond ASCII, in percent
	}{
		{japanese.ShiftJIS, kana, 15},
		{japanese.EUCJP, kana, 15},
		{korean.EUCKR, func(r rune) bool { return r >= 0xac00 && r <= 0xd7a3 }, 90},
		{simplifiedchinese.GB18030, han, 80},
		{traditionalchinese.Big5, han, 80},
	} {
		s, err := c.encoding.NewDecoder().Bytes(b)
		if err != nil {
			continue
		}
		all, usual, bad := 0, 0, 0
		for _, r := range string(s) {
			switch {
			case r < utf8.RuneSelf:
			case r == utf8.RuneError || r >= 0xe000 && r <= 0xf8ff:
				bad++
			default:
				if all++; c.usual(r) {
					usual++
				}
			}
		}
		if bad <= 1 && all > 0 && usual*100 >= c.share*all { // the sample may end within a letter
			if c.encoding == simplifiedchinese.GB18030 && high*10 < pairs*9 {
				continue // that is Big5
			}
			return c.encoding
		}
	}
	return nil
}

func kana(r rune) bool { return r >= 0x3040 && r <= 0x30ff }

func han(r rune) bool {
	return r >= 0x4e00 && r <= 0x9fff || r >= 0x3000 && r <= 0x3020 || r >= 0xff00 && r <= 0xff5e
}

// paired counts the letters of two bytes, the runs that they stand in, and those whose both bytes are above 0xa0: most in
// GB 2312, fewer in Big5.
func paired(b []byte) (pairs, runs, high int) {
	run := false
	for i := 0; i < len(b); i++ {
		if b[i] < 0x80 || i+1 == len(b) {
			run = false
			continue
		}
		if pairs++; !run {
			runs++
		}
		if b[i] > 0xa0 && b[i+1] > 0xa0 {
			high++
		}
		run = true
		i++
	}
	return pairs, runs, high
}

// decodeUTF7 reads UTF-7 (RFC 2152). What is none stands for itself.
func decodeUTF7(b []byte) string {
	var out strings.Builder
	s := unlabelled(b)
	for {
		text, rest, found := strings.Cut(s, "+")
		out.WriteString(text)
		if !found {
			return out.String()
		}
		n := 0
		for n < len(rest) && (rest[n] == '+' || rest[n] == '/' || rest[n] < utf8.RuneSelf && (unicode.IsLetter(rune(rest[n])) || unicode.IsDigit(rune(rest[n])))) {
			n++
		}
		packed, err := base64.RawStdEncoding.DecodeString(rest[:n])
		switch {
		case n == 0:
			out.WriteByte('+')
			rest = strings.TrimPrefix(rest, "-")
		case err != nil || len(packed) < 2:
			out.WriteString("+" + rest[:n])
			rest = rest[n:]
		default:
			units := make([]uint16, len(packed)/2)
			for i := range units {
				units[i] = uint16(packed[2*i])<<8 | uint16(packed[2*i+1])
			}
			out.WriteString(string(utf16.Decode(units)))
			rest = strings.TrimPrefix(rest[n:], "-")
		}
		s = rest
	}
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
