package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

	"rapport"
	"rapport/store"
)

// keyPrefix begins every key, so that scanners for leaked secrets recognise one.
const keyPrefix = "rpt_live_"

// keyMemory is how long a process may go on taking a key that another one has revoked.
const keyMemory = 2 * time.Second

// Scopes lists every scope that a key may have: everything, everything that changes nothing, and read and write for each
// resource, as far as something needs them.
func Scopes() []string {
	out := []string{"*", "read:*"}
	for _, r := range []string{"agents", "campaigns", "customers", "endpoints", "events", "files", "keys", "messages", "providers", "sandbox", "suppressions", "templates", "threads", "topics"} {
		out = append(out, "read:"+r, "write:"+r)
	}
	return append(out, "read:audit", "read:jobs", "read:system") // nothing in them is anybody's to write
}

// Allows tells whether somebody with these scopes may do what needs scope. Who may write may read.
func Allows(scopes []string, scope string) bool {
	return slices.Contains(scopes, "*") || slices.Contains(scopes, scope) ||
		strings.HasPrefix(scope, "read:") && (slices.Contains(scopes, "read:*") || slices.Contains(scopes, "write:"+scope[len("read:"):]))
}

// Keyring makes API keys and recognises them. It is safe for concurrent use.
type Keyring struct {
	store *store.Store
	mu    sync.Mutex
	known map[string]knownKey // by hash
}

type knownKey struct {
	key   rapport.Key
	until time.Time
}

// NewKeyring keeps its keys in st.
func NewKeyring(st *store.Store) *Keyring { return &Keyring{store: st, known: map[string]knownKey{}} }

// KeyInput describes a new key.
type KeyInput struct {
	Name      string     `json:"name" minLength:"1" maxLength:"100" doc:"Whose it is, for people." example:"shop backend"`
	Scopes    []string   `json:"scopes" minItems:"1" maxItems:"50" doc:"What it may do; * is everything, read:* everything that changes nothing." example:"[\"read:*\",\"write:messages\"]"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"Without it the key is valid until it is revoked."`
}

// Create makes a key and returns its text, which is shown once and kept nowhere. Nobody can give scopes
// that they do not have; the command line has all.
func (k *Keyring) Create(ctx context.Context, by Caller, in KeyInput) (rapport.Key, string, error) {
	v := validation{}
	name := strings.TrimSpace(in.Name)
	if name == "" {
		v.refuse("name", "is required")
	}
	v.text("name", name, 100)
	if len(in.Scopes) == 0 {
		v.refuse("scopes", "is required; * is everything")
	}
	known := Scopes()
	for _, s := range in.Scopes {
		switch {
		case !slices.Contains(known, s):
			v.refuse("scopes", "%.40q is not a scope; they are %s", s, strings.Join(known, ", "))
		case !Allows(by.Scopes, s):
			return rapport.Key{}, "", rapport.Errorf(rapport.CodeForbidden, "A key cannot give the scope %s, which it does not have itself.", s)
		}
	}
	key := rapport.Key{Name: name, Scopes: slices.Compact(slices.Sorted(slices.Values(in.Scopes)))}
	if in.ExpiresAt != nil {
		key.ExpiresAt = in.ExpiresAt.UTC()
		if !key.ExpiresAt.After(k.store.Now()) {
			v.refuse("expires_at", "lies in the past")
		}
	}
	if len(v.errs) > 0 {
		return rapport.Key{}, "", invalid(v.errs)
	}
	var random [40]byte
	_, _ = rand.Read(random[:]) // never fails, see crypto/rand
	key.Hint = keyPrefix + tokenText.EncodeToString(random[:8])[:8]
	text := key.Hint + "_" + base64.RawURLEncoding.EncodeToString(random[8:])
	err := k.store.Tx(ctx, func(s *store.Store) error {
		if err := s.CreateKey(ctx, &key, hashKey(text)); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "key.created", Subject: rapport.KindKey.Format(key.ID), Detail: detail("scopes", strings.Join(key.Scopes, " "))})
	})
	return key, text, err
}

func hashKey(text string) string {
	sum := sha256.Sum256([]byte(text)) // enough for 256 random bits: there is nothing to guess
	return hex.EncodeToString(sum[:])
}

// Authenticate finds whose key text is. CodeUnauthorized says why it is nobody's.
func (k *Keyring) Authenticate(ctx context.Context, text string) (Caller, error) {
	if !strings.HasPrefix(text, keyPrefix) || len(text) > 200 {
		return Caller{}, rapport.Errorf(rapport.CodeUnauthorized, "This is not an API key of this server.")
	}
	hash := hashKey(text)
	key, err := k.find(ctx, hash)
	now := k.store.Now()
	switch {
	case rapport.CodeOf(err) == rapport.CodeNotFound:
		return Caller{}, rapport.Errorf(rapport.CodeUnauthorized, "This API key is not known.")
	case err != nil:
		return Caller{}, err
	case !key.RevokedAt.IsZero():
		return Caller{}, rapport.Errorf(rapport.CodeUnauthorized, "This API key was revoked at %s.", key.RevokedAt.Format(time.RFC3339))
	case !key.Valid(now):
		return Caller{}, rapport.Errorf(rapport.CodeUnauthorized, "This API key expired at %s.", key.ExpiresAt.Format(time.RFC3339))
	}
	return Caller{Key: key.ID, Scopes: key.Scopes, Name: key.Name}, nil
}

func (k *Keyring) find(ctx context.Context, hash string) (rapport.Key, error) {
	now := time.Now() // monotonic: a clock that is set must not keep a revoked key alive
	k.mu.Lock()
	known, ok := k.known[hash]
	k.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.key, nil
	}
	key, err := k.store.KeyByHash(ctx, hash)
	if err != nil {
		return key, err
	}
	if key.Valid(k.store.Now()) {
		_ = k.store.TouchKey(ctx, key) // when it was last used is worth no refusal
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.known) > 10_000 {
		clear(k.known)
	}
	k.known[hash] = knownKey{key, now.Add(keyMemory)}
	return key, nil
}

// Revoke closes a key for good: here at once, in other processes within two seconds.
func (k *Keyring) Revoke(ctx context.Context, by Caller, id rapport.ID) error {
	err := k.store.Tx(ctx, func(s *store.Store) error {
		if err := s.RevokeKey(ctx, id); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "key.revoked", Subject: rapport.KindKey.Format(id)})
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.known)
	return err
}
