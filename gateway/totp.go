package gateway

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6238 names it, and it is the only one that every app knows; HMAC does not need its collision resistance
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Codes as RFC 6238 and RFC 4226 have them: six digits every 30 seconds of HMAC-SHA-1.
const (
	totpPeriod = 30 // seconds
	totpSecret = 20 // bytes
	totpAround = 1  // steps before and after, for clocks that are wrong
)

var totpText = base32.StdEncoding.WithPadding(base32.NoPadding)

func newTOTP() []byte {
	b := make([]byte, totpSecret)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	return b
}

// totpURI is what a QR code holds (Key Uri Format of Google Authenticator, which all apps read).
func totpURI(secret []byte, account string) string {
	q := url.Values{"secret": {totpText.EncodeToString(secret)}, "issuer": {"Rapport"}}
	return "otpauth://totp/Rapport:" + url.PathEscape(account) + "?" + q.Encode()
}

func totpCode(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, step) // into a hash
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%1_000_000)
}

// totpStep is the time step of which code is, at now; false: of none near.
func totpStep(secret []byte, code string, now time.Time) (step int64, ok bool) {
	for s := now.Unix()/totpPeriod - totpAround; s <= now.Unix()/totpPeriod+totpAround; s++ {
		if subtle.ConstantTimeCompare([]byte(totpCode(secret, s)), []byte(code)) == 1 {
			step, ok = s, true
		}
	}
	return
}

const recoveryCodes = 10

// newRecoveryCodes are of 80 random bits each, so that a plain hash of one tells nobody anything.
func newRecoveryCodes() (codes, hashes []string) {
	for range recoveryCodes {
		b := make([]byte, 10)
		_, _ = rand.Read(b) // never fails, see crypto/rand
		text := tokenText.EncodeToString(b)
		codes = append(codes, text[:4]+"-"+text[4:8]+"-"+text[8:12]+"-"+text[12:])
		hashes = append(hashes, hashKey(text))
	}
	return
}

// bareCode takes out of a code what people put in: blanks, dashes, capitals, and look-alikes of base32.
func bareCode(code string) string {
	if len(code) > 100 {
		return ""
	}
	code = strings.NewReplacer(" ", "", "-", "", "\t", "").Replace(strings.ToLower(code))
	if len(code) != 6 {
		code = strings.NewReplacer("o", "0", "i", "1", "l", "1").Replace(code)
	}
	return code
}
