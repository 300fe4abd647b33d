package email

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"rapport"
	"rapport/channels"
	"rapport/channels/email/emailtest"
)

// dovecot is a mailbox of its own in the Dovecot that make test starts.
type dovecot struct {
	t        *testing.T
	addr     string
	user     string
	password string
	home     string
	client   *imapclient.Client // as a person's mail program
}

func newDovecot(t *testing.T) *dovecot {
	t.Helper()
	home := os.Getenv("RAPPORT_TEST_IMAP_HOME")
	if home == "" {
		if os.Getenv("RAPPORT_TEST_REQUIRED") != "" {
			t.Fatal("RAPPORT_TEST_IMAP_HOME is not set: run the tests with make test")
		}
		t.Skip("RAPPORT_TEST_IMAP_HOME is not set; make test starts Dovecot")
	}
	d := &dovecot{t: t, addr: os.Getenv("RAPPORT_TEST_IMAP"), user: strings.ToLower(rand.Text()) + "@imap.test", password: os.Getenv("RAPPORT_TEST_IMAP_PASSWORD")}
	d.home = filepath.Join(home, d.user)
	d.client = d.login()
	return d
}

func (d *dovecot) login() *imapclient.Client {
	d.t.Helper()
	c, err := imapclient.DialInsecure(d.addr, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { c.Close() })
	if err := c.Login(d.user, d.password).Wait(); err != nil {
		d.t.Fatal(err)
	}
	return c
}

func (d *dovecot) settings(more channels.Settings) channels.Settings {
	host, port, _ := net.SplitHostPort(d.addr)
	box := map[string]any{"host": host, "port": port, "tls": "none", "username": d.user, "password": d.password}
	for k, v := range more {
		box[k] = v
	}
	return channels.Settings{"host": "127.0.0.1", "port": 1, "tls": "none", "from": "Shop <news@shop.example>", "reply_domain": "reply.shop.example", "inbound": map[string]any{"imap": box}}
}

// poller opens an entry that reads the mailbox.
func (d *dovecot) poller(more channels.Settings) channels.Poller {
	d.t.Helper()
	return openInbound(d.t, d.settings(more)).(channels.Poller)
}

func openInbound(t testing.TB, s channels.Settings) channels.Conn {
	t.Helper()
	c, err := Driver.Open(s, channels.Env{Name: "mail", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.(io.Closer).Close() })
	return c
}

func letter(subject string) string {
	return "From: Anna <anna@customers.example>\r\nTo: news@shop.example\r\nSubject: " + subject + "\r\nMessage-ID: <" + strings.ReplaceAll(subject, " ", ".") + "@customers.example>\r\n" +
		"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\nHello " + subject + "\r\n"
}

func (d *dovecot) put(folder, raw string) { d.t.Helper(); d.putAt(folder, raw, time.Time{}) }

func (d *dovecot) putAt(folder, raw string, at time.Time) {
	d.t.Helper()
	a := d.client.Append(folder, int64(len(raw)), &imap.AppendOptions{Time: at})
	if _, err := io.WriteString(a, raw); err != nil {
		d.t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		d.t.Fatal(err)
	}
	if _, err := a.Wait(); err != nil {
		d.t.Fatal(err)
	}
}

func (d *dovecot) must(c *imapclient.Command) {
	d.t.Helper()
	if err := c.Wait(); err != nil {
		d.t.Fatal(err)
	}
}

// flags of the mails of a folder, in order.
func (d *dovecot) flags(folder string) (all []string) {
	d.t.Helper()
	s, err := d.client.Select(folder, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		d.t.Fatal(err)
	}
	if s.NumMessages == 0 {
		return nil
	}
	var set imap.SeqSet
	set.AddRange(1, 0)
	list, err := d.client.Fetch(set, &imap.FetchOptions{Flags: true, Envelope: true}).Collect()
	if err != nil {
		d.t.Fatal(err)
	}
	for _, m := range list {
		mark := ""
		if slices.Contains(m.Flags, imap.FlagSeen) {
			mark = " seen"
		}
		all = append(all, m.Envelope.Subject+mark)
	}
	return all
}

// next polls once, and fails if nothing came or Poll did.
func next(t *testing.T, p channels.Poller, cursor string) (subjects []string, after string) {
	t.Helper()
	updates, after, err := p.Poll(t.Context(), cursor)
	if err != nil {
		t.Fatal(err)
	}
	return subjectsOf(t, updates), after
}

