package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// audienceOf describes n customers with an address on one channel.
func audienceOf(n int, channel, address string) map[string]any {
	var list []any
	for i := range n {
		list = append(list, map[string]any{"external_id": fmt.Sprintf("%s-%d", channel, i), "name": fmt.Sprintf("Customer %d", i),
			"addresses": []any{map[string]any{"channel": channel, "address": fmt.Sprintf(address, i)}}})
	}
	return map[string]any{"customers": list}
}

// A campaign at a provider that takes 40 a second is paused, resumed and cancelled; each must take hold
// within a second of the answer. What counts is when messages arrived, by the simulator's clock.
func TestPauseResumeCancel(t *testing.T) {
	t.Parallel()
	in := plain(t)
	in.Must("PUT", "/v1/providers/slow", map[string]any{"driver": "sandbox", "channel": "telegram", "rate": 40}, nil)
	var c struct{ ID string }
	in.Must("POST", "/v1/campaigns", map[string]any{"purpose": "marketing", "template": "offer", "data": map[string]any{"title": "T", "page": "p"}, "audience": audienceOf(600, "telegram", "77%06d")}, &c)
	at := "/v1/campaigns/" + c.ID
	arrivals := func() (out []time.Time) {
		var list struct{ Data []struct{ At time.Time } }
		in.Must("GET", "/v1/sandbox/outbox?limit=1000&campaign="+c.ID, nil, &list)
		for _, m := range list.Data {
			out = append(out, m.At)
		}
		slices.SortFunc(out, time.Time.Compare)
		return out
	}
	order := func(verb, status string) time.Time {
		t.Helper()
		var l ledger
		in.Must("POST", at+"/"+verb, nil, &l)
		if l.Status != status {
			t.Errorf("after %s it is %s", verb, l.Status)
		}
		return time.Now()
	}
	quiet := func(verb string, since time.Time) int {
		t.Helper()
		time.Sleep(2500 * time.Millisecond)
		all := arrivals()
		t.Logf("%s: the last message arrived %v after the answer, %d in all", verb, all[len(all)-1].Sub(since).Round(time.Millisecond), len(all))
		if all[len(all)-1].Sub(since) > time.Second {
			t.Errorf("%s did not take hold within a second", verb)
		}
		return len(all)
	}

	in.Wait(20*time.Second, "some messages have arrived", func() bool { return len(arrivals()) > 20 })
	n := quiet("pause", order("pause", "paused"))
	if n >= 400 {
		t.Fatalf("%d of 600 had arrived: the provider's rate does not hold", n)
	}
	resumed := order("resume", "running")
	in.Wait(10*time.Second, "messages arrive again", func() bool { return len(arrivals()) > n })
	again := arrivals()[n].Sub(resumed)
	t.Logf("resume: the first message arrived %v after the answer", again.Round(time.Millisecond))
	if again > 1500*time.Millisecond { // a second, and what a busy machine adds
		t.Errorf("resume did not take hold within a second")
	}
	in.Wait(10*time.Second, "a second's worth has arrived", func() bool { return len(arrivals()) > n+40 })
	n = quiet("cancel", order("cancel", "cancelled"))
	var l ledger
	in.Wait(20*time.Second, "every row has come to its end", func() bool {
		in.Must("GET", at, nil, &l)
		return l.Counts["pending"]+l.Counts["sending"] == 0 && l.Counts["delivered"] == int64(n)
	})
	if l.Status != "cancelled" || l.sum() != 600 || l.Counts["planned"] != 600 || l.Counts["cancelled"] != int64(600-n) {
		t.Errorf("the ledger: %s %v, %d arrived", l.Status, l.Counts, n)
	}
	for _, verb := range []string{"pause", "resume", "launch"} {
		in.ask(t, "POST", at+"/"+verb, "application/json", nil).refused(t, 409, "cancelled")
	}
}

// A dry run over the README's CSV says how many would go out on each channel, who would be passed over and
// why, and keeps nothing. The real campaign over the same file does just that.
func TestDryRun(t *testing.T) {
	t.Parallel()
	in := plain(t)
	in.Must("PUT", "/v1/topics/promotions", map[string]any{"policy": "opt_in", "title": map[string]string{"en": "Promotions"}}, nil)
	csv, err := os.ReadFile("../../examples/customers.csv")
	if err != nil {
		t.Fatal(err)
	}
	run := func(dry bool) string {
		t.Helper()
		var c struct{ ID string }
		in.Must("POST", "/v1/campaigns", map[string]any{"purpose": "marketing", "topic": "promotions", "template": "offer", "status": "draft", "data": map[string]any{"title": "T", "page": "p"},
			"settings": map[string]any{"dry_run": dry, "sandbox": true}}, &c)
		in.Must("POST", "/v1/campaigns/"+c.ID+"/recipients", strings.NewReader(string(csv)), nil)
		in.Must("POST", "/v1/campaigns/"+c.ID+"/launch", nil, nil)
		return c.ID
	}
	before := in.rows(t)
	dry := run(true)
	var got struct {
		Counts map[string]int64
		DryRun struct {
			Recipients, Refused, Later int64
			Channels, Skipped          map[string]int64
			Samples                    []struct{ Customer, Channel, To, Subject, Text, HTML, Body string }
		} `json:"dry_run"`
	}
	settle(t, in, dry)
	in.Must("GET", "/v1/campaigns/"+dry, nil, &got)
	d := got.DryRun
	rows := int64(strings.Count(string(csv), "\n") - 1)
	total := d.Refused
	for _, n := range d.Channels {
		total += n
	}
	for _, n := range d.Skipped {
		total += n
	}
	t.Logf("%d recipients: channels %v, skipped %v, refused %d, later %d", d.Recipients, d.Channels, d.Skipped, d.Refused, d.Later)
	if d.Recipients != rows || total != rows || len(d.Channels) != 4 || len(d.Samples) != 10 {
		t.Errorf("a dry run of %d rows: %d recipients, %d accounted for, %d samples", rows, d.Recipients, total, len(d.Samples))
	}
	for _, s := range d.Samples {
		if s.To == "" || s.Channel == "" || s.Text+s.HTML+s.Body == "" || strings.Contains(s.Text+s.HTML+s.Body, "{{") {
			t.Errorf("a sample that shows nothing: %+v", s)
		}
	}
	now := in.rows(t)
	for _, table := range []string{"customers", "addresses", "consents", "messages", "batches"} {
		if now[table] != before[table] {
			t.Errorf("the dry run kept %d rows of %s", now[table]-before[table], table)
		}
	}
	if all := outbox(t, in, "limit=1"); len(all) != 0 {
		t.Errorf("the dry run sent %v", all)
	}

	real := run(false)
	in.Wait(60*time.Second, "the campaign is planned", func() bool {
		var l ledger
		in.Must("GET", "/v1/campaigns/"+real, nil, &l)
		return l.Status == "running" || l.Status == "finished"
	})
	channels, skipped := map[string]int64{}, map[string]int64{}
	for _, m := range messages(t, in, real) {
		if m.State == "skipped" {
			skipped[m.Reason]++
		} else {
			channels[m.Channel]++
		}
	}
	if fmt.Sprint(channels, skipped) != fmt.Sprint(d.Channels, d.Skipped) {
		t.Errorf("really: channels %v, skipped %v", channels, skipped)
	}
}

