package gateway

import (
	"context"
	"time"

	"rapport"
	"rapport/store"
)

// hintGrace is how long a due batch is left to whoever heard of it from the queue. While Redis is down
// the sweeper is the only one to find work, and this is what it costs.
const hintGrace = 1500 * time.Millisecond

// idleEvery bounds how often a lane with a free place is looked at between the rounds: where hints are
// heard, that look finds nothing.
const idleEvery = 100 * time.Millisecond

// sweep looks once a second at what is due: never at all messages, only at batches and at campaigns that
// are not at their end. Whatever a lost hint, a dead worker or a crash has left behind is found here;
// there is no other path for retries. The first round waits for no hints: those of the process before
// this one may have gone with it.
func (g *Gateway) sweep(ctx context.Context) {
	tick := time.NewTicker(g.set.Tick)
	defer tick.Stop()
	grace := time.Duration(0)
	var behind [2]bool // by lane: more was due than there were places
	look := func(ctx context.Context, lane rapport.Lane) (err error) {
		behind[lane], err = g.sweepLane(ctx, lane, grace)
		return err
	}
	for n := 0; ; n++ {
		for _, step := range []struct {
			name string
			do   func(context.Context) error
		}{
			{"taking over from dead workers", g.takeOver},
			{"refreshing pauses", g.refreshPauses},
			{"fast batches", func(ctx context.Context) error { return look(ctx, rapport.Fast) }},
			{"bulk batches", func(ctx context.Context) error { return look(ctx, rapport.Bulk) }},
			{"campaigns", func(ctx context.Context) error { return g.sweepCampaigns(ctx, grace) }},
			{"answers", g.endReplies},
			{"stages", g.sweepStages},
			{"tidying", func(ctx context.Context) error { return g.tidy(ctx, n) }},
		} {
			if ctx.Err() != nil {
				return
			}
			if err := step.do(ctx); err != nil && ctx.Err() == nil {
				g.Log.Warn("the sweeper was interrupted", "at", step.name, "error", err)
			}
		}
		if g.Hint != nil {
			grace = hintGrace
		}
		var looked time.Time
		for due := false; !due; {
			var lane rapport.Lane
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				due = true
				continue
			case <-g.engine.idle[rapport.Fast]:
				lane = rapport.Fast
			case <-g.engine.idle[rapport.Bulk]:
				lane = rapport.Bulk
			}
			if !behind[lane] && time.Since(looked) < idleEvery {
				continue
			}
			looked = time.Now()
			if err := look(ctx, lane); err != nil && ctx.Err() == nil {
				g.Log.Warn("the sweeper was interrupted", "at", "an idle lane", "error", err)
			}
		}
	}
}

func (g *Gateway) refreshPauses(ctx context.Context) error {
	m, err := g.Store.Pauses(ctx)
	if err == nil {
		g.pauses.Store(&m)
	}
	return err
}

// sweepLane hands due batches to this process as far as the lane has places, and tells whether more are due:
// then the next place that becomes free is given to one of them at once. Without hints (Redis is away) this
// is all that carries single messages, each a batch of its own. What became due less than grace ago is left
// to whoever heard of it.
func (g *Gateway) sweepLane(ctx context.Context, lane rapport.Lane, grace time.Duration) (more bool, err error) {
	if g.engine.closed.Load() {
		return false, nil
	}
	free := g.engine.free(lane)
	if free <= 0 {
		return true, nil
	}
	limit := free + cap(g.engine.lanes[lane]) // those that are just being taken still look free
	due, err := g.Store.DueBatches(ctx, lane, limit)
	if err != nil {
		return false, err
	}
	for _, b := range due {
		if g.now().Sub(b.Due) < grace && g.now().Sub(b.ID.Time()) < grace {
			continue
		}
		if free == 0 {
			return true, nil
		}
		if !g.engine.hold(b.ID) {
			continue
		}
		free--
		g.spawn(func() {
			if err := g.deliver(ctx, b.ID, lane, 10*time.Second); err != nil {
				g.Log.Warn("delivering a batch", "batch", int64(b.ID), "error", err)
			}
		})
	}
	return len(due) == limit, nil
}

func (g *Gateway) sweepCampaigns(ctx context.Context, grace time.Duration) error {
	open, err := g.Store.OpenCampaigns(ctx, 1000, rapport.CampaignScheduled, rapport.CampaignPlanning, rapport.CampaignRunning)
	if err != nil {
		return err
	}
	for _, c := range open {
		switch c.Status {
		case rapport.CampaignScheduled, rapport.CampaignPlanning:
			if c.Status == rapport.CampaignPlanning && g.now().Sub(c.LaunchedAt) < grace || c.SendAt.After(g.now()) && c.Status == rapport.CampaignScheduled {
				continue
			}
			g.planInBackground(ctx, c.ID)
		case rapport.CampaignRunning:
			if err := g.finish(ctx, c); err != nil {
				return err
			}
		}
	}
	cancelled, err := g.Store.CancelledWithRows(ctx)
	if err != nil {
		return err
	}
	for _, c := range cancelled {
		for {
			n, err := g.Store.CancelRows(ctx, g.Worker(), c, nil)
			if err != nil {
				return err
			}
			if n < store.MaxRows {
				break
			}
		}
		if err := g.Store.DropIdleBatches(ctx, c.ID); err != nil {
			return err
		}
	}
	return nil
}

