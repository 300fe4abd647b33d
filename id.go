package rapport

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// ID names one record. It is 63 bits: 41 of milliseconds since IDEpoch, 10 of node, 12 of sequence,
// so that ids sort by the time they were minted and index pages fill from left to right (random UUIDs
// cost twice as much on the hot table; see docs/adr/0001-ids.md). Zero means "none".
type ID int64

// IDEpoch is the zero of an ID's clock. 41 bits of milliseconds last until 2093.
var IDEpoch = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// Time is when the id was minted, to the millisecond.
func (id ID) Time() time.Time {
	return IDEpoch.Add(time.Duration(id>>22) * time.Millisecond)
}

// Kind is the prefix under which an ID is shown, so that a message id pasted where a customer id
// belongs is refused instead of looked up.
type Kind string

// The kinds of the public API.
const (
	KindCustomer   Kind = "cus"
	KindAddress    Kind = "adr"
	KindCampaign   Kind = "cmp"
	KindMessage    Kind = "msg"
	KindThread     Kind = "thr"
	KindEntry      Kind = "ent"
	KindTemplate   Kind = "tpl"
	KindEvent      Kind = "evt"
	KindKey        Kind = "key"
	KindFile       Kind = "fil"
	KindJob        Kind = "job"
	KindConsent    Kind = "con"
	KindSuppressed Kind = "sup"
	KindRequest    Kind = "req"
	KindOutbox     Kind = "out"
	KindMerge      Kind = "mrg"
	KindEndpoint   Kind = "end"
	KindDelivery   Kind = "dlv"
	KindCall       Kind = "cal"
	KindResponse   Kind = "rsp"
	KindView       Kind = "viw"
	KindSegment    Kind = "seg"
	KindAgent      Kind = "agt"
	KindSession    Kind = "ses"
	KindAudit      Kind = "aud"
	KindStray      Kind = "str"
)

const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

// Format shows id as "<kind>_<13 characters of Crockford base32>". Zero is the empty string.
func (k Kind) Format(id ID) string {
	if id == 0 {
		return ""
	}
	b := make([]byte, 0, len(k)+14)
	b = append(b, k...)
	b = append(b, '_')
	for shift := 60; shift >= 0; shift -= 5 {
		b = append(b, crockford[(uint64(id)>>shift)&31])
	}
	return string(b)
}

// ErrBadID is what Parse wraps; callers turn it into "not found" or "invalid", as fits.
var ErrBadID = errors.New("not an id")

// Parse is the inverse of Format. Upper case is accepted, and Crockford's look-alikes (i, l, o).
func (k Kind) Parse(s string) (ID, error) {
	rest, ok := strings.CutPrefix(s, string(k)+"_")
	if !ok || len(rest) != 13 {
		return 0, fmt.Errorf("%w: want %s_ and 13 characters, got %.40q", ErrBadID, k, s)
	}
	var v uint64
	for i := range len(rest) {
		c := rest[i] | 0x20
		switch c {
		case 'i', 'l':
			c = '1'
		case 'o':
			c = '0'
		}
		if rest[i] >= '0' && rest[i] <= '9' {
			c = rest[i]
		}
		d := strings.IndexByte(crockford, c)
		if d < 0 {
			return 0, fmt.Errorf("%w: character %q in %.40q", ErrBadID, rest[i], s)
		}
		v = v<<5 | uint64(d)
	}
	if v>>63 != 0 || v == 0 || strings.IndexByte(crockford, rest[0]|0x20) > 7 && rest[0] > '7' {
		return 0, fmt.Errorf("%w: %.40q is out of range", ErrBadID, s)
	}
	return ID(v), nil
}

// Minter hands out IDs. One per process; safe for concurrent use. Two processes must not share a node.
type Minter struct {
	mu   sync.Mutex
	node int64
	last int64 // milliseconds of the newest id; never decreases, so a clock set back cannot repeat an id
	seq  int64
	now  func() time.Time
}

// NewMinter returns a minter for node (0 to 1023; larger values wrap).
func NewMinter(node int, now func() time.Time) *Minter {
	return &Minter{node: int64(node) & 1023, now: now}
}

// Settle gives the minter another node, for a process that had to take a new identity.
func (m *Minter) Settle(node int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.node = int64(node) & 1023
}

// Next returns an id larger than every id this minter has returned before.
func (m *Minter) Next() ID {
	m.mu.Lock()
	defer m.mu.Unlock()
	ms := m.now().Sub(IDEpoch).Milliseconds()
	if ms > m.last {
		m.last, m.seq = ms, 0
	} else if m.seq++; m.seq == 4096 {
		m.last, m.seq = m.last+1, 0 // borrow from the next millisecond rather than wait for it
	}
	return ID(m.last<<22 | m.node<<12 | m.seq)
}
