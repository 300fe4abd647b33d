package gateway_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/gateway"
	"rapport/store"
)

// post keeps what the email carrier was given.
func (w *world) post() func() []channels.Outgoing {
	var sent []channels.Outgoing
	w.email.behave(func(_ int, o *channels.Outgoing) (bool, *channels.Verdict) {
		kept := *o
		kept.Subject, kept.Text, kept.HTML = channels.Text(o.Subject.String()), channels.Text(o.Text.String()), channels.Text(o.HTML.String())
		kept.References, kept.Copies, kept.Attachments = slices.Clone(o.References), slices.Clone(o.Copies), slices.Clone(o.Attachments)
		sent = append(sent, kept) // under the carrier's caller: one at a time in these tests
		return true, nil
	})
	return func() []channels.Outgoing { return sent }
}

// mailThread is a thread that a customer began by mail, with Cora in copy.
func (w *world) mailThread() (rapport.Thread, rapport.Message) {
	w.t.Helper()
	_, rows := w.mailedTo(1)
	w.ingest("mail", mailed(addressOf(rapport.Email, 1), "Where is my order?", "q1", tokens(w.g.ReplyToken(rows[0].ID)), others(channels.Person{Name: "Cora", Address: "cora@work.example"})))
	return w.threads()[0], rows[0]
}

func (w *world) sentIn(e *rapport.Entry) {
	w.t.Helper()
	w.until("it is sent", func() bool { s := w.state(e); return s == rapport.Sent || s == rapport.Delivered })
}

// refusals are the fields that an error names.
func refusals(err error) (paths []string) {
	if e, ok := errors.AsType[*rapport.Error](err); ok {
		for _, f := range e.Fields {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

func TestReply_CopiesGoWithTheAnswer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th, _ := w.mailThread()
		all, err := w.st.Known(t.Context(), th.ID, 20)
		if err != nil || len(all) != 1 || all[0].Address != "cora@work.example" {
			t.Fatalf("an answer to all goes to %+v, %v", all, err)
		}
		post := w.post()
		e := w.answer(th.ID, gateway.ReplyInput{Text: "On its way.", Cc: []string{"Cora@Work.example", "dan@work.example"}, Bcc: []string{"boss@shop.example"}})
		w.sentIn(e)
		got := post()[0]
		want := []channels.Copy{{Field: channels.CopyCc, Address: "Cora@work.example"}, {Field: channels.CopyCc, Address: "dan@work.example"}, {Field: channels.CopyBcc, Address: "boss@shop.example"}}
		if got.To != addressOf(rapport.Email, 1) || !slices.Equal(got.Copies, want) {
			t.Errorf("to %s, copies %v", got.To, got.Copies)
		}
		kept := w.last(th.ID)
		if kept.Aside || !reflect.DeepEqual(kept.Copies, rapport.Recipients{Cc: []string{"Cora@work.example", "dan@work.example"}, Bcc: []string{"boss@shop.example"}}) {
			t.Errorf("%+v", kept)
		}
		if now := w.thread(th.ID); now.Status != rapport.ThreadPending || !now.WaitingSince.IsZero() {
			t.Errorf("%+v", now)
		}
		// Whom we named has a part; a blind copy is nobody's business.
		w.ingest("mail", mailed("dan@work.example", "Thank you", "d1", tokens(w.g.ReplyToken(e.Message))))
		if d := w.last(th.ID); d.Text != "Thank you" || d.Aside || meta(d, "unverified") != nil || meta(d, "sender") == nil {
			t.Errorf("%+v %s", d, d.Meta)
		}
		all, err = w.st.Known(t.Context(), th.ID, 20)
		var names []string
		for _, p := range all {
			names = append(names, strings.ToLower(p.Address))
		}
		if err != nil || !slices.Equal(names, []string{"cora@work.example", "dan@work.example"}) {
			t.Errorf("an answer to all goes to %v, %v", names, err)
		}
	})
}

