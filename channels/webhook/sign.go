package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// tolerance is how far a reply's timestamp may be from our clock; what is older is a replay.
const tolerance = 5 * time.Minute

// key is a secret, and HMACs that start again from the state behind it: they cost half as much.
type key struct{ macs *sync.Pool }

func parseKey(secret string) (key, error) {
	k, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(k) < 24 || len(k) > 64 {
		return key{}, errors.New(`must be "whsec_" and 24 to 64 bytes in base64; make one with: echo whsec_$(openssl rand -base64 32)`)
	}
	return key{&sync.Pool{New: func() any { return hmac.New(sha256.New, k) }}}, nil
}

// sign is the signature of "id.timestamp.body" in the form of the header: "v1," and base64.
func (k key) sign(id, timestamp string, body []byte) string {
	h := k.macs.Get().(hash.Hash)
	defer k.macs.Put(h)
	h.Reset()
	b := make([]byte, 0, 128)
	b = append(append(append(append(b, id...), '.'), timestamp...), '.')
	h.Write(b)
	h.Write(body)
	sum := h.Sum(b[:0])
	return string(base64.StdEncoding.AppendEncode(append(sum, "v1,"...), sum)[len(sum):])
}

// signAll signs with every key, so that a receiver that has either secret is content.
func signAll(keys []key, id, timestamp string, body []byte) string {
	s := keys[0].sign(id, timestamp, body)
	for _, k := range keys[1:] {
		s += " " + k.sign(id, timestamp, body)
	}
	return s
}

// genuine tells whether one of the signatures in header was made with one of keys; fresh, whether close to now.
func genuine(keys []key, header, id, timestamp string, body []byte, now time.Time) (ok, fresh bool) {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || id == "" {
		return false, false
	}
	age := now.Sub(time.Unix(seconds, 0))
	for _, k := range keys {
		want := []byte(k.sign(id, timestamp, body))
		for got := range strings.SplitSeq(header, " ") {
			ok = hmac.Equal([]byte(got), want) || ok
		}
	}
	return ok, age <= tolerance && age >= -tolerance
}