func subjectsOf(t testing.TB, updates []channels.Update) (subjects []string) {
	t.Helper()
	for _, u := range updates {
		if u.Message == nil || u.EventID == "" {
			t.Fatalf("not a message: %+v", u)
		}
		subjects = append(subjects, u.Message.Subject)
	}
	return subjects
}

// nothing says that a Poll of a moment finds nothing, and where it leaves the cursor.
func nothing(t *testing.T, p channels.Poller, cursor string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	updates, after, err := p.Poll(ctx, cursor)
	if len(updates) > 0 || err != nil || after != cursor {
		t.Fatalf("found %v, %v, and the cursor went from %s to %s", subjectsOf(t, updates), err, cursor, after)
	}
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestPoll_TakesWhatComesFromNowOn(t *testing.T) {
	t.Parallel()
	d := newDovecot(t)
	d.put("INBOX", letter("old"))
	p := d.poller(nil)
	got, cursor := next(t, p, "")
	same(t, "at the first start", got)
	d.put("INBOX", letter("one"))
	d.put("INBOX", letter("two"))
	got, after := next(t, p, cursor)
	same(t, "then", got, "one", "two")
	again, _ := next(t, p, cursor)
	same(t, "the old cursor", again, "one", "two")
	same(t, "marked before they are stored", d.flags("INBOX"), "old", "one", "two")
	nothing(t, p, after)
	same(t, "marked afterwards", d.flags("INBOX"), "old", "one seen", "two seen")

	// Another process goes on where this one was killed, and marks what this one could not.
	d.put("INBOX", letter("three"))
	got, after = next(t, p, after)
	same(t, "and then", got, "three")
	nothing(t, d.poller(nil), after)
	same(t, "marked by the next process", d.flags("INBOX"), "old", "one seen", "two seen", "three seen")
}

func TestPoll_WakesWithinASecond(t *testing.T) {
	t.Parallel()
	d := newDovecot(t)
	p := d.poller(nil)
	_, cursor := next(t, p, "")
	fastest := time.Hour
	for i := range 3 {
		came := make(chan time.Time)
		go func() {
			time.Sleep(400 * time.Millisecond)
			d.put("INBOX", letter(fmt.Sprint("news ", i)))
			came <- time.Now()
		}()
		var got []string
		got, cursor = next(t, p, cursor)
		fastest = min(fastest, time.Since(<-came)) // Dovecot itself waits half a second for more
		same(t, "woken by", got, fmt.Sprint("news ", i))
	}
	if fastest > time.Second {
		t.Errorf("it took %v", fastest)
	}
}

func TestPoll_ReadsSeveralFoldersAndMoves(t *testing.T) {
	t.Parallel()
	d := newDovecot(t)
	d.must(d.client.Create("Junk", nil))
	d.must(d.client.Create("Entwürfe & Ideen", nil)) // modified UTF-7 on the wire
	d.must(d.client.Create("Taken", nil))
	d.put("Junk", letter("old spam"))
	p := d.poller(channels.Settings{"folders": []any{"INBOX", "Junk", "Entwürfe & Ideen", "Missing"}, "after": "move", "move_to": "Taken"})
	got, cursor := next(t, p, "")
	same(t, "at the first start", got)
	d.put("Junk", letter("no spam"))
	d.put("Entwürfe & Ideen", letter("idea"))
	d.put("INBOX", letter("mail"))
	got, cursor = next(t, p, cursor)
	same(t, "from all folders", got, "mail", "no spam", "idea")
	same(t, "moved before they are stored", d.flags("Taken"))
	nothing(t, p, cursor)
	taken := d.flags("Taken")
	slices.Sort(taken)
	same(t, "moved", taken, "idea", "mail", "no spam")
	same(t, "what was there before stays", d.flags("Junk"), "old spam")
	d.put("Junk", letter("more"))
	got, cursor = next(t, p, cursor)
	same(t, "afterwards", got, "more")
	nothing(t, p, cursor)
}

// A folder that is deleted and made anew numbers its mails anew. What came since the first start is read again, and the
// gateway knows what it has by its event id.
func TestPoll_SurvivesANewUIDVALIDITY(t *testing.T) {
	t.Parallel()
	d := newDovecot(t)
	d.must(d.client.Create("Answers", nil))
	d.put("Answers", letter("ancient"))
	p := d.poller(channels.Settings{"folders": "Answers", "after": "leave"})
	_, cursor := next(t, p, "")
	d.put("Answers", letter("known"))
	updates, cursor, err := p.Poll(t.Context(), cursor)
	if err != nil || len(updates) != 1 {
		t.Fatal(updates, err)
	}
	p.(polling).hangUp() // Dovecot has trouble of its own with a folder that is deleted while it is open
	d.must(d.client.Delete("Answers"))
	time.Sleep(1100 * time.Millisecond) // UIDVALIDITY is a time in seconds
	d.must(d.client.Create("Answers", nil))
	d.putAt("Answers", letter("before the first start"), time.Now().Add(-time.Hour))
	d.put("Answers", letter("known"))
	d.put("Answers", letter("fresh"))
	again, cursor, err := p.Poll(t.Context(), cursor)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "read again", subjectsOf(t, again), "known", "fresh")
	if again[0].EventID != updates[0].EventID {
		t.Errorf("the same mail has the event ids %q and %q", updates[0].EventID, again[0].EventID)
	}
	d.put("Answers", letter("later"))
	got, cursor := next(t, p, cursor)
	same(t, "then", got, "later")
	nothing(t, p, cursor)
}

