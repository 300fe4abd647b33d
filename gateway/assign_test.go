package gateway_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/gateway"
	"rapport/store"
)

// writes lets a customer write by SMS and returns the thread.
func (w *world) writes(from, text string) rapport.Thread {
	w.t.Helper()
	p, ok := w.hub.Provider("sms")
	if !ok {
		w.t.Fatal("there is no provider sms")
	}
	id := fmt.Sprintf("in-%d", w.st.NewID())
	err := w.g.Ingest(w.t.Context(), p.Entry(), []channels.Update{{EventID: id, Message: &channels.Incoming{Channel: rapport.SMS, From: from, ProviderID: id, Text: text}}}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	a, err := w.st.AddressOf(w.t.Context(), rapport.SMS, from)
	if err != nil {
		w.t.Fatal(err)
	}
	t, err := w.st.OpenThread(w.t.Context(), a.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return t
}

func TestAssign_InTurnAmongThoseOnlineUpToTheCap(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		number := 0
		next := func() rapport.Thread {
			number++
			return w.writes(fmt.Sprintf("+3712000%04d", number), "Hello?")
		}
		be := func(agent string, s rapport.PresenceStatus) {
			t.Helper()
			if _, err := w.g.SetPresence(ctx, agent, s); err != nil {
				t.Fatal(err)
			}
		}
		be("Ann", rapport.Online)
		if th := next(); th.Assignee != "" {
			t.Fatalf("assigned to %q, which nobody asked for", th.Assignee)
		}
		if err := w.g.PutAssignment(ctx, gateway.Caller{}, rapport.Assignment{Automatic: true, Cap: 3}); err != nil {
			t.Fatal(err)
		}
		be("Bob", rapport.Online)
		be("Cid", rapport.Away)
		// Ann got the one that waited.
		var got []string
		for range 5 {
			got = append(got, next().Assignee)
		}
		if want := []string{"Bob", "Ann", "Bob", "Ann", "Bob"}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		full := next()
		if full.Assignee != "" {
			t.Errorf("%q has four open threads", full.Assignee)
		}
		be("Cid", rapport.Online)
		if full, err := w.st.Thread(ctx, full.ID); err != nil || full.Assignee != "Cid" {
			t.Errorf("who came got %q, %v", full.Assignee, err)
		}
		w.clock.forward(rapport.PresentFor + time.Second)
		if th := next(); th.Assignee != "" {
			t.Errorf("%q has been silent for three minutes", th.Assignee)
		}
		if _, err := w.g.SetPresence(ctx, "x\n", rapport.Online); rapport.CodeOf(err) != rapport.CodeInvalid {
			t.Errorf("a name with a line break: %v", err)
		}
		for _, blank := range []string{"", " ", "\t \u00a0"} {
			if _, err := w.g.SetPresence(ctx, blank, rapport.Online); rapport.CodeOf(err) != rapport.CodeInvalid {
				t.Errorf("the name %q: %v", blank, err)
			}
		}
		if p, err := w.g.SetPresence(ctx, " Ann ", rapport.Away); err != nil || p.Agent != "Ann" {
			t.Errorf("%+v, %v", p, err)
		}
		th := w.writes("+37120009999", "Hello?")
		for given, want := range map[string]string{" Eva ": "Eva", " \u00a0 ": ""} {
			if now, err := w.g.PatchThread(ctx, gateway.Caller{Name: "Bob"}, th.ID, store.ThreadPatch{Assignee: &given}); err != nil || now.Assignee != want {
				t.Errorf("%q: %+v, %v", given, now, err)
			}
		}
		if err := w.g.PutAssignment(ctx, gateway.Caller{}, rapport.Assignment{Cap: -1}); rapport.CodeOf(err) != rapport.CodeInvalid {
			t.Errorf("a negative cap: %v", err)
		}
	})
}

