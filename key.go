package rapport

import (
	"slices"
	"time"
)

// Key is an API key. The key itself is shown once and never stored: the store holds its SHA-256, which
// is enough for 128 random bits.
type Key struct {
	ID        ID
	Name      string
	Hint      string   // its first characters, so that people can tell keys apart
	Scopes    []string // "*" is every scope
	ExpiresAt time.Time
	RevokedAt time.Time
	UsedAt    time.Time // to the minute
	CreatedAt time.Time
}

// Valid tells whether the key opens anything at all at now.
func (k *Key) Valid(now time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt))
}

// Allows tells whether the key has scope.
func (k *Key) Allows(scope string) bool {
	return slices.Contains(k.Scopes, "*") || slices.Contains(k.Scopes, scope)
}
