package gateway_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

// report reads "newCall in +371... > 42 cause" as a table writes it.
func report(t *testing.T, call, text string) gateway.CallReport {
	t.Helper()
	f := strings.Fields(text)
	if len(f) < 4 {
		t.Fatal(text)
	}
	r := gateway.CallReport{Event: gateway.CallEvent(f[0]), Direction: rapport.Direction(f[1]), From: strings.ReplaceAll(f[2], "-", ""), To: f[3], CallID: call}
	if len(f) > 4 {
		r.Cause = f[4]
	}
	return r
}

func TestCall_Flows(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		for i, c := range []struct {
			name    string
			reports []string // # is the caller's number
			state   rapport.CallState
			thread  bool
			known   bool // the caller is a customer afterwards
		}{
			{"answered", []string{"newCall in # 42", "answer in # 42", "hangup in # 42 normalClearing"}, rapport.CallEnded, false, false},
			{"it still rings", []string{"newCall in # 42"}, rapport.CallRinging, false, false},
			{"it goes on", []string{"newCall in # 42", "answer in # 42"}, rapport.CallAnswered, false, false},
			{"nobody was there", []string{"newCall in # 42", "hangup in # 42 noAnswer"}, rapport.CallMissed, true, true},
			{"the caller gave up", []string{"newCall in # 42", "hangup in # 42 cancel"}, rapport.CallMissed, true, true},
			{"no cause is given", []string{"newCall in # 42", "hangup in # 42"}, rapport.CallMissed, true, true},
			{"all was engaged", []string{"newCall in # 42", "hangup in # 42 busy"}, rapport.CallMissed, true, true},
			{"passed on", []string{"newCall in # 42", "hangup in # 42 forwarded"}, rapport.CallEnded, false, false},
			{"only its end was heard of", []string{"hangup in # 42 noAnswer"}, rapport.CallMissed, true, true},
			{"each report came twice", []string{"newCall in # 42", "newCall in # 42", "hangup in # 42 cancel", "hangup in # 42 cancel"}, rapport.CallMissed, true, true},
			{"the end came first", []string{"hangup in # 42 normalClearing", "answer in # 42", "newCall in # 42"}, rapport.CallEnded, false, false},
			{"the answer came after a hangup that gave no cause", []string{"newCall in # 42", "hangup in # 42", "answer in # 42"}, rapport.CallEnded, true, true},
			{"the beginning came last", []string{"hangup in # 42 noAnswer", "newCall in # 42"}, rapport.CallMissed, true, true},
			{"we called and nobody was there", []string{"newCall out 42 #", "hangup out 42 # noAnswer"}, rapport.CallFailed, false, false},
			{"we called", []string{"newCall out 42 #", "answer out 42 #", "hangup out 42 # normalClearing"}, rapport.CallEnded, false, false},
			{"a hidden number", []string{"newCall in anonymous 42", "hangup in anonymous 42 noAnswer"}, rapport.CallMissed, false, false},
			{"a colleague", []string{"newCall in 17 42", "hangup in 17 42 noAnswer"}, rapport.CallMissed, false, false},
		} {
			number := fmt.Sprintf("+3712612%04d", i)
			for j, text := range c.reports {
				written := []string{number, number[1:], "00" + number[1:]}[j%3] // as exchanges write them
				if err := w.g.ReportCall(ctx, "pbx", report(t, c.name, strings.ReplaceAll(text, "#", written))); err != nil {
					t.Fatalf("%s: %v", c.name, err)
				}
			}
			var call rapport.Call
			err := w.st.Tx(ctx, func(s *store.Store) (err error) {
				call, _, err = s.ReportedCall(ctx, rapport.Call{Door: "pbx", CallID: c.name})
				return err
			})
			if err != nil || call.State() != c.state || (call.Thread != 0) != c.thread || (call.Customer != 0) != c.known {
				t.Errorf("%s: %+v is %s, %v", c.name, call, call.State(), err)
			}
			if !c.thread {
				continue
			}
			th, err := w.st.Thread(ctx, call.Thread)
			entries, _, err2 := w.st.Entries(ctx, call.Thread, store.Page{Limit: 9})
			says := "Missed call from " + number
			if err := errors.Join(err, err2); err != nil || len(entries) != 1 {
				t.Fatalf("%s: %+v, %v", c.name, entries, err)
			}
			status := rapport.ThreadOpen
			if c.state == rapport.CallEnded {
				says, status = "Call from "+number+", answered", rapport.ThreadResolved
			}
			if entries[0].Text != says || th.Status != status || th.Customer != call.Customer {
				t.Errorf("%s: %+v in %+v", c.name, entries[0], th)
			}
			if line, _, err := w.st.Timeline(ctx, call.Customer, store.Moment{}, 9, "call"); err != nil || len(line) != 1 || line[0].Call.ID != call.ID {
				t.Errorf("%s: timeline %+v, %v", c.name, line, err)
			}
		}
	})
}

