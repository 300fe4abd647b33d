package store_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

// Who names the address of another may be the other.
func TestProposals_WhoNamesTheAddressOfAnother(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		n := 0
		add := func(attributes string, at ...store.AddressPatch) rapport.ID {
			n++
			return upsert(t, s, store.CustomerPatch{ExternalID: fmt.Sprint("c", n), Attributes: json.RawMessage(attributes), Addresses: at})[0]
		}
		at := func(ch rapport.Channel, value string) store.AddressPatch {
			return store.AddressPatch{Channel: ch, Value: value}
		}
		// says lets a customer write in a thread of their own.
		says := func(c rapport.ID, e rapport.Entry) rapport.ID {
			full := customer(t, s, c)
			th := rapport.Thread{Customer: c, Address: full.Addresses[0].ID, Channel: full.Addresses[0].Channel}
			if err := s.CreateThread(ctx, &th); err != nil {
				t.Fatal(err)
			}
			e.Thread, e.Customer, e.Kind, e.Channel = th.ID, c, rapport.Inbound, th.Channel
			if e.Author == "" {
				e.Address = th.Address
			}
			if err := s.AddEntry(ctx, &e); err != nil {
				t.Fatal(err)
			}
			return th.ID
		}
		guest := func(thread rapport.ID, address string, known bool) {
			if err := s.AddParticipants(ctx, thread, 1, []rapport.Participant{{Address: address, Known: known}}); err != nil {
				t.Fatal(err)
			}
		}
		names := map[rapport.ID]string{}
		name := func(id rapport.ID, as string) rapport.ID { names[id] = as; return id }

		name(add(`{}`, at(rapport.SMS, "+37120000001")), "sms")
		name(add(`{}`, at(rapport.WhatsApp, "+37120000002")), "whatsapp")
		name(add(`{}`, at(rapport.Email, "Eva.Berg@example.com")), "mail")
		name(add(`{"phones":{"home":["+371 (0)20 000-001"]}}`, at(rapport.Telegram, "1")), "attribute") // another is in brackets
		name(add(`{"mobile":37120000002,"order":20000001,"note":"+1 2"}`, at(rapport.Telegram, "2")), "number")
		name(add(`{"invoices":"to eva.berg@EXAMPLE.com, please"}`, at(rapport.Email, "books@example.com")), "invoices")
		name(add(`{"self":"me@example.com"}`, at(rapport.Email, "me@example.com")), "self")

		// A salesperson, whom three have, is none of them.
		name(add(`{}`, at(rapport.Email, "sales@example.com")), "sales")
		for i := range 3 {
			name(add(`{"contact":"sales@example.com"}`, at(rapport.Telegram, fmt.Sprint(10+i))), fmt.Sprint("client", i))
		}

		signs := name(add(`{}`, at(rapport.Email, "e.berg@work.example")), "signs")
		says(signs, rapport.Entry{Text: "Hello", Signature: "Eva Berg\nTel. 00371 20000001\nprivate: eva.berg@example.com"})
		owner := name(add(`{}`, at(rapport.Email, "owner@example.com")), "owner")
		says(owner, rapport.Entry{Text: "I look after it", Author: "A stranger", Signature: "+37120000001"})
		quotes := name(add(`{}`, at(rapport.Email, "quotes@example.com")), "quotes")
		says(quotes, rapport.Entry{Text: "Ask eva.berg@example.com.", Quoted: "+37120000001"})
		shares := name(add(`{}`, at(rapport.Telegram, "77")), "shares")
		says(shares, rapport.Entry{Text: "Contact: 37120000002", Meta: json.RawMessage(`{"phone":"37120000002"}`)})
		old := name(add(`{}`, at(rapport.Email, "old@example.com")), "old")
		says(old, rapport.Entry{Text: "Hello", Signature: "+37120000001"})
		for range 20 {
			says(old, rapport.Entry{Text: "Hello"})
		}

		var threads []rapport.ID
		for i := range 4 {
			threads = append(threads, says(name(add(`{}`, at(rapport.Email, fmt.Sprintf("host%d@example.com", i))), fmt.Sprint("host", i)), rapport.Entry{Text: "Hello"}))
		}
		guest(threads[0], "partner@example.com", true)
		guest(threads[1], "Partner@example.com", true)
		for _, th := range threads[:3] {
			guest(th, "secretary@example.com", true)
		}
		guest(threads[2], "stranger@example.com", true)
		guest(threads[3], "stranger@example.com", false)
		for i := range 2 { // who has so much to do with both is their colleague
			busy := name(add(`{}`, at(rapport.Email, fmt.Sprintf("busy%d@example.com", i))), fmt.Sprint("busy", i))
			for range 25 {
				guest(says(busy, rapport.Entry{Text: "Hello"}), "colleague@example.com", true)
			}
		}

		for _, size := range []int{100, 2} {
			var got []string
			for after := rapport.ID(0); ; {
				page, next, err := s.Proposals(ctx, after, size)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range page {
					if line := fmt.Sprint(names[p.From], " ", names[p.Into], " ", p.Reasons); !slices.Contains(got, line) {
						got = append(got, line)
					}
				}
				if after = next; next == 0 {
					break
				}
			}
			slices.Sort(got)
			want := []string{"attribute sms [address_in_attributes]", "host1 host0 [same_guest]", "invoices mail [address_in_attributes]", "number whatsapp [address_in_attributes]",
				"shares whatsapp [shared_contact]", "signs mail [address_in_signature]", "signs sms [address_in_signature]"}
			if size == 2 { // of a page too small to tell a salesperson
				want = slices.Insert(want, 1, "client0 sales [address_in_attributes]", "client1 sales [address_in_attributes]", "client2 sales [address_in_attributes]")
			}
			if !slices.Equal(got, want) {
				t.Errorf("pages of %d:\n%q, want\n%q", size, got, want)
			}
		}
	})
}
