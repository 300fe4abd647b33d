package webhook

import (
	"bytes"
	"net"
	"syscall"
	"testing"
	"time"

	"rapport/channels"
)

// BenchmarkSend_Loopback measures one signed message over kept-open loopback connections, with a receiver that costs
// as little as one can; its work is in the figure. Floor: net/http alone, 36 µs of CPU with the receiver's.
func BenchmarkSend_Loopback(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 8<<10)
				for n := 0; ; {
					k, err := c.Read(buf[n:])
					if n += k; err != nil {
						return
					}
					if bytes.HasSuffix(buf[:n], []byte("}")) {
						n = 0
						if _, err := c.Write([]byte("HTTP/1.1 204 No Content\r\n\r\n")); err != nil {
							return
						}
					}
				}
			}()
		}
	}()
	c, err := open(channels.Settings{"secret": secret, "allow_networks": []string{"127.0.0.0/8"}}, channels.Env{Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	body := channels.Text(`{"event":"order.shipped","name":"Anna","order":"A-1","note":"` + string(bytes.Repeat([]byte("Thank you for your order. "), 30)) + `"}`)
	begin := cpu(b)
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		o := &channels.Outgoing{ID: 1, Token: "msg_1", To: "http://" + l.Addr().String() + "/hooks/1", Body: body}
		for pb.Next() {
			if _, err := c.Send(b.Context(), o); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64((cpu(b)-begin).Microseconds())/float64(b.N), "cpu-µs/op")
}

// cpu is the processor time of this process, the receiver included; unlike ns/op it does not depend on what
// else runs on the machine.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