// Whatever the order, and however many report at once, a missed call is one entry, and an answered one is none that is open.
func TestCall_AnyOrderAtOnceIsOneCall(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		customer := w.someone("+37126130001")
		var all sync.WaitGroup
		var mu sync.Mutex
		var errs []error
		for call := range 6 {
			reports := []string{"newCall in +37126130001 42", "hangup in +37126130001 42 noAnswer", "newCall in +37126130001 42", "hangup in +37126130001 42 noAnswer"}
			rand.Shuffle(len(reports), func(i, j int) { reports[i], reports[j] = reports[j], reports[i] })
			for _, text := range reports {
				all.Go(func() {
					err := w.g.ReportCall(ctx, "pbx", report(t, fmt.Sprint(call), text))
					mu.Lock()
					defer mu.Unlock()
					errs = append(errs, err)
				})
			}
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		line, _, err := w.st.Timeline(ctx, customer, store.Moment{}, 100, "call", "entry")
		if err != nil || len(line) != 12 {
			t.Fatalf("%d items, %v", len(line), err)
		}
		threads := map[rapport.ID]bool{}
		for _, x := range line {
			if x.Call != nil {
				threads[x.Call.Thread] = true
			}
		}
		if len(threads) != 1 {
			t.Errorf("%d threads", len(threads))
		}
	})
}

// A call from a number that was nobody's is in the timeline of who has it later.
func TestCall_WaitsForItsCustomer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for _, text := range []string{"newCall in +37126140001 42", "answer in +37126140001 42", "hangup in +37126140001 42 normalClearing"} {
			if err := w.g.ReportCall(t.Context(), "pbx", report(t, "1", text)); err != nil {
				t.Fatal(err)
			}
		}
		line, _, err := w.st.Timeline(t.Context(), w.someone("+37126140001"), store.Moment{}, 9)
		if err != nil || !slices.ContainsFunc(line, func(x store.TimelineItem) bool { return x.Call != nil && x.Call.CallID == "1" }) {
			t.Errorf("%+v, %v", line, err)
		}
	})
}

func TestCall_NumbersAsExchangesWriteThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite:"+t.TempDir()+"/x.db", func(s *gateway.Settings) { s.DefaultRegion = "LV" })
	for i, c := range []struct{ written, number string }{{"+371 26 000 001", "+37126000001"}, {"0037126000001", "+37126000001"}, {"37126000001", "+37126000001"}, {"26000001", "+37126000001"},
		{"447700900042", "+447700900042"}, {"42", "42"}, {"*98", "*98"}, {"anonymous", ""}, {"", ""}, {"<script>", ""}, {strings.Repeat("1", 40), ""}} {
		if err := w.g.ReportCall(t.Context(), "pbx", gateway.CallReport{Event: gateway.NewCall, CallID: fmt.Sprint(i), Direction: rapport.CallIn, From: c.written}); err != nil {
			t.Fatal(err)
		}
		err := w.st.Tx(t.Context(), func(s *store.Store) error {
			call, _, err := s.ReportedCall(t.Context(), rapport.Call{Door: "pbx", CallID: fmt.Sprint(i)})
			if call.Number != c.number {
				t.Errorf("%q is kept as %q", c.written, call.Number)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// someone is a customer with that phone.
func (w *world) someone(phone string) rapport.ID {
	w.t.Helper()
	c, _, err := w.g.Upsert(w.t.Context(), "ext:"+phone, gateway.CustomerInput{Addresses: []gateway.AddressInput{{Channel: rapport.SMS, Address: phone}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return c.ID
}

// A call is answered by a call: who writes instead says where, and a landline is never texted.
func TestCall_AThreadOfThePhoneIsAnsweredWhereItSays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		missed := func(number string) rapport.Thread {
			if err := w.g.ReportCall(t.Context(), "pbx", report(t, number, "hangup in "+number+" 42 noAnswer")); err != nil {
				t.Fatal(err)
			}
			return w.threads()[0]
		}
		mobile := missed("+37126150001")
		if last := w.last(mobile.ID); mobile.Channel != rapport.Phone || last.Channel != rapport.Phone || mobile.Status != rapport.ThreadOpen || mobile.WaitingSince.IsZero() {
			t.Errorf("%+v %+v", mobile, last)
		}
		_, err := w.g.ReplyInThread(t.Context(), gateway.Caller{}, mobile.ID, gateway.ReplyInput{Text: "You called?"})
		var refused *rapport.Error
		if !errors.As(err, &refused) || refused.Code != rapport.CodeInvalid || refused.Fields[0].Path != "channel" || !strings.Contains(refused.Fields[0].Message, "began with a call") {
			t.Errorf("%+v", err)
		}
		e := w.answer(mobile.ID, gateway.ReplyInput{Text: "You called?", Channel: rapport.SMS})
		w.until("it is sent", func() bool { return w.sms.count("+37126150001") == 1 })
		if is := w.thread(mobile.ID); e.Channel != rapport.SMS || is.Channel != rapport.Phone || is.Status != rapport.ThreadPending {
			t.Errorf("%+v %+v", e, is)
		}
		// They text back: it is one conversation.
		w.ingest("sms", reply(rapport.SMS, "+37126150001", "Yes!", "e1"))
		if all := w.threads(); len(all) != 1 || w.last(mobile.ID).Text != "Yes!" {
			t.Errorf("%+v", all)
		}
		fixed := missed("+37167000001")
		_, err = w.g.ReplyInThread(t.Context(), gateway.Caller{}, fixed.ID, gateway.ReplyInput{Text: "You called?", Channel: rapport.SMS})
		if rapport.CodeOf(err) != rapport.CodeConflict {
			t.Errorf("a landline was texted: %v", err)
		}
	})
}
