package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"rapport"
	"rapport/store"
)

// Idempotency is the caller's Idempotency-Key with what it is bound to.
type Idempotency struct {
	Key      rapport.ID // the API key
	Scope    string     // method, path and Idempotency-Key
	BodyHash string
}

// errOvertaken rolls a group back because another process has answered one of its Idempotency-Keys meanwhile.
var errOvertaken = errors.New("another process was faster")

// unanswered leaves out who has an answer already, or is refused for the sake of an Idempotency-Key.
func (g *Gateway) unanswered(ctx context.Context, s *store.Store, group []*submission) (live []*submission, err error) {
	var keys []store.RequestKey
	for _, x := range group {
		x.err, x.replayed, x.fresh, x.due, x.result = nil, false, false, nil, SendResult{}
		if x.idem != nil {
			keys = append(keys, x.idem.request())
		}
	}
	known, err := s.RequestsKnown(ctx, keys)
	if err != nil {
		return nil, err
	}
	here := map[store.RequestKey]*submission{}
	for _, x := range group {
		if x.idem != nil {
			k := x.idem.request()
			if first := here[k]; first != nil {
				x.err = keyInUse(first.idem.BodyHash == x.idem.BodyHash)
				continue
			}
			here[k] = x
			if x.fresh = !known[k]; !x.fresh {
				if stop, err := g.answered(ctx, s, x); err != nil {
					return nil, err
				} else if stop {
					continue
				}
			}
		}
		live = append(live, x)
	}
	return live, nil
}

func (i *Idempotency) request() store.RequestKey { return store.RequestKey{Key: i.Key, Scope: i.Scope} }

// keyInUse refuses a request because another one with its Idempotency-Key came before.
func keyInUse(same bool) error {
	if !same {
		return rapport.Errorf(rapport.CodeInvalid, "This Idempotency-Key was used for another request.")
	}
	return &rapport.Error{Code: rapport.CodeInProgress, Message: "A request with this Idempotency-Key is still running.", RetryAfter: time.Second}
}

// answered looks the Idempotency-Key up. stop: there is an answer already, or a refusal.
func (g *Gateway) answered(ctx context.Context, s *store.Store, x *submission) (stop bool, err error) {
	a, err := s.Begin(ctx, x.idem.Key, x.idem.Scope, x.idem.BodyHash, g.Worker())
	if err != nil {
		return false, err
	}
	switch a.Found {
	case store.Begun:
		return false, nil
	case store.Replay:
		x.replayed = true
		return true, json.Unmarshal([]byte(a.Response), &x.result)
	default:
		x.err = keyInUse(a.Found != store.Mismatch)
	}
	return true, nil
}

// answer keeps the answers of those that succeeded; a refused request may be tried again with its key.
func (g *Gateway) answer(ctx context.Context, s *store.Store, live []*submission) error {
	var fresh []store.Answered
	for _, x := range live {
		if x.idem == nil || x.fresh && x.err != nil {
			continue
		}
		status, text := http.StatusAccepted, []byte{}
		var err error
		if x.err != nil {
			status = http.StatusUnprocessableEntity
		} else if text, err = json.Marshal(x.result); err != nil {
			return err
		}
		if x.fresh {
			fresh = append(fresh, store.Answered{RequestKey: x.idem.request(), BodyHash: x.idem.BodyHash, Status: status, Response: string(text)})
		} else if err := s.Finish(ctx, x.idem.Key, x.idem.Scope, g.Worker(), status, string(text)); err != nil {
			return err
		}
	}
	if ok, err := s.AddAnswers(ctx, g.Worker(), fresh); err != nil || !ok {
		return cmp.Or(err, errOvertaken)
	}
	return nil
}
