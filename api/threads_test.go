package api

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// says has a customer write by the simulator and returns the path of the newest thread.
func (h *house) says(address, text string) string {
	h.t.Helper()
	a := h.want(202, "POST", "/v1/sandbox/replies", map[string]any{"channel": "sms", "address": address, "text": text})
	newest := h.want(200, "GET", "/v1/threads?limit=1", nil).text("data.0.id")
	if e := h.want(200, "GET", "/v1/threads/"+newest+"/entries?limit=200", nil); a.text("thread") != newest || !strings.HasPrefix(a.text("entry"), "ent_") || !strings.Contains(e.String(), a.text("entry")) {
		h.t.Errorf("%s, but the newest thread is %s: %s", a, newest, e)
	}
	return "/v1/threads/" + newest
}

func TestThreads_AreWorkedOn(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		th := h.says("+37120000001", "Hello?")
		a := h.want(200, "GET", th, nil)
		if a.get("unread") != true || a.text("waiting_since") == "" || a.text("status") != "open" {
			t.Errorf("thread: %s", a)
		}
		h.says("+37120000002", "Buy pills")
		other := "/v1/threads/" + h.want(200, "GET", "/v1/threads?q=pills", nil).text("data.0.id")
		h.want(200, "PATCH", other, `{"status":"spam"}`)
		if a = h.want(200, "GET", "/v1/threads", nil); len(a.get("data").([]any)) != 1 {
			t.Errorf("spam is listed: %s", a)
		}
		if a = h.want(200, "GET", "/v1/threads?status=spam", nil); len(a.get("data").([]any)) != 1 {
			t.Errorf("spam is not listed: %s", a)
		}
		if a = h.want(200, "GET", "/v1/threads/counts", nil); !strings.HasPrefix(a.String(), `200 {"open":1,"pending":0,"snoozed":0,"resolved":0,"spam":1,"unassigned":1,"unread":1,"waiting":1,`) {
			t.Errorf("counts: %s", a)
		}
		if a = h.want(200, "GET", "/v1/threads/counts?assignee=Eva", nil); a.get("open") != 0.0 {
			t.Errorf("counts: %s", a)
		}
		h.want(200, "PATCH", th, `{"assignee":"Eva","unread":false,"status":"snoozed"}`)
		if a = h.want(200, "GET", "/v1/threads?assignee=Eva&sort=waiting&status=snoozed", nil); a.text("data.0.status") != "snoozed" || a.get("data.0.snoozed_until") != nil || a.get("data.0.unread") != false {
			t.Errorf("threads: %s", a)
		}
		for query, n := range map[string]int{"unread=true": 0, "unassigned=true": 0, "priority=high": 0, "priority=normal": 1} {
			if a = h.want(200, "GET", "/v1/threads?"+query, nil); len(a.get("data").([]any)) != n {
				t.Errorf("%s: %s", query, a)
			}
		}
		h.refused(422, "labels[1]", "PATCH", th, `{"labels":["a","a"]}`)
		h.refused(422, "labels[0]", "PATCH", th, `{"labels":[" "]}`)
		h.refused(422, "sort", "GET", "/v1/threads?sort=oldest", nil)
		h.refused(422, "snoozed_until", "PATCH", th, `{"status":"open","snoozed_until":"2099-01-01T00:00:00Z"}`)
		cursor := h.want(200, "GET", "/v1/threads?limit=1&sort=waiting", nil).text("next_cursor")
		if cursor != "" {
			h.refused(422, "cursor", "GET", "/v1/threads?cursor="+cursor, nil)
		}

		// A note calls a colleague.
		h.want(201, "POST", th+"/notes", `{"text":"@Ivan, can you? (ivan@shop.example)","agent":"Eva"}`)
		if a = h.want(200, "GET", "/v1/mentions?agent=ivan", nil); a.text("data.0.entry.text") == "" || a.text("data.0.agent") != "ivan" || a.get("next_cursor") != nil || len(a.get("data").([]any)) != 1 {
			t.Errorf("mentions: %s", a)
		}
		h.refused(422, "agent", "GET", "/v1/mentions", nil)

		// Drafts are kept by agent, whatever they are called.
		agent := url.PathEscape("Ivan / Иванов")
		h.want(200, "PUT", th+"/drafts/"+agent, `{"text":"Dear"}`)
		h.want(200, "PUT", th+"/drafts/Eva", `{"text":"call her","kind":"note"}`)
		if a = h.want(200, "GET", th+"/drafts/"+agent, nil); a.text("text") != "Dear" || a.text("agent") != "Ivan / Иванов" || a.text("updated_at") == "" || a.text("kind") != "reply" {
			t.Errorf("draft: %s", a)
		}
		first := h.want(200, "GET", th+"/drafts?limit=1", nil)
		rest := h.want(200, "GET", th+"/drafts?limit=1&cursor="+first.text("next_cursor"), nil)
		if first.text("data.0.agent") != "Eva" || rest.text("data.0.text") != "Dear" || rest.get("next_cursor") != nil {
			t.Errorf("drafts: %s, %s", first, rest)
		}
		h.refused(422, "kind", "PUT", th+"/drafts/Eva", `{"kind":"poem"}`)
		h.want(204, "DELETE", th+"/drafts/Eva", nil)
		h.refused(404, "draft", "DELETE", th+"/drafts/Eva", nil)

		// An answer that waits is shown as such, and can be taken back; one that nobody has seen coming is refused.
		at := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		a = h.want(202, "POST", th+"/replies", `{"text":"Later","send_at":"`+at+`"}`)
		if a.text("state") != "scheduled" || a.text("due_at") != at {
			t.Errorf("reply: %s", a)
		}
		taken := th + "/replies/" + a.text("id")
		h.refused(409, "not failed", "POST", taken+"/retry", nil)
		for range 2 {
			if a = h.want(200, "DELETE", taken, nil); a.text("state") != "cancelled" {
				t.Errorf("taken back: %s", a)
			}
		}
		h.refused(404, "entry", "DELETE", th+"/replies/ent_0b8t9g3kq8x1w", nil)
		h.refused(422, "undo_for", "POST", th+"/replies", `{"text":"x","undo_for":"a while"}`)
		seen := h.want(200, "GET", th+"/entries", nil).text("data.0.id")
		h.want(202, "POST", th+"/replies", `{"text":"I take it","agent":"Ivan","undo_for":"1h"}`)
		a = h.refused(409, "meanwhile", "POST", th+"/replies", `{"text":"x","seen":"`+seen+`"}`)
		if a.text("errors.0.path") != "seen" || !strings.HasPrefix(a.text("errors.0.message"), "ent_") {
			t.Errorf("conflict: %s", a)
		}
		a = h.want(202, "POST", th+"/replies", `{"text":"Now","seen":"`+seen+`","force":true}`)
		sent := th + "/replies/" + a.text("id")
		h.until("it is sent", func() bool {
			return strings.Contains(h.want(200, "GET", th+"/entries", nil).String(), `"state":"sent"`)
		})
		h.refused(409, "too late", "DELETE", sent, nil)
	})
}

