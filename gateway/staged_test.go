package gateway_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"rapport"
	"rapport/gateway"
	"rapport/templates"
)

// draft stages five rows, of which one is a duplicate and one no address.
func (w *world) draft(settings string) *rapport.Campaign {
	w.t.Helper()
	c, _, err := w.g.SubmitCampaign(w.t.Context(), gateway.Caller{}, strings.NewReader(`{"name":"d","purpose":"transactional","template":"news","data":{"what":"x"},"status":"draft","settings":`+settings+`}`), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	table := "email,name\na1@example.com,A\na2@example.com,A\nA1@example.com,A\nnobody,A\na3@example.com,A\n"
	added, refused, err := w.g.AddRecipients(w.t.Context(), gateway.Caller{}, c.ID, gateway.NewRows(strings.NewReader(table), gateway.CSV, nil, 1<<20))
	if err != nil || added != 3 || refused != 2 {
		w.t.Fatalf("%d added, %d refused, %v", added, refused, err)
	}
	if c, err = w.st.Campaign(w.t.Context(), c.ID); err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) refused(c *rapport.Campaign, want int64) {
	w.t.Helper()
	now, err := w.st.Campaign(w.t.Context(), c.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	if n, err := w.g.Refused(w.t.Context(), now); err != nil || n != want {
		w.t.Errorf("%d refused, want %d, %v", n, want, err)
	}
}

// blank checks that of the stage only lines and reasons are left.
func (w *world) blank(c *rapport.Campaign, want int) {
	w.t.Helper()
	w.until("the stage is purged", func() bool {
		left, err := w.st.Recipients(w.t.Context(), c.ID, 0, 100)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range left {
			if string(r.Payload) != "{}" || r.Refusal == "" || r.Line == 0 {
				return false
			}
		}
		return len(left) == want
	})
}

func TestDraft_CountsWhatWasRefusedWhileItWasStaged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c := w.draft(`{}`)
		if n := w.ledger(c); n.Planned != 3 || n.Pending != 3 {
			t.Errorf("the draft: %+v", *n)
		}
		w.refused(c, 2)
		if _, err := w.g.Launch(t.Context(), gateway.Caller{}, c.ID); err != nil {
			t.Fatal(err)
		}
		w.status(c, rapport.CampaignFinished)
		if n := w.ledger(c); n.Planned != 3 || n.Pending != 0 {
			t.Errorf("at its end: %+v", *n)
		}
		w.refused(c, 2)
		w.blank(c, 2)
	})
}

func TestDryRun_KeepsNothingOfItsStage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c := w.draft(`{"dry_run":true}`)
		if _, err := w.g.Launch(t.Context(), gateway.Caller{}, c.ID); err != nil {
			t.Fatal(err)
		}
		w.status(c, rapport.CampaignFinished)
		w.blank(c, 2)
		var d gateway.DryRun
		if text, err := w.st.Result(t.Context(), c.ID); err != nil || json.Unmarshal(text, &d) != nil || d.Recipients != 5 || d.Refused != 2 || len(d.Samples) != 3 {
			t.Errorf("%s, %v", text, err)
		}
	})
}

func TestSubmit_NamesEveryVariableThatIsMissing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		src := templates.Source{Topic: "orders", Required: []string{"data.order.number"}, Variants: []templates.Variant{
			{Channel: rapport.Email, Subject: "{{ data.order.number }}", Text: "{{ customer.name }} {{ customer.attributes.tier }}"}, {Channel: rapport.SMS, Text: "{{ data.code }}"}}}
		if _, _, _, err := w.g.SaveTemplate(t.Context(), gateway.Caller{}, "strict", src); err != nil {
			t.Fatal(err)
		}
		in := gateway.SendInput{SendSpec: gateway.SendSpec{Purpose: rapport.Transactional, Template: "strict", Routing: &gateway.RoutingInput{Method: rapport.All}},
			To: &gateway.RecipientInput{CustomerInput: gateway.CustomerInput{Addresses: []gateway.AddressInput{{Channel: rapport.Email, Address: "a@example.com"}, {Channel: rapport.SMS, Address: "+37126000001"}}}}}
		_, _, err := w.g.SubmitMessage(t.Context(), gateway.Caller{}, in, nil)
		var paths []string
		if e, ok := errors.AsType[*rapport.Error](err); ok {
			for _, f := range e.Fields {
				paths = append(paths, f.Path)
			}
		}
		if want := []string{"to.attributes.tier", "to.name", "data.code", "data.order.number"}; !slices.Equal(paths, want) {
			t.Errorf("missing: %q (%v)", paths, err)
		}
		if e, ok := errors.AsType[*rapport.Error](err); !ok || !strings.Contains(e.Fields[0].Message, "is read as customer.tier") {
			t.Errorf("an attribute that is read where none is: %v", err)
		}
	})
}