func TestMeasure_HowLongACustomerWaited(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		monday := time.Date(2026, 11, 23, 17, 0, 0, 0, time.UTC)
		w.clock.forward(monday.Sub(w.clock.now()))
		week := map[string][]gateway.SlotInput{"mon": {{From: "09:00", Until: "18:00"}}, "tue": {{From: "09:00", Until: "12:00"}, {From: "13:00", Until: "18:00"}}}
		if err := w.g.PutHours(ctx, gateway.Caller{}, gateway.HoursInput{Timezone: "UTC", Week: week}); err != nil {
			t.Fatal(err)
		}
		th := w.writes("+37120000001", "Hello?") // at 17:00
		w.clock.forward(time.Hour)
		w.writes("+37120000001", "Anybody there?")
		w.clock.forward(16 * time.Hour) // Tuesday, 10:00
		answer := func() {
			t.Helper()
			if _, err := w.g.ReplyInThread(ctx, gateway.Caller{Name: "Ann"}, th.ID, gateway.ReplyInput{Text: "Yes"}); err != nil {
				t.Fatal(err)
			}
		}
		answer()
		w.clock.forward(time.Minute)
		answer() // nobody waited
		w.clock.forward(time.Minute)
		w.writes("+37120000001", "Good")
		w.clock.forward(2 * time.Minute)
		answer()
		w.clock.forward(2 * time.Minute)
		resolved := rapport.ThreadResolved
		if _, err := w.g.PatchThread(ctx, gateway.Caller{Name: "Bob"}, th.ID, store.ThreadPatch{Status: &resolved}); err != nil {
			t.Fatal(err)
		}
		rows, _, err := w.st.Responses(ctx, store.ResponseFilter{}, store.Page{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprintf("%s %s %v %v", r.Kind, r.Agent, r.Waited.Round(time.Minute), r.Business.Round(time.Minute)))
		}
		want := []string{"resolution Bob 17h6m0s 2h6m0s", "reply Ann 2m0s 2m0s", "first_reply Ann 17h0m0s 2h0m0s"}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		sums, err := w.st.SummarizeResponses(ctx, store.ResponseFilter{Agent: "Ann"})
		if err != nil || len(sums) != 3 || sums[0].Count != 1 || sums[0].P90.Round(time.Minute) != 17*time.Hour || sums[0].BusinessMedian.Round(time.Minute) != 2*time.Hour || sums[2].Count != 0 {
			t.Errorf("%+v, %v", sums, err)
		}
	})
}

func TestPutHours_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for _, c := range []struct {
			in   gateway.HoursInput
			path string
		}{
			{gateway.HoursInput{Timezone: "Mars/Base"}, "timezone"},
			{gateway.HoursInput{Timezone: ""}, "timezone"},
			{gateway.HoursInput{Timezone: "UTC", Week: map[string][]gateway.SlotInput{"noday": nil}}, "week.noday"},
			{gateway.HoursInput{Timezone: "UTC", Week: map[string][]gateway.SlotInput{"mon": {{From: "9", Until: "18:00"}}}}, "week.mon[0].from"},
			{gateway.HoursInput{Timezone: "UTC", Week: map[string][]gateway.SlotInput{"mon": {{From: "09:00", Until: "25:00"}}}}, "week.mon[0].until"},
			{gateway.HoursInput{Timezone: "UTC", Holidays: []gateway.HolidayInput{{Date: "2026-02-30"}}}, "holidays[0].date"},
			{gateway.HoursInput{Timezone: "UTC", Holidays: []gateway.HolidayInput{{Date: "2026-02-03"}, {Date: "2026-02-03"}}}, "holidays[1].date"},
		} {
			err := w.g.PutHours(t.Context(), gateway.Caller{}, c.in)
			e, ok := errors.AsType[*rapport.Error](err)
			if !ok || !slices.ContainsFunc(e.Fields, func(f rapport.FieldError) bool { return strings.HasSuffix(f.Path, c.path) }) {
				t.Errorf("%+v: %v, want %s refused", c.in, err, c.path)
			}
		}
		if h, err := w.g.BusinessHours(t.Context()); err != nil || len(h.Week) != 0 {
			t.Errorf("what was refused holds: %+v, %v", h, err)
		}
	})
}
