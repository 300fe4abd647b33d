package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/gateway"
	"rapport/store"
)

// mailed is a mail as the reader of mails hands it on; change makes it what the test needs.
func mailed(from, text, event string, change ...func(*channels.Incoming)) channels.Update {
	in := &channels.Incoming{Channel: rapport.Email, From: from, ProviderID: "in-" + event + "@example.net", Subject: "Re: news", Text: text, Raw: []byte("From: " + from + "\r\n\r\n" + text)}
	for _, f := range change {
		f(in)
	}
	return channels.Update{EventID: event, Message: in}
}

func tokens(ts ...string) func(*channels.Incoming) {
	return func(in *channels.Incoming) { in.Tokens = ts }
}

func inReplyTo(ids ...string) func(*channels.Incoming) {
	return func(in *channels.Incoming) { in.InReplyTo = ids }
}

func references(ids ...string) func(*channels.Incoming) {
	return func(in *channels.Incoming) { in.References = ids }
}

func others(ps ...channels.Person) func(*channels.Incoming) {
	return func(in *channels.Incoming) { in.Others = ps }
}

func messageID(m rapport.Message) string { return rapport.KindMessage.Format(m.ID) + "@shop.example" }

func (w *world) last(thread rapport.ID) rapport.Entry {
	w.t.Helper()
	es := w.entries(thread)
	return es[len(es)-1]
}

// meta is one member of what else is known about an entry.
func meta(e rapport.Entry, key string) any {
	var m map[string]any
	if json.Unmarshal(e.Meta, &m) != nil {
		return nil
	}
	return m[key]
}

// mailedTo sends a campaign to n people by email, and returns the rows in the order of the people.
func (w *world) mailedTo(n int) (*rapport.Campaign, []rapport.Message) {
	w.t.Helper()
	c := w.campaign(persons(n, rapport.Email))
	w.status(c, rapport.CampaignFinished)
	rows := make([]rapport.Message, n)
	for _, m := range w.rows(c) {
		a, err := w.st.Address(w.t.Context(), m.Address)
		if err != nil {
			w.t.Fatal(err)
		}
		var i int
		if _, err := fmt.Sscanf(a.Value, "c%d@", &i); err != nil {
			w.t.Fatal(err)
		}
		rows[i-1] = m
	}
	return c, rows
}

// The strongest sign wins, and each is tried: a mail that says nothing of what it answers is a new matter, or belongs to the
// open thread.
func TestIngest_ASignLeadsToTheThread(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		_, first := w.mailedTo(9)
		_, second := w.mailedTo(9)
		foreign := "abc@mail.example.net"
		for i, tt := range []struct {
			name   string
			change []func(*channels.Incoming)
			want   rapport.ID // of the message; 0: none
			by     string
		}{
			{"the token of a reply address", []func(*channels.Incoming){tokens("nonsense", w.g.ReplyToken(first[0].ID)), inReplyTo(messageID(second[0]))}, first[0].ID, "reply_token"},
			{"a token of another use is none", []func(*channels.Incoming){tokens(strings.Repeat("0", 42)), inReplyTo(messageID(second[1]))}, second[1].ID, "in_reply_to"},
			{"our Message-ID among several", []func(*channels.Incoming){inReplyTo(foreign, messageID(first[2])), references(messageID(second[2]))}, first[2].ID, "in_reply_to"},
			{"our Message-ID in References only", []func(*channels.Incoming){inReplyTo(foreign), references(foreign, "x@y", messageID(first[3]))}, first[3].ID, "references"},
			{"what the provider calls it", []func(*channels.Incoming){inReplyTo("p-" + rapport.KindMessage.Format(first[4].ID))}, first[4].ID, "provider_id"},
			{"nothing: a mail is not an answer to the newest message", nil, 0, ""},
			{"an id that we never gave", []func(*channels.Incoming){inReplyTo(rapport.KindMessage.Format(77) + "@shop.example")}, 0, ""},
		} {
			w.ingest("mail", mailed(addressOf(rapport.Email, i+1), tt.name, fmt.Sprint("e", i), tt.change...))
			ts := w.threads()
			e := w.last(ts[0].ID)
			if e.Text != tt.name || e.Answers.Message != tt.want || e.MatchedBy != tt.by || meta(e, "unverified") != nil {
				t.Errorf("%s: %+v", tt.name, e)
			}
		}
		if n := len(w.threads()); n != 7 {
			t.Errorf("%d threads", n)
		}
		// A second mail without a sign belongs to the open thread; one to the customer's own earlier mail too.
		thread := w.threads()[0].ID
		w.ingest("mail", mailed(addressOf(rapport.Email, 7), "one more thing", "again"))
		w.ingest("mail", mailed(addressOf(rapport.Email, 7), "and another", "again2", references("in-again@example.net")))
		if es := w.entries(thread); len(es) != 3 || es[2].MatchedBy != "provider_id" {
			t.Errorf("%+v", es)
		}
		// So does one that answers an agent, whatever the subject has become.
		answer, err := w.g.ReplyInThread(t.Context(), gateway.Caller{Name: "Ivan"}, thread, gateway.ReplyInput{Text: "Yes."})
		if err != nil {
			t.Fatal(err)
		}
		w.ingest("mail", mailed(addressOf(rapport.Email, 7), "thanks", "again3", references(foreign, rapport.KindMessage.Format(answer.Message)+"@shop.example"), func(in *channels.Incoming) { in.Subject = "Invoice" }))
		if e := w.last(thread); e.Text != "thanks" || e.MatchedBy != "references" {
			t.Errorf("%+v", e)
		}
	})
}

