package api

import (
	"net/http"
	"strings"
	"testing"
)

func TestThreads_AnAgentBegins(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		for _, ch := range []string{"email", "sms"} {
			h.want(200, "PUT", "/v1/providers/live-"+ch, `{"driver":"sandbox","channel":"`+ch+`"}`)
		}
		h.want(201, "PUT", "/v1/customers/ext:anna", `{"name":"Anna","locale":"en","addresses":[{"channel":"email","address":"anna@example.com","primary":true},{"channel":"email","address":"work@example.com"},{"channel":"sms","address":"+37120000501"}]}`)
		h.refused(422, "subject", "POST", "/v1/threads", `{"customer":"ext:anna","channel":"email","text":"Hello"}`)
		h.refused(422, "text", "POST", "/v1/threads", `{"customer":"ext:anna","channel":"sms"}`)
		h.refused(422, "channel", "POST", "/v1/threads", `{"customer":"ext:anna","text":"x"}`)
		h.refused(422, "customer", "POST", "/v1/threads", `{"customer":"ext:nobody","channel":"sms","text":"x"}`)
		h.refused(422, "address", "POST", "/v1/threads", `{"customer":"ext:anna","channel":"sms","address":"+37120000502","text":"x"}`)
		h.refused(409, "no_address", "POST", "/v1/threads", `{"customer":"ext:anna","channel":"telegram","text":"x"}`)
		if a := h.want(200, "GET", "/v1/threads?status=open,pending", nil); len(a.get("data").([]any)) != 0 {
			t.Errorf("a refusal left a thread: %s", a)
		}

		// A mail goes where it is told, under its own subject, once; the thread is the writer's and waits for the customer.
		mail := `{"customer":"ext:anna","channel":"email","address":"work@example.com","subject":"Your order","text":"It has come.","agent":"Eva"}`
		first := h.want(202, "POST", "/v1/threads", mail, "Idempotency-Key: one")
		again := h.want(202, "POST", "/v1/threads", mail, "Idempotency-Key: one")
		if first.text("id") != again.text("id") || first.Header.Get("Location") != "/v1/threads/"+first.text("thread") {
			t.Errorf("begun twice: %s, %s", first, again)
		}
		a := h.want(200, "GET", "/v1/threads/"+first.text("thread"), nil)
		if a.text("status") != "pending" || a.text("assignee") != "Eva" || a.text("subject") != "Your order" || a.get("unread") != false || a.get("waiting_since") != nil {
			t.Errorf("thread: %s", a)
		}
		if a.text("channels.0.channel") != "email" || a.text("channels.0.addresses.0.address") != "work@example.com" || a.text("channels.0.addresses.1.address") != "anna@example.com" || a.text("channels.1.channel") != "sms" {
			t.Errorf("channels: %s", a)
		}
		h.until("the mail is out", func() bool {
			o := h.want(200, "GET", "/v1/sandbox/outbox?address=work@example.com", nil)
			return o.text("data.0.subject") == "Your order" && len(o.get("data").([]any)) == 1
		})

		// What the customer answers comes into it, and so does the next answer of ours, to another address of theirs.
		h.want(202, "POST", "/v1/sandbox/replies", `{"channel":"email","address":"work@example.com","text":"Thank you!"}`)
		if a = h.want(200, "GET", "/v1/threads", nil); a.text("data.0.id") != first.text("thread") || a.text("data.0.status") != "open" {
			t.Errorf("threads: %s", a)
		}
		h.want(202, "POST", "/v1/threads/"+first.text("thread")+"/replies", `{"text":"Welcome","address":"anna@example.com"}`)
		h.until("the answer is out", func() bool {
			return h.want(200, "GET", "/v1/sandbox/outbox?address=anna@example.com", nil).text("data.0.subject") == "Re: Your order"
		})

		// In a chat the conversation that there is goes on.
		one := h.want(202, "POST", "/v1/threads", `{"customer":"ext:anna","channel":"sms","text":"One"}`)
		two := h.want(202, "POST", "/v1/threads", `{"customer":"ext:anna","channel":"sms","text":"Two"}`)
		if one.text("thread") != two.text("thread") || one.text("thread") == first.text("thread") {
			t.Errorf("one %s, two %s", one, two)
		}

		// Who said stop is not written to, and the ways say so beforehand.
		h.want(202, "POST", "/v1/sandbox/replies", `{"channel":"sms","address":"+37120000501","text":"STOP"}`)
		h.refused(409, "suppressed", "POST", "/v1/threads", `{"customer":"ext:anna","channel":"sms","text":"Three"}`)
		a = h.want(200, "GET", "/v1/customers/ext:anna/channels", nil)
		if a.text("data.1.addresses.0.refused") != "suppressed" || a.get("data.0.addresses.0.refused") != nil || a.text("data.0.addresses.0.address") != "anna@example.com" {
			t.Errorf("channels: %s", a)
		}
	})
}

func TestLabels_AreRenamedAndDeletedEverywhere(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		one, two := h.says("+37120000511", "One"), h.says("+37120000512", "Two")
		h.want(200, "PATCH", one, `{"labels":["refund","vip"]}`)
		h.want(200, "PATCH", two, `{"labels":["Money back","refund"]}`)
		view := "/v1/views/" + h.want(201, "POST", "/v1/views", `{"name":"Refunds","shared":true,"filter":{"label":"Refund"}}`).text("id")
		h.want(201, "POST", "/v1/views", `{"name":"Calls","shared":true,"filter":{"channel":"phone"}}`)

		a := h.want(200, "PUT", "/v1/labels/refund", `{"colour":"#c2410c","name":"money back"}`)
		if a.text("name") != "money back" || a.get("threads") != 2.0 || a.text("colour") != "#c2410c" {
			t.Errorf("renamed: %s", a)
		}
		if a, b := h.want(200, "GET", one, nil), h.want(200, "GET", two, nil); !strings.Contains(a.String(), `"labels":["money back","vip"]`) || !strings.Contains(b.String(), `"labels":["Money back"]`) {
			t.Errorf("one: %s, two: %s", a, b)
		}
		if a = h.want(200, "GET", view, nil); a.text("filter.label") != "money back" {
			t.Errorf("view: %s", a)
		}
		h.refused(422, "name", "PUT", "/v1/labels/vip", `{"colour":"","name":"  "}`)

		h.want(204, http.MethodDelete, "/v1/labels/MONEY%20BACK", nil)
		h.refused(404, "label", http.MethodDelete, "/v1/labels/money%20back", nil)
		if a, b := h.want(200, "GET", one, nil), h.want(200, "GET", "/v1/labels", nil); !strings.Contains(a.String(), `"labels":["vip"]`) || strings.Contains(strings.ToLower(b.String()), "money") {
			t.Errorf("deleted: %s, %s", a, b)
		}
		if a = h.want(200, "GET", two, nil); !strings.Contains(a.String(), `"labels":[]`) {
			t.Errorf("deleted: %s", a)
		}
	})
}
