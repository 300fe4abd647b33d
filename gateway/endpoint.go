package gateway

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// endpointsMost is how many there may be: each costs the relay a row a notice.
const endpointsMost = 100

// oldSecretFor is how long a secret that was replaced signs too.
const oldSecretFor = 24 * time.Hour

// EndpointInput is an endpoint as callers write it.
type EndpointInput struct {
	URL    string   `json:"url" maxLength:"2048" doc:"https; private networks only if endpoints.allow_networks lists them." example:"https://shop.example/hooks/rapport"`
	Events []string `json:"events" minItems:"1" maxItems:"50" doc:"Types of events; thread.* is every type that begins so, * every type." example:"[\"reply.received\",\"message.*\"]"`
	Secret string   `json:"secret,omitempty" doc:"whsec_ and 24 to 64 bytes in base64. Without it one is made."`
}

// EndpointChange changes an endpoint; what is not given stays.
type EndpointChange struct {
	URL     *string   `json:"url,omitempty" maxLength:"2048"`
	Events  *[]string `json:"events,omitempty" minItems:"1" maxItems:"50"`
	Enabled *bool     `json:"enabled,omitempty" doc:"true: what waits is delivered. false: nothing is, and what happens meanwhile can be replayed."`
}

// CreateEndpoint stores an endpoint, and returns its secret, which is shown once.
func (g *Gateway) CreateEndpoint(ctx context.Context, by Caller, in EndpointInput) (e rapport.Endpoint, secret string, err error) {
	v := validation{}
	g.checkURL(&v, in.URL)
	checkEvents(&v, in.Events)
	if secret = in.Secret; secret == "" {
		secret = newSecret()
	}
	g.checkSecret(&v, secret)
	if len(v.errs) > 0 {
		return e, "", invalid(v.errs)
	}
	e = rapport.Endpoint{ID: g.Store.NewID(), URL: in.URL, Events: in.Events}
	if e.Secret, err = g.sealSecret(e.ID, secret); err != nil {
		return e, "", err
	}
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		n, err := s.CountEndpoints(ctx)
		if err != nil {
			return err
		}
		if n >= endpointsMost {
			return rapport.Errorf(rapport.CodeConflict, "There are %d endpoints already, which is as many as there may be.", n)
		}
		if err := s.CreateEndpoint(ctx, &e); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "endpoint.created", Subject: rapport.KindEndpoint.Format(e.ID), Detail: detail("events", strings.Join(in.Events, " "))})
	})
	if err != nil {
		return e, "", err
	}
	return e, secret, g.followEndpoints(ctx)
}

// ChangeEndpoint changes an endpoint. One that is enabled again gets what waits for it at once.
func (g *Gateway) ChangeEndpoint(ctx context.Context, by Caller, id rapport.ID, in EndpointChange) (e rapport.Endpoint, err error) {
	v := validation{}
	if in.URL != nil {
		g.checkURL(&v, *in.URL)
	}
	if in.Events != nil {
		checkEvents(&v, *in.Events)
	}
	if len(v.errs) > 0 {
		return e, invalid(v.errs)
	}
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		e, err = s.ChangeEndpoint(ctx, id, func(e *rapport.Endpoint) error {
			if in.URL != nil {
				e.URL = *in.URL
			}
			if in.Events != nil {
				e.Events = *in.Events
			}
			switch {
			case in.Enabled == nil:
			case *in.Enabled:
				e.Disabled, e.DisabledAt, e.FailingSince = "", time.Time{}, time.Time{}
			case e.Disabled == "":
				e.Disabled, e.DisabledAt = rapport.DisabledByHand, s.Now()
			}
			return nil
		})
		if err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "endpoint.changed", Subject: rapport.KindEndpoint.Format(id), Detail: detail("enabled", fmt.Sprint(e.Disabled == ""), "events", strings.Join(e.Events, " "))})
	})
	if err != nil {
		return e, err
	}
	rouse(g.telling.waiting)
	return e, g.followEndpoints(ctx)
}

// RotateSecret gives an endpoint another secret. For a day the old one signs too, so that the receiver can change over
// when it likes. given may be empty.
func (g *Gateway) RotateSecret(ctx context.Context, by Caller, id rapport.ID, given string) (e rapport.Endpoint, secret string, err error) {
	if secret = given; secret == "" {
		secret = newSecret()
	}
	v := validation{}
	g.checkSecret(&v, secret)
	if len(v.errs) > 0 {
		return e, "", invalid(v.errs)
	}
	sealed, err := g.sealSecret(id, secret)
	if err != nil {
		return e, "", err
	}
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		e, err = s.ChangeEndpoint(ctx, id, func(e *rapport.Endpoint) error {
			e.OldSecret, e.OldUntil, e.Secret = e.Secret, s.Now().Add(oldSecretFor), sealed
			return nil
		})
		if err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "endpoint.secret_replaced", Subject: rapport.KindEndpoint.Format(id)})
	})
	return e, secret, err
}