func TestReply_CopiesThatCannotGoAreRefusedEachByName(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th, _ := w.mailThread()
		if err := w.st.Suppress(t.Context(), []rapport.Suppression{{Channel: rapport.Email, Address: "gone@work.example", Reason: "hard_bounce", Scope: rapport.SuppressAll}}); err != nil {
			t.Fatal(err)
		}
		own := addressOf(rapport.Email, 1)
		for _, tt := range []struct {
			name string
			in   gateway.ReplyInput
			path string
			says string
		}{
			{"no address", gateway.ReplyInput{Cc: []string{"dan@work.example", "dan"}}, "cc[1]", ""},
			{"suppressed", gateway.ReplyInput{Bcc: []string{"Gone@work.example"}}, "bcc[0]", "suppressed"},
			{"twice", gateway.ReplyInput{Cc: []string{"dan@work.example"}, Bcc: []string{"DAN@work.example"}}, "bcc[0]", "twice"},
			{"the customer", gateway.ReplyInput{Cc: []string{own}}, "cc[0]", "customer"},
			{"the customer instead of the customer", gateway.ReplyInput{To: []string{own}}, "to[0]", "customer"},
			{"too many", gateway.ReplyInput{Cc: make([]string, 21)}, "cc", "more than 20"},
			{"a header in an address", gateway.ReplyInput{Cc: []string{"a@b.example>\r\nBcc: c@d.example"}}, "cc[0]", ""},
			{"another channel", gateway.ReplyInput{Channel: rapport.SMS, Cc: []string{"dan@work.example"}}, "cc", "email alone"},
		} {
			tt.in.Text = "Hello"
			_, err := w.g.ReplyInThread(t.Context(), gateway.Caller{}, th.ID, tt.in)
			if rapport.CodeOf(err) != rapport.CodeInvalid || !slices.Equal(refusals(err), []string{tt.path}) || !strings.Contains(fieldsOf(err), tt.says) {
				t.Errorf("%s: %v, %s", tt.name, err, fieldsOf(err))
			}
		}
		if n := len(w.entries(th.ID)); n != 1 {
			t.Errorf("%d entries", n)
		}
	})
}

func fieldsOf(err error) string {
	var b strings.Builder
	if e, ok := errors.AsType[*rapport.Error](err); ok {
		for _, f := range e.Fields {
			b.WriteString(f.Path + ": " + f.Message + "\n")
		}
	}
	return b.String()
}

