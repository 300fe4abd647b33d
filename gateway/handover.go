package gateway

import (
	"rapport/channels"
	"rapport/internal/journal"
	"rapport/store"
)

// handOver notes one attempt in the journal: from just before its first byte may leave until its outcome is in the
// database.
type handOver struct {
	journal *journal.Journal // nil: nothing is noted
	row     *store.Claimed
	note    journal.Note
	noted   bool
}

// begin is called before a byte leaves, perhaps more than once.
func (h *handOver) begin() {
	if h.journal != nil && !h.noted {
		h.note, h.noted = h.journal.Hand(int64(h.row.ID), h.row.Attempt), true
	}
}

// end notes what the provider said. What it certainly did not take is as if it had never left.
func (h *handOver) end(v *channels.Verdict) {
	switch {
	case !h.noted:
	case v == nil:
		h.note.Accept()
	case v.Kind != channels.Ambiguous:
		h.recorded()
	}
}

// recorded is called when the outcome is durable.
func (h *handOver) recorded() {
	if h.noted {
		h.note.Clear()
		h.noted = false
	}
}