func TestThreads_AScheduledAnswerSaysWhatWillBecomeOfIt(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		th := h.says("+37126000009", "Hello")
		at := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		id := h.want(202, "POST", th+"/replies", `{"text":"Later","send_at":"`+at+`"}`).text("id")
		reason := func() string {
			t.Helper()
			for _, e := range h.want(200, "GET", th+"/entries?limit=50", nil).get("data").([]any) {
				if e := e.(map[string]any); e["id"] == id {
					if e["state"] != "scheduled" {
						t.Errorf("%v", e)
					}
					reason, _ := e["reason"].(string)
					return reason
				}
			}
			t.Fatal("the answer is not there")
			return ""
		}
		if got := reason(); got != "" {
			t.Errorf("reason %q before the stop", got)
		}
		h.says("+37126000009", "STOP")
		if got := reason(); got != "suppressed" {
			t.Errorf("reason %q after the stop", got)
		}
		h.says("+37126000009", "START")
		if got := reason(); got != "" {
			t.Errorf("reason %q after the start", got)
		}
	})
}

func TestThreads_MergeAndSplit(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	one := h.says("+37120000001", "First")
	h.want(200, "PATCH", one, `{"status":"resolved"}`)
	two := h.says("+37120000001", "Second")
	stranger := h.says("+37120000009", "Somebody else")
	id := func(path string) string { return strings.TrimPrefix(path, "/v1/threads/") }
	if one == two {
		t.Fatal("one thread")
	}
	into := fmt.Sprintf(`{"into":%q,"agent":"Eva"}`, id(one))
	h.refused(409, "two customers", "POST", stranger+"/merge", into)
	h.refused(422, "into", "POST", two+"/merge", `{"into":"thr_"}`)
	h.refused(404, "thread", "POST", "/v1/threads/thr_0b8t9g3kq8x1w/merge", into)
	if a := h.want(200, "POST", two+"/merge", into); a.text("id") != id(one) || a.text("merged.0") != id(two) {
		t.Errorf("merged: %s", a)
	}
	if a := h.want(200, "GET", two, nil); a.text("id") != id(one) {
		t.Errorf("by its old id: %s", a)
	}
	a := h.want(200, "GET", two+"/entries", nil)
	if a.text("data.0.text") != "First" || a.text("data.2.meta.event") != "continued" || a.text("data.3.text") != "Second" || a.text("data.3.origin_thread") != id(two) || a.text("data.3.thread") != id(one) || a.text("data.4.meta.event") != "merged" || a.text("data.4.author") != "Eva" {
		t.Errorf("entries: %s", a)
	}
	h.refused(409, "not merged", "POST", one+"/unmerge", nil)
	h.refused(422, "agent", "POST", two+"/unmerge", `{"agent":"a\nb"}`)
	if a := h.want(200, "POST", two+"/unmerge", `{"agent":"Ivan"}`); a.text("id") != id(two) || a.get("merged") != nil {
		t.Errorf("taken out: %s", a)
	}
	h.says("+37120000001", "Third")
	a = h.want(200, "GET", two+"/entries", nil)
	h.refused(422, "not both", "POST", two+"/split", `{}`)
	if s := h.want(201, "POST", two+"/split", fmt.Sprintf(`{"entries":[%q],"subject":"Apart","agent":"Olga"}`, a.text("data.3.id"))); s.text("subject") != "Apart" || s.text("preview") != "Third" || s.Header.Get("Location") != "/v1/threads/"+s.text("id") {
		t.Errorf("split: %s of %s", s, a)
	}
	h.want(200, "PATCH", two, `{"status":"resolved","agent":" Boris "}`)
	authors := h.want(200, "GET", two+"/entries", nil)
	var acted []any
	for i := range authors.get("data").([]any) {
		if at := fmt.Sprintf("data.%d.", i); authors.text(at+"kind") == "event" {
			acted = append(acted, authors.text(at+"meta.event"), authors.get(at+"author"))
		}
	}
	if got := fmt.Sprint(acted); got != "[continued <nil> unmerged Ivan split Olga changed Boris]" {
		t.Errorf("who acted: %s", got)
	}
	if a := h.want(200, "GET", "/v1/responses?kind=resolution&agent=Boris", nil); len(a.get("data").([]any)) != 1 {
		t.Errorf("resolutions: %s", a)
	}
}

