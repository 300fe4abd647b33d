package email

import (
	"bytes"
	"sync"

	"rapport/channels"
)

// quoted writes quoted-printable (RFC 2045 §6.7). Lines end with CRLF whatever the text had, none is
// longer than 76 characters, and none begins with a dot, so that SMTP has nothing to stuff.
type quoted struct {
	b   []byte
	col int
	cr  bool // the last byte was a CR, so a LF now belongs to it
}

const upperHex = "0123456789ABCDEF"

func (q *quoted) text(s []byte) {
	for i := 0; i < len(s); i++ {
		if n := run(s[i:], 75-q.col); n > 0 {
			q.b, q.col, q.cr = append(q.b, s[i:i+n]...), q.col+n, false
			if i += n; i == len(s) {
				break
			}
		}
		c := s[i]
		if c == '\n' && q.cr {
			q.cr = false
			continue
		}
		q.cr = c == '\r'
		if c == '\r' || c == '\n' {
			q.b, q.col = append(q.b, '\r', '\n'), 0
			continue
		}
		literal := c > ' ' && c < 0x7f && c != '=' && (c != '.' || q.col > 0)
		if c == ' ' || c == '\t' { // may not end a line; what follows the last one of s is not known here
			literal = i+1 < len(s) && s[i+1] != '\r' && s[i+1] != '\n'
		}
		width := 3
		if literal {
			width = 1
		}
		if q.col+width > 75 {
			q.b, q.col = append(q.b, "=\r\n"...), 0
			if c == '.' {
				literal, width = false, 3
			}
		}
		if literal {
			q.b = append(q.b, c)
		} else {
			q.b = append(q.b, '=', upperHex[c>>4], upperHex[c&15])
		}
		q.col += width
	}
}

// run is how many of the first bytes of s stand for themselves wherever they stand, at most room. All but few do.
func run(s []byte, room int) int {
	s = s[:min(len(s), max(room, 0))]
	for i, c := range s {
		if !itself[c] && (c != ' ' || i+1 == len(s) || s[i+1] <= ' ') {
			return i
		}
	}
	return len(s)
}

// itself are the bytes that stand for themselves wherever they stand.
var itself = func() (t [256]bool) {
	for c := byte('!'); c < 0x7f; c++ {
		t[c] = c != '=' && c != '.'
	}
	return t
}()

// piece is a static segment encoded from column 0.
type piece struct {
	src, enc []byte
	col      int
	cr       bool
}

func newPiece(src []byte) piece {
	var q quoted
	q.text(src)
	return piece{src: src, enc: q.b, col: q.col, cr: q.cr}
}

// piece appends p. A soft line break brings the text to the column at which p was encoded.
func (q *quoted) piece(p *piece) {
	enc := p.enc
	if q.cr && p.src[0] == '\n' {
		enc = enc[len("\r\n"):]
	} else if q.col > 0 && !bytes.HasPrefix(enc, []byte("\r\n")) {
		q.b = append(q.b, "=\r\n"...)
	}
	q.b, q.col, q.cr = append(q.b, enc...), p.col, p.cr
}

// drafts remember the encoded static segments of the templates that are being sent, so that a campaign
// encodes them once. Only segments worth a soft line break are kept.
type drafts struct {
	mu    sync.RWMutex
	parts map[draftKey][]piece
}

type draftKey struct {
	template string
	html     bool
}

const (
	worthKeeping  = 64 // bytes of a segment
	draftsAtOnce  = 64 // parts remembered; beyond that all are forgotten, which costs one encoding each
	draftsLargest = 256 << 10
)

func newDrafts() *drafts { return &drafts{parts: map[draftKey][]piece{}} }

// of returns the pieces of p, in order, or nil when p is not to be kept. They are compared with p byte for
// byte before use, which is soon done where they are the same bytes in memory, so that a caller's mistake with keys can cost time but not send
// one template's text under another's key.
func (d *drafts) of(key draftKey, p channels.Part) []piece {
	if key.template == "" || p.Len() > draftsLargest {
		return nil
	}
	d.mu.RLock()
	pieces, ok := d.parts[key]
	d.mu.RUnlock()
	if ok && fits(pieces, p) {
		return pieces
	}
	pieces = []piece{}
	for _, s := range p {
		if kept(s) {
			pieces = append(pieces, newPiece(s.Bytes))
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.parts) >= draftsAtOnce {
		clear(d.parts)
	}
	d.parts[key] = pieces
	return pieces
}

func kept(s channels.Segment) bool { return s.Static && len(s.Bytes) >= worthKeeping }

func fits(pieces []piece, p channels.Part) bool {
	i := 0
	for _, s := range p {
		if !kept(s) {
			continue
		}
		if i == len(pieces) || !bytes.Equal(pieces[i].src, s.Bytes) {
			return false
		}
		i++
	}
	return i == len(pieces)
}

// appendQuoted appends p in quoted-printable, closed by a line end.
func (d *drafts) appendQuoted(b []byte, key draftKey, p channels.Part) []byte {
	q := quoted{b: b}
	pieces := d.of(key, p)
	for _, s := range p {
		if len(pieces) > 0 && kept(s) {
			q.piece(&pieces[0])
			pieces = pieces[1:]
		} else {
			q.text(s.Bytes)
		}
	}
	if q.col > 0 {
		q.b = append(q.b, "\r\n"...)
	}
	return q.b
}
