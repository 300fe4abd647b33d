package telegram

import (
	"syscall"
	"testing"
	"time"

	"rapport/channels"
)

// BenchmarkSend measures one message into the fake over kept-open loopback connections, both sides on
// this machine. Floor: tgbotapi alone against a bare handler, 45 µs of CPU.
func BenchmarkSend(b *testing.B) {
	_, base, _ := start(b)
	c := dial[*polling](b, settings(base))
	begin := cpu(b)
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		o := outgoing("42", "<b>Hello</b>, order 1234 is on its way.")
		o.Buttons = [][]channels.Button{{{Text: "Thanks", Data: "thanks"}}}
		for pb.Next() {
			if _, err := c.Send(b.Context(), o); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64((cpu(b)-begin).Microseconds())/float64(b.N), "cpu-µs/op")
}

// cpu is the processor time of this process, the fake included; unlike ns/op it does not depend on
// what else runs on the machine.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkMarkup(b *testing.B) {
	p := channels.Text("<b>Hello</b>, your order &amp; its <a href=\"https://shop.test\">tracking</a> are on their way to you today.")
	b.ReportAllocs()
	for b.Loop() {
		measure(p)
	}
}