// DeleteEndpoint forgets an endpoint and what was delivered to it.
func (g *Gateway) DeleteEndpoint(ctx context.Context, by Caller, id rapport.ID) error {
	err := g.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.DeleteEndpoint(ctx, id); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "endpoint.deleted", Subject: rapport.KindEndpoint.Format(id)})
	})
	if err != nil {
		return err
	}
	for more := true; more; { // what a time-out leaves goes with age: nobody can see it
		if more, err = g.Store.DropDeliveries(ctx, id); err != nil {
			return err
		}
	}
	return g.followEndpoints(ctx)
}

// TestEndpoint has the endpoint told that this is a test. The delivery shows what came of it.
func (g *Gateway) TestEndpoint(ctx context.Context, id rapport.ID) error {
	e, err := g.Store.Endpoint(ctx, id)
	if err != nil {
		return err
	}
	if e.Disabled != "" {
		return rapport.Errorf(rapport.CodeConflict, "The endpoint is disabled; enable it first.")
	}
	return g.publish(ctx, g.Store, rapport.Fact{Endpoint: rapport.KindEndpoint.Format(id)}.Notice(rapport.EndpointTest, 0))
}

// ReplayInput says what to deliver again: one delivery, or all since a time.
type ReplayInput struct {
	Delivery string     `json:"delivery,omitempty" doc:"One delivery, whatever became of it."`
	Since    *time.Time `json:"since,omitempty" doc:"What the endpoint subscribes to and has not got since then, also from while it was disabled. As far back as the stream is kept."`
	After    string     `json:"after,omitempty" doc:"With since: next of the answer before."`
	All      bool       `json:"all,omitempty" doc:"With since: also what was delivered."`
}

// Replayed says how much is going to be delivered again.
type Replayed struct {
	Queued int    `json:"queued"`
	Next   string `json:"next,omitempty" doc:"There is more: ask again with after."`
}

// replayMost is how many pages of the stream one request looks at.
const replayMost = 100

// Replay queues deliveries again, under their old webhook-ids. A disabled endpoint gets them when it is enabled.
func (g *Gateway) Replay(ctx context.Context, by Caller, id rapport.ID, in ReplayInput) (out Replayed, err error) {
	if (in.Delivery == "") == (in.Since == nil) {
		return out, rapport.Invalid("since", "either since or delivery must be given")
	}
	e, err := g.Store.Endpoint(ctx, id)
	if err != nil {
		return out, err
	}
	var after rapport.ID
	if in.After != "" {
		if after, err = rapport.KindEvent.Parse(in.After); err != nil {
			return out, rapport.Invalid("after", "is not the id of an event")
		}
	}
	if err := g.Store.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "endpoint.replayed", Subject: rapport.KindEndpoint.Format(id)}); err != nil {
		return out, err
	}
	defer func() { rouse(g.telling.waiting) }()
	if in.Delivery != "" {
		d, err := rapport.KindDelivery.Parse(in.Delivery)
		if err != nil {
			return out, rapport.Invalid("delivery", "is not the id of a delivery")
		}
		if _, err = g.Store.ReplayDelivery(ctx, id, d); err != nil {
			return out, err
		}
		return Replayed{Queued: 1}, nil
	}
	for range replayMost {
		n, next, err := g.Store.ReplaySince(ctx, e, *in.Since, after, in.All)
		if err != nil {
			return out, err
		}
		out.Queued += n
		if after = next; next == 0 {
			return out, nil
		}
	}
	out.Next = rapport.KindEvent.Format(after)
	return out, nil
}

func (g *Gateway) checkURL(v *validation, url string) {
	if g.Courier == nil {
		v.refuse("url", "cannot be used: this process carries nothing to endpoints")
	} else if err := g.Courier.Check(url); err != nil {
		v.refuse("url", "%s", strings.ReplaceAll(err.Error(), "allow_networks", "endpoints.allow_networks"))
	}
}

func (g *Gateway) checkSecret(v *validation, secret string) {
	if g.Courier == nil {
		return // said already
	}
	if err := g.Courier.CheckSecret(secret); err != nil {
		v.refuse("secret", "%s", err.Error())
	}
}

func checkEvents(v *validation, events []string) {
	switch unknown := rapport.NoticeFilter(events).Unknown(); {
	case len(events) == 0 || len(events) > 50:
		v.refuse("events", "must hold 1 to 50 types of events")
	case unknown != "":
		v.refuse("events", "%.60q is no type of event; * is every one", unknown)
	}
}

func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return "whsec_" + base64.StdEncoding.EncodeToString(b[:])
}

// sealSecret seals as providers' settings are, for this endpoint alone.
func (g *Gateway) sealSecret(id rapport.ID, secret string) (string, error) {
	return g.sealSettings(rapport.KindEndpoint.Format(id), channels.Settings{"secret": secret})
}

// secretsOf are those that sign now, the newest first.
func (g *Gateway) secretsOf(e rapport.Endpoint) (out []string, err error) {
	sealed := []string{e.Secret}
	if e.OldSecret != "" && g.now().Before(e.OldUntil) {
		sealed = append(sealed, e.OldSecret)
	}
	for _, text := range sealed {
		s, err := g.openSettings(rapport.KindEndpoint.Format(e.ID), text)
		if err != nil {
			return nil, err
		}
		secret, _ := s["secret"].(string)
		out = append(out, secret)
	}
	return out, nil
}
