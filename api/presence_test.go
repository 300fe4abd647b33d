package api

import (
	"strings"
	"testing"
)

func TestPresence_SaysWhoLooksAtAThread(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		th := strings.TrimPrefix(h.says("+37120000001", "Hello?"), "/v1/threads/")
		h.want(200, "PUT", "/v1/presence/Anna", map[string]any{"status": "online", "thread": th})
		h.want(200, "PUT", "/v1/presence/Boris", map[string]any{"status": "online"})
		there := h.want(200, "GET", "/v1/presence?thread="+th, nil)
		if rows := there.get("data").([]any); len(rows) != 1 || there.text("data.0.agent") != "Anna" || there.text("data.0.thread") != th {
			t.Errorf("in the thread: %s", there)
		}
		h.want(200, "PUT", "/v1/presence/Anna", map[string]any{"status": "online"})
		if left := h.want(200, "GET", "/v1/presence?thread="+th, nil); len(left.get("data").([]any)) != 0 {
			t.Errorf("after they left: %s", left)
		}
		h.want(422, "PUT", "/v1/presence/Anna", map[string]any{"status": "online", "thread": "ent_1"})
		h.want(422, "GET", "/v1/presence?thread=nonsense", nil)
	})
}
