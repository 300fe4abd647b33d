package twilio

import (
	"syscall"
	"testing"
	"time"

	"rapport"
)

// BenchmarkSend measures one message into the fake over kept-open loopback connections, both sides on
// this machine. Floor: twilio-go alone against a bare handler, 48 µs of CPU.
func BenchmarkSend(b *testing.B) {
	_, base, _ := start(b)
	c := dial(b, settings(base), env(rapport.SMS))
	begin := cpu(b)
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		o := message(1, "Hello, order 1234 is on its way.")
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
