package incoming

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// identify finds the Message-ID, or makes one of what is equal in every copy of the mail. It comes after address and after
// the parts are read.
func (m *Mail) identify(content []byte) {
	if v, ok := m.raw("message-id"); ok {
		if found := ids(v); len(found) > 0 {
			m.MessageID = found[0]
		} else if v = strings.Trim(line(v), "<> "); v != "" && !strings.Contains(v, " ") {
			m.MessageID = cut(v, 998)
		}
	}
	m.hash = m.digest(content)
	if m.NoID = m.MessageID == ""; m.NoID {
		m.MessageID = m.hash + "@hash.invalid"
	}
}

// digest hashes what the writer wrote and no server changes, in the form that is equal however it came: who, to whom, when,
// about what, and the digest of the content. Fields of the way, transfer encodings and the spelling of addresses are not in it.
func (m *Mail) digest(content []byte) string {
	h := sha256.New()
	from, _ := m.raw("from")
	fmt.Fprintf(h, "%s\n%q\n%d\n%q\n%q\n%q\n", m.MessageID, strings.Join(strings.Fields(m.get("subject")), " "), m.Date.Unix(), m.InReplyTo, m.References, content)
	for _, p := range people(from) {
		fmt.Fprintf(h, "from %q\n", strings.ToLower(p.Address))
	}
	for _, p := range m.To {
		fmt.Fprintf(h, "to %q\n", strings.ToLower(p.Address))
	}
	for _, p := range m.Cc {
		fmt.Fprintf(h, "cc %q\n", strings.ToLower(p.Address))
	}
	return hex.EncodeToString(h.Sum(nil)[:20])
}

// sumUp adds the content of a part, its transfer encoding undone: one door brings CRLF, another LF, and some add empty lines.
func sumUp(h hash.Hash, content []byte) {
	for piece := range bytes.SplitSeq(bytes.TrimRight(content, "\r\n"), []byte("\r")) {
		h.Write(piece)
	}
	h.Write([]byte{0})
}
