package config

import (
	"encoding/hex"
	"fmt"
	"math"
	"strings"
)

// minKeyBits is what 32 random bytes hold.
const minKeyBits = 256

const makeKey = "set RAPPORT_SECRET_KEY to what openssl rand -base64 32 prints"

// secretKey refuses keys that could be guessed, outside demo mode. A stranger who has the key can
// forge unsubscribe links and open every provider's password in a stolen database.
func (r *rules) secretKey() {
	if r.c.Demo {
		return
	}
	keys := r.c.SecretKeys()
	if len(keys) == 0 {
		r.say("secret_key", "is empty", makeKey+", or try it out with --demo")
	}
	for i, key := range keys {
		problem := weakness(key.Reveal())
		if problem == "" {
			continue
		}
		if len(keys) > 1 {
			problem = fmt.Sprintf("key %d of %d %s", i+1, len(keys), problem)
		}
		r.say("secret_key", problem, makeKey)
	}
}

// weakness says why a key is not taken, or "". The strength of a random text follows from its
// length and its alphabet; that a text is random cannot be proved, but the usual samples can be
// recognised. The words are long enough that a random key holds one in fewer than one of a
// million cases.
func weakness(key string) string {
	low := strings.ToLower(key)
	for _, word := range []string{
		"changeme", "change-me", "change_me", "example", "sample", "password", "secret", "replace", "default", "insecure",
		"rapport", "placeholder", "12345678", "01234567", "abcdefgh", "qwertyui", "00000000", "xxxxxxxx", "aaaaaaaa",
	} {
		if strings.Contains(low, word) {
			return fmt.Sprintf("looks like a sample (it contains %q)", word)
		}
	}
	if period := repeats(key); period > 0 {
		return fmt.Sprintf("repeats itself after %d characters", period)
	}
	if bits := strength(key); bits < minKeyBits {
		return fmt.Sprintf("is too weak: about %d bits of %d", bits, minKeyBits)
	}
	return ""
}

// repeats returns the length of the piece that the key is made of, or 0.
func repeats(key string) int {
	for n := 1; n <= len(key)/2; n++ {
		if strings.HasPrefix(key, key[n:]) {
			return n
		}
	}
	return 0
}

// strength is how many bits a random text of this length and alphabet holds, less where it uses
// few different characters.
func strength(key string) int {
	alphabet := 64.0 // letters, digits and two signs: base64
	if _, err := hex.DecodeString(key); err == nil {
		alphabet = 16
	}
	different := map[byte]bool{}
	for i := range len(key) {
		different[key[i]] = true
	}
	// Random text of 43 of 64 characters uses about 31 of them, of 64 of 16 about all; half of
	// that is very unlikely to be chance.
	if expected := alphabet * (1 - math.Pow(1-1/alphabet, float64(len(key)))); float64(len(different)) < expected/2 {
		alphabet = float64(max(len(different), 1))
	}
	return int(float64(len(key)) * math.Log2(alphabet))
}
