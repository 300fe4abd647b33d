package gateway

import (
	"context"
	"time"

	"rapport"
	"rapport/channels"
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
	for n := 0; ; n++ {
		for _, step := range []struct {
			name string
			do   func(context.Context) error
		}{
			{"taking over from dead workers", g.takeOver},
			{"refreshing pauses", g.refreshPauses},
			{"fast batches", func(ctx context.Context) error { return g.sweepLane(ctx, rapport.Fast, grace) }},
			{"bulk batches", func(ctx context.Context) error { return g.sweepLane(ctx, rapport.Bulk, grace) }},
			{"campaigns", func(ctx context.Context) error { return g.sweepCampaigns(ctx, grace) }},
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
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				due = true
			case lane := <-g.engine.idle:
				if time.Since(looked) < idleEvery {
					break
				}
				looked = time.Now()
				if err := g.sweepLane(ctx, lane, grace); err != nil && ctx.Err() == nil {
					g.Log.Warn("the sweeper was interrupted", "at", "an idle lane", "error", err)
				}
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

// sweepLane hands due batches to this process as far as the lane has places. What became due less than
// grace ago is left to whoever heard of it.
func (g *Gateway) sweepLane(ctx context.Context, lane rapport.Lane, grace time.Duration) error {
	free := g.engine.free(lane)
	if free <= 0 || g.engine.closed.Load() {
		return nil
	}
	due, err := g.Store.DueBatches(ctx, lane, free)
	if err != nil {
		return err
	}
	for _, b := range due {
		if g.now().Sub(b.Due) < grace && g.now().Sub(b.ID.Time()) < grace {
			continue
		}
		g.spawn(func() {
			if err := g.Deliver(ctx, b.ID, lane, 10*time.Second); err != nil {
				g.Log.Warn("delivering a batch", "batch", int64(b.ID), "error", err)
			}
		})
	}
	return nil
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
	counts, err := g.Store.Counts(ctx, c)
	if err != nil {
		return err
	}
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
	ok, err := g.Store.MoveCampaign(ctx, c.ID, rapport.CampaignFinished, rapport.CampaignRunning)
	if ok {
		g.spawn(func() { g.purge(ctx, c.ID) }) // the sweeper has others to look after
		g.Log.Info("a campaign finished", "campaign", rapport.KindCampaign.Format(c.ID), "planned", counts.Planned)
		if g.Changed != nil {
			g.Changed(c.ID)
		}
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
	if n%60 == 20 {
		_, err := g.Store.PurgeIdempotency(ctx)
		return err
	}
	return nil
}

// watch declares dead whoever has not moved its counter for DeadAfter of our own monotonic clock.
func (g *Gateway) watch(ctx context.Context) {
	type seen struct {
		beats int64
		since time.Time
	}
	last := map[rapport.ID]seen{}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		alive, err := g.Store.Workers(ctx)
		if err != nil {
			clear(last) // without the database nobody can beat: do not hold it against them
			continue
		}
		for _, w := range alive {
			s, ok := last[w.ID]
			if !ok || s.beats != w.Beats {
				last[w.ID] = seen{w.Beats, time.Now()}
				continue
			}
			if w.ID != g.Worker() && time.Since(s.since) > g.set.DeadAfter {
				dead, err := g.Store.DeclareDead(ctx, w.ID, w.Beats)
				if err == nil && dead {
					g.Log.Warn("a worker gave no sign of life and was declared dead", "worker", int64(w.ID), "name", w.Name)
					delete(last, w.ID)
				}
			}
		}
	}
}

// takeOver frees what the dead have left: rows that were being sent become doubtful at once.
func (g *Gateway) takeOver(ctx context.Context) error {
	for {
		orphans, err := g.Store.OrphanBatches(ctx, 50)
		if err != nil || len(orphans) == 0 {
			return err
		}
		for _, b := range orphans {
			n, err := g.Store.TakeOver(ctx, b, g.Worker(), func(f store.InFlight) time.Time {
				var caps channels.Caps
				if p, ok := g.Hub.Provider(f.Provider); ok {
					caps = p.Caps()
				}
				return g.now().Add(g.settleAfter(caps, &rapport.Campaign{Purpose: f.Purpose}))
			})
			if err != nil {
				return err
			}
			if n > 0 {
				g.Log.Warn("messages of a dead worker are in doubt", "batch", int64(b.ID), "messages", n)
			}
		}
	}
}