func TestForward_TheCustomerNeitherSeesItNorIsAnswered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th, _ := w.mailThread()
		asked := w.last(th.ID)
		file, err := w.st.KeepFile(t.Context(), "photo.txt", "text/plain", strings.NewReader("broken"), 100)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.st.AttachFile(t.Context(), asked.ID, file.ID); err != nil {
			t.Fatal(err)
		}
		before := w.thread(th.ID)
		post := w.post()
		f, err := w.g.Forward(t.Context(), gateway.Caller{Name: "Ivan"}, asked.ID, gateway.ForwardInput{To: []string{"supplier@parts.example"}, Text: "Can you look?"})
		if err != nil {
			t.Fatal(err)
		}
		w.sentIn(f)
		got := post()[0]
		if got.To != "supplier@parts.example" || len(got.Copies) != 0 || !strings.HasPrefix(got.Subject.String(), "Fwd: ") || len(got.References) != 0 || len(got.Attachments) != 1 {
			t.Errorf("to %s, %q, references %v, %d files", got.To, got.Subject, got.References, len(got.Attachments))
		}
		if text := got.Text.String(); !strings.HasPrefix(text, "Can you look?\n\n---------- Forwarded message ---------\nFrom: ") || !strings.Contains(text, "Where is my order?") {
			t.Errorf("it says:\n%s", text)
		}
		kept := w.last(th.ID)
		if !kept.Aside || kept.Forwarded != asked.ID || kept.Kind != rapport.Outbound || !slices.Equal(kept.Copies.To, []string{"supplier@parts.example"}) {
			t.Errorf("%+v", kept)
		}
		w.until("its end is worked out", func() bool { ids, err := w.st.Ended(t.Context(), 0, 10); return err == nil && len(ids) == 0 })
		if now := w.thread(th.ID); now.Status != rapport.ThreadOpen || !now.WaitingSince.Equal(before.WaitingSince) || now.Preview != before.Preview || len(w.responses()) != 0 {
			t.Errorf("%+v, %d responses", now, len(w.responses()))
		}

		// The supplier's answer joins the thread, as theirs.
		w.ingest("mail", mailed("supplier@parts.example", "Secret price: 5", "s1", tokens(w.g.ReplyToken(f.Message))))
		said := w.last(th.ID)
		if len(w.threads()) != 1 || said.Text != "Secret price: 5" || !said.Aside || meta(said, "sender") == nil || meta(said, "unverified") != nil || said.Answers.Campaign != 0 {
			t.Fatalf("%+v %s", said, said.Meta)
		}
		if now := w.thread(th.ID); !now.Unread || !now.WaitingSince.Equal(before.WaitingSince) || now.Preview != before.Preview {
			t.Errorf("%+v", now)
		}
		if all, err := w.st.Known(t.Context(), th.ID, 20); err != nil || len(all) != 1 || all[0].Name != "Cora" {
			t.Errorf("an answer to all goes to %+v, %v", all, err)
		}

		// We go on with the supplier where we left them, and the customer hears nothing of it.
		more := w.answer(th.ID, gateway.ReplyInput{Text: "Too much.", To: []string{"supplier@parts.example"}})
		w.sentIn(more)
		got = post()[1]
		if got.To != "supplier@parts.example" || got.InReplyTo != "in-s1@example.net" || !slices.Contains(got.References, rapport.KindMessage.Format(f.Message)) || !strings.Contains(got.Text.String(), "> Secret price: 5") {
			t.Errorf("to %s, in reply to %s, %v\n%s", got.To, got.InReplyTo, got.References, got.Text)
		}
		w.clock.forward(time.Minute)
		final := w.answer(th.ID, gateway.ReplyInput{Text: "It comes tomorrow."})
		w.sentIn(final)
		got = post()[2]
		if text := got.Text.String(); got.To != addressOf(rapport.Email, 1) || strings.Contains(text, "price") || !strings.Contains(text, "> Where is my order?") ||
			slices.Contains(got.References, rapport.KindMessage.Format(f.Message)) || slices.Contains(got.References, "in-s1@example.net") || got.InReplyTo != "in-q1@example.net" {
			t.Errorf("to %s, %v\n%s", got.To, got.References, text)
		}
		if rs := w.responses(); len(rs) != 1 || rs[0].Kind != rapport.FirstReply || rs[0].Waited < time.Minute {
			t.Errorf("%+v", rs)
		}
	})
}

func TestForward_WhatCannotBe(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th, _ := w.mailThread()
		note, err := w.g.AddNote(t.Context(), gateway.Caller{Name: "Ivan"}, th.ID, "for us", "")
		if err != nil {
			t.Fatal(err)
		}
		to := []string{"supplier@parts.example"}
		for name, tt := range map[string]struct {
			entry rapport.ID
			in    gateway.ForwardInput
			code  rapport.Code
		}{
			"to nobody":       {w.entries(th.ID)[0].ID, gateway.ForwardInput{}, rapport.CodeInvalid},
			"a note":          {note.ID, gateway.ForwardInput{To: to}, rapport.CodeConflict},
			"none":            {7, gateway.ForwardInput{To: to}, rapport.CodeNotFound},
			"to the customer": {w.entries(th.ID)[0].ID, gateway.ForwardInput{To: []string{addressOf(rapport.Email, 1)}}, rapport.CodeInvalid},
			"unfilled":        {w.entries(th.ID)[0].ID, gateway.ForwardInput{To: to, Text: "{{ x }}"}, rapport.CodeInvalid},
		} {
			if _, err := w.g.Forward(t.Context(), gateway.Caller{}, tt.entry, tt.in); rapport.CodeOf(err) != tt.code {
				t.Errorf("%s: %v", name, err)
			}
		}
		// Taken back, it is as if nobody had been asked.
		f, err := w.g.Forward(t.Context(), gateway.Caller{}, w.entries(th.ID)[0].ID, gateway.ForwardInput{To: to, UndoFor: "1h"})
		if err != nil {
			t.Fatal(err)
		}
		if e, err := w.g.TakeBack(t.Context(), gateway.Caller{}, th.ID, f.ID); err != nil || w.state(&e) != rapport.Cancelled {
			t.Errorf("%v", err)
		}
		if now := w.thread(th.ID); now.Status != rapport.ThreadOpen || now.WaitingSince.IsZero() {
			t.Errorf("%+v", now)
		}
	})
}