// 10,000 mails wait: they come in pages, in order, each once, and a page is not much memory.
func TestPoll_TakesALongQueueInPages(t *testing.T) {
	t.Parallel()
	d := newDovecot(t)
	const mails = 2_000
	d.must(d.client.Create("Queue", nil)) // makes the home
	dir := filepath.Join(d.home, "Maildir", ".Queue", "new")
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for i := range mails {
		name := filepath.Join(dir, fmt.Sprintf("%d.M%06dP1.test", time.Now().Unix(), i))
		if err := os.WriteFile(name, []byte(letter(fmt.Sprintf("mail %05d", i))), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := d.poller(channels.Settings{"folders": "Queue", "since": 1, "after": "leave"})
	seen, cursor := []string(nil), ""
	for pages := 0; len(seen) < mails; pages++ {
		var got []string
		if got, cursor = next(t, p, cursor); len(got) > 50 || pages > 0 && len(got) == 0 {
			t.Fatalf("a page of %d after %d", len(got), len(seen))
		}
		seen = append(seen, got...)
	}
	if !slices.IsSorted(seen) || len(slices.Compact(slices.Clone(seen))) != mails {
		t.Errorf("%d mails, not each once and in order", len(seen))
	}
	nothing(t, p, cursor)
}

func TestPoll_NotesWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	d := newDovecot(t)
	s := d.settings(nil)
	s["inbound"].(map[string]any)["max_size"] = 100_000
	p := openInbound(t, s).(channels.Poller)
	_, cursor := next(t, p, "")
	head := "From: Anna <anna@customers.example>\r\nTo: reply+abc123@reply.shop.example\r\nSubject: Fotos\r\nMessage-ID: <big@customers.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=x\r\n"
	d.put("INBOX", head+"\r\n--x\r\n\r\nmy holidays\r\n"+strings.Repeat(strings.Repeat("z", 998)+"\r\n", 120)+"--x--\r\n")
	d.put("INBOX", letter("behind it"))
	updates, cursor, err := p.Poll(t.Context(), cursor)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "taken", subjectsOf(t, updates), "Fotos", "behind it")
	if m := updates[0].Message; !strings.Contains(m.Text, `it is in the folder "INBOX"`) || !slices.Equal(m.Tokens, []string{"abc123"}) || strings.Contains(m.Text, "holidays") || len(m.Raw) > 2000 {
		t.Errorf("the large one: %+v", m)
	}
	nothing(t, p, cursor)
}

