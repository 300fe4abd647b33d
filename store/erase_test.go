package store_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

// life gives a customer one of everything that is kept about a person.
func life(t *testing.T, s *store.Store, external string) (customer rapport.ID, message rapport.ID, file rapport.ID) {
	t.Helper()
	secret := "secret-" + external
	address := secret + "@example.com"
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	customer = upsert(t, s, store.CustomerPatch{ExternalID: secret, Name: ptr(secret), Attributes: json.RawMessage(`{"note":"` + secret + `"}`), Addresses: mail(address),
		Quiet: &rapport.QuietHours{From: 1260, Until: 545}, Cap: &rapport.Cap{Max: 3, Per: time.Hour},
		Prefs: []rapport.Preference{{Topic: "news", Channel: rapport.Email, Enabled: true}}})[0]
	must(s.AddConsents(ctx, []rapport.Consent{{Customer: customer, Channel: rapport.Email, Purpose: rapport.Marketing, Granted: true, Source: "form", Proof: secret, IP: "192.0.2.1"}}))
	must(s.Suppress(ctx, []rapport.Suppression{{Channel: rapport.Email, Address: address, Reason: "stop", Scope: rapport.SuppressAll}}))
	c := &rapport.Campaign{ID: s.NewID(), Kind: rapport.KindOfMessage, Name: "one", Purpose: rapport.Transactional, Status: rapport.CampaignRunning,
		Data: json.RawMessage(`{"x":"` + secret + `"}`), Inline: json.RawMessage(`{"y":"` + secret + `"}`), From: "us@example.com", CreatedAt: s.Now()}
	must(s.InsertCampaigns(ctx, c))
	_, err := s.Stage(ctx, c.ID, []store.Recipient{{Seq: 1, Payload: json.RawMessage(`{"name":"` + secret + `"}`), Cells: []string{secret}}})
	must(err)
	message = s.NewID()
	must(s.Tx(ctx, func(s *store.Store) error {
		_, err := s.AddMessages(ctx, 0, []store.Row{{Message: rapport.Message{ID: message, Campaign: c.ID, Customer: customer, Channel: rapport.Email, State: rapport.Pending, Seq: 1, Due: s.Now()},
			Vars: json.RawMessage(`{"v":"` + secret + `"}`)}})
		return err
	}))
	_, err = s.Engage(ctx, 0, message, rapport.Opened, false)
	must(err)
	must(s.KeepSandbox(ctx, []store.SandboxSent{{Channel: rapport.Email, Address: address, Message: message, Content: json.RawMessage(`"` + secret + `"`)},
		{Channel: rapport.Email, Address: address, Content: json.RawMessage(`"` + secret + `"`)}}))
	must(s.SetBehaviour(ctx, store.Behaviour{Channel: rapport.Email, Address: address, Mode: "slow"}))
	kept, err := s.KeepFile(ctx, secret, "text/plain", strings.NewReader(secret), 1000)
	must(err)
	th := rapport.Thread{Customer: customer, Channel: rapport.Email, Subject: secret}
	must(s.CreateThread(ctx, &th))
	said := rapport.Entry{Thread: th.ID, Customer: customer, Kind: rapport.Inbound, Channel: rapport.Email, Text: secret, HTML: secret, Author: secret, ProviderID: secret,
		Files: []rapport.ID{kept.ID}, Meta: json.RawMessage(`"` + secret + `"`), Quoted: secret, Signature: secret, Original: original(t, s, secret)}
	must(s.AddEntry(ctx, &said))
	must(s.KeepReading(ctx, said.ID, rapport.Understanding{Intent: rapport.Taken{Value: secret, Source: rapport.Guessed}}))
	_, _, err = s.ApplyReceipt(ctx, 0, message, "mail", store.ReceiptRow{Kind: rapport.ReceiptAutoReply, Detail: secret, At: s.Now(), Original: original(t, s, secret)})
	must(err)
	must(s.KeepStray(ctx, store.Stray{Provider: "mail", About: address, Kind: rapport.ReceiptBounced, Subject: secret, Text: secret, Original: original(t, s, secret)}))
	// Somebody else writes in their thread, and they take part in somebody else's.
	must(s.AddEntry(ctx, &rapport.Entry{Thread: th.ID, Customer: 77, Kind: rapport.Inbound, Channel: rapport.Email, Text: "> " + secret, Original: original(t, s, secret)}))
	must(s.AddParticipants(ctx, th.ID, 1, []rapport.Participant{{Address: "friend-of-" + secret + "@example.com", Name: secret}}))
	must(s.AddParticipants(ctx, 99, 1, []rapport.Participant{{Address: address, Name: secret, Known: true}}))
	note := rapport.Entry{Thread: th.ID, Customer: customer, Kind: rapport.Note, Text: "@" + secret}
	must(s.AddEntry(ctx, &note))
	must(s.AddMentions(ctx, note.ID, []string{secret}))
	must(s.SaveDraft(ctx, &store.Draft{Thread: th.ID, Agent: "Eva", Content: json.RawMessage(`{"text":"Dear ` + secret + `"}`)}))
	_, err = s.InsertEvents(ctx, []rapport.Event{{ExternalID: secret, Customer: customer, Type: "order", OccurredAt: s.Now(), Properties: json.RawMessage(`{"to":"` + secret + `"}`)}})
	must(err)
	must(s.CreateLinks(ctx, []store.Link{{Token: secret, Kind: "start", Customer: customer, Payload: secret, ExpiresAt: s.Now().Add(time.Hour)}}))
	number := map[string]string{"a": "+37120000011", "b": "+37120000012", "main": "+37120000013", "old": "+37120000014", "oldest": "+37120000015"}[external]
	if number == "" {
		number = "+37130" + strings.Repeat("0", 6-len(external)) + external[1:] // of p1, p2, ...
	}
	for i, of := range []rapport.ID{customer, 0} { // one came before anybody had the number
		_, _, err = s.ReportedCall(ctx, rapport.Call{Door: "pbx", CallID: fmt.Sprint(secret, i), Direction: rapport.CallIn, Number: number, Customer: of, Agent: secret, StartedAt: s.Now()})
		must(err)
	}
	upsert(t, s, store.CustomerPatch{ID: customer, Addresses: []store.AddressPatch{{Channel: rapport.SMS, Value: number}}})
	must(s.Tell(ctx, rapport.Fact{Text: secret}.Notice(rapport.ReplyReceived, customer)))
	relay(t, s)
	must(s.Tell(ctx, rapport.Fact{Text: secret + " not told yet"}.Notice(rapport.ReplyReceived, customer)))
	campaigns(t, s, secret)
	return customer, message, kept.ID
}

