package gateway

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"rapport"
)

// Argon2id as OWASP's Password Storage Cheat Sheet has it for little memory (19 MiB, two passes, one lane); the form of
// the hash is that of RFC 9106 implementations ("$argon2id$v=19$m=19456,t=2,p=1$salt$hash").
const (
	argonMemory = 19 << 10 // KiB
	argonPasses = 2
	argonLanes  = 1
	argonSalt   = 16
	argonHash   = 32
)

const (
	shortestPassword = 10
	longestPassword  = 200 // characters
)

// hasher bounds how many passwords are hashed at once: two cost 38 MiB, and more would only be slower each.
type hasher struct {
	memory, passes uint32 // argonMemory and argonPasses
	places         chan struct{}
	waiting        atomic.Int64
}

const (
	hashesAtOnce  = 2
	hashesWaiting = 32
	hashPatience  = 5 * time.Second
)

func newHasher() *hasher {
	return &hasher{memory: argonMemory, passes: argonPasses, places: make(chan struct{}, hashesAtOnce)}
}

// enter waits for a place, and not long. leave gives it back.
func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	busy := &rapport.Error{Code: rapport.CodeUnavailable, Message: "Too many people are signing in at once.", RetryAfter: 2 * time.Second}
	if h.waiting.Add(1) > hashesWaiting {
		h.waiting.Add(-1)
		return nil, busy
	}
	defer h.waiting.Add(-1)
	timer := time.NewTimer(hashPatience)
	defer timer.Stop()
	select {
	case h.places <- struct{}{}:
		return func() { <-h.places }, nil
	case <-timer.C:
		return nil, busy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hash is for who has entered.
func (h *hasher) hash(password string) string {
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt) // never fails, see crypto/rand
	sum := argon2.IDKey(canonical(password), salt, h.passes, h.memory, argonLanes, argonHash)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, argonLanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

// matches compares in constant time, for who has entered. A hash of "" matches nothing, and takes as long as any other.
func (h *hasher) matches(hash, password string) (bool, error) {
	if hash == "" {
		argon2.IDKey(canonical(password), make([]byte, argonSalt), h.passes, h.memory, argonLanes, argonHash)
		return false, nil
	}
	var version, memory, passes int
	var lanes uint8
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, fmt.Errorf("a password hash of an unknown form")
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &passes, &lanes); err != nil {
		return false, fmt.Errorf("reading a password hash: %w", err)
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, fmt.Errorf("reading a password hash: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil {
		return false, fmt.Errorf("reading a password hash: %w", err)
	}
	if version != argon2.Version || memory < 1 || memory > 1<<20 || passes < 1 || passes > 100 || lanes < 1 || len(want) < 16 || len(want) > 64 {
		return false, fmt.Errorf("a password hash of unknown parameters")
	}
	got := argon2.IDKey(canonical(password), salt, uint32(passes), uint32(memory), lanes, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// canonical makes one text of what keyboards write in different ways (NIST SP 800-63B, 3.1.1.2).
func canonical(password string) []byte { return norm.NFKC.Bytes([]byte(password)) }

// password checks a new one.
func (v *validation) password(field, password string, about ...string) {
	n := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password):
		v.refuse(field, "holds broken UTF-8")
	case n < shortestPassword:
		v.refuse(field, "is shorter than %d characters", shortestPassword)
	case n > longestPassword:
		v.refuse(field, "is longer than %d characters", longestPassword)
	case strings.Trim(password, password[:1]) == "":
		v.refuse(field, "is one character over and over")
	}
	for _, a := range about {
		if strings.EqualFold(password, a) {
			v.refuse(field, "is your name or your address")
		}
	}
}
