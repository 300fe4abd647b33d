package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"rapport"
	"rapport/store"
)

// SendInput is the body of POST /v1/messages: a campaign of one.
type SendInput struct {
	SendSpec
	To *RecipientInput `json:"to" doc:"The customer: id, external_id or a description, with data for them."`
}

// SendResult is the answer: what was decided, before anything was sent.
type SendResult struct {
	ID       string        `json:"id" doc:"The message; with routing all the first of them."`
	Campaign string        `json:"campaign"`
	Customer string        `json:"customer"`
	Messages []SentMessage `json:"messages"`
	Notes    *Notes        `json:"notes,omitempty"`
}

// SentMessage is one row of the ledger.
type SentMessage struct {
	ID      string          `json:"id"`
	Channel rapport.Channel `json:"channel"`
	State   string          `json:"state"`
	Reason  string          `json:"reason,omitempty"`
	DueAt   *time.Time      `json:"due_at,omitempty"`
}

// Idempotency is the caller's Idempotency-Key with what it is bound to.
type Idempotency struct {
	Key      rapport.ID // the API key
	Scope    string     // method, path and Idempotency-Key
	BodyHash string
}

// submission is one message on its way into the store.
type submission struct {
	ctx      context.Context
	campaign *rapport.Campaign
	patch    store.CustomerPatch
	data     map[string]any
	notes    *Notes
	idem     *Idempotency
	fresh    bool     // nobody has used its Idempotency-Key before
	content  *content // what it says, once it was decided
	result   SendResult
	replayed bool
	err      error
	due      []store.Batch
	done     chan struct{}
}

// submitter writes what gathers, up to submitMax requests, as one transaction: durable before the 202,
// with one fsync for many.
type submitter struct {
	g      *Gateway
	in     chan *submission
	mu     sync.RWMutex
	closed bool
	last   int // how many were in the last group
}

const submitMax = 256

// crowded is a group after which the next one waits for company, mostLinger how long.
const (
	crowded    = 8
	mostLinger = 4 * time.Millisecond
)

func newSubmitter(g *Gateway) *submitter {
	return &submitter{g: g, in: make(chan *submission, 4*submitMax)}
}

// SubmitMessage decides and stores one message; a worker sends it. replayed: the same Idempotency-Key was
// answered before, and this is that answer.
func (g *Gateway) SubmitMessage(ctx context.Context, by Caller, in SendInput, idem *Idempotency) (SendResult, bool, error) {
	c, created, err := g.campaign(ctx, by, rapport.KindOfMessage, &in.SendSpec)
	if err != nil {
		return SendResult{}, false, err
	}
	if in.To == nil {
		return SendResult{}, false, rapport.Invalid("to", "is required")
	}
	patch, wrong := g.patch(in.To.CustomerInput, "to")
	if store.WhoKey(patch) == 0 && len(wrong) == 0 {
		wrong = append(wrong, rapport.FieldError{Path: "to", Message: "must name a customer: id, external_id or an address"})
	}
	if len(wrong) > 0 {
		return SendResult{}, false, invalid(wrong)
	}
	if c.DryRun {
		return g.drySend(ctx, c, patch, in.To.Data)
	}
	s := &submission{ctx: ctx, campaign: c, patch: patch, data: in.To.Data, idem: idem}
	if created {
		s.notes = &Notes{TopicCreated: true, Message: fmt.Sprintf("Topic %q is new, with policy %s.", c.Topic, g.set.DefaultPolicy)}
	}
	return g.submit.do(ctx, s)
}

func (q *submitter) do(ctx context.Context, s *submission) (SendResult, bool, error) {
	s.done = make(chan struct{})
	q.mu.RLock()
	if q.closed {
		q.mu.RUnlock()
		return SendResult{}, false, &rapport.Error{Code: rapport.CodeUnavailable, Message: "The server is shutting down.", RetryAfter: 2 * time.Second}
	}
	select {
	case q.in <- s:
		q.mu.RUnlock()
	default:
		q.mu.RUnlock()
		return SendResult{}, false, &rapport.Error{Code: rapport.CodeRateLimited, Message: "More messages come in than can be stored.", RetryAfter: time.Second}
	}
	<-s.done // never abandoned: what was stored must be answered
	if s.err != nil {
		return SendResult{}, false, s.err
	}
	for _, b := range s.due {
		q.g.hint(Wake{Batch: b.ID, Lane: b.Lane})
	}
	return s.result, s.replayed, nil
}

