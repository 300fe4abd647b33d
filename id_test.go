package rapport

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"rapport/internal/fuzzing"
)

func TestKind_FormatAndParseAreInverse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := ID(rapid.Int64Range(1, 1<<63-1).Draw(t, "id"))
		got, err := KindMessage.Parse(KindMessage.Format(id))
		if err != nil || got != id {
			t.Fatalf("%s came back as %d, %v", KindMessage.Format(id), got, err)
		}
	})
}

func TestKind_ParseRefusesWhatIsNoID(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "msg_", "cus_0000000000001", "msg_0000000000000", "msg_zzzzzzzzzzzzz", "msg_00000000000u1", "msg_000000000000", "msg_00000000000001", "msg_000000 000001", "msg_-000000000001"} {
		if id, err := KindMessage.Parse(s); err == nil {
			t.Errorf("%q was read as %d", s, id)
		}
	}
}

func TestMinter_IDsGrowThoughTheClockGoesBack(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	m := NewMinter(7, func() time.Time { return now })
	last := m.Next()
	for i := range 20_000 {
		if i == 10_000 {
			now = now.Add(-24 * time.Hour)
		}
		id := m.Next()
		if id <= last {
			t.Fatalf("id %d after %d", id, last)
		}
		last = id
	}
	if d := last.Time().Sub(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)); d < 0 || d > time.Second {
		t.Errorf("the id's time is %s away from when it was minted", d)
	}
}

func FuzzKindParse(f *testing.F) {
	f.Add("msg_0000000000001")
	f.Fuzz(func(t *testing.T, s string) {
		defer fuzzing.Budget(t)()
		if id, err := KindMessage.Parse(s); err == nil && id <= 0 {
			t.Fatalf("%q was read as %d", s, id)
		}
	})
}
