package api

import (
	"strings"
	"testing"
	"time"
)

func TestQuarantine_ShowsWhatIsHeldAndTakesADecision(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if a := h.want(200, "GET", "/v1/quarantine", nil); a.get("active") != false || a.get("since") != nil || a.get("campaigns") == nil {
		t.Errorf("without a restore: %s", a)
	}
	h.template("hello")
	draft := h.want(202, "POST", "/v1/campaigns", `{"name":"May","purpose":"marketing","template":"hello","status":"draft","audience":{"customers":[{"external_id":"a"}]}}`).text("id")
	later := h.want(202, "POST", "/v1/campaigns", `{"name":"June","purpose":"marketing","template":"hello","send_at":"2999-01-01T00:00:00Z","audience":{"customers":[{"external_id":"b"}]}}`).text("id")
	if _, err := h.st.BeginQuarantine(t.Context(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	a := h.want(200, "GET", "/v1/quarantine", nil)
	if a.get("active") != true || a.text("campaigns.0.id") != draft || a.text("campaigns.0.was") != "draft" || a.text("campaigns.1.name") != "June" || a.text("campaigns.1.was") != "scheduled" || a.text("since") == "" || a.text("began_at") == "" {
		t.Errorf("the list is %s", a)
	}
	if a := h.want(200, "GET", "/v1/campaigns?status=quarantined", nil); strings.Count(string(a.Body), `"status":"quarantined"`) != 2 {
		t.Errorf("the campaigns are %s", a)
	}
	h.refused(409, "restored from a backup", "POST", "/v1/campaigns/"+draft+"/launch", nil)
	h.refused(409, "restored from a backup", "POST", "/v1/campaigns/"+later+"/resume", nil)
	h.refused(422, "name campaigns", "POST", "/v1/quarantine/release", `{}`)
	h.refused(404, "cmp_x", "POST", "/v1/quarantine/release", `{"campaigns":["cmp_x"]}`)
	h.refused(404, "campaign", "POST", "/v1/quarantine/close", `{"campaigns":["cmp_0000000000001"]}`)
	h.refused(422, "everything", "POST", "/v1/quarantine/cancel", `{"everything":true}`)
	if a := h.want(200, "POST", "/v1/quarantine/release", `{"campaigns":["`+draft+`"]}`); a.get("active") != true || a.text("campaigns.0.id") != later {
		t.Errorf("after one of two: %s", a)
	}
	h.want(200, "POST", "/v1/campaigns/"+later+"/cancel", nil)
	if a := h.want(200, "GET", "/v1/quarantine", nil); a.get("active") != false {
		t.Errorf("after the other was cancelled: %s", a)
	}
	h.want(200, "POST", "/v1/campaigns/"+draft+"/launch", nil)
}
