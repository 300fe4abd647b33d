package api

import (
	"context"
	"net/http"
	"time"

	"rapport"
	"rapport/gateway"
)

// Key is an API key without its text.
type Key struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Hint      string     `json:"hint" doc:"How it begins."`
	Scopes    []string   `json:"scopes"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
	UsedAt    *time.Time `json:"used_at,omitempty" doc:"To the minute."`
	CreatedAt time.Time  `json:"created_at"`
	Key       string     `json:"key,omitempty" doc:"The key itself: only in the answer that created it."`
}

// kept is what an Idempotency-Key may keep: not the key itself, which is stored nowhere.
func (k Key) kept() Key {
	k.Key = ""
	return k
}

func keyView(k rapport.Key) Key {
	return Key{ID: rapport.KindKey.Format(k.ID), Name: k.Name, Hint: k.Hint, Scopes: k.Scopes, ExpiresAt: maybe(k.ExpiresAt), RevokedAt: maybe(k.RevokedAt), UsedAt: maybe(k.UsedAt), CreatedAt: k.CreatedAt}
}

func (d *door) keys() {
	handle(d, route{Method: http.MethodGet, Path: "/v1/keys", Scope: "read:keys", Tag: "Keys", Summary: "List API keys"}, d.listKeys)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/keys", Scope: "write:keys", Tag: "Keys", Summary: "Create an API key", Status: 201,
		About: "Its text is shown in this answer and never again. A key can give only scopes that it has."}, d.postKey)
	handle(d, route{Method: http.MethodDelete, Path: "/v1/keys/{id}", Scope: "write:keys", Tag: "Keys", Summary: "Revoke an API key", Status: 204, Refuses: []int{404}, About: "For good, everywhere within two seconds."}, d.deleteKey)
}

type listKeys struct {
	Request
	Paging
}

func (d *door) listKeys(ctx context.Context, in *listKeys) (*reply[List[Key]], error) {
	p, err := in.page("keys")
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.Keys(ctx, p)
	if err != nil {
		return nil, err
	}
	return ok(listOf("keys", rows, next, keyView))
}

func (d *door) postKey(ctx context.Context, in *justRequest, body *gateway.KeyInput) (*reply[Key], error) {
	k, text, err := d.o.Keys.Create(ctx, in.caller(), *body)
	if err != nil {
		return nil, err
	}
	v := keyView(k)
	v.Key = text
	return created("", v)
}

type oneKey struct {
	Request
	ID string `path:"id" maxLength:"40" example:"key_0b8t9g3kq8x1w"`
}

func (d *door) deleteKey(ctx context.Context, in *oneKey) (*reply[nothing], error) {
	id, err := parse(rapport.KindKey, in.ID, "key")
	if err != nil {
		return nil, err
	}
	if err := d.o.Keys.Revoke(ctx, in.caller(), id); err != nil {
		return nil, err
	}
	return done()
}