// Others may find their way into a thread: each stands there under their own name, and none of them speaks for the customer.
func TestIngest_GuestsAreNotTheCustomer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c, rows := w.mailedTo(2)
		token := tokens(w.g.ReplyToken(rows[0].ID))
		customers := func() int64 { n, _, _ := w.st.CountCustomers(t.Context()); return n }
		before := customers()

		// Somebody unknown has the reply address: from a forwarded mail, or because it leaked.
		w.ingest("mail", mailed("finder@example.org", "who is this?", "e1", token, func(in *channels.Incoming) {
			in.FromName = "Finder"
			in.Others = []channels.Person{{Name: "Friend", Address: "friend-of-finder@example.org"}}
		}))
		ts := w.threads()
		if len(ts) != 1 || ts[0].Customer != rows[0].Customer {
			t.Fatalf("%+v", ts)
		}
		thread := ts[0].ID
		e := w.last(thread)
		if meta(e, "unverified") != true || e.Author != "Finder" || !reflect.DeepEqual(meta(e, "sender"), map[string]any{"name": "Finder", "address": "finder@example.org"}) || e.Answers.Campaign != 0 {
			t.Errorf("%+v %s", e, e.Meta)
		}
		// The customer answers, with a colleague in copy.
		w.ingest("mail", mailed(addressOf(rapport.Email, 1), "My colleague knows", "e2", token, others(channels.Person{Name: "Cora", Address: "Cora@Example.org"}, channels.Person{Address: addressOf(rapport.Email, 1)})))
		if e := w.last(thread); meta(e, "unverified") != nil || e.Customer != rows[0].Customer || e.Answers.Campaign != c.ID {
			t.Errorf("%+v %s", e, e.Meta)
		}
		// The colleague has a part now, the finder and the finder's friend have none.
		for i, tt := range []struct {
			from       string
			unverified any
		}{{"cora@example.org", nil}, {"finder@example.org", true}, {"friend-of-finder@example.org", true}} {
			w.ingest("mail", mailed(tt.from, "hello", fmt.Sprint("g", i), references(messageID(rows[0]))))
			if e := w.last(thread); e.Text != "hello" || meta(e, "unverified") != tt.unverified || meta(e, "sender") == nil {
				t.Errorf("%s: %+v %s", tt.from, e, e.Meta)
			}
		}
		// Another customer of ours answers with the first one's token: in the first one's thread, as what they are.
		w.ingest("mail", mailed(addressOf(rapport.Email, 2), "I am another", "e3", token))
		if e := w.last(thread); e.Text != "I am another" || meta(e, "unverified") != true || e.Customer != rows[1].Customer {
			t.Errorf("%+v %s", e, e.Meta)
		}
		if n := customers(); n != before {
			t.Errorf("%d people in copy became customers", n-before)
		}
		if n := w.ledger(c); n.Replied != 1 || n.Unsubscribed != 0 {
			t.Errorf("replied %d, unsubscribed %d", n.Replied, n.Unsubscribed)
		}
		if replies, _, err := w.st.Replies(t.Context(), c.ID, store.ReadingFilter{}, store.Page{Limit: 10}); err != nil || len(replies) != 1 {
			t.Errorf("%d replies, %v", len(replies), err)
		}
		people, _, err := w.st.Participants(t.Context(), thread, "", 10)
		if err != nil || len(people) != 4 {
			t.Fatalf("%+v, %v", people, err)
		}
		for _, p := range people {
			if p.Known != (p.Name == "Cora") || p.Entry == 0 {
				t.Errorf("%+v", p)
			}
		}
		// Whoever writes for the first time, and answers nothing, is a customer of whom we know only that.
		w.ingest("mail", mailed("new@example.org", "hello", "e4"))
		if n := customers(); n != before+1 {
			t.Errorf("%d new customers", n-before)
		}
		// A stranger's stop is the stranger's own.
		w.ingest("mail", mailed("finder@example.org", "unsubscribe them all", "e5", token, func(in *channels.Incoming) { in.FromName, in.OptOut = "Finder", true }))
		if _, err := w.st.Suppression(t.Context(), rapport.Email, "finder@example.org"); err != nil {
			t.Errorf("the finder's stop binds nobody: %v", err)
		}
		if _, err := w.st.Suppression(t.Context(), rapport.Email, addressOf(rapport.Email, 1)); rapport.CodeOf(err) != rapport.CodeNotFound {
			t.Errorf("a stranger opted the customer out: %v", err)
		}
		if n := w.ledger(c); n.Unsubscribed != 0 {
			t.Errorf("unsubscribed %d", n.Unsubscribed)
		}
	})
}

