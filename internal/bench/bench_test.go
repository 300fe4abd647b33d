package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The bench runs itself anew for the bare parts; here, that is this test binary.
func TestMain(m *testing.M) {
	if task := os.Getenv(floorVariable); task != "" {
		if err := floorProcess(task); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// The whole bench with 200 messages: every table has its rows, every message arrived, and the JSON holds
// what was printed.
func TestQuickBenchMeasuresEveryChannelAndLosesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bench.json")
	o, err := options([]string{"-quick", "-json", path})
	if err != nil {
		t.Fatal(err)
	}
	var out, progress bytes.Buffer
	r, err := bench(t.Context(), o, &out, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	if len(r.Notes) > 0 {
		t.Errorf("something was odd: %q", r.Notes)
	}
	if want := len(channelNames) * 3; len(r.Runs) != want {
		t.Errorf("%d rows of campaigns, want %d", len(r.Runs), want)
	}
	for _, row := range r.Runs {
		if f := row.Rounds[0]; f.N != 200 || f.Rate <= 0 || f.CPU <= 0 || f.Finished <= 0 {
			t.Errorf("%s, %s: %+v", row.Channel, row.Kind, f)
		}
		if held := row.Kind == "held"; held != (len(row.Phases) == 3) {
			t.Errorf("%s, %s has %d phases", row.Channel, row.Kind, len(row.Phases))
		}
	}
	if len(r.Floors) != len(channelNames)+1 || len(r.Doors) != 6 || len(r.Queued) != 1 || r.Queued[0].Queued[0].Now <= 0 {
		t.Errorf("%d floors, %d doors, queued %+v", len(r.Floors), len(r.Doors), r.Queued)
	}
	for what, f := range r.Floors {
		if f[0].CPU <= 0 || f[0].Rate <= 0 {
			t.Errorf("the bare %s cost nothing: %+v", what, f[0])
		}
	}
	for _, heading := range []string{"A CAMPAIGN TO EVERYONE", "STAGES", "AN AUDIENCE IN THE REQUEST", "THE STORE ALONE", "PHASES", "THE API", "MEMORY"} {
		if !strings.Contains(out.String(), heading) {
			t.Errorf("%s is not printed", heading)
		}
	}
	text, err := os.ReadFile(path)
	var back Report
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil || len(back.Runs) != len(r.Runs) || back.Machine.Cores == 0 {
		t.Errorf("the JSON: %v, %d runs, %+v", err, len(back.Runs), back.Machine)
	}
	t.Log(out.String())
}

func TestOptionsRefuseWhatTheyDoNotKnow(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-only", "fax"}, {"-layouts", "mysql"}, {"-n", "0"}, {"-rounds", "0"}, {"-queued", "-1"}, {"email"}} {
		if _, err := options(args); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}

// However the bytes of a dialogue are cut, each mail is counted once, and each command answered.
func TestSMTPSinkCountsMailsHoweverTheyArrive(t *testing.T) {
	t.Parallel()
	const dialogue = "EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\nSubject: .\r\n\r\n..\r\n.x\r\n.\r\n" +
		"MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n\r\n.\r\nQUIT\r\n"
	for _, size := range []int{1, 2, 3, 7, len(dialogue)} {
		s, err := openSink("email", SinkOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		c, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for from := 0; from < len(dialogue); from += size {
			if _, err := c.Write([]byte(dialogue[from:min(from+size, len(dialogue))])); err != nil {
				t.Fatal(err)
			}
		}
		answers := readAll(t, c)
		if got := s.Taken(); got != 2 {
			t.Errorf("in pieces of %d: %d mails", size, got)
		}
		if n := strings.Count(answers, "250 queued"); n != 2 || strings.Count(answers, "354 ") != 2 || !strings.HasSuffix(answers, "221 bye\r\n") {
			t.Errorf("in pieces of %d: %q", size, answers)
		}
		if s.First().IsZero() {
			t.Error("nothing says when the first mail came")
		}
	}
}

func TestHTTPSinkAnswersEachRequestInTheShapeOfItsProvider(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		channel, request, status string
		counts                   int64
	}{
		{"webhook", "POST /hooks/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n{} ", "204", 1},
		{"sms", "POST /2010-04-01/Accounts/AC1/Messages.json HTTP/1.1\r\ncontent-length: 2\r\n\r\na=", "201", 1},
		{"sms", "GET /2010-04-01/Accounts/AC1.json HTTP/1.1\r\n\r\n", "200", 0},
		{"telegram", "POST /bot1:a/sendMessage HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "200", 1},
		{"telegram", "POST /bot1:a/deleteWebhook HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "200", 0},
	} {
		s, err := openSink(tc.channel, SinkOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		c, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte(tc.request + tc.request + "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		answers := readAll(t, c) // to the chunked request, which it does not read
		if n := strings.Count(answers, "HTTP/1.1 "+tc.status); n != 2 || s.Taken() != 2*tc.counts || s.odd.Load() != 1 {
			t.Errorf("%s: %d answers, %d taken, %d odd: %q", tc.request, n, s.Taken(), s.odd.Load(), answers)
		}
	}
}

func TestHeldSinkAnswersOnlyWhenReleased(t *testing.T) {
	t.Parallel()
	s, err := openSink("webhook", SinkOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	gate := s.Hold()
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := Wait(10*time.Second, "it begins to arrive", func() (bool, error) { return !s.First().IsZero(), nil }); err != nil {
		t.Fatal(err)
	}
	if s.Taken() != 0 {
		t.Error("it was taken while held")
	}
	s.Release(gate)
	if err := Wait(10*time.Second, "it is taken", func() (bool, error) { return s.Taken() == 1, nil }); err != nil {
		t.Fatal(err)
	}
}

// What this process burns shows in its meters, read both ways.
func TestMetersSeeProcessorTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, m := range []Meter{selfMeter(), processMeter("app", "this", os.Getpid())} {
		from, err := m.Read()
		if err != nil {
			t.Fatal(err)
		}
		for x, to := 0, from; to-from < 30*time.Millisecond; {
			for range 1_000_000 {
				x++
			}
			if to, err = m.Read(); err != nil || ctx.Err() != nil {
				t.Fatalf("%s: %v after %d, %v", m.Name, to-from, x, err)
			}
		}
	}
	if now, peak, err := rss(os.Getpid()); err != nil || now < 1<<20 || peak < now {
		t.Errorf("memory: %d now, %d at most, %v", now, peak, err)
	}
	if _, _, parent, err := procStat(os.Getpid()); err != nil || parent != os.Getppid() {
		t.Errorf("the parent is %d, not %d: %v", parent, os.Getppid(), err)
	}
}

func TestMedianIsTheMiddleOrTheMeanOfTwo(t *testing.T) {
	t.Parallel()
	rounds := []Figure{{CPU: 9}, {CPU: 1}, {CPU: 5}, {CPU: 7}}
	if m, low, high := median(rounds, cpu); m != 6 || low != 1 || high != 9 {
		t.Errorf("of four: %v %v %v", m, low, high)
	}
	if m, _, _ := median(rounds[:3], cpu); m != 5 {
		t.Errorf("of three: %v", m)
	}
}

func readAll(t *testing.T, c net.Conn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(c); err != nil {
		t.Fatalf("%v after %q", err, b.String())
	}
	return b.String()
}
