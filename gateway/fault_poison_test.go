package gateway_test

import (
	"os"
	"testing"

	"rapport"
	"rapport/channels"
	"rapport/gateway"
	"rapport/templates"
)

// many is for a run that says what it proves: few in make test, the number of the promise in make crash.
func many(few, all int) int {
	if os.Getenv("RAPPORT_TEST_CRASH") == "long" {
		return all
	}
	return few
}

// One message makes the provider panic, another cannot be rendered: those two end alone, and the rest of them goes out.
func TestFault_PoisonRowsEndAlone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		n := many(1000, 10_000)
		w.email.behave(func(_ int, o *channels.Outgoing) (bool, *channels.Verdict) {
			if o.To == addressOf(rapport.Email, n/2) {
				panic("a message that nobody survives")
			}
			return true, nil
		})
		people := persons(n, rapport.Email)
		people[n/3]["data"] = map[string]any{"by": 0}
		for i := range people {
			if people[i]["data"] == nil {
				people[i]["data"] = map[string]any{"by": 7}
			}
		}
		src := templates.Source{Topic: "news", Variants: []templates.Variant{{Channel: rapport.Email, Subject: "Hi", Text: "{{ 10 | divided_by: data.by }}"}}}
		if _, _, _, err := w.g.SaveTemplate(t.Context(), gateway.Caller{}, "poison", src); err != nil {
			t.Fatal(err)
		}
		c := w.campaign(people, func(m map[string]any) { m["template"] = "poison" })
		w.status(c, rapport.CampaignFinished)
		w.agree(c)
		s := w.states(c)
		if s["sent"] != int64(n-2) || s["failed"] != 1 || s["unknown"] != 1 {
			t.Errorf("%v", s)
		}
		if taken, most := w.email.total(); taken != n-2 || most != 1 {
			t.Errorf("taken %d, one %d times", taken, most)
		}
		t.Logf("fault: 2 poison rows in %d: %v", n, s)
	})
}