func TestIngest_WhatTheReceivingServerFoundIsShown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		_, rows := w.mailedTo(1)
		checked := func(dmarc string) func(*channels.Incoming) {
			return func(in *channels.Incoming) {
				in.Checks = map[string]string{"spf": "fail", "dkim": "none", "dmarc": dmarc}
				in.Others = []channels.Person{{Address: dmarc + "@example.org"}}
				in.Quoted, in.Signature = "> Hello", "-- \nAnna"
			}
		}
		for i, tt := range []struct {
			dmarc      string
			unverified any
		}{{"pass", nil}, {"none", nil}, {"fail", true}} {
			w.ingest("mail", mailed(addressOf(rapport.Email, 1), "text", fmt.Sprint("e", i), tokens(w.g.ReplyToken(rows[0].ID)), checked(tt.dmarc)))
			e := w.last(w.threads()[0].ID)
			want := map[string]any{"spf": "fail", "dkim": "none", "dmarc": tt.dmarc}
			if meta(e, "unverified") != tt.unverified || !reflect.DeepEqual(meta(e, "checks"), want) || e.Quoted != "> Hello" || e.Signature != "-- \nAnna" {
				t.Errorf("%s: %+v %s", tt.dmarc, e, e.Meta)
			}
		}
		// Whom a doubtful mail brings in is not known for it.
		if part, err := w.st.HasPart(t.Context(), w.threads()[0].ID, "fail@example.org"); err != nil || part {
			t.Errorf("%t, %v", part, err)
		}
	})
}

// The mail as it came is kept, large or small, once.
func TestIngest_TheOriginalIsKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for i, size := range []int{10, 64 << 10, 700 << 10} {
			u := mailed("anna@example.org", "text", fmt.Sprint("e", i))
			u.Message.Raw = bytes.Repeat([]byte{'x', 0, 0xff, '\n'}, size/4+1)
			w.ingest("mail", u)
			w.ingest("mail", u, u)
			e := w.last(w.threads()[0].ID)
			f, err := w.st.File(t.Context(), e.Original)
			if err != nil || f.ContentType != "message/rfc822" || f.Size != int64(len(u.Message.Raw)) {
				t.Fatalf("%d: %+v, %v", size, f, err)
			}
			r, err := w.st.OpenFile(t.Context(), e.Original)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(r); err != nil || !bytes.Equal(b, u.Message.Raw) {
				t.Errorf("%d: %d bytes are left, %v", size, len(b), err)
			}
		}
		if n := len(w.entries(w.threads()[0].ID)); n != 3 {
			t.Errorf("%d entries", n)
		}
		// What was written ahead of a transaction that fails is gone.
		p, _ := w.hub.Provider("mail")
		u := mailed("anna@example.org", "text", "late")
		u.Message.Raw = bytes.Repeat([]byte("x"), 300<<10)
		fails := func() error { return fmt.Errorf("no") }
		if err := w.g.Ingest(t.Context(), p.Entry(), []channels.Update{u}, func(context.Context, *store.Store) error { return fails() }); err == nil {
			t.Error("it did not fail")
		}
		if broken, err := w.st.BrokenFiles(t.Context(), w.clock.now().Add(time.Hour)); err != nil || len(broken) != 0 {
			t.Errorf("%v, %v", broken, err)
		}
	})
}

