package incoming

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"

	"rapport/channels"
)

// unpacked is what Outlook packed into winmail.dat (MS-OXTNEF): files, and the body where the mail shows none.
type unpacked struct {
	text, html string
	files      []channels.Attachment
}

// Attributes of the stream (MS-OXTNEF §2.1.3) and properties (MS-OXPROPS) that are read.
const (
	tnefSignature = 0x223e9f78

	attCodepage   = 0x00069007
	attBody       = 0x0002800c
	attProperties = 0x00069003
	attFileBegins = 0x00069002
	attFileName   = 0x00018010
	attFileData   = 0x0006800f
	attFileMore   = 0x00069005

	propBody     = 0x1000
	propHTML     = 0x1013
	propFileName = 0x3707 // long
	propFileType = 0x370e
	propFileID   = 0x3712
	propFileData = 0x3701

	maxProperties = 1000
	maxFiles      = 200
)

// unpack reads winmail.dat. False: it is none, or nothing is in it.
func unpack(b []byte) (u unpacked, ok bool) {
	if len(b) < 6 || binary.LittleEndian.Uint32(b) != tnefSignature {
		return u, false
	}
	label := "windows-1252"
	var name, kind, id string
	var data []byte
	flush := func() {
		if len(data) > 0 && len(u.files) < maxFiles {
			name = bare(name)
			if name == "" {
				name = "file.bin"
			}
			if kind == "" {
				kind = "application/octet-stream"
			}
			u.files = append(u.files, file(name, line(kind), strings.Trim(line(id), "<>"), data))
		}
		name, kind, id, data = "", "", "", nil
	}
	for b = b[6:]; len(b) >= 9; { // level, attribute, length, data, checksum
		attribute, n := binary.LittleEndian.Uint32(b[1:]), binary.LittleEndian.Uint32(b[5:])
		if uint64(n)+11 > uint64(len(b)) {
			break // cut off: what came before is good
		}
		value := b[9 : 9+n]
		b = b[11+n:]
		switch attribute {
		case attCodepage:
			if len(value) >= 4 {
				label = codepage(binary.LittleEndian.Uint32(value))
			}
		case attBody:
			u.text = plain(decode(zeroEnded(value), label))
		case attProperties:
			p := properties(value, label)
			if u.text == "" {
				u.text = plain(string(p[propBody]))
			}
			if html := p[propHTML]; len(html) > 0 {
				u.html = plain(decode(html, label))
			}
		case attFileBegins:
			flush()
		case attFileName:
			name = decode(zeroEnded(value), label)
		case attFileData:
			data = value
		case attFileMore:
			p := properties(value, label)
			if long := string(p[propFileName]); long != "" {
				name = long
			}
			if kind == "" {
				kind = string(p[propFileType])
			}
			if id == "" {
				id = string(p[propFileID])
			}
			if inner := p[propFileData]; data == nil && len(inner) > 16 {
				data = inner
			}
		}
	}
	flush()
	return u, len(u.files) > 0 || u.text != "" || u.html != ""
}

func zeroEnded(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			return b[:i]
		}
	}
	return b
}

func codepage(n uint32) string {
	switch n {
	case 65001:
		return "utf-8"
	case 20866:
		return "koi8-r"
	case 932:
		return "shift_jis"
	case 936:
		return "gb18030"
	case 949:
		return "euc-kr"
	case 950:
		return "big5"
	}
	if n >= 1250 && n <= 1258 {
		return "windows-" + string([]byte{'1', '2', '5', byte('0' + n - 1250)})
	}
	return "windows-1252"
}

// properties reads a list of MAPI properties (MS-OXTNEF §2.1.3.4) up to the first that it does not know how to step over: texts
// in UTF-8 under their ids, and binary ones.
func properties(b []byte, label string) map[uint16][]byte {
	found := map[uint16][]byte{}
	number := func() (n uint32, ok bool) {
		if len(b) < 4 {
			return 0, false
		}
		n, b = binary.LittleEndian.Uint32(b), b[4:]
		return n, true
	}
	skip := func(n uint32) bool {
		if uint64(n) > uint64(len(b)) {
			return false
		}
		b = b[n:]
		return true
	}
	count, ok := number()
	for i := uint32(0); ok && i < min(count, maxProperties); i++ {
		var tag uint32
		if tag, ok = number(); !ok {
			return found
		}
		kind, id := uint16(tag), uint16(tag>>16)
		if id >= 0x8000 && !skipName(number, skip) {
			return found
		}
		values, many := uint32(1), kind&0x1000 != 0
		kind &^= 0x1000
		variable := kind == 0x1e || kind == 0x1f || kind == 0x102 || kind == 0x0d
		if many || variable {
			if values, ok = number(); !ok || values > maxProperties {
				return found
			}
		}
		for range values {
			size := sizes[kind]
			if variable {
				if size, ok = number(); !ok {
					return found
				}
			}
			if size == 0 && !variable || uint64(size) > uint64(len(b)) {
				return found
			}
			value := b[:size]
			b = b[min(len(b), int(size+3)&^3):]
			switch {
			case len(found[id]) > 0:
			case kind == 0x1e:
				found[id] = []byte(decode(zeroEnded(value), label))
			case kind == 0x1f:
				found[id] = []byte(utf16Text(value))
			case variable:
				found[id] = value
			}
		}
	}
	return found
}

// skipName steps over the name of a named property.
func skipName(number func() (uint32, bool), skip func(uint32) bool) bool {
	if !skip(16) {
		return false
	}
	kind, ok := number()
	if !ok {
		return false
	}
	n, ok := number()
	return ok && (kind == 0 || n <= 1<<20 && skip((n+3)&^3))
}

// sizes of property types that are of one size, padded to four bytes.
var sizes = map[uint16]uint32{0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0a: 4, 0x0b: 4, 0x14: 8, 0x40: 8, 0x48: 16}

func utf16Text(b []byte) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		u := binary.LittleEndian.Uint16(b)
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}
