package liquid

import (
	"fmt"
	"time"
)

// Limits bound one rendering. A zero field means its default.
type Limits struct {
	// Steps counts nodes executed, loop rounds, filter calls, and the elements and text they
	// work through (64 bytes a step). Default 100,000.
	Steps int
	// Depth is how deep include and render may nest. Default 50.
	Depth int
	// Bytes counts everything the rendering writes or builds: output, captures, the strings and
	// arrays that filters return (16 bytes an element). Default 1 MiB.
	Bytes int
	// Time is wall-clock time, from the first look at the clock. Default 250 ms.
	Time time.Duration
}

const (
	defaultSteps = 100_000
	defaultDepth = 50
	defaultBytes = 1 << 20
	defaultTime  = 250 * time.Millisecond

	// clockEvery is how many steps pass between two looks at the clock (about 50 ns each).
	clockEvery = 256
)

// budget is what is left of the limits.
type budget struct {
	limits Limits
	steps  int
	bytes  int
	unseen int       // steps since the last look at the clock
	start  time.Time // the first look; zero: short renderings never look
}

func newBudget(l Limits) budget {
	if l.Steps <= 0 {
		l.Steps = defaultSteps
	}
	if l.Depth <= 0 {
		l.Depth = defaultDepth
	}
	if l.Bytes <= 0 {
		l.Bytes = defaultBytes
	}
	if l.Time <= 0 {
		l.Time = defaultTime
	}
	return budget{limits: l, steps: l.Steps, bytes: l.Bytes}
}

func (b *budget) step(n int) error {
	b.steps -= n
	if b.steps < 0 {
		return exceeded("steps", "the template took more than %d steps", b.limits.Steps)
	}
	b.unseen += n
	if b.unseen >= clockEvery {
		b.unseen = 0
		return b.clock()
	}
	return nil
}

// read charges for looking through n bytes of text.
func (b *budget) read(n int) error { return b.step(n>>6 + 1) }

// grow charges for n bytes about to be written or kept.
func (b *budget) grow(n int) error {
	if n > b.bytes || n < 0 {
		b.bytes = 0
		return exceeded("bytes", "the template produced more than %d bytes", b.limits.Bytes)
	}
	b.bytes -= n
	return nil
}

// elementBytes is what an element of an array costs: the size of an interface value.
const elementBytes = 16

// growList charges for an array of n elements about to be built, and for walking it.
func (b *budget) growList(n int) error {
	if n > b.bytes/elementBytes {
		return b.grow(b.bytes + 1)
	}
	if err := b.grow(n * elementBytes); err != nil {
		return err
	}
	return b.step(n)
}

func (b *budget) clock() error {
	now := time.Now()
	if b.start.IsZero() {
		b.start = now
	}
	if now.Sub(b.start) > b.limits.Time {
		return exceeded("time", "the template ran longer than %v", b.limits.Time)
	}
	return nil
}

func exceeded(name, format string, args ...any) error {
	return &Error{Name: name, Message: fmt.Sprintf(format, args...), cause: ErrLimit}
}