func TestIngest_BrokenTextIsMended(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		u := mailed("anna@example.org", "a\x00b\xffc", "e\x001", func(in *channels.Incoming) {
			in.Subject, in.FromName, in.ProviderID, in.Quoted, in.HTML, in.InReplyTo, in.Checks = "\xff", "An\x00na", "id\x00", "\xfe", "<p>\x00</p>", []string{"\x00@\xff"}, map[string]string{"spf": "\xff\x00"}
			in.Others = []channels.Person{{Name: "\xff\x00", Address: "b\xff@example.org"}}
		})
		w.ingest("mail", u, u)
		es := w.entries(w.threads()[0].ID)
		if len(es) != 1 || es[0].Text != "a\uFFFDb\uFFFDc" || es[0].Author != "An\uFFFDna" {
			t.Errorf("%+v", es)
		}
	})
}

// Out of office and challenges: noted with the message that they are about, and nothing else happens.
func TestIngest_MachinesOpenNoThread(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c, rows := w.mailedTo(3)
		auto := func(kind channels.Auto) func(*channels.Incoming) {
			return func(in *channels.Incoming) { in.Auto, in.Subject = kind, "Out of office" }
		}
		receipts := func(m rapport.Message) (out []string) {
			rs, err := w.st.Receipts(t.Context(), m.ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rs {
				out = append(out, string(r.Kind)+" "+r.Reason)
				if r.Original == 0 {
					t.Errorf("no original of %+v", r)
				}
			}
			return out
		}
		w.ingest("mail", mailed(addressOf(rapport.Email, 1), "I am away", "e1", tokens(w.g.ReplyToken(rows[0].ID)), auto(channels.AutoReply)))
		w.ingest("mail", mailed("robot@example.org", "Click here", "e2", inReplyTo(messageID(rows[1])), auto(channels.AutoChallenge)))
		w.ingest("mail", mailed(addressOf(rapport.Email, 3), "I am away", "e3", auto(channels.AutoReply))) // names nothing
		w.ingest("mail", mailed("nobody@example.org", "I am away", "e4", auto(channels.AutoReply)))        // has nothing to do with us
		if ts := w.threads(); len(ts) != 0 {
			t.Errorf("%+v", ts)
		}
		for i, want := range []string{"auto_reply reply_token", "challenge in_reply_to", "auto_reply latest"} {
			if got := receipts(rows[i]); len(got) != 1 || got[0] != want {
				t.Errorf("%d: %v, want %s", i, got, want)
			}
		}
		if n := w.ledger(c); n.Replied != 0 || n.Sent != 3 {
			t.Errorf("%+v", *n)
		}
		if strays, err := w.st.StraysAbout(t.Context(), "nobody@example.org"); err != nil || len(strays) != 1 || strays[0].Original == 0 {
			t.Errorf("%+v, %v", strays, err)
		}
		if n, _, err := w.st.CountCustomers(t.Context()); err != nil || n != 3 {
			t.Errorf("%d customers, %v", n, err)
		}
		// Where there is a thread it stands there too, and leaves the status alone.
		w.ingest("mail", mailed(addressOf(rapport.Email, 1), "A question", "e5", tokens(w.g.ReplyToken(rows[0].ID))))
		th := w.threads()[0]
		for _, status := range []rapport.ThreadStatus{rapport.ThreadPending, rapport.ThreadResolved} {
			if _, err := w.st.PatchThread(t.Context(), th.ID, store.ThreadPatch{Status: &status}); err != nil {
				t.Fatal(err)
			}
			w.ingest("mail", mailed(addressOf(rapport.Email, 1), "Still away", "auto "+string(status), tokens(w.g.ReplyToken(rows[0].ID)), auto(channels.AutoReply)))
			now, err := w.st.Thread(t.Context(), th.ID)
			if e := w.last(th.ID); err != nil || now.Status != status || e.Text != "Still away" || meta(e, "auto") != "auto_reply" || e.Answers.Campaign != 0 {
				t.Errorf("%s: %+v %+v %v", status, now, e, err)
			}
		}
		// The timeline tells of them.
		items, _, err := w.st.Timeline(t.Context(), rows[1].Customer, store.Moment{}, 50)
		reports := 0
		for _, i := range items {
			if i.Report != nil && i.Report.Kind == rapport.ReceiptChallenge {
				reports++
			}
		}
		if err != nil || reports != 1 {
			t.Errorf("%d reports in %+v, %v", reports, items, err)
		}
	})
}

