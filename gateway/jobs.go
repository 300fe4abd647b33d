package gateway

import (
	"context"
	"time"

	"rapport"
)

// runJobs works on long jobs (imports), one at a time in a process. A job of a process that died goes on
// where its cursor stands.
func (g *Gateway) runJobs(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		for ctx.Err() == nil {
			if _, err := g.Store.ReleaseJobs(ctx); err != nil {
				g.Log.Warn("releasing jobs of dead workers", "error", err)
				break
			}
			j, ok, err := g.Store.ClaimJob(ctx, g.Worker())
			if err != nil {
				g.Log.Warn("claiming a job", "error", err)
			}
			if err != nil || !ok {
				break
			}
			if err := g.RunImport(ctx, j); err != nil && ctx.Err() == nil {
				g.Log.Error("a job ended early; it goes on where it stands", "job", rapport.KindJob.Format(j.ID), "error", err)
				break // until the next round
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