// What is no mail is shown as a file, and nothing behind it waits.
func TestPoll_IsNotStoppedByGarbage(t *testing.T) {
	t.Parallel()
	d := newDovecot(t)
	p := d.poller(nil)
	_, cursor := next(t, p, "")
	d.put("INBOX", "\r\n\x01\x02 no header at all \xff\r\n")
	d.put("INBOX", "From: <<>>, \"\r\nContent-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n--\r\n")
	d.put("INBOX", letter("behind it"))
	updates, cursor, err := p.Poll(t.Context(), cursor)
	if err != nil || len(updates) != 3 {
		t.Fatalf("%d updates, %v", len(updates), err)
	}
	first := updates[0].Message
	if !strings.Contains(first.Text, "could not be read") || len(first.Attachments) != 1 || first.From == "" || updates[2].Message.Subject != "behind it" {
		t.Errorf("%+v", first)
	}
	r, err := first.Attachments[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || !strings.Contains(string(b), "no header at all \xff") {
		t.Errorf("the file is %q, %v", b, err)
	}
	nothing(t, p, cursor)
}

// Our own mail that comes back, and mail that runs in circles, are nobody's.
func TestPoll_LeavesLoopsAlone(t *testing.T) {
	t.Parallel()
	d := newDovecot(t)
	var mu sync.Mutex
	var why []string
	c, err := Driver.Open(d.settings(nil), channels.Env{Name: "mail", Now: time.Now, Log: slog.New(slog.DiscardHandler), Dropped: func(w string) { mu.Lock(); why = append(why, w); mu.Unlock() }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.(io.Closer).Close()
	p := c.(channels.Poller)
	_, cursor := next(t, p, "")
	d.put("INBOX", strings.Replace(letter("from us"), "Anna <anna@customers.example>", "Shop <News@Shop.example>", 1))
	d.put("INBOX", strings.Replace(letter("our id"), "<our.id@customers.example>", "<"+rapport.KindMessage.Format(1<<40)+"@reply.shop.example>", 1))
	d.put("INBOX", strings.Repeat("Received: from a by b; Sun, 22 Nov 2026 10:00:00 +0000\r\n", 51)+letter("in circles"))
	d.put("INBOX", strings.Repeat("Received: from a by b; Sun, 22 Nov 2026 10:00:00 +0000\r\n", 50)+letter("a long way"))
	got, _ := next(t, p, cursor)
	same(t, "taken", got, "a long way")
	same(t, "counted", why, "own", "own", "loop")
}

// cutter is a dialer whose connections can be cut, or cut themselves after some bytes.
type cutter struct {
	mu    sync.Mutex
	conns []net.Conn
	after int // bytes read from a connection until it breaks; 0: never
	dials int
}

func (c *cutter) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dials++
	c.conns = append(c.conns, conn)
	if c.after > 0 {
		conn = &brittle{conn, c.after}
	}
	return conn, nil
}

type brittle struct {
	net.Conn
	left int
}

func (b *brittle) Read(p []byte) (int, error) {
	n, err := b.Conn.Read(p[:min(len(p), max(1, b.left))])
	if b.left -= n; b.left <= 0 {
		b.Conn.Close()
	}
	return n, err
}

func (c *cutter) cut(after int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		conn.Close()
	}
	c.after = after
}

func TestPoll_OutlivesItsConnection(t *testing.T) {
	t.Parallel()
	d := newDovecot(t)
	var line cutter
	c, err := Driver.Open(d.settings(channels.Settings{"after": "leave"}), channels.Env{Name: "mail", Now: time.Now, Log: slog.New(slog.DiscardHandler), Dial: line.dial})
	if err != nil {
		t.Fatal(err)
	}
	defer c.(io.Closer).Close()
	p := c.(channels.Poller)
	_, cursor := next(t, p, "")
	first := cursor
	d.put("INBOX", letter("one"))
	line.cut(0) // between two polls: a new one is made without a word
	got, cursor := next(t, p, cursor)
	same(t, "after a cut", got, "one")
	go func() { time.Sleep(300 * time.Millisecond); line.cut(0); d.put("INBOX", letter("two")) }()
	got, cursor = next(t, p, cursor) // while it waits in IDLE
	same(t, "after a cut in IDLE", got, "two")

	// Wherever it breaks while mails are fetched, nothing is lost and nothing comes twice.
	for i := range 20 {
		d.put("INBOX", letter(fmt.Sprintf("many %02d", i)))
	}
	for _, after := range []int{700, 1500, 3000, 5000} {
		line.cut(after)
		p.(polling).retry = time.Time{}
		if updates, at, err := p.Poll(t.Context(), cursor); err == nil || len(updates) > 0 || at != cursor {
			t.Fatalf("a connection that breaks after %d bytes gave %d updates and error %v", after, len(updates), err)
		}
	}
	line.cut(0)
	p.(polling).retry = time.Time{}
	got, _ = next(t, p, cursor)
	if len(got) != 20 {
		t.Errorf("then came %q", got)
	}
	p.(polling).retry = time.Time{}
	all, _ := next(t, p, first)
	if len(all) != 22 {
		t.Errorf("from the first cursor: %q", all)
	}
}

// While the server is away it is tried less and less often.
func TestPoll_IsPatientWithADeadServer(t *testing.T) {
	t.Parallel()
	var line cutter
	refuse := func(context.Context, string, string) (net.Conn, error) {
		line.dials++
		return nil, fmt.Errorf("connection refused")
	}
	d := &dovecot{t: t, addr: "127.0.0.1:1", user: "x", password: "y"}
	c, err := Driver.Open(d.settings(nil), channels.Env{Name: "mail", Now: time.Now, Log: slog.New(slog.DiscardHandler), Dial: refuse})
	if err != nil {
		t.Fatal(err)
	}
	defer c.(io.Closer).Close()
	p := c.(channels.Poller)
	if _, _, err := p.Poll(t.Context(), ""); err == nil {
		t.Fatal("no error")
	}
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, _, err := p.Poll(ctx, ""); err != nil {
			t.Errorf("it was tried again at once: %v", err)
		}
		cancel()
	}
	if line.dials != 1 {
		t.Errorf("%d attempts in a moment", line.dials)
	}
	if a, b, c := rest(1, nil), rest(5, nil), rest(50, nil); a != time.Second || b != 16*time.Second || c != 5*time.Minute {
		t.Errorf("rests of %v, %v, %v", a, b, c)
	}
	if d := rest(1, &channels.Verdict{Kind: channels.Misconfigured}); d != 30*time.Second {
		t.Errorf("after a wrong password it rests %v", d)
	}
}