// What a report does depends on what it says, and on whether it proves which message it is about.
func TestIngest_ReportsFindMessageAndAddress(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		cases := []struct {
			name    string
			report  func(m rapport.Message, to string) channels.Receipted
			state   rapport.State
			because string // of the suppression; "": there is none
			scope   rapport.SuppressionScope
			stray   bool
		}{
			{"a hard bounce to the signed address", func(m rapport.Message, _ string) channels.Receipted {
				return channels.Receipted{Token: w.g.ReplyToken(m.ID), Kind: rapport.ReceiptBounced, Class: channels.BounceHard, Reason: "hard_bounce"}
			}, rapport.Failed, "hard_bounce", rapport.SuppressAll, false},
			{"one that names a forwarder's target", func(m rapport.Message, _ string) channels.Receipted {
				return channels.Receipted{Token: w.g.ReplyToken(m.ID), To: "target@example.org", Kind: rapport.ReceiptBounced}
			}, rapport.Failed, "hard_bounce", rapport.SuppressAll, false},
			{"our Message-ID and its address", func(m rapport.Message, to string) channels.Receipted {
				return channels.Receipted{ProviderID: messageID(m), To: strings.ToUpper(to), Kind: rapport.ReceiptBounced}
			}, rapport.Failed, "hard_bounce", rapport.SuppressAll, false},
			{"a Message-ID alone: ids can be guessed", func(m rapport.Message, _ string) channels.Receipted {
				return channels.Receipted{ProviderID: messageID(m), Kind: rapport.ReceiptBounced}
			}, rapport.Sent, "", "", true},
			{"a Message-ID and another address", func(m rapport.Message, _ string) channels.Receipted {
				return channels.Receipted{MessageID: m.ID, To: "victim@example.org", Kind: rapport.ReceiptBounced, Suppress: true}
			}, rapport.Sent, "", "", true},
			{"an address alone", func(_ rapport.Message, to string) channels.Receipted {
				return channels.Receipted{To: to, Kind: rapport.ReceiptBounced, Class: channels.BounceHard}
			}, rapport.Sent, "", "", true},
			{"a forged token", func(_ rapport.Message, to string) channels.Receipted {
				return channels.Receipted{Token: strings.Repeat("0", 42), To: to, Kind: rapport.ReceiptBounced, Class: channels.BounceHard}
			}, rapport.Sent, "", "", true},
			{"a soft bounce", func(m rapport.Message, _ string) channels.Receipted {
				return channels.Receipted{Token: w.g.ReplyToken(m.ID), Kind: rapport.ReceiptFailed, Class: channels.BounceSoft, Reason: "mailbox_full"}
			}, rapport.Failed, "", "", false},
			{"a delay", func(m rapport.Message, _ string) channels.Receipted {
				return channels.Receipted{Token: w.g.ReplyToken(m.ID), Kind: rapport.ReceiptDelayed}
			}, rapport.Sent, "", "", false},
			{"policy says nothing of the address", func(m rapport.Message, _ string) channels.Receipted {
				return channels.Receipted{Token: w.g.ReplyToken(m.ID), Kind: rapport.ReceiptBounced, Class: channels.BouncePolicy, Reason: "policy"}
			}, rapport.Failed, "", "", false},
			{"a complaint", func(m rapport.Message, _ string) channels.Receipted {
				return channels.Receipted{Token: w.g.ReplyToken(m.ID), Kind: rapport.ReceiptComplaint}
			}, rapport.Delivered, "complaint", rapport.SuppressMarketing, false},
			{"a complaint that proves nothing", func(m rapport.Message, _ string) channels.Receipted {
				return channels.Receipted{ProviderID: messageID(m), Kind: rapport.ReceiptComplaint}
			}, rapport.Sent, "", "", true},
		}
		c, rows := w.mailedTo(len(cases))
		for i, tt := range cases {
			to := addressOf(rapport.Email, i+1)
			r := tt.report(rows[i], to)
			r.Channel, r.Raw = rapport.Email, []byte("To: <"+to+">\r\n\r\nSorry.")
			for n := range 2 { // mail servers repeat themselves
				w.ingest("mail", channels.Update{EventID: fmt.Sprint(i, n), Receipt: &r})
			}
			m, err := w.st.Message(t.Context(), rows[i].ID)
			if err != nil || m.State != tt.state {
				t.Errorf("%s: the message is %s, %v", tt.name, m.State, err)
			}
			x, err := w.st.Suppression(t.Context(), rapport.Email, to)
			if err != nil && rapport.CodeOf(err) != rapport.CodeNotFound || x.Reason != tt.because || x.Scope != tt.scope && tt.because != "" {
				t.Errorf("%s: suppressed %+v, %v", tt.name, x, err)
			}
			rs, err := w.st.Receipts(t.Context(), rows[i].ID)
			if err != nil || tt.stray != (len(rs) == 0) || !tt.stray && (rs[0].Original == 0 || rs[0].Kind != r.Kind) {
				t.Errorf("%s: %+v, %v", tt.name, rs, err)
			}
		}
		for _, unharmed := range []string{"target@example.org", "victim@example.org"} {
			if _, err := w.st.Suppression(t.Context(), rapport.Email, unharmed); rapport.CodeOf(err) != rapport.CodeNotFound {
				t.Errorf("%s: %v", unharmed, err)
			}
		}
		if ts := w.threads(); len(ts) != 0 {
			t.Errorf("reports opened threads: %+v", ts)
		}
		complaint := rows[10]
		if es, err := w.st.Engagements(t.Context(), complaint.ID); err != nil || len(es) != 1 || es[0].Kind != rapport.Complained {
			t.Errorf("%+v, %v", es, err)
		}
		history, _, err := w.st.Consents(t.Context(), complaint.Customer, store.Page{Limit: 10})
		if err != nil || history[0].Granted || history[0].Source != "complaint" || history[0].Proof != rapport.KindMessage.Format(complaint.ID) {
			t.Errorf("%+v, %v", history, err)
		}
		w.agree(c)
	})
}

