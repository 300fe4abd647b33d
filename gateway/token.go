package gateway

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"hash"
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
	useAnswer      = "answer" // the page where a message is answered
	useFile        = "file"   // with the day from which on it works
	useClick       = "click"
	useOpen        = "open"
	useTelegram    = "telegram" // one-time: used once, see links
	useBrowser     = "browser"  // an agent's, known from an earlier sign-in
)

func (g *Gateway) token(use string, id rapport.ID, n int) string {
	return string(g.appendToken(make([]byte, 0, 64), use, id, n))
}

// link is a URL of ours that ends with a token.
func (g *Gateway) link(path, use string, id rapport.ID, n int) string {
	b := make([]byte, 0, 128)
	return string(g.appendToken(append(append(b, g.set.PublicURL...), path...), use, id, n))
}

func (g *Gateway) appendToken(b []byte, use string, id rapport.ID, n int) []byte {
	s, ok := g.sealers.Get().(*sealer)
	if !ok {
		s = &sealer{mac: hmac.New(sha256.New, g.set.Keys[0])}
	}
	defer g.sealers.Put(s)
	return tokenText.AppendEncode(b, s.seal(use, id, n))
}

// sealer makes tokens with one key. One that is kept goes on from the state behind its key, which saves half
// of what a token costs.
type sealer struct {
	mac hash.Hash
	buf []byte
}

// seal returns the token's bytes, valid until the next call.
func (s *sealer) seal(use string, id rapport.ID, n int) []byte {
	b := append(append(s.buf[:0], use...), 0)
	b = binary.BigEndian.AppendUint64(b, uint64(id))
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	s.mac.Reset()
	s.mac.Write(b)
	end := len(b) + 16
	s.buf = s.mac.Sum(b)
	return s.buf[len(use)+1 : end]
}

func (g *Gateway) readToken(use, text string) (id rapport.ID, n int, ok bool) {
	return readToken(g.set.Keys, use, text)
}

// readToken verifies a token with any of the keys, in constant time. One token has one text, letter case aside: base32
// alone would overlook line ends and two loose bits.
func readToken(keys [][]byte, use, text string) (id rapport.ID, n int, ok bool) {
	text = strings.ToLower(text)
	b, err := tokenText.DecodeString(text)
	if err != nil || len(b) != 26 || tokenText.EncodeToString(b) != text {
		return 0, 0, false
	}
	id, n = rapport.ID(binary.BigEndian.Uint64(b)), int(binary.BigEndian.Uint16(b[8:]))
	for _, key := range keys {
		if hmac.Equal(b, (&sealer{mac: hmac.New(sha256.New, key)}).seal(use, id, n)) {
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
