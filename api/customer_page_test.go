package api

import "testing"

func TestCustomerPage_TellsWhatCampaignsHadForThem(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		h.template("hello")
		h.audience(2)
		c := h.want(202, "POST", "/v1/campaigns", `{"name":"Spring","purpose":"marketing","template":"hello","audience":{"everyone":true},"settings":{"sandbox":true},"routing":{"channels":["sms"]}}`)
		h.until("finished", func() bool {
			return h.want(200, "GET", "/v1/campaigns/"+c.text("id"), nil).text("status") == "finished"
		})
		h.says("+37120000001", "Thanks")
		a := h.want(200, "GET", "/v1/customers/ext:c1/campaigns", nil)
		if a.text("data.0.name") != "Spring" || a.text("data.0.campaign") != c.text("id") || a.text("data.0.message.channel") != "sms" || a.text("data.0.engaged.0") != "replied" || a.get("data.1") != nil {
			t.Errorf("campaigns: %s", a)
		}
		if a = h.want(200, "GET", "/v1/customers/ext:c2/campaigns", nil); a.text("data.0.message.state") != "skipped" || a.text("data.0.message.reason") == "" {
			t.Errorf("campaigns: %s", a)
		}
		h.refused(404, "customer", "GET", "/v1/customers/ext:none/campaigns", nil)
		if a = h.want(200, "GET", "/v1/customers/ext:c1", nil); a.get("activity.messages_30d") != 1.0 || a.get("activity.threads_open") != 1.0 || a.text("activity.last_reply_at") == "" || a.text("activity.last_message_at") == "" {
			t.Errorf("activity: %s", a)
		}

		if a = h.want(200, "POST", "/v1/templates/hello/archive", nil); a.text("archived_at") == "" {
			t.Errorf("archived: %s", a)
		}
		h.refused(422, "archived", "POST", "/v1/campaigns", `{"purpose":"marketing","template":"hello","audience":{"everyone":true}}`)
		if a = h.want(200, "GET", "/v1/templates", nil); a.get("data.0") != nil {
			t.Errorf("listed: %s", a)
		}
		if a = h.want(200, "GET", "/v1/templates?archived=true", nil); a.text("data.0.key") != "hello" {
			t.Errorf("archive: %s", a)
		}
		if a = h.want(200, "POST", "/v1/templates/hello/restore", nil); a.get("archived_at") != nil {
			t.Errorf("restored: %s", a)
		}
		h.refused(404, "template", "POST", "/v1/templates/none/archive", nil)
	})
}

func TestTimeline_AnAnswerIsOneLineThatSaysHowItFares(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		h.want(201, "PUT", "/v1/customers/ext:a", `{"name":"Anna","addresses":[{"channel":"sms","address":"+37126000001"}]}`)
		h.says("+37126000001", "Is it there?")
		thread := "/v1/threads/" + h.want(200, "GET", "/v1/threads?customer=ext:a", nil).text("data.0.id")
		entry := h.want(202, "POST", thread+"/replies", `{"text":"Yes","undo_for":"1h"}`).text("id")
		lines := func(want string) {
			t.Helper()
			a := h.want(200, "GET", "/v1/customers/ext:a/timeline?kinds=message,entry&limit=9", nil)
			n := 0
			for i, x := range a.get("data").([]any) {
				line, _ := x.(map[string]any)["entry"].(map[string]any)
				if line == nil || line["id"] == entry && line["state"] != want {
					t.Errorf("line %d: %v", i, x)
				} else if line["id"] == entry {
					n++
				}
			}
			if n != 1 {
				t.Errorf("the answer has %d lines: %s", n, a)
			}
		}
		lines("scheduled")
		h.want(200, "DELETE", thread+"/replies/"+entry, nil)
		lines("cancelled")
	})
}
