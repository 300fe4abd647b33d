package rapport

import (
	"testing"

	"pgregory.net/rapid"
)

var receipts = []Receipt{ReceiptSent, ReceiptDelivered, ReceiptFailed, ReceiptBounced, ReceiptDelayed, ReceiptRead}

func TestAdvance_OrderAndRepetitionOfReceiptsDoNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOf(rapid.SampledFrom(receipts)).Draw(t, "receipts")
		shuffled := rapid.Permutation(append(in, in...)).Draw(t, "shuffled and doubled")
		from := rapid.SampledFrom([]State{Pending, Sending, Doubtful, Sent, Unknown}).Draw(t, "from")
		end := func(rs []Receipt) State {
			s := from
			for _, r := range rs {
				s = Advance(s, r)
			}
			return s
		}
		if a, b := end(in), end(shuffled); a != b {
			t.Fatalf("from %s: in order %s, shuffled %s", from, a, b)
		}
	})
}

func TestAdvance_Table(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from State
		r    Receipt
		want State
	}{
		{Sending, ReceiptDelivered, Delivered}, // the receipt came before our own record
		{Sent, ReceiptFailed, Failed},
		{Failed, ReceiptDelivered, Delivered},
		{Delivered, ReceiptFailed, Delivered},
		{Delivered, ReceiptSent, Delivered},
		{Unknown, ReceiptDelivered, Delivered}, // proof raises it
		{Doubtful, ReceiptSent, Sent},
		{Sent, ReceiptDelayed, Sent},
		{Sent, ReceiptRead, Delivered},
		{Cancelled, ReceiptDelivered, Cancelled},
		{Skipped, ReceiptFailed, Skipped},
	} {
		if got := Advance(c.from, c.r); got != c.want {
			t.Errorf("%s and the receipt %s: %s, want %s", c.from, c.r, got, c.want)
		}
	}
}

func TestState_NamesAreUniqueAndParse(t *testing.T) {
	t.Parallel()
	for _, s := range States() {
		if got, ok := ParseState(s.String()); !ok || got != s {
			t.Errorf("%s parses to %s", s, got)
		}
	}
	if _, ok := ParseState(""); ok {
		t.Error("the empty name is a state")
	}
}