func TestCanned_LiveAndAreRendered(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	th := h.says("+37120000001", "Where is it?")
	body := `{"title":"Where","bodies":[{"text":"Order {{ data.number }} comes."}]}`
	h.want(201, "PUT", "/v1/canned/where", body)
	h.want(200, "PUT", "/v1/canned/where", body)
	h.want(201, "PUT", "/v1/canned/bye", `{"title":"Bye","bodies":[{"text":"Bye"},{"locale":"ru","text":"Пока"}]}`)
	h.refused(422, "bodies[0]", "PUT", "/v1/canned/bad", `{"title":"x","bodies":[{"text":"{{ "}]}`)
	first := h.want(200, "GET", "/v1/canned?limit=1", nil)
	if rest := h.want(200, "GET", "/v1/canned?limit=1&cursor="+first.text("next_cursor"), nil); first.text("data.0.key") != "bye" || rest.text("data.0.key") != "where" || rest.get("next_cursor") != nil {
		t.Errorf("lists: %s, %s", first, rest)
	}
	thread := strings.TrimPrefix(th, "/v1/threads/")
	a := h.want(200, "POST", "/v1/canned/where/render", `{"thread":"`+thread+`"}`)
	if a.text("missing.0") != "data.number" || a.text("channel") != "sms" || a.get("sms.segments") != 1.0 {
		t.Errorf("rendered: %s", a)
	}
	h.refused(422, "data.number", "POST", th+"/replies", map[string]any{"text": a.text("text")})
	if a = h.want(200, "POST", "/v1/canned/where/render", `{"thread":"`+thread+`","data":{"number":5}}`); a.text("text") != "Order 5 comes." {
		t.Errorf("rendered: %s", a)
	}
	h.want(204, "DELETE", "/v1/canned/where", nil)
	h.refused(404, "canned", "GET", "/v1/canned/where", nil)
}

func TestReplies_AFileMayBeAllThatIsSaid(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		file := h.want(201, "POST", "/v1/files?name=invoice.txt", "total 5", "Content-Type: text/plain").text("id")
		for channel, address := range map[string]string{"sms": "+37120000001", "email": "anna@example.com", "telegram": "1000001"} {
			h.want(202, "POST", "/v1/sandbox/replies", map[string]any{"channel": channel, "address": address, "text": "My invoice?"})
			th := "/v1/threads/" + h.want(200, "GET", "/v1/threads?limit=1&channel="+channel, nil).text("data.0.id")
			a := h.want(202, "POST", th+"/replies", map[string]any{"attachments": []string{file}, "quote": false})
			h.until(channel+": it is sent", func() bool {
				return strings.Contains(h.want(200, "GET", "/v1/sandbox/outbox?message="+a.text("message"), nil).String(), "invoice.txt")
			})
			h.refused(422, "text", "POST", th+"/replies", `{"text":" "}`)
		}
	})
}
