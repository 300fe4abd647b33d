package gateway

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"

	"rapport"
)

// tokens are what stands in links and reply addresses: eight bytes of a message id, two of a number, and
// 128 bits of HMAC-SHA256 over them and the use, so that a token of one use is worth nothing for another.
// They are lower-case base32 because mail servers may change the case of a local part.
var tokenText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Uses of tokens.
const (
	useReply       = "reply"
	useUnsubscribe = "unsubscribe"
	usePreferences = "preferences"
	useClick       = "click"
	useOpen        = "open"
	useTelegram    = "telegram" // one-time: used once, see links
)

func (g *Gateway) token(use string, id rapport.ID, n int) string {
	return tokenText.EncodeToString(seal(g.set.Keys[0], use, id, n))
}

func seal(key []byte, use string, id rapport.ID, n int) []byte {
	b := make([]byte, 10, 26)
	binary.BigEndian.PutUint64(b, uint64(id))
	binary.BigEndian.PutUint16(b[8:], uint16(n))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(use))
	mac.Write([]byte{0})
	mac.Write(b)
	return append(b, mac.Sum(nil)[:16]...)
}

// readToken verifies a token with any of the keys, in constant time.
func (g *Gateway) readToken(use, text string) (id rapport.ID, n int, ok bool) {
	b, err := tokenText.DecodeString(strings.ToLower(text))
	if err != nil || len(b) != 26 {
		return 0, 0, false
	}
	id, n = rapport.ID(binary.BigEndian.Uint64(b)), int(binary.BigEndian.Uint16(b[8:]))
	for _, key := range g.set.Keys {
		if hmac.Equal(b, seal(key, use, id, n)) {
			return id, n, true
		}
	}
	return 0, 0, false
}

// ReplyToken is what a reply address carries; see channels.Env.
func (g *Gateway) ReplyToken(id rapport.ID) string { return g.token(useReply, id, 0) }

// randomToken is 128 random bits, for what is stored rather than signed.
func randomToken() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails (crypto/rand)
	return tokenText.EncodeToString(b)
}
