package gateway

import (
	"strings"
	"testing"
	"time"
)

// The test vectors of RFC 6238, appendix B, of which we show the last six digits.
func TestTOTP_IsThatOfTheRFC(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := totpCode(secret, at/30); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
		now := time.Unix(at, 0)
		for steps := int64(-3); steps <= 3; steps++ {
			step, ok := totpStep(secret, totpCode(secret, at/30+steps), now)
			if near := steps >= -1 && steps <= 1; ok != near || ok && step != at/30+steps {
				t.Errorf("%d steps away from %d: %d, %v", steps, at, step, ok)
			}
		}
	}
	if _, ok := totpStep(secret, "", time.Unix(59, 0)); ok {
		t.Error("no code is a code")
	}
	if uri := totpURI(secret, "anna+x@shop.example"); uri != "otpauth://totp/Rapport:anna+x@shop.example?issuer=Rapport&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" {
		t.Error(uri)
	}
}

func TestPassword_HashesAreReadStrictly(t *testing.T) {
	t.Parallel()
	h := newHasher()
	leave, err := h.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	hash := h.hash("p\u00e4ssword of many words")
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Error(hash)
	}
	if ok, err := h.matches(hash, "pa\u0308ssword of many words"); !ok || err != nil { // the same, as another keyboard writes it
		t.Error(ok, err)
	}
	if ok, err := h.matches(hash, "password of many words"); ok || err != nil {
		t.Error(ok, err)
	}
	if ok, err := h.matches("", "password of many words"); ok || err != nil {
		t.Error("nobody's:", ok, err)
	}
	for _, bad := range []string{"x", "$argon2i$v=19$m=19456,t=2,p=1$aaaa$bbbb", "$argon2id$v=16$m=19456,t=2,p=1$YWFhYWFhYWE$" + strings.Repeat("Y", 43), "$argon2id$v=19$m=99999999,t=2,p=1$YWFhYWFhYWE$" + strings.Repeat("Y", 43),
		"$argon2id$v=19$m=19456,t=0,p=1$YWFhYWFhYWE$" + strings.Repeat("Y", 43), "$argon2id$v=19$m=19456,t=2,p=1$YWFhYWFhYWE$YQ", "$argon2id$v=19$m=19456,t=2,p=1$%%$" + strings.Repeat("Y", 43)} {
		if ok, err := h.matches(bad, "x"); ok || err == nil {
			t.Errorf("%q: %v, %v", bad, ok, err)
		}
	}
}

func TestThrottle_DoublesToFiveMinutes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		key      string
		failures int
		want     time.Duration
	}{{"account:x", 5, 0}, {"account:x", 6, time.Second}, {"account:x", 7, 2 * time.Second}, {"account:x", 14, 256 * time.Second}, {"account:x", 15, 5 * time.Minute}, {"account:x", 1 << 30, 5 * time.Minute},
		{"address:x", 20, 0}, {"address:x", 21, time.Second}, {"address:x", 1 << 30, 5 * time.Minute}} {
		if got := delay(c.key, c.failures); got != c.want {
			t.Errorf("%s after %d: %s, want %s", c.key, c.failures, got, c.want)
		}
	}
	for in, want := range map[string]string{"192.0.2.1": "192.0.2.1", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "": "", "x": "x"} {
		if got := network(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
