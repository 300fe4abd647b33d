package api

import "testing"

func TestJobs_ListNewestFirst(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		var ids []string
		for range 3 {
			ids = append(ids, h.want(202, "POST", "/v1/customers/import", "external_id,email\na,a@example.com\nb,nonsense\n", "Content-Type: text/csv").text("id"))
		}
		h.until("they end", func() bool {
			a := h.want(200, "GET", "/v1/jobs?status=finished", nil)
			list, _ := a.get("data").([]any)
			return len(list) == 3
		})
		page := h.want(200, "GET", "/v1/jobs?limit=2", nil)
		next := h.want(200, "GET", "/v1/jobs?limit=2&cursor="+page.text("next_cursor"), nil)
		if page.text("data.0.id") != ids[2] || page.get("data.0.rejected") != 1.0 || next.text("data.0.id") != ids[0] || next.get("next_cursor") != nil {
			t.Errorf("jobs: %s\n%s", page, next)
		}
		if a := h.want(200, "GET", "/v1/jobs?status=running", nil); len(a.get("data").([]any)) != 0 {
			t.Errorf("running: %s", a)
		}
		h.refused(422, "status", "GET", "/v1/jobs?status=lost", nil)
	})
}
