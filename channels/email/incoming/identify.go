package incoming

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// identify finds the Message-ID, or makes one of what is equal in every copy of the mail.
func (m *Mail) identify(content []byte) {
	if v, ok := m.raw("message-id"); ok {
		if found := ids(v); len(found) > 0 {
			m.MessageID = found[0]
		} else if v = strings.Trim(line(v), "<> "); v != "" && !strings.Contains(v, " ") {
			m.MessageID = cut(v, 998)
		}
	}
	m.NoID = m.MessageID == ""
	if left, right, _ := strings.Cut(m.MessageID, "@"); left == "" || right == "" || len(m.MessageID) < 10 {
		m.hash = m.digest(content)
	}
	if m.NoID {
		m.MessageID = m.hash + "@hash.invalid"
	}
}

// digest hashes what no server changes: the fields that the writer's program wrote, and the content with plain line ends.
func (m *Mail) digest(content []byte) string {
	h := sha256.New()
	for _, f := range m.fields {
		switch f.name {
		case "from", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references", "reply-to", "mime-version", "content-type", "content-transfer-encoding":
			h.Write([]byte(f.name + ":" + strings.Join(strings.Fields(f.value), " ") + "\n"))
		}
	}
	h.Write(bytes.TrimRight(bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n")), "\n"))
	return hex.EncodeToString(h.Sum(nil)[:20])
}