// planInBackground plans one campaign at a time here; other processes plan others.
func (g *Gateway) planInBackground(ctx context.Context, id rapport.ID) {
	if !g.planning.CompareAndSwap(false, true) {
		return
	}
	g.spawn(func() {
		defer g.planning.Store(false)
		if _, err := g.Plan(ctx, id, 10*time.Second); err != nil && ctx.Err() == nil {
			g.Log.Error("planning", "campaign", rapport.KindCampaign.Format(id), "error", err)
		}
	})
}

// finish ends a campaign whose rows have all settled: by its counters, and then by one real count, which
// must agree.
func (g *Gateway) finish(ctx context.Context, c *rapport.Campaign) error {
	left, err := g.Store.Undecided(ctx, c.ID)
	if err != nil || left != 0 {
		return err
	}
	waiting, err := g.Store.HasBatches(ctx, c.ID)
	if err != nil || waiting {
		return err
	}
	ledger, err := g.Store.Counts(ctx, c)
	if err != nil {
		return err
	}
	counts := ledger[0]
	real, err := g.Store.Recount(ctx, c.ID)
	if err != nil {
		return err
	}
	for _, st := range rapport.States() {
		if real[st] != *counts.Of(st) {
			g.Log.Error("the ledger and the rows disagree; the campaign stays open", "campaign", rapport.KindCampaign.Format(c.ID), "state", st.String(), "rows", real[st], "counted", *counts.Of(st))
			return nil
		}
	}
	ok := false
	err = g.Store.Tx(ctx, func(s *store.Store) (err error) {
		if ok, err = s.MoveCampaign(ctx, c.ID, rapport.CampaignFinished, rapport.CampaignRunning); err != nil || !ok {
			return err
		}
		return g.publish(ctx, s, aboutCampaign(c, rapport.CampaignFinished, counts).Notice(rapport.CampaignEnded, 0))
	})
	if ok && err == nil {
		g.spawn(func() { g.purge(ctx, c.ID) }) // the sweeper has others to look after
		g.Log.Info("a campaign finished", "campaign", rapport.KindCampaign.Format(c.ID), "planned", counts.Planned)
	}
	return err
}

// purge deletes the stage of an ended campaign.
func (g *Gateway) purge(ctx context.Context, id rapport.ID) {
	for more := true; more && ctx.Err() == nil; {
		var err error
		if more, err = g.Store.PurgeStage(ctx, id); err != nil {
			g.Log.Warn("the stage of an ended campaign was not deleted", "campaign", rapport.KindCampaign.Format(id), "error", err)
			return
		}
	}
}

func (g *Gateway) sweepStages(ctx context.Context) error {
	ids, err := g.Store.OrphanStages(ctx)
	for _, id := range ids {
		if _, err := g.Store.DiscardStage(ctx, id); err != nil {
			return err
		}
	}
	return err
}

// tidy does what need not be done every second.
func (g *Gateway) tidy(ctx context.Context, n int) error {
	if n%30 == 10 {
		if err := g.Store.ForgetPauses(ctx); err != nil {
			return err
		}
	}
	if n%10 == 3 {
		if err := g.Store.Analyze(ctx); err != nil {
			return err
		}
	}
	if n%10 == 5 {
		if err := g.wakeThreads(ctx); err != nil {
			return err
		}
	}
	if n%60 == 40 {
		if err := g.Store.ForgetDead(ctx); err != nil {
			return err
		}
	}
	if n%60 == 50 {
		if err := g.forgetStrays(ctx); err != nil {
			return err
		}
	}
	if n%60 == 30 {
		if err := g.Store.ForgetSignIns(ctx, forgetAfter); err != nil {
			return err
		}
	}
	if n%60 == 20 {
		_, err := g.Store.PurgeIdempotency(ctx)
		return err
	}
	return nil
}

// beatEvery is how often a worker says that it is alive, and how often the others look.
const beatEvery = 250 * time.Millisecond

// quietFor is how long the counter of a worker whose lock is free must have stood still before it is dead: a
// living one that lost its connection takes the lock again with its next beat (docs/adr/0010-signs-of-life.md).
const quietFor = time.Second

// watch declares dead whoever gives no sign of life, by our own monotonic clock: after quietFor whose lock is
// free too, after DeadAfter everybody. A process that is alone has nobody to watch.
func (g *Gateway) watch(ctx context.Context) {
	if g.Store.Alone() {
		return
	}
	type seen struct {
		beats int64
		since time.Time
	}
	last := map[rapport.ID]seen{}
	looked := time.Now()
	for tick := time.NewTicker(beatEvery); ; {
		alive, err := g.Store.Workers(ctx)
		if err != nil || time.Since(looked) > quietFor {
			clear(last) // without the database nobody can beat, and who was stopped has not watched
		}
		looked = time.Now()
		for _, w := range alive {
			s, ok := last[w.ID]
			if !ok || s.beats != w.Beats {
				last[w.ID] = seen{w.Beats, time.Now()}
				continue
			}
			quiet := time.Since(s.since)
			if w.ID == g.Worker() || quiet < min(quietFor, g.set.DeadAfter) {
				continue
			}
			why := "its counter stood still"
			if quiet < g.set.DeadAfter {
				if gone, err := g.Store.Gone(ctx, w.ID); err != nil || !gone {
					continue
				}
				why = "its connection is gone"
			}
			if dead, err := g.Store.DeclareDead(ctx, w.ID, w.Beats); err == nil && dead {
				g.Log.Warn("a worker gave no sign of life and was declared dead", "worker", int64(w.ID), "name", w.Name, "quiet", quiet.Round(time.Millisecond).String(), "why", why)
				delete(last, w.ID)
				select {
				case g.died <- struct{}{}:
				default: // the sweeper has not come to the last one yet
				}
			}
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}