// Explain names each rule in order, with what stopped a customer.
func TestExplain(t *testing.T) {
	t.Parallel()
	in := plain(t)
	in.Must("PUT", "/v1/topics/letters", map[string]any{"policy": "opt_in", "title": map[string]string{"en": "Letters"}}, nil)
	customer := func(id string, with map[string]any) map[string]any {
		c := map[string]any{"external_id": id, "name": id, "addresses": []any{map[string]any{"channel": "email", "address": id + "@example.test"}},
			"consents": []any{map[string]any{"channel": "email", "purpose": "marketing", "topic": "letters", "granted": true, "source": "e2e", "text_version": "1"}}}
		for k, v := range with {
			c[k] = v
		}
		return c
	}
	in.Must("PUT", "/v1/suppressions/email/suppressed@example.test", map[string]any{"reason": "manual"}, nil)
	var c struct{ ID string }
	in.Must("POST", "/v1/campaigns", map[string]any{"purpose": "marketing", "topic": "letters", "template": "offer", "data": map[string]any{"title": "T", "page": "p"}, "settings": map[string]any{"sandbox": true},
		"routing": map[string]any{"channels": []string{"email"}}, "audience": map[string]any{"customers": []any{
			customer("fine", nil), customer("suppressed", nil), customer("silent", map[string]any{"consents": []any{}}),
			customer("withdrawn", map[string]any{"consents": []any{map[string]any{"channel": "email", "purpose": "marketing", "topic": "letters", "granted": false, "source": "e2e", "text_version": "1"}}}),
			customer("off", map[string]any{"preferences": map[string]any{"topics": map[string]any{"letters": map[string]any{"email": false}}}}),
			customer("unreachable", map[string]any{"addresses": []any{map[string]any{"channel": "sms", "address": "+37120000001"}}})}}}, &c)
	if l := settle(t, in, c.ID); l.sum() != 6 || l.Counts["delivered"] != 1 || l.Counts["skipped"] != 5 {
		t.Fatalf("the ledger: %v", l.Counts)
	}
	for id, want := range map[string]struct{ rule, reason string }{"fine": {"", ""}, "suppressed": {"suppression", "suppressed"}, "silent": {"topic_policy", "no_consent"},
		"withdrawn": {"consent", "consent_withdrawn"}, "off": {"preference", "preference_off"}, "unreachable": {"", "no_address"}} {
		t.Run(id, func(t *testing.T) {
			var why struct {
				Campaign, Customer string
				Messages           []row
				Rules              []struct {
					Rule, Detail string
					Passed       bool
				}
				Would []struct {
					Send   bool
					Reason string
				}
			}
			in.Must("GET", "/v1/campaigns/"+c.ID+"/explain?customer=ext:"+id, nil, &why)
			var order, stopped []string
			for _, r := range why.Rules {
				if order = append(order, r.Rule); r.Detail == "" {
					t.Errorf("rule %s says nothing", r.Rule)
				}
				if !r.Passed {
					stopped = append(stopped, r.Rule)
				}
			}
			t.Logf("rules %v, stopped by %v, would %+v", order, stopped, why.Would)
			state := "skipped"
			if want.reason == "" {
				state = "delivered"
			}
			if why.Campaign != c.ID || len(why.Messages) != 1 || why.Messages[0].State != state || why.Messages[0].Reason != want.reason {
				t.Errorf("what happened: %+v", why.Messages)
			}
			if len(why.Would) != 1 || why.Would[0].Send != (want.reason == "") || why.Would[0].Reason != want.reason {
				t.Errorf("what would happen: %+v", why.Would)
			}
			if len(order) == 0 || want.rule != "" && !slices.Contains(stopped, want.rule) || want.reason == "" && len(stopped) > 0 {
				t.Errorf("stopped by %v, want %s", stopped, want.rule)
			}
		})
	}
	in.ask(t, "GET", "/v1/campaigns/"+c.ID+"/explain?customer=ext:nobody", "", nil).refused(t, 404)
	in.ask(t, "GET", "/v1/campaigns/"+c.ID+"/explain", "", nil).refused(t, 422, "customer")
}