func TestIngest_SoftBouncesAddUp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		to := addressOf(rapport.Email, 1)
		bounce := func(n int, again bool) rapport.Message {
			_, rows := w.mailedTo(1)
			for k := range 2 {
				if k == 0 || again { // the same message twice is one
					w.ingest("mail", channels.Update{EventID: fmt.Sprint(n, "-", k), Receipt: &channels.Receipted{Token: w.g.ReplyToken(rows[0].ID), Kind: rapport.ReceiptFailed, Class: channels.BounceSoft}})
				}
			}
			return rows[0]
		}
		suppressed := func() string {
			x, err := w.st.Suppression(t.Context(), rapport.Email, to)
			if err != nil && rapport.CodeOf(err) != rapport.CodeNotFound {
				t.Fatal(err)
			}
			return x.Reason
		}
		for n := range 4 {
			bounce(n, true)
		}
		_, rows := w.mailedTo(1) // one arrives, and they begin anew
		w.clock.forward(time.Second)
		w.ingest("mail", mailed(to, "Thank you", "answer", tokens(w.g.ReplyToken(rows[0].ID))))
		w.clock.forward(time.Second)
		for n := range 4 {
			bounce(10+n, false)
		}
		if r := suppressed(); r != "" {
			t.Fatalf("suppressed after four: %s", r)
		}
		w.clock.forward(15 * 24 * time.Hour) // those are forgotten
		for n := range 4 {
			bounce(20+n, false)
		}
		if r := suppressed(); r != "" {
			t.Fatalf("suppressed after four within two weeks: %s", r)
		}
		bounce(30, false)
		if r := suppressed(); r != "repeated_soft_bounce" {
			t.Errorf("after five: %q", r)
		}
	})
}

// A bounce that comes when all seemed well fails the message, and the next channel has its turn.
func TestIngest_LateBounceGoesOnToTheNextChannel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c := w.campaign(persons(1, rapport.Email, rapport.SMS), routed(rapport.Fallback, rapport.Email, rapport.SMS))
		w.status(c, rapport.CampaignFinished)
		w.ingest("mail", channels.Update{EventID: "late", Receipt: &channels.Receipted{Token: w.g.ReplyToken(w.only(c).ID), Kind: rapport.ReceiptBounced, Class: channels.BounceHard}})
		w.until("the SMS is sent", func() bool { return w.states(c)["sent"] == 1 })
		w.want(c, "sent=1 failed=1")
	})
}

func reopening(set *gateway.Settings) {
	set.ReopenWithin = map[rapport.Channel]time.Duration{rapport.Email: 7 * 24 * time.Hour, rapport.SMS: 24 * time.Hour}
}