// A report about a copy says nothing of the customer, whose address it would have ended.
func TestReceipt_ACopyThatComesBackIsNotTheCustomers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th, _ := w.mailThread()
		e := w.answer(th.ID, gateway.ReplyInput{Text: "Hello", Cc: []string{"dan@work.example"}})
		w.sentIn(e)
		bounce := func(event, to string) {
			w.ingest("mail", channels.Update{EventID: event, Receipt: &channels.Receipted{Channel: rapport.Email, To: to, Kind: rapport.ReceiptBounced, Class: channels.BounceHard,
				Reason: "no_such_user", Token: w.g.ReplyToken(e.Message), Suppress: true}})
		}
		bounce("b1", "dan@work.example")
		if s := w.state(e); s != rapport.Sent {
			t.Errorf("the answer is %s", s)
		}
		suppressed := func(address string) bool {
			_, err := w.st.Suppression(t.Context(), rapport.Email, address)
			return err == nil
		}
		if suppressed(addressOf(rapport.Email, 1)) || !suppressed("dan@work.example") || !w.says(th.ID, "A copy to dan@work.example came back: no_such_user.") || !w.thread(th.ID).Unread {
			t.Errorf("suppressed: customer %t, copy %t", suppressed(addressOf(rapport.Email, 1)), suppressed("dan@work.example"))
		}
		bounce("b2", "somebody@elsewhere.example") // behind a copy's forwarder, or behind the customer's: nobody can say
		if suppressed(addressOf(rapport.Email, 1)) || suppressed("somebody@elsewhere.example") {
			t.Error("suppressed by a report about nobody")
		}
		bounce("b3", addressOf(rapport.Email, 1))
		if !suppressed(addressOf(rapport.Email, 1)) || w.state(e) != rapport.Failed {
			t.Errorf("the customer's own bounce: %s", w.state(e))
		}
	})
}

func TestErase_TakesForwardsAndCopiesAlong(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th, _ := w.mailThread()
		waiting, err := w.g.Forward(t.Context(), gateway.Caller{}, w.last(th.ID).ID, gateway.ForwardInput{To: []string{"supplier@parts.example"}, UndoFor: "1h"})
		if err != nil {
			t.Fatal(err)
		}
		said := func(e *rapport.Entry) string {
			m, err := w.st.Message(t.Context(), e.Message)
			if err != nil {
				t.Fatal(err)
			}
			c, err := w.st.Campaign(t.Context(), m.Campaign)
			if err != nil {
				t.Fatal(err)
			}
			return string(c.Inline)
		}
		copied := w.answer(th.ID, gateway.ReplyInput{Text: "Hello", Cc: []string{"supplier@parts.example", "dan@work.example"}})
		w.sentIn(copied)
		supplier, err := w.st.AddressOf(t.Context(), rapport.Email, "supplier@parts.example")
		if err != nil || !strings.Contains(said(waiting), "Where is my order?") || !strings.Contains(said(copied), "supplier@") {
			t.Fatal(err)
		}
		if err := w.st.DeleteCustomer(t.Context(), supplier.Customer); err != nil {
			t.Fatal(err)
		}
		left, err := w.st.Entry(t.Context(), copied.ID)
		if err != nil || !slices.Equal(left.Copies.Cc, []string{"dan@work.example"}) || strings.Contains(said(copied), "supplier@") || !strings.Contains(said(copied), "dan@") {
			t.Errorf("%+v, %v: %s", left.Copies, err, said(copied))
		}
		if part, err := w.st.HasPart(t.Context(), th.ID, "supplier@parts.example"); err != nil || part {
			t.Errorf("%t, %v", part, err)
		}

		again, err := w.g.Forward(t.Context(), gateway.Caller{}, w.entries(th.ID)[0].ID, gateway.ForwardInput{To: []string{"other@parts.example"}, UndoFor: "1h"})
		if err != nil || !strings.Contains(said(again), "Where is my order?") {
			t.Fatal(err)
		}
		if err := w.st.DeleteCustomer(t.Context(), th.Customer); err != nil {
			t.Fatal(err)
		}
		if s := w.state(again); s != rapport.Cancelled || strings.Contains(said(again), "order") || strings.Contains(said(waiting), "order") {
			t.Errorf("%s: %s", s, said(again))
		}
	})
}