func (q *submitter) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

func (q *submitter) loop(ctx context.Context) {
	for {
		select {
		case first := <-q.in:
			q.write(q.gather(first))
		case <-ctx.Done():
			for {
				select {
				case first := <-q.in:
					q.write(q.gather(first))
				default:
					return
				}
			}
		}
	}
}

// gather takes what is there. Whoever was answered just now is likely to ask again at once: where many were, it goes on
// for as long as they come, because a transaction costs as much as ten messages in it.
func (q *submitter) gather(first *submission) []*submission {
	group := append(make([]*submission, 0, 64), first)
	defer func() { q.last = len(group) }()
	var limit, silence <-chan time.Time
	for len(group) < submitMax {
		select {
		case s := <-q.in:
			group, silence = append(group, s), nil
			continue
		default:
		}
		if q.last < crowded {
			break
		}
		if limit == nil {
			limit = time.After(mostLinger)
		}
		if silence == nil {
			silence = time.After(mostLinger / 8)
		}
		select {
		case s := <-q.in:
			group, silence = append(group, s), nil
		case <-silence:
			return group
		case <-limit:
			return group
		}
	}
	return group
}

// write stores a group. When the transaction fails for a reason that one of them may have brought, each is
// tried alone, so that one bad request does not take others with it.
func (q *submitter) write(group []*submission) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	err := q.g.store(ctx, group)
	if err != nil && len(group) > 1 && !q.g.Store.Unavailable(err) {
		for _, s := range group {
			q.write([]*submission{s})
		}
		return
	}
	for _, s := range group {
		if err != nil {
			s.err = err
		}
		close(s.done)
	}
}

// errRefused rolls a group back because one of it is refused after its customer was written.
var errRefused = errors.New("refused")

// errOvertaken rolls a group back because another process has answered one of its Idempotency-Keys meanwhile.
var errOvertaken = errors.New("another process was faster")

// store writes a group's customers, campaigns, messages and answers in one transaction. Of a request that
// is refused nothing is kept, not even the customer that it described: the others are written without it.
func (g *Gateway) store(ctx context.Context, group []*submission) error {
	for tries := 0; len(group) > 0; tries++ {
		err := g.storeAndSend(ctx, group)
		if errors.Is(err, errOvertaken) && tries < 5 {
			continue
		}
		if !errors.Is(err, errRefused) {
			return err
		}
		group = slices.DeleteFunc(slices.Clone(group), func(x *submission) bool { return x.err != nil })
	}
	return nil
}

// storeAndSend stores a group and, where this process delivers and has a place, sends what is due at once: by the
// queue a message would cost more than itself.
func (g *Gateway) storeAndSend(ctx context.Context, group []*submission) error {
	own := g.delivers && g.engine.reserve()
	worker := g.Worker()
	due, err := g.storeAll(ctx, group, worker, own)
	if !own {
		return err
	}
	if err != nil { // what was stored all the same, because only the answer was lost, has no owner then
		for _, b := range due {
			if g.engine.hold(b.ID) {
				g.spawn(func() { g.untake(b.ID, worker) })
			}
		}
		due = nil
	}
	known := make(map[rapport.ID]*content, len(group))
	for _, x := range group {
		known[x.campaign.ID] = x.content
	}
	g.deliverOwn(due, known)
	return err
}