func TestIngest_ReopensOrBeginsAnewByChannel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		_, rows := w.mailedTo(1)
		token := tokens(w.g.ReplyToken(rows[0].ID))
		resolve := func(id rapport.ID, status rapport.ThreadStatus) {
			t.Helper()
			if _, err := w.st.PatchThread(t.Context(), id, store.ThreadPatch{Status: &status}); err != nil {
				t.Fatal(err)
			}
		}
		from, event := addressOf(rapport.Email, 1), 0
		write := func(text string, change ...func(*channels.Incoming)) rapport.Thread {
			t.Helper()
			event++
			w.ingest("mail", mailed(from, text, fmt.Sprint("e", event), change...))
			return w.threads()[0]
		}
		first := write("question", token)
		resolve(first.ID, rapport.ThreadResolved)
		w.clock.forward(6 * 24 * time.Hour)
		if th := write("thanks", token); th.ID != first.ID || th.Status != rapport.ThreadOpen {
			t.Errorf("within the time: %+v", th)
		}
		resolve(first.ID, rapport.ThreadResolved)
		w.clock.forward(8 * 24 * time.Hour)
		second := write("back again", token)
		es := w.entries(second.ID)
		if second.ID == first.ID || len(es) != 2 || es[0].Kind != rapport.Happened || meta(es[0], "earlier") != rapport.KindThread.Format(first.ID) || es[1].Answers.Message != rows[0].ID {
			t.Errorf("after it: %+v", es)
		}
		if old, err := w.st.Thread(t.Context(), first.ID); err != nil || old.Status != rapport.ThreadResolved {
			t.Errorf("%+v, %v", old, err)
		}
		if th := write("and", token); th.ID != second.ID {
			t.Errorf("the next one began a thread of its own: %+v", th)
		}
		if th := write("and", inReplyTo("in-e1@example.net")); th.ID != second.ID {
			t.Errorf("one that answers the old thread: %+v", th)
		}
		// A mail that refers to nothing is a new matter once all is resolved.
		resolve(second.ID, rapport.ThreadResolved)
		third := write("something else")
		if third.ID == second.ID {
			t.Errorf("%+v", third)
		}
		// Spam swallows.
		resolve(third.ID, "spam")
		write("buy", inReplyTo("in-e6@example.net"))
		if th, e := w.thread(third.ID), w.last(third.ID); th.Status != rapport.ThreadSpam || e.Text != "buy" {
			t.Errorf("%+v %+v", th, e)
		}

		// In a chat nothing says that a new matter begins.
		sms := func(text string) rapport.Thread {
			event++
			w.ingest("sms", reply(rapport.SMS, "+37120000042", text, fmt.Sprint("s", event)))
			return w.threads()[0]
		}
		chat := sms("hello")
		resolve(chat.ID, rapport.ThreadResolved)
		w.clock.forward(23 * time.Hour)
		if th := sms("one more"); th.ID != chat.ID || th.Status != rapport.ThreadOpen {
			t.Errorf("%+v", th)
		}
		resolve(chat.ID, rapport.ThreadResolved)
		w.clock.forward(25 * time.Hour)
		if th := sms("and now"); th.ID == chat.ID {
			t.Errorf("%+v", th)
		}
	}, reopening)
}

// The pictures of an album come one by one, from several callers, and are one entry.
func TestIngest_AnAlbumIsOneEntry(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.ingest("chat", reply(rapport.Telegram, "77", "hello", "before"))
		p, _ := w.hub.Provider("chat")
		var all sync.WaitGroup
		for i := range 4 {
			u := reply(rapport.Telegram, "77", "", fmt.Sprint("e", i))
			u.Message.Album = "album"
			if i == 2 {
				u.Message.Text = "My garden"
			}
			u.Message.Attachments = []channels.Attachment{{Name: fmt.Sprint(i, ".txt"), Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(fmt.Sprint("picture ", i))), nil }}}
			all.Go(func() {
				if err := w.g.Ingest(t.Context(), p.Entry(), []channels.Update{u}, nil); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		thread := w.threads()[0].ID
		w.until("all four are there", func() bool { return len(w.last(thread).Files) == 4 })
		if es := w.entries(thread); len(es) != 2 || es[1].Text != "My garden" {
			t.Errorf("%+v", es)
		}
		w.clock.forward(2 * time.Minute)
		late := reply(rapport.Telegram, "77", "", "late")
		late.Message.Album = "album"
		w.ingest("chat", late)
		if es := w.entries(thread); len(es) != 3 {
			t.Errorf("%d entries", len(es))
		}
	})
}