func original(t *testing.T, s *store.Store, text string) (id rapport.ID) {
	t.Helper()
	err := s.Tx(ctx, func(s *store.Store) (err error) {
		id, err = s.KeepOriginal(ctx, 0, []byte("Subject: "+text+"\r\n\r\n"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// relay moves what was told into the stream.
func relay(t *testing.T, s *store.Store) {
	t.Helper()
	const me = 77
	if _, err := s.RelayTurn(ctx, me); err != nil {
		t.Fatal(err)
	}
	for more := true; more; {
		var mine bool
		var err error
		if _, mine, more, err = s.Relay(ctx, me); err != nil || !mine {
			t.Fatal(mine, err)
		}
	}
}

// campaigns stage somebody in the ways that people are named, and find them in a dry run. Somebody else
// stands beside them whose words hold the other's external id.
func campaigns(t *testing.T, s *store.Store, secret string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	address := secret + "@example.com"
	byAddress := store.WhoKey(store.CustomerPatch{Addresses: []store.AddressPatch{{Channel: rapport.Email, Value: address}}})
	staged := func() []store.Recipient {
		return []store.Recipient{
			{Seq: 1, Dedupe: store.WhoKey(store.CustomerPatch{ExternalID: secret}), Payload: json.RawMessage(`{"id":"ext:` + secret + `","name":"` + secret + `"}`)},
			{Seq: 2, Dedupe: byAddress, Payload: json.RawMessage(`{"addresses":[{"channel":"email","address":"` + strings.ToUpper(secret) + `\u0040EXAMPLE.com"}],"name":"` + secret + `"}`)},
			{Seq: 3, Dedupe: byAddress, Payload: json.RawMessage(`{"addresses":[{"channel":"email","address":"` + strings.ToUpper(address) + `"}],"name":"` + secret + `"}`)}, // a duplicate
			{Seq: 4, Payload: json.RawMessage(`{"external_id":"` + secret + `"}`)},
			{Seq: 5, Dedupe: 7, Payload: json.RawMessage(`{"external_id":"somebody else","data":{"ref":"beside"}}`)},
		}
	}
	for _, status := range []rapport.CampaignStatus{rapport.CampaignDraft, rapport.CampaignScheduled, rapport.CampaignPaused, rapport.CampaignCancelled} {
		c := &rapport.Campaign{ID: s.NewID(), Kind: rapport.KindOfCampaign, Name: "staged", Purpose: rapport.Marketing, Status: status, Audience: 5, CreatedAt: s.Now()}
		must(s.InsertCampaigns(ctx, c))
		dup, err := s.Stage(ctx, c.ID, staged())
		must(err)
		if len(dup) != 1 {
			t.Fatalf("duplicates: %v", dup)
		}
	}
	c := &rapport.Campaign{ID: s.NewID(), Kind: rapport.KindOfCampaign, Name: "dry", Purpose: rapport.Marketing, Status: rapport.CampaignFinished, DryRun: true, CreatedAt: s.Now()}
	must(s.InsertCampaigns(ctx, c))
	must(s.SetResult(ctx, c.ID, json.RawMessage(`{"recipients":2,"samples":[{"customer":"cus_0000000000000","channel":"email","to":"`+address+`","text":"Dear `+secret+`"},{"customer":"cus_0000000000001","channel":"email","to":"beside@example.com"}]}`)))
}

func TestDeleteCustomer_LeavesNoTraceButTheLedgerAndTheHash(t *testing.T) {
	t.Parallel()
	for _, url := range urls(t) {
		s := storetest.Open(t, url, nil)
		t.Run(s.Engine(), func(t *testing.T) {
			id, message, file := life(t, s, "a")
			other, _, otherFile := life(t, s, "b")
			if !strings.Contains(dump(t, url), "secret-a") {
				t.Fatal("the dump finds nothing, so this test proves nothing")
			}
			if err := s.DeleteCustomer(ctx, id); err != nil {
				t.Fatal(err)
			}
			for _, line := range strings.Split(dump(t, url), "\n") {
				if strings.Contains(line, "secret-a") {
					t.Errorf("left behind: %s", line)
				}
			}
			code(t, second(s.Customer(ctx, id)), rapport.CodeNotFound)
			code(t, second(s.File(ctx, file)), rapport.CodeNotFound)
			code(t, s.DeleteCustomer(ctx, id), rapport.CodeNotFound)
			left := dump(t, url)
			if n := strings.Count(left, `"beside"`); n != 8 {
				t.Errorf("%d of 8 staged rows of others are there", n)
			}
			if n := strings.Count(left, "beside@example.com"); n != 2 {
				t.Errorf("%d of 2 samples of others are there", n)
			}
			if drafts, _, err := s.Campaigns(ctx, store.CampaignFilter{Status: "draft", Page: store.Page{Limit: 9}}); err != nil || len(drafts) != 2 {
				t.Errorf("drafts: %v, %v", drafts, err)
			} else if refused, err := s.Refused(ctx, drafts[1].ID, 0, 9); err != nil || len(refused) != 4 || refused[0].Refusal != "erased" || refused[2].Refusal != rapport.ReasonDuplicate {
				t.Errorf("refused in the draft: %+v, %v", refused, err)
			}
			if m, err := s.Message(ctx, message); err != nil || m.Customer != id {
				t.Errorf("the ledger: %+v, %v", m, err)
			} else if c, err := s.Campaign(ctx, m.Campaign); err != nil || c.From != "us@example.com" || c.Data != nil {
				t.Errorf("its campaign: %+v, %v", c, err)
			}
			if x, err := s.Suppression(ctx, rapport.Email, "secret-a@example.com"); err != nil || x.Reason != "stop" {
				t.Errorf("the suppression: %+v, %v", x, err)
			}
			if history, _, err := s.Consents(ctx, id, store.Page{Limit: 9}); err != nil || len(history) != 1 || history[0].IP != "" || history[0].Source != "form" {
				t.Errorf("the consent: %+v, %v", history, err)
			}
			// Nobody else is touched.
			e, err := s.ExportCustomer(ctx, other)
			if err != nil {
				t.Fatal(err)
			}
			b, err := json.Marshal(e)
			if err != nil || bytes.Count(b, []byte("secret-b")) < 10 {
				t.Errorf("%s, %v", b, err)
			}
			if _, err := s.File(ctx, otherFile); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestExportCustomer_HoldsEverything(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		id, message, _ := life(t, s, "a")
		e, err := s.ExportCustomer(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if e.ExternalID != "secret-a" || *e.QuietHours != (store.ExportedQuiet{From: "21:00", Until: "09:05"}) || *e.FrequencyCap != (store.ExportedCap{Max: 3, Per: "1h"}) {
			t.Errorf("%+v", e)
		}
		if len(e.Calls) != 2 || e.Calls[0].Agent != "secret-a" || len(e.Notices) == 0 || e.Notices[len(e.Notices)-1].Type != rapport.ReplyReceived {
			t.Errorf("%+v, %+v", e.Calls, e.Notices)
		}
		if len(e.Addresses) != 2 || e.Addresses[0].Suppression == nil || e.Addresses[0].Suppression.Reason != "stop" {
			t.Errorf("%+v", e.Addresses)
		}
		if len(e.Preferences) != 1 || len(e.Consents) != 1 || e.Consents[0].IP != "192.0.2.1" || len(e.Events) != 1 || e.Events[0].ID != "secret-a" {
			t.Errorf("%+v", e)
		}
		if len(e.Messages) != 1 || e.Messages[0].ID != rapport.KindMessage.Format(message) || string(e.Messages[0].Variables) != `{"v":"secret-a"}` ||
			e.Messages[0].Name != "one" || len(e.Messages[0].Engagements) != 1 {
			t.Errorf("%+v", e.Messages)
		}
		if len(e.Drafts) != 1 || string(e.Drafts[0].Content) != `{"text":"Dear secret-a"}` || e.Drafts[0].Thread != e.Entries[0].Thread {
			t.Errorf("%+v", e.Drafts)
		}
		if len(e.Threads) != 1 || e.Threads[0].Name != "secret-a" || len(e.Reports) != 2 || e.Reports[0].Detail != "secret-a" || e.Reports[0].Original == "" || e.Reports[1].Message != "" {
			t.Errorf("%+v, %+v", e.Threads, e.Reports)
		}
		if len(e.Entries) != 2 || e.Entries[0].Text != "secret-a" || e.Entries[0].Quoted == "" || e.Entries[0].Signature == "" || e.Entries[0].Original == "" || len(e.Entries[0].Files) != 1 || e.Entries[0].TakenAs["intent"].Value != "secret-a" {
			t.Errorf("%+v", e.Entries)
		}
		code(t, second(s.ExportCustomer(ctx, 5)), rapport.CodeNotFound)
	})
}

func TestMergedCustomer_StandsForTheOneItWasMergedInto(t *testing.T) {
	t.Parallel()
	for _, url := range urls(t) {
		s := storetest.Open(t, url, nil)
		t.Run(s.Engine(), func(t *testing.T) {
			main, _, _ := life(t, s, "main")
			old, _, _ := life(t, s, "old")
			oldest, _, _ := life(t, s, "oldest")
			for from, into := range map[rapport.ID]rapport.ID{old: main, oldest: old} {
				if _, err := raw(t, url).Exec(`UPDATE customers SET merged_into = $1 WHERE id = $2`, int64(into), int64(from)); err != nil {
					t.Fatal(err)
				}
			}
			if c := customer(t, s, oldest); c.ID != main {
				t.Errorf("by id: %v", c.ID)
			}
			if c, err := s.FindCustomer(ctx, "ext:secret-oldest"); err != nil || c.ID != main {
				t.Errorf("by external id: %v, %v", c, err)
			}
			ids := upsert(t, s, store.CustomerPatch{ID: oldest}, store.CustomerPatch{ExternalID: "secret-old"}, store.CustomerPatch{ExternalID: "secret-oldest", Name: ptr("new")})
			if ids[0] != main || ids[1] != main || ids[2] != main {
				t.Errorf("%v", ids)
			}
			if c := customer(t, s, main); c.ExternalID != "secret-main" || c.Name != "new" {
				t.Errorf("%+v", c)
			}
			if list, _, err := s.Customers(ctx, store.CustomerFilter{Page: store.Page{Limit: 9}}); err != nil || len(list) != 1 {
				t.Errorf("%v, %v", list, err)
			}
			one, _, err := s.Timeline(ctx, main, store.Moment{}, 100)
			if err != nil || len(one) != 27 {
				t.Errorf("%d things in the timeline, %v", len(one), err)
			}
			if e, err := s.ExportCustomer(ctx, old); err != nil || len(e.MergedIDs) != 2 || len(e.Messages) != 3 {
				t.Errorf("%+v, %v", e, err)
			}
			if err := s.DeleteCustomer(ctx, old); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(dump(t, url), "secret-") {
				t.Error("something of a merged customer was left behind")
			}
		})
	}
}
