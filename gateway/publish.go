package gateway

import (
	"context"
	"sync/atomic"
	"time"

	"rapport"
	"rapport/store"
)

// relayEvery is how often the outbox is looked at for what another process told; our own is heard of at once.
const relayEvery = 250 * time.Millisecond

// followEvery is how long it may take until a subscription counts here that was made elsewhere, and between two
// reports of a campaign's progress.
const followEvery = time.Second

// telling is what a process needs to tell others what happens.
type telling struct {
	told     chan struct{} // something stands in the outbox
	waiting  chan struct{} // something is due to be delivered
	listens  atomic.Pointer[map[rapport.NoticeType]bool]
	feed     *feed
	progress map[rapport.ID]rapport.Counts // of the relay alone
}

func (t *telling) init(g *Gateway) {
	t.told, t.waiting = make(chan struct{}, 1), make(chan struct{}, 1)
	t.listens.Store(&map[rapport.NoticeType]bool{})
	t.feed = newFeed(g.Store)
	t.progress = map[rapport.ID]rapport.Counts{}
	g.Store.SetTold(func() { rouse(t.told) })
}

// rouse wakes who waits, if nobody has yet.
func rouse(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// publish tells something, in the transaction of its cause. It stands in the stream a moment after the commit. Threads,
// entries and consents tell themselves: see store.Tell.
func (g *Gateway) publish(ctx context.Context, s *store.Store, notices ...rapport.Notice) error {
	return s.Tell(ctx, notices...)
}

// listens tells whether an endpoint subscribes to a type: what nobody hears is not told where it would cost each
// message a row. It costs nothing, and knows what changed within a second.
func (g *Gateway) listens(t rapport.NoticeType) bool {
	m := *g.telling.listens.Load()
	return len(m) > 0 && m[t]
}

// about names a message and what belongs to it.
type about struct {
	message, campaign, customer rapport.ID
	channel                     rapport.Channel
	reason                      string
}

func aboutMessage(m rapport.Message) about {
	return about{m.ID, m.Campaign, m.Customer, m.Channel, m.Reason}
}

func (a about) fact(state rapport.State) rapport.Fact {
	return rapport.Fact{Message: rapport.KindMessage.Format(a.message), Campaign: rapport.KindCampaign.Format(a.campaign), Channel: a.channel, State: state.String(), Reason: a.reason}
}

// noticeOf is what is to be told when a message comes to stand at state; nil: nothing, or nobody listens.
func (g *Gateway) noticeOf(state rapport.State, a about) *rapport.Notice {
	var t rapport.NoticeType
	switch state {
	case rapport.Sent:
		t = rapport.MessageSent
	case rapport.Delivered:
		t = rapport.MessageDelivered
	case rapport.Failed:
		t = rapport.MessageFailed
	case rapport.Skipped:
		t = rapport.MessageSkipped
	default:
		return nil
	}
	if !g.listens(t) {
		return nil
	}
	n := a.fact(state).Notice(t, a.customer)
	return &n
}

// tellReceipt tells what a receipt has made of a message.
func (g *Gateway) tellReceipt(ctx context.Context, s *store.Store, m rapport.Message, was, is rapport.State) error {
	if was == is {
		return nil
	}
	if n := g.noticeOf(is, aboutMessage(m)); n != nil {
		return g.publish(ctx, s, *n)
	}
	return nil
}

// tellEngaged tells of the first time that a person opened a message or followed a link in it.
func (g *Gateway) tellEngaged(ctx context.Context, s *store.Store, m rapport.Message, kind rapport.Engagement, first bool) error {
	t := rapport.NoticeType("message." + string(kind))
	if !first || t != rapport.MessageOpened && t != rapport.MessageClicked || !g.listens(t) {
		return nil
	}
	return g.publish(ctx, s, aboutMessage(m).fact(m.State).Notice(t, m.Customer))
}

// tellSkipped tells of rows that will not be sent.
func (g *Gateway) tellSkipped(ctx context.Context, s *store.Store, rows []store.Row) error {
	if !g.listens(rapport.MessageSkipped) {
		return nil
	}
	var notices []rapport.Notice
	for i := range rows {
		if m := &rows[i].Message; m.State == rapport.Skipped {
			notices = append(notices, *g.noticeOf(m.State, aboutMessage(*m)))
		}
	}
	return g.publish(ctx, s, notices...)
}

// tellCustomers tells who was created or changed. patches, which may be nil, are what they were given: consents among
// that are told too.
func (g *Gateway) tellCustomers(ctx context.Context, s *store.Store, done []store.Upserted, patches []store.CustomerPatch) error {
	return g.publish(ctx, s, customerNotices(done, patches, func(rapport.NoticeType) bool { return true })...)
}

// tellMany is tellCustomers where there may be a hundred thousand: it tells what an endpoint subscribes to.
func (g *Gateway) tellMany(ctx context.Context, s *store.Store, done []store.Upserted, patches []store.CustomerPatch) error {
	return g.publish(ctx, s, customerNotices(done, patches, g.listens)...)
}

func customerNotices(done []store.Upserted, patches []store.CustomerPatch, wanted func(rapport.NoticeType) bool) (out []rapport.Notice) {
	changed, made, agreed := wanted(rapport.CustomerUpdated), wanted(rapport.CustomerCreated), wanted(rapport.ConsentUpdated)
	if !changed && !made && !agreed {
		return nil
	}
	for i, u := range done {
		if u.Refusal != "" {
			continue
		}
		t, tell := rapport.CustomerUpdated, changed
		if u.Created {
			t, tell = rapport.CustomerCreated, made
		}
		if tell {
			f := rapport.Fact{}
			if patches != nil {
				f.External = patches[i].ExternalID
			}
			out = append(out, f.Notice(t, u.ID))
		}
		if patches != nil && agreed {
			for _, c := range patches[i].Consents {
				out = append(out, store.ConsentFact(c).Notice(rapport.ConsentUpdated, u.ID))
			}
		}
	}
	return out
}

func aboutCampaign(c *rapport.Campaign, status rapport.CampaignStatus, counts *rapport.Counts) rapport.Fact {
	return rapport.Fact{Campaign: rapport.KindCampaign.Format(c.ID), Name: c.Name, Status: string(status), Purpose: c.Purpose, Topic: c.Topic, Counts: counts}
}

// relay moves what was told into the stream, one process at a time, until ctx ends. The one whose turn it is also
// reports how campaigns come on, and drops what is too old.
func (g *Gateway) relay(ctx context.Context) {
	tick := time.NewTicker(relayEvery)
	defer tick.Stop()
	var mine rapport.ID // as whom this process has the turn; 0: it has not
	var followed, purged time.Time
	for {
		if time.Since(followed) >= followEvery {
			followed = time.Now()
			if me := g.Worker(); mine != me {
				if ok, err := g.Store.RelayTurn(ctx, me); err == nil && ok {
					mine = me
				}
			}
			if err := g.followEndpoints(ctx); err != nil && ctx.Err() == nil {
				g.Log.Warn("subscriptions could not be read", "error", err)
			}
			if mine != 0 {
				if err := g.tellProgress(ctx); err != nil && ctx.Err() == nil {
					g.Log.Warn("the progress of campaigns was not told", "error", err)
				}
			}
		}
		if mine != 0 && mine == g.Worker() {
			more, still, err := g.relayOnce(ctx, mine)
			if !still {
				mine = 0
			}
			if err != nil && ctx.Err() == nil {
				g.Log.Warn("what happened could not be told; trying again", "error", err)
			}
			if more && err == nil {
				continue
			}
		}
		if mine != 0 && time.Since(purged) >= purgeEvery {
			purged = time.Now()
			g.purgeTold(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-g.telling.told:
		case <-tick.C:
		}
	}
}

// relayOnce moves one page. mine is false when the turn is another's by now.
func (g *Gateway) relayOnce(ctx context.Context, me rapport.ID) (more, mine bool, err error) {
	if some, err := g.Store.Untold(ctx); err != nil || !some {
		return false, true, err
	}
	told, mine, more, err := g.Store.Relay(ctx, me)
	if err != nil {
		return false, true, err
	}
	if len(told) > 0 {
		rouse(g.telling.feed.wake)
		rouse(g.telling.waiting)
	}
	return more, mine, nil
}

// followEndpoints learns what endpoints subscribe to.
func (g *Gateway) followEndpoints(ctx context.Context) error {
	all, err := g.Store.Listening(ctx)
	if err != nil {
		return err
	}
	m := map[rapport.NoticeType]bool{}
	for _, t := range rapport.NoticeTypes {
		for _, e := range all {
			if e.Events.Takes(t) {
				m[t] = true
				break
			}
		}
	}
	g.telling.listens.Store(&m)
	return nil
}

// tellProgress tells of each campaign that is under way what its ledger says, if that has changed.
func (g *Gateway) tellProgress(ctx context.Context) error {
	open, err := g.Store.OpenCampaigns(ctx, 100, rapport.CampaignPlanning, rapport.CampaignRunning)
	if err != nil {
		return err
	}
	seen := make(map[rapport.ID]rapport.Counts, len(open))
	var notices []rapport.Notice
	ledgers, err := g.Ledgers(ctx, open...)
	if err != nil {
		return err
	}
	for i, c := range open {
		if c.DryRun {
			continue
		}
		n := ledgers[i]
		if seen[c.ID] = *n; g.telling.progress[c.ID] != *n {
			notices = append(notices, aboutCampaign(c, c.Status, n).Notice(rapport.CampaignProgress, 0))
		}
	}
	if err := g.publish(ctx, g.Store, notices...); err != nil {
		return err
	}
	g.telling.progress = seen
	return nil
}

// purgeEvery is how often what was told is looked at for what is too old, or too much.
const purgeEvery = 10 * time.Second

// keepRejects is how long the rows that an import refused can be downloaded, with what they say of people.
const keepRejects = 30 * 24 * time.Hour

// keepDeliveries is how long it can be looked up what was delivered.
const keepDeliveries = 30 * 24 * time.Hour

func (g *Gateway) purgeTold(ctx context.Context) {
	for _, step := range []func() (bool, error){
		func() (bool, error) {
			return g.Store.PurgeStream(ctx, g.now().Add(-g.set.KeepStream), g.set.KeepNotices)
		},
		func() (bool, error) { return g.Store.PurgeDeliveries(ctx, g.now().Add(-keepDeliveries)) },
		func() (bool, error) { return g.Store.ForgetRejects(ctx, g.now().Add(-keepRejects)) },
	} {
		for more := true; more; {
			var err error
			if more, err = step(); err != nil {
				if ctx.Err() == nil {
					g.Log.Warn("what was told long ago is still there", "error", err)
				}
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-g.telling.told: // who waits for news goes first
				rouse(g.telling.told)
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
}
