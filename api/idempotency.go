package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

// maxAnswer is how large a kept answer may be.
const maxAnswer = 1 << 20

// idempotent does a POST once for each (API key or agent, method, path, Idempotency-Key), whatever its query. Only
// a success is kept; a process that dies in between leaves a key that the next attempt takes over.
func idempotent[T any](ctx context.Context, d *door, o route, r *Request, hash string, do func(context.Context) (*reply[T], error)) (*reply[T], error) {
	c := fiberOf(r.ctx)
	key := c.Get("Idempotency-Key")
	if o.Method != http.MethodPost || key == "" || o.Scope == "" { // what lets people in is kept nowhere
		return do(ctx)
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	id := gateway.Idempotency{Key: r.caller().Key, Scope: o.Method + " " + c.Path() + " " + key, BodyHash: hash}
	if o.Own {
		r.idem = &id
		return do(ctx)
	}
	return once(ctx, d, r, id, do)
}

// begun names a request with an Idempotency-Key that this process is working on.
type begun struct {
	key   rapport.ID
	scope string
}

func once[T any](ctx context.Context, d *door, r *Request, id gateway.Idempotency, do func(context.Context) (*reply[T], error)) (*reply[T], error) {
	running := &rapport.Error{Code: rapport.CodeInProgress, Message: "A request with this Idempotency-Key is still running.", RetryAfter: time.Second}
	here := begun{id.Key, id.Scope}
	if _, busy := d.begun.LoadOrStore(here, true); busy {
		return nil, running
	}
	defer d.begun.Delete(here)
	worker := d.g.Worker()
	a, err := d.st.Begin(ctx, id.Key, id.Scope, id.BodyHash, worker)
	if err != nil {
		return nil, err
	}
	if a.Found == store.Running { // perhaps by us, and nobody told us so
		mine, err := d.st.Resume(ctx, id.Key, id.Scope, worker)
		if err != nil {
			return nil, err
		}
		if mine {
			a.Found = store.Begun
		}
	}
	switch a.Found {
	case store.Replay:
		out := &reply[T]{}
		if err := json.Unmarshal([]byte(a.Response), out); err != nil {
			return nil, err
		}
		out.Replayed = "true"
		return out, nil
	case store.Mismatch:
		return nil, rapport.Errorf(rapport.CodeInvalid, "This Idempotency-Key was used for another request.")
	case store.Running:
		return nil, running
	}
	kept := false
	r.keep = func(ctx context.Context, s *store.Store, status int, out any) error {
		text, err := json.Marshal(out)
		if err != nil || len(text) > maxAnswer {
			return err
		}
		kept = true
		return s.Finish(ctx, id.Key, id.Scope, worker, status, string(text))
	}
	status, response := http.StatusInternalServerError, ""
	defer func() { // also when do panics: the key is free again
		if kept && response != "" {
			return // in the transaction of its effects
		}
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		if err := d.st.Finish(end, id.Key, id.Scope, worker, status, response); err != nil {
			d.o.Log.Error("the answer to an idempotent request was not kept", "error", err)
		}
	}()
	out, err := do(ctx)
	if err != nil {
		return nil, err
	}
	keep := *out
	if secret, ok := any(keep.Body).(interface{ kept() T }); ok {
		keep.Body = secret.kept()
	}
	text, err := json.Marshal(keep)
	if err != nil {
		return nil, err
	}
	if len(text) <= maxAnswer {
		status, response = out.Status, string(text)
	}
	return out, nil // with kept, an answer leaves out what is shown once
}

func checkKey(key string) error {
	if len(key) > 200 {
		return rapport.Invalid("header.Idempotency-Key", "is longer than 200 characters")
	}
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return rapport.Invalid("header.Idempotency-Key", "holds characters that are not printable ASCII")
		}
	}
	return nil
}
