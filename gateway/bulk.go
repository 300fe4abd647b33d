package gateway

import (
	"context"
	"errors"

	"rapport"
	"rapport/store"
)

// Patched is what became of one thread among many: Thread, or why it stayed as it was.
type Patched struct {
	ID     rapport.ID
	Thread rapport.Thread
	Err    *rapport.Error
}

// PatchThreads changes many threads alike, each by itself: what one refuses does not stop the others. It comes back early
// only when the database fails.
func (g *Gateway) PatchThreads(ctx context.Context, by Caller, ids []rapport.ID, p store.ThreadPatch) ([]Patched, error) {
	out := make([]Patched, 0, len(ids))
	for _, id := range ids {
		t, err := g.PatchThread(ctx, by, id, p)
		refusal, known := errors.AsType[*rapport.Error](err)
		if err != nil && !known {
			return out, err
		}
		out = append(out, Patched{id, t, refusal})
	}
	return out, nil
}
