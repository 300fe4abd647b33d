package gateway

import (
	"context"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// largeOriginal is what a transaction may write of one original; a larger one is written ahead of it. inlineOriginals
// is what it may write of all.
const (
	largeOriginal   = 64 << 10
	inlineOriginals = 512 << 10
)

// original is a mail as it came.
type original struct {
	raw    []byte
	staged rapport.ID // written ahead; 0: not
	kept   rapport.ID // the file that it is now
}

func rawOf(u *channels.Update) []byte {
	switch {
	case u.Message != nil:
		return u.Message.Raw
	case u.Receipt != nil:
		return u.Receipt.Raw
	}
	return nil
}

// oneTransaction is how many of the updates are stored together.
func oneTransaction(updates []channels.Update) int {
	bytes := 0
	for i := range updates {
		if n := len(rawOf(&updates[i])); n <= largeOriginal {
			bytes += n
		}
		if i == 100 || i > 0 && bytes > inlineOriginals {
			return i
		}
	}
	return len(updates)
}

// arrivals are updates ready to be stored: the large originals of those that are new are in the store already, though
// they are no files yet.
func (g *Gateway) arrivals(ctx context.Context, from channels.Entry, updates []channels.Update) ([]arrival, error) {
	group := make([]arrival, len(updates))
	for i, u := range updates {
		group[i] = arrival{from: from, Update: u}
		raw := rawOf(&u)
		if len(raw) == 0 {
			continue
		}
		group[i].original = &original{raw: raw}
		if len(raw) <= largeOriginal {
			continue
		}
		old, err := g.Store.Heard(ctx, from.Name, u.EventID)
		if err == nil && !old {
			group[i].original.staged, err = g.Store.StageOriginal(ctx, raw)
		}
		if err != nil {
			g.dropUnused(ctx, group, false)
			return nil, err
		}
	}
	return group, nil
}

// dropUnused removes what was written ahead and not used. What it cannot remove is found by tidy.
func (g *Gateway) dropUnused(ctx context.Context, group []arrival, committed bool) {
	for _, u := range group {
		if o := u.original; o != nil && o.staged != 0 && (!committed || o.kept == 0) {
			if err := g.Store.DeleteFile(context.WithoutCancel(ctx), o.staged); err != nil {
				g.Log.Warn("an original that is not needed was not removed", "file", rapport.KindFile.Format(o.staged), "error", err)
			}
		}
	}
}

// keep makes an original a file, in the transaction of what it is the original of. 0: there is none.
func (o *original) keep(ctx context.Context, s *store.Store) (id rapport.ID, err error) {
	if o == nil {
		return 0, nil
	}
	o.kept, err = s.KeepOriginal(ctx, o.staged, o.raw)
	return o.kept, err
}
