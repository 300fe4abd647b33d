package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// The README's tour, on both layouts: a CSV of 1,000 customers over four channels, an answer from each, an
// agent's answer back, and an unsubscribe that stops the next campaign.
func TestTour(t *testing.T) {
	t.Run("one process on SQLite and the embedded Redis", func(t *testing.T) {
		in := Install(t, "DEMO=true")
		in.Start("serve")
		tour(t, in)
	})
	t.Run("one api and two workers on PostgreSQL and Redis", func(t *testing.T) {
		db, redis := services(t)
		in := Install(t, "DEMO=true", "DATABASE_URL="+db, "REDIS_URL="+redis)
		if _, err := in.Run("migrate"); err != nil {
			t.Fatal(err)
		}
		in.Start("api")
		in.Start("worker")
		in.Start("worker")
		tour(t, in)
	})
}

type ledger struct {
	Status string           `json:"status"`
	Counts map[string]int64 `json:"counts"`
}

var states = []string{"pending", "sending", "doubtful", "sent", "delivered", "skipped", "failed", "expired", "cancelled", "unknown"}

func (l ledger) sum() (n int64) {
	for _, s := range states {
		n += l.Counts[s]
	}
	return
}

func tour(t *testing.T, in *Installation) {
	in.NewKey()
	in.Wait(40*time.Second, "the demo's own campaign is over", func() bool {
		var list struct{ Data []ledger }
		in.Must("GET", "/v1/campaigns?status=finished", nil, &list)
		return len(list.Data) > 0
	})
	csv, err := os.ReadFile("../../examples/customers.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows := int64(strings.Count(string(csv), "\n") - 1)
	campaign := send(t, in, "Spring sale", string(csv))
	l := settle(t, in, campaign)
	if l.Counts["audience"] != rows || l.sum() != l.Counts["planned"] || l.Counts["delivered"] < rows/2 {
		t.Fatalf("the ledger does not add up: %v", l.Counts)
	}
	t.Logf("%s: %v", campaign, l.Counts)

	for _, channel := range []string{"email", "sms", "telegram", "webhook"} {
		answer(t, in, campaign, channel)
	}
	unsubscribe(t, in, campaign, string(csv))
}

// send makes a draft, streams the customers into it and launches it, as "rapport campaign send" does.
func send(t *testing.T, in *Installation, name, csv string) string {
	t.Helper()
	var c struct{ ID string }
	in.Must("POST", "/v1/campaigns", map[string]any{"name": name, "purpose": "marketing", "topic": "promotions", "template": "promotion", "status": "draft",
		"data": map[string]any{"shop": "Rapport", "title": name, "discount": 20, "code": "SPRING", "url": "https://example.test/sale", "ends_at": "2027-01-31"}}, &c)
	var added struct{ Added, Refused int64 }
	in.Must("POST", "/v1/campaigns/"+c.ID+"/recipients", strings.NewReader(csv), &added)
	if added.Added == 0 {
		t.Fatalf("no recipient was added: %+v", added)
	}
	in.Must("POST", "/v1/campaigns/"+c.ID+"/launch", nil, nil)
	return c.ID
}

func settle(t *testing.T, in *Installation, campaign string) (l ledger) {
	t.Helper()
	in.Wait(2*time.Minute, "campaign "+campaign+" finished", func() bool {
		in.Must("GET", "/v1/campaigns/"+campaign, nil, &l)
		return l.Status == "finished"
	})
	return l
}

type sent struct {
	MessageID       string `json:"message_id"`
	To              string `json:"to"`
	Text            string `json:"text"`
	ListUnsubscribe string `json:"list_unsubscribe"`
}

// outbox lists what the simulator holds for an address of a channel. The entry's content may be nested.
func outbox(t *testing.T, in *Installation, query string) (out []sent) {
	t.Helper()
	var list struct{ Data []json.RawMessage }
	in.Must("GET", "/v1/sandbox/outbox?"+query, nil, &list)
	for _, raw := range list.Data {
		var s sent
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// answer lets one customer of a channel answer, finds the answer in its thread, tied to the campaign, and
// answers back as an agent.
func answer(t *testing.T, in *Installation, campaign, channel string) {
	t.Helper()
	got := outbox(t, in, "limit=1&channel="+channel+"&campaign="+campaign)
	if len(got) == 0 {
		t.Fatalf("nobody was reached on %s", channel)
	}
	text := "Do you have it in blue? (" + channel + ")"
	in.Must("POST", "/v1/sandbox/replies", map[string]any{"channel": channel, "address": got[0].To, "text": text, "in_reply_to": got[0].MessageID}, nil)
	var threads struct {
		Data []struct{ ID, Status string }
	}
	in.Must("GET", "/v1/threads?channel="+channel+"&status=open", nil, &threads)
	var entries struct {
		Data []struct {
			Kind, Text string
			InReplyTo  *struct{ Message, Campaign string } `json:"in_reply_to"`
		}
	}
	found := ""
	for _, th := range threads.Data {
		in.Must("GET", "/v1/threads/"+th.ID+"/entries", nil, &entries)
		for _, e := range entries.Data {
			if e.Text != text {
				continue
			}
			found = th.ID
			if e.InReplyTo == nil || e.InReplyTo.Campaign != campaign || e.InReplyTo.Message != got[0].MessageID {
				t.Errorf("%s: the answer is not tied to %s and %s: %+v", channel, campaign, got[0].MessageID, e.InReplyTo)
			}
		}
	}
	if found == "" {
		t.Fatalf("%s: the answer is in no thread", channel)
	}
	back := "Yes, in every size. (" + channel + ")"
	in.Must("POST", "/v1/threads/"+found+"/replies", map[string]any{"text": back, "agent": "Olga"}, nil)
	in.Wait(20*time.Second, channel+": the agent's answer reaches the customer", func() bool {
		for _, s := range outbox(t, in, "limit=5&channel="+channel+"&address="+url.QueryEscape(got[0].To)) {
			if strings.Contains(s.Text, back) {
				return true
			}
		}
		return false
	})
	var replies struct{ Data []struct{ Text string } }
	in.Must("GET", "/v1/replies?campaign="+campaign, nil, &replies)
	if !strings.Contains(fmt.Sprint(replies.Data), text) {
		t.Errorf("%s: the answer is not among the campaign's replies", channel)
	}
}

// unsubscribe uses one customer's one-click link; the next campaign of the topic must pass them over, and
// say why.
func unsubscribe(t *testing.T, in *Installation, campaign, csv string) {
	t.Helper()
	got := outbox(t, in, "limit=1&channel=email&campaign="+campaign)[0]
	if got.ListUnsubscribe == "" {
		t.Fatal("the marketing mail has no List-Unsubscribe")
	}
	link := strings.Trim(got.ListUnsubscribe, "<>")
	page, err := http.Get(link)
	if err != nil || page.StatusCode != 200 {
		t.Fatalf("the page: %v %v", page, err)
	}
	page.Body.Close()
	for range 2 { // again is fine
		res, err := http.PostForm(link, url.Values{"List-Unsubscribe": {"One-Click"}})
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("one-click: %v %v", res, err)
		}
		res.Body.Close()
	}
	next := send(t, in, "Second sale", csv)
	settle(t, in, next)
	var m struct{ Customer string }
	in.Must("GET", "/v1/messages/"+got.MessageID, nil, &m)
	var why struct {
		Messages []struct{ State, Reason, Channel string }
		Rules    []struct {
			Rule    string
			Passed  bool
			Channel string
		}
	}
	in.Must("GET", "/v1/campaigns/"+next+"/explain?customer="+url.QueryEscape(m.Customer), nil, &why)
	if !strings.Contains(fmt.Sprint(why.Rules), "{consent false email}") {
		t.Errorf("nothing says that consent was withdrawn: %+v", why)
	}
	for _, s := range outbox(t, in, "limit=50&channel=email&campaign="+next+"&address="+url.QueryEscape(got.To)) {
		t.Errorf("the customer got another mail: %s", s.MessageID)
	}
}