// storeAll returns the batches that are due now and the worker's own.
func (g *Gateway) storeAll(ctx context.Context, group []*submission, worker rapport.ID, own bool) (mine []store.Batch, err error) {
	err = g.Store.Urgent().Tx(ctx, func(s *store.Store) error {
		mine = nil
		live, err := g.unanswered(ctx, s, group)
		if err != nil {
			return err
		}
		patches := make([]store.CustomerPatch, len(live))
		for i, x := range live {
			patches[i] = x.patch
		}
		upserted, err := s.UpsertCustomers(ctx, patches)
		if err != nil {
			return err
		}
		type about struct {
			purpose rapport.Purpose
			topic   string
		}
		stored := map[about][]store.Upserted{}
		for i, x := range live {
			if x.err = upserted[i].Err(); x.err != nil {
				continue
			}
			a := about{x.campaign.Purpose, x.campaign.Topic}
			stored[a] = append(stored[a], upserted[i])
		}
		profiles := map[about]map[rapport.ID]*store.Profile{}
		policies := map[string]rapport.Policy{}
		for a, list := range stored {
			if profiles[a], err = s.ProfilesOf(ctx, list, a.purpose, a.topic); err != nil {
				return err
			}
			if policies[a.topic], err = g.policy(ctx, s, a.topic); err != nil {
				return err
			}
		}
		var campaigns []*rapport.Campaign
		var rows []store.Row
		var owners []*submission
		refused := false
		for i, x := range live {
			if x.err != nil {
				continue
			}
			p := profiles[about{x.campaign.Purpose, x.campaign.Topic}][upserted[i].ID]
			made, err := g.single(ctx, x, p, policies[x.campaign.Topic])
			if err != nil {
				return err
			}
			if x.err != nil {
				refused = true
				continue
			}
			if x.notes != nil && x.notes.TopicCreated {
				if _, err := s.EnsureTopic(ctx, x.campaign.Topic, g.set.DefaultPolicy); err != nil {
					return err
				}
			}
			campaigns = append(campaigns, x.campaign)
			for _, r := range made {
				r.Own = own
				rows = append(rows, r)
				owners = append(owners, x)
			}
		}
		if refused {
			return errRefused
		}
		if err := s.InsertCampaigns(ctx, campaigns...); err != nil {
			return err
		}
		due, err := s.AddMessages(ctx, worker, rows)
		if err != nil {
			return err
		}
		if err := g.tellMany(ctx, s, upserted, patches); err != nil {
			return err
		}
		if err := g.tellSkipped(ctx, s, rows); err != nil {
			return err
		}
		for _, b := range due { // one hint a batch, however many of the group are in it
			if b.Owner != 0 {
				mine = append(mine, b)
				continue
			}
			i := slices.IndexFunc(rows, func(r store.Row) bool { return r.Message.Batch == b.ID })
			owners[i].due = append(owners[i].due, b)
		}
		return g.answer(ctx, s, live)
	})
	return mine, err
}

// single decides one message and fills in its result.
func (g *Gateway) single(ctx context.Context, x *submission, p *store.Profile, policy rapport.Policy) ([]store.Row, error) {
	c := x.campaign
	set, err := g.rulesUnder(ctx, c, policy)
	if err != nil {
		return nil, err
	}
	x.content = set.content
	// A message that names a variable nobody gives is refused, not skipped: its caller is here to hear it.
	rows := g.decide(nil, set, p, person{customer: p.ID, data: x.data}, g.now())
	if wrong := missingFields(set, rows, x.data); len(wrong) > 0 {
		x.err = invalid(wrong)
		return nil, nil
	}
	c.Status, c.Audience, c.Planned, c.LaunchedAt = rapport.CampaignFinished, 1, int64(len(rows)), c.CreatedAt // the ledger of one is the message itself
	x.result = SendResult{ID: rapport.KindMessage.Format(rows[0].Message.ID), Campaign: rapport.KindCampaign.Format(c.ID), Customer: rapport.KindCustomer.Format(p.ID), Notes: x.notes}
	for _, r := range rows {
		m := SentMessage{ID: rapport.KindMessage.Format(r.Message.ID), Channel: r.Message.Channel, State: r.Message.State.String(), Reason: r.Message.Reason}
		if !r.Message.Due.IsZero() {
			m.DueAt = &r.Message.Due
		}
		x.result.Messages = append(x.result.Messages, m)
	}
	return rows, nil
}

// missingFields names every variable that rows were skipped for, by where the caller can give it: data
// beside the template, or about the customer.
func missingFields(set *rules, rows []store.Row, data map[string]any) (wrong []rapport.FieldError) {
	channels := map[rapport.Channel]bool{}
	for _, r := range rows {
		if strings.HasPrefix(r.Message.Reason, rapport.ReasonMissing) {
			channels[r.Message.Channel] = true
		}
	}
	if len(channels) == 0 {
		return nil
	}
	for _, name := range set.missing(data, channels) {
		message := "the template needs it"
		if about, ok := strings.CutPrefix(name, "customer."); ok {
			name = "to." + about
			if attribute, ok := strings.CutPrefix(about, "attributes."); ok { // as it stands in the request, and not in a template
				message = "the template reads customer." + about + "; an attribute is read as customer." + attribute
			}
		}
		wrong = append(wrong, rapport.FieldError{Path: name, Message: message})
	}
	return wrong
}

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
