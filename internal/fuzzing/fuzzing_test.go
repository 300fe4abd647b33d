package fuzzing

import (
	"testing"
	"time"
)

// watched keeps what a budget says instead of failing.
type watched struct {
	testing.TB
	said int
}

func (w *watched) Errorf(string, ...any) { w.said++ }

func TestBudget_TellsWhoSpendsTooMuch(t *testing.T) {
	t.Setenv("RAPPORT_TEST_FUZZ", "long")
	var kept []byte
	for _, c := range []struct {
		name string
		do   func()
		want int
	}{
		{"little", func() { kept = make([]byte, 1<<20) }, 0},
		{"waiting", func() { time.Sleep(150 * time.Millisecond) }, 0},
		{"time", func() {
			for begin := spent(); spent()-begin < 120*time.Millisecond; {
			}
		}, 1},
		{"memory", func() { kept = make([]byte, 65<<20) }, 1},
	} {
		w := &watched{TB: t}
		end := Budget(w)
		c.do()
		end()
		if w.said != c.want {
			t.Errorf("%s: %d complaints, want %d", c.name, w.said, c.want)
		}
	}
	if len(kept) == 0 {
		t.Error("nothing was allocated")
	}
}
