package email

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rapport/channels"
	"rapport/channels/email/emailtest"
)

// campaign makes a message of 2.2 KB: static HTML with five values in it.
func campaign(key string) *channels.Outgoing {
	static := func(n int) channels.Segment {
		return channels.Segment{Bytes: []byte(strings.Repeat("<td style=\"padding:8px\">offer</td>\n", n)), Static: true}
	}
	value := func(s string) channels.Segment { return channels.Segment{Bytes: []byte(s)} }
	o := outgoing()
	o.Key = key
	o.Text = channels.Part{{Bytes: []byte(strings.Repeat("Our offers this week are good. ", 12)), Static: true}, value("Anna")}
	o.HTML = channels.Part{static(12), value("Anna"), static(12), value("12.50"), static(12), value("Riga"), static(12), value("https://shop.example/o/1")}
	return o
}

func BenchmarkRender(b *testing.B) {
	c := openConn(b, channels.Settings{"host": "127.0.0.1", "tls": "none", "from": "Shop <news@shop.example>", "reply_domain": "reply.shop.example"})
	for name, key := range map[string]string{"each": "", "kept": "offer/1"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			o := campaign(key)
			buf := make([]byte, 0, 16<<10)
			for b.Loop() {
				d := draft{b: buf[:0]}
				if err := c.render(&d, o); err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(d.b)))
			}
		})
	}
}

// thrifty is a server that costs as little as one can: it looks only for the ends of the envelope and the message.
func thrifty(b *testing.B) channels.Settings {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = c.Write([]byte("220 thrifty\r\n"))
				steps := []struct{ end, reply string }{{"DATA\r\n", "250 ok\r\n250 ok\r\n354 go\r\n"}, {"\r\n.\r\n", "250 queued\r\n"}}
				next := 0
				buf, n := make([]byte, 64<<10), 0
				for greeted := false; ; {
					k, err := c.Read(buf[n:])
					if n += k; err != nil {
						return
					}
					var out []byte
					if !greeted {
						out, n, greeted = append(out, "250-thrifty\r\n250 PIPELINING\r\n"...), 0, true
					}
					for {
						end := bytes.Index(buf[:n], []byte(steps[next].end))
						if end < 0 {
							break
						}
						out = append(out, steps[next].reply...)
						n = copy(buf, buf[end+len(steps[next].end):n])
						next = 1 - next
					}
					if len(out) > 0 {
						if _, err := c.Write(out); err != nil {
							return
						}
					}
				}
			}()
		}
	}()
	return channels.Settings{"host": "127.0.0.1", "port": l.Addr().(*net.TCPAddr).Port, "tls": "none", "from": "Shop <news@shop.example>", "reply_domain": "reply.shop.example"}
}

// cpu is the processor time of this process so far.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSend is the way from an Outgoing to the server's 250, over loopback; the sink's work is in the
// figures, because both share the machine.
func BenchmarkSend(b *testing.B) {
	none := func() (channels.Settings, func(string) ([]string, error)) { return nil, nil }
	k := keys(b)
	for _, tc := range []struct {
		name        string
		connections int
		sign        func() (channels.Settings, func(string) ([]string, error))
		thrifty     bool
		o           emailtest.Options
	}{
		{"thrifty server, 1 connection", 1, none, true, emailtest.Options{}},
		{"thrifty server, 8 connections", 8, none, true, emailtest.Options{}},
		{"thrifty server, 32 connections", 32, none, true, emailtest.Options{}},
		{"1 connection", 1, none, false, emailtest.Options{Keep: -1}},
		{"32 connections", 32, none, false, emailtest.Options{Keep: -1}},
		{"32 connections, no pipelining", 32, none, false, emailtest.Options{Keep: -1, NoPipelining: true}},
		{"32 connections, starttls", 32, none, false, emailtest.Options{Keep: -1, TLS: "starttls"}},
		{"32 connections, ed25519", 32, k["ed25519"], false, emailtest.Options{Keep: -1}},
		{"32 connections, rsa-2048", 32, k["rsa"], false, emailtest.Options{Keep: -1}},
	} {
		b.Run(tc.name, func(b *testing.B) {
			var sink *emailtest.Sink
			var s channels.Settings
			if tc.thrifty {
				s = thrifty(b)
			} else {
				sink = start(b, tc.o)
				s = secured(b, sink, tc.o.TLS)
			}
			s["connections"] = tc.connections
			change, _ := tc.sign()
			for k, v := range change {
				s[k] = v
			}
			c := openConn(b, s)
			b.ReportAllocs()
			b.SetParallelism(16) // goroutines for each processor
			var i atomic.Int64
			before := cpu()
			b.RunParallel(func(pb *testing.PB) {
				o := campaign("offer/1")
				for pb.Next() {
					n := i.Add(1)
					o.To = fmt.Sprintf("p%d@customers.example", n%1000)
					if _, err := c.Send(b.Context(), o); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "cpu-µs/mail")
			if sink != nil && int64(sink.Total()) != i.Load() {
				b.Errorf("sent %d, taken %d", i.Load(), sink.Total())
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
		})
	}
}

// BenchmarkSignature is DKIM alone. RSA's figure is nearly all private-key arithmetic, which nobody can save.
func BenchmarkSignature(b *testing.B) {
	for name, key := range keys(b) {
		b.Run(name, func(b *testing.B) {
			s := channels.Settings{"host": "127.0.0.1", "tls": "none", "from": "Shop <news@shop.example>"}
			sign, _ := key()
			for k, v := range sign {
				s[k] = v
			}
			c := openConn(b, s)
			d := &draft{}
			if err := c.render(d, campaign("")); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			before := cpu()
			for b.Loop() {
				if _, err := signature(c.sign, d.b); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpu()-before).Nanoseconds())/1000/float64(b.N), "cpu-µs/op")
		})
	}
}
