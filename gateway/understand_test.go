package gateway_test

import (
	"testing"

	"rapport"
	"rapport/channels"
	"rapport/gateway"
	"rapport/store"
)

func (w *world) taken(e rapport.Entry) rapport.Understanding {
	w.t.Helper()
	all, err := w.st.Readings(w.t.Context(), []rapport.Entry{e})
	if err != nil {
		w.t.Fatal(err)
	}
	return all[e.ID]
}

func TestIngest_RepliesAreReadAndAPersonsWordStands(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c, rows := w.mailedTo(3)
		say := func(n int, text, event string, change ...func(*channels.Incoming)) rapport.Entry {
			w.ingest("mail", mailed(addressOf(rapport.Email, n), text, event, append(change, tokens(w.g.ReplyToken(rows[n-1].ID)))...))
			for _, th := range w.threads() {
				if th.Customer == rows[n-1].Customer {
					return w.last(th.ID)
				}
			}
			t.Fatal("no thread")
			return rapport.Entry{}
		}
		summary := func() store.ReplySummary {
			n, err := w.st.ReplySummary(t.Context(), c.ID)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		say(1, "Where is my order?", "r1")
		e := say(1, "It arrived broken, I want a refund", "r2")
		if u := w.taken(e); u.Intent.Value != "complaint" || u.Intent.Source != rapport.Guessed || u.Sentiment.Value != "negative" || u.Language.Value != "en" || u.Intent.Confidence <= 0 {
			t.Errorf("%+v", u)
		}
		say(2, "спасибо!", "r3")
		if n := summary(); n.Reached != 3 || n.Customers != 2 || n.Intents["complaint"] != 1 || n.Intents["thanks"] != 1 || n.Intents["question"] != 0 || n.Languages["ru"] != 1 {
			t.Errorf("%+v", n)
		}
		// A machine's answer is none.
		w.ingest("mail", mailed(addressOf(rapport.Email, 3), "I am on holiday", "r4", tokens(w.g.ReplyToken(rows[2].ID)), func(in *channels.Incoming) { in.Auto = "reply" }))
		if n := summary(); n.Customers != 2 {
			t.Errorf("%+v", n)
		}

		if _, err := w.g.Correct(t.Context(), gateway.Caller{Name: "Eva"}, e.ID, gateway.CorrectionInput{Intent: "order"}); err != nil {
			t.Fatal(err)
		}
		if err := w.st.KeepReading(t.Context(), e.ID, rapport.Understanding{Intent: rapport.Taken{Value: "other", Source: rapport.Modelled}, Sentiment: rapport.Taken{Value: "neutral", Confidence: 0.7, Source: rapport.Modelled}}); err != nil {
			t.Fatal(err)
		}
		if u := w.taken(e); u.Intent != (rapport.Taken{Value: "order", Confidence: 1, Source: rapport.Told}) || u.Sentiment != (rapport.Taken{Value: "neutral", Confidence: 0.7, Source: rapport.Modelled}) || u.CorrectedBy != "Eva" || u.CorrectedAt.IsZero() {
			t.Errorf("%+v", u)
		}
		if n := summary(); n.Intents["order"] != 1 || n.Intents["complaint"] != 0 || n.Sentiments["neutral"] != 1 {
			t.Errorf("%+v", n)
		}
		log, _, err := w.st.AuditLog(t.Context(), store.AuditFilter{Subject: rapport.KindEntry.Format(e.ID), Page: store.Page{Limit: 5}})
		if err != nil || len(log) != 1 || log[0].Action != "entry.corrected" {
			t.Errorf("%+v, %v", log, err)
		}
		for _, tt := range []struct {
			f    store.ReadingFilter
			want int
		}{{store.ReadingFilter{}, 2}, {store.ReadingFilter{Intent: "order"}, 1}, {store.ReadingFilter{Intent: "question"}, 0}, {store.ReadingFilter{Intent: "thanks", Sentiment: "positive"}, 1}, {store.ReadingFilter{Intent: "thanks", Sentiment: "negative"}, 0}} {
			list, _, err := w.st.Threads(t.Context(), store.ThreadFilter{Reading: tt.f, Q: "", Limit: 10, Channel: rapport.Email})
			if err != nil || len(list) != tt.want {
				t.Errorf("threads %+v: %d, %v", tt.f, len(list), err)
			}
		}
		if list, _, err := w.st.Replies(t.Context(), c.ID, store.ReadingFilter{Intent: "question"}, store.Page{Limit: 10}); err != nil || len(list) != 1 {
			t.Errorf("%d replies, %v", len(list), err)
		}

		for _, in := range []gateway.CorrectionInput{{}, {Intent: "joy"}, {Sentiment: "bad"}, {Language: "English"}} {
			if _, err := w.g.Correct(t.Context(), gateway.Caller{}, e.ID, in); rapport.CodeOf(err) != rapport.CodeInvalid {
				t.Errorf("%+v: %v", in, err)
			}
		}
		if _, err := w.g.Correct(t.Context(), gateway.Caller{}, 12345, gateway.CorrectionInput{Intent: "order"}); rapport.CodeOf(err) != rapport.CodeNotFound {
			t.Error(err)
		}

		// What an erased customer meant is not known any more; that they answered is in the ledger.
		if err := w.st.DeleteCustomer(t.Context(), rows[0].Customer); err != nil {
			t.Fatal(err)
		}
		if n := summary(); n.Reached != 3 || n.Customers != 2 || n.Intents["order"] != 0 || n.Intents["thanks"] != 1 {
			t.Errorf("%+v", n)
		}
	})
}

func TestIngest_AnObeyedStopIsRead(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		_, rows := w.mailedTo(1)
		w.ingest("mail", mailed(addressOf(rapport.Email, 1), "stop", "s1", tokens(w.g.ReplyToken(rows[0].ID))))
		list, err := w.st.LastInbound(t.Context(), w.threads()[0].ID, "", 1)
		if err != nil || len(list) != 1 {
			t.Fatal(err)
		}
		if u := w.taken(list[0]); u.Intent.Value != "stop" || u.Intent.Confidence < 0.9 {
			t.Errorf("%+v", u)
		}
	})
}