func TestSetup_ProvesTheMailbox(t *testing.T) {
	t.Parallel()
	d := newDovecot(t)
	sink := start(t, emailtest.Options{})
	_, imaps, _ := net.SplitHostPort(os.Getenv("RAPPORT_TEST_IMAPS"))
	_, clear, _ := net.SplitHostPort(d.addr)
	ca := os.Getenv("RAPPORT_TEST_SMTP_CA")
	for _, c := range []struct {
		name   string
		change channels.Settings
		want   string // "": all is right
	}{
		{"in clear text on this machine", nil, ""},
		{"with STARTTLS", channels.Settings{"tls": "starttls", "tls_ca_file": ca}, ""},
		{"with TLS", channels.Settings{"tls": "implicit", "port": imaps, "tls_ca_file": ca}, ""},
		{"a wrong password", channels.Settings{"password": "guess-guess"}, "imap_login"},
		{"an unknown user", channels.Settings{"username": "nobody-here@box.test"}, "imap_login"},
		{"a token where none is known", channels.Settings{"auth": "xoauth2"}, "imap_login"},
		{"a certificate of nobody we know", channels.Settings{"tls": "starttls"}, "imap_certificate"},
		{"another one's certificate", channels.Settings{"tls": "implicit", "port": imaps, "tls_ca_file": ca, "tls_server_name": "imap.other.example"}, "imap_certificate"},
		{"TLS where it begins in clear text", channels.Settings{"tls": "implicit", "port": clear, "tls_ca_file": ca}, "imap_tls"},
		{"a missing folder", channels.Settings{"folders": []any{"INBOX", "Spam"}}, "imap_folder"},
		{"nobody there", channels.Settings{"port": 1}, "imap_unreachable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := d.settings(c.change)
			s["host"], s["port"] = sink.Host(), sink.Port()
			err := openInbound(t, s).(channels.Setup).Setup(t.Context())
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || channels.VerdictOf(err).Reason != c.want {
				t.Fatalf("the error is %v, want %s", err, c.want)
			}
			if strings.Contains(err.Error(), "guess-guess") {
				t.Errorf("it shows the password: %v", err)
			}
		})
	}
}

// proxy stands before Dovecot, and can go down.
type proxy struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l}
	t.Cleanup(p.close)
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, in, out)
			p.mu.Unlock()
			go func() { _, _ = io.Copy(in, out); in.Close() }()
			go func() { _, _ = io.Copy(out, in); out.Close() }()
		}
	}()
	return p
}

func (p *proxy) close() {
	p.Listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
}