// The same mail by two doors, out of two folders, or twice by one.
func TestIngest_OneMailByManyDoorsIsOneEntry(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p, _ := w.hub.Provider("mail")
		var doors sync.WaitGroup
		for range 6 {
			doors.Go(func() {
				u := mailed("anna@example.org", "text", "sha256 of it")
				u.Message.Raw = bytes.Repeat([]byte("x"), 100<<10)
				if err := w.g.Ingest(t.Context(), p.Entry(), []channels.Update{u}, nil); err != nil {
					t.Error(err)
				}
			})
		}
		doors.Wait()
		ts := w.threads()
		if len(ts) != 1 || len(w.entries(ts[0].ID)) != 1 {
			t.Fatalf("%+v", ts)
		}
		if broken, err := w.st.BrokenFiles(t.Context(), w.clock.now().Add(time.Hour)); err != nil || len(broken) != 0 {
			t.Errorf("%v, %v", broken, err)
		}
	})
}

// Two installations that answer whatever they get exchange at most two mails, also when the other side hides what it is.
func TestAutoAnswer_LoopsStop(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for _, tt := range []struct {
			name, header string
		}{
			{"says what it is", "Auto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\n"},
			{"hides what it is", ""},
		} {
			mails := 0
			from := strings.ReplaceAll(tt.name, " ", "-") + "@example.org"
			header := "" // a person begins
			for round := range 10 {
				u := mailed(from, "text", fmt.Sprint(tt.name, round))
				u.Message.Raw = []byte("From: " + from + "\r\n" + header + "Subject: x\r\n\r\nList-Id: not a header\r\n")
				w.ingest("mail", u)
				if round > 0 {
					mails++
				}
				a, err := w.st.AddressOf(t.Context(), rapport.Email, from)
				if err != nil {
					t.Fatal(err)
				}
				may, err := w.g.MayAutoAnswer(t.Context(), w.st, u.Message, a, fmt.Sprint("kind ", w.clock.now().UnixNano()))
				if err != nil {
					t.Fatal(err)
				}
				if !may {
					break
				}
				mails++
				header = tt.header
				w.clock.forward(time.Minute)
			}
			if mails != 2 {
				t.Errorf("%s: %d mails", tt.name, mails)
			}
		}
		// The next day somebody who writes may be answered again.
		w.clock.forward(25 * time.Hour)
		u := mailed("hides-what-it-is@example.org", "text", "next day")
		a, err := w.st.AddressOf(t.Context(), rapport.Email, u.Message.From)
		if err != nil {
			t.Fatal(err)
		}
		if may, err := w.g.MayAutoAnswer(t.Context(), w.st, u.Message, a, fmt.Sprint("kind ", w.clock.now().UnixNano())); err != nil || !may {
			t.Errorf("%t, %v", may, err)
		}
		for _, never := range []*channels.Incoming{{Channel: rapport.Email, From: "x@example.org", Auto: channels.AutoReply}, {Channel: rapport.SMS, From: "+1", Auto: channels.AutoReply}} {
			if may, err := w.g.MayAutoAnswer(t.Context(), w.st, never, rapport.Address{ID: 5}, ""); err != nil || may {
				t.Errorf("%+v: %t, %v", never, may, err)
			}
		}
	})
}

func TestMachineMade_ByHeader(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{
		"Auto-Submitted: auto-replied":                    true,
		"auto-submitted: auto-generated; owner=x":         true,
		"Auto-Submitted: No":                              false,
		"Precedence: Bulk":                                true,
		"Precedence: list":                                true,
		"Precedence: normal":                              false,
		"Return-Path: <>":                                 true,
		"Return-Path: <anna@example.org>":                 false,
		"List-Id: <news.example.org>":                     true,
		"LIST-UNSUBSCRIBE: <https://example.org>":         true,
		"X-Auto-Response-Suppress: OOF, DR":               true,
		"X-Loop: anna@example.org":                        true,
		"Subject: List-Id: x":                             false,
		"Subject: x\r\n Precedence: bulk":                 false,
		"X-Long: " + strings.Repeat("x", 200<<10):         false,
		"To: a@example.org\r\n\r\nAuto-Submitted: yes":    false,
		"no colon\r\nAuto-Submitted : auto-replied\r\n\r": true,
		"\n": false,
		"":   false,
	} {
		if got := gateway.MachineMade([]byte("From: x@example.org\r\n" + header)); got != want {
			t.Errorf("%.60q: %t", header, got)
		}
	}
}