func TestSplit_TakesParticipantsAlong(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th, row := w.mailThread()
		token := tokens(w.g.ReplyToken(row.ID))
		w.ingest("mail", mailed(addressOf(rapport.Email, 1), "And another thing", "q2", token, others(channels.Person{Address: "cora@work.example"}, channels.Person{Address: "eve@work.example"})))
		second := w.last(th.ID)
		w.ingest("mail", mailed(addressOf(rapport.Email, 1), "Back to the first", "q3", token, others(channels.Person{Address: "fred@work.example"})))
		people := func(thread rapport.ID) string {
			all, _, err := w.st.Participants(t.Context(), thread, "", 10)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, p := range all {
				name, _, _ := strings.Cut(p.Address, "@")
				names = append(names, name)
			}
			return strings.Join(names, " ")
		}
		fresh, err := w.g.SplitThread(t.Context(), gateway.Caller{}, th.ID, gateway.SplitInput{Entries: []string{rapport.KindEntry.Format(second.ID)}})
		if err != nil {
			t.Fatal(err)
		}
		expect := func(when, old, new string) {
			t.Helper()
			if got := people(th.ID); got != old {
				t.Errorf("%s: the old thread has %q, want %q", when, got, old)
			}
			if got := people(fresh.ID); got != new {
				t.Errorf("%s: the new thread has %q, want %q", when, got, new)
			}
		}
		expect("after the split", "cora fred", "cora eve")
		if _, err := w.g.MergeThread(t.Context(), gateway.Caller{}, fresh.ID, th.ID); err != nil {
			t.Fatal(err)
		}
		expect("after the merge", "cora eve fred", "cora eve")
		if part, err := w.st.HasPart(t.Context(), th.ID, "eve@work.example"); err != nil || !part {
			t.Errorf("%t, %v", part, err)
		}
		if _, err := w.g.UnmergeThread(t.Context(), gateway.Caller{}, fresh.ID); err != nil {
			t.Fatal(err)
		}
		expect("after the merge was undone", "cora fred", "cora eve")
		if _, _, err := w.st.Participants(t.Context(), fresh.ID, "", 1); err != nil {
			t.Error(err)
		}
	})
}

func TestReply_QuotesWhatAPersonSaid(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th, m := w.mailThread()
		w.ingest("mail", mailed(addressOf(rapport.Email, 1), "I am away", "a1", tokens(w.g.ReplyToken(m.ID)), func(in *channels.Incoming) { in.Auto = channels.AutoReply }))
		w.ingest("mail", channels.Update{EventID: "b1", Receipt: &channels.Receipted{Kind: rapport.ReceiptBounced, Channel: rapport.Email, To: "gone@work.example", Code: "5.1.1", Detail: "550 no such user", Class: channels.BounceHard, Raw: []byte("From: x\r\n\r\nbounce")}})
		strays, _, err := w.st.Strays(t.Context(), "", time.Time{}, store.Page{Limit: 2})
		if err != nil || len(strays) != 1 {
			t.Fatalf("%+v, %v", strays, err)
		}
		if _, err := w.g.AttachStray(t.Context(), gateway.Caller{}, strays[0].ID, th.ID); err != nil {
			t.Fatal(err)
		}
		if n := len(w.entries(th.ID)); n != 3 {
			t.Fatalf("%d entries, want the question, the absence and the report", n)
		}
		post := w.post()
		w.sentIn(w.answer(th.ID, gateway.ReplyInput{Text: "On its way."}))
		if got := post()[0].Text.String(); !strings.Contains(got, "> Where is my order?") || strings.Contains(got, "away") || strings.Contains(got, "no such user") {
			t.Errorf("the answer says:\n%s", got)
		}
	})
}
