package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/internal/journal"
	"rapport/store"
)

// journalSlots is how many messages may be handed over at once by one process: 1 MiB of file.
const journalSlots = 1 << 16

// openJournal begins to note what is handed over. Without a journal everything that this process has claimed is in
// doubt once it is killed; that is no reason not to send.
func (g *Gateway) openJournal() {
	if g.set.JournalDir == "" || !journal.Supported {
		return
	}
	j, err := journal.Open(g.set.JournalDir, int64(g.Worker()), journalSlots)
	if err != nil {
		g.Log.Warn("what is handed to providers is not noted on this machine, so more will be in doubt after a crash", "error", err)
		return
	}
	g.journal = j
}

func (g *Gateway) closeJournal() {
	if g.journal == nil {
		return
	}
	if err := g.journal.Close(); err != nil {
		g.Log.Warn("removing the journal", "error", err)
	}
	g.journal = nil
}

// inherit settles what processes of this machine have left that died with messages in hand. Their notes tell what was
// never handed over, which is sent as if nothing had been, and what the provider had taken. The rest is in doubt.
func (g *Gateway) inherit(ctx context.Context) error {
	if g.set.JournalDir == "" || !journal.Supported {
		return nil
	}
	left, err := journal.Abandoned(g.set.JournalDir)
	errs := []error{err}
	for _, l := range left {
		if err := g.inheritOne(ctx, l); err != nil {
			errs = append(errs, fmt.Errorf("taking over what a dead process left: %w", err), l.Keep())
			continue
		}
		errs = append(errs, l.Done())
	}
	return errors.Join(errs...)
}

// forgotten is how many beats a database may have lost that went down together with the process: they are not synced.
const forgotten = 4

func (g *Gateway) inheritOne(ctx context.Context, l *journal.Left) error {
	dead := make([]rapport.ID, len(l.Names))
	for i, name := range l.Names {
		dead[i] = rapport.ID(name)
		if err := g.Store.Resign(ctx, dead[i]); err != nil {
			return err
		}
	}
	beats, known, err := g.Store.Beats(ctx, dead[len(dead)-1])
	if err != nil {
		return err
	}
	if !l.Sound || known && beats+forgotten < l.Beats {
		g.Log.Warn("the notes of a dead process cannot be believed: the machine or the database is not as it was; all it had claimed is in doubt")
		return nil // takeOver does that
	}
	type try struct {
		id      rapport.ID
		attempt int
	}
	fates := make(map[try]journal.Fate, len(l.Entries))
	for _, e := range l.Entries {
		fates[try{rapport.ID(e.ID), e.Attempt}] = e.Fate
	}
	var sent, free int
	judge := func(f store.InFlight) (rapport.State, time.Time) {
		switch fate, noted := fates[try{f.ID, f.Attempt}]; {
		case !noted:
			free++
			return rapport.Pending, time.Time{}
		case fate == journal.Accepted:
			sent++
			return rapport.Sent, time.Time{}
		}
		return rapport.Doubtful, g.settleTime(f)
	}
	doubtful, err := g.takeOverFrom(ctx, dead, judge)
	if err != nil {
		return err
	}
	if _, err := g.Store.Reconsider(ctx, g.Worker(), dead, judge); err != nil {
		return err
	}
	g.Log.Warn("took over from a process that died", "never handed over", free, "taken by the provider", sent, "in doubt", doubtful)
	return nil
}

// takeOver frees what the dead have left: rows that were being sent become doubtful at once.
func (g *Gateway) takeOver(ctx context.Context) error {
	if err := g.inherit(ctx); err != nil {
		return err
	}
	doubtful, err := g.takeOverFrom(ctx, nil, func(f store.InFlight) (rapport.State, time.Time) { return rapport.Doubtful, g.settleTime(f) })
	if doubtful > 0 {
		g.Log.Warn("messages of a dead worker are in doubt", "messages", doubtful)
	}
	return err
}

// takeOverFrom goes through the batches of these dead workers, or of all when none is named.
func (g *Gateway) takeOverFrom(ctx context.Context, dead []rapport.ID, judge store.Judge) (doubtful int, err error) {
	for {
		orphans, err := g.Store.OrphanBatches(ctx, dead, 50)
		if err != nil || len(orphans) == 0 {
			return doubtful, err
		}
		for _, b := range orphans {
			n, err := g.Store.TakeOver(ctx, b, g.Worker(), judge)
			if err != nil {
				return doubtful, err
			}
			doubtful += n
		}
	}
}

// settleTime is when a row in doubt is to be settled.
func (g *Gateway) settleTime(f store.InFlight) time.Time {
	var caps channels.Caps
	if p, ok := g.Hub.Provider(f.Provider); ok {
		caps = p.Caps()
	}
	return g.now().Add(g.settleAfter(caps, &rapport.Campaign{Purpose: f.Purpose}))
}
