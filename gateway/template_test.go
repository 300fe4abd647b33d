package gateway_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"rapport"
	"rapport/gateway"
	"rapport/store/storetest"
	"rapport/templates"
)

func TestPreview_SaysWhatIsWrongWithTheQuestion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	for _, c := range []struct {
		in         gateway.PreviewInput
		path, says string
	}{
		{gateway.PreviewInput{}, "channel", "is required"},
		{gateway.PreviewInput{Channel: "fax"}, "channel", "must be one of"},
		{gateway.PreviewInput{Channel: rapport.SMS, Locale: "!!"}, "locale", "BCP 47"},
		{gateway.PreviewInput{Channel: rapport.SMS, Data: map[string]any{"customer": map[string]any{"name": strings.Repeat("a", 1601)}}}, "text", "an SMS takes 1600"},
	} {
		_, err := w.g.Preview(t.Context(), "news", c.in)
		e, _ := errors.AsType[*rapport.Error](err)
		if e == nil || e.Code != rapport.CodeInvalid || len(e.Fields) != 1 || e.Fields[0].Path != c.path || !strings.Contains(e.Fields[0].Message, c.says) {
			t.Errorf("got %v, want %q at %s", err, c.says, c.path)
		}
	}
}

func TestPreview_ShowsHeadersAsTheyAreSaved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	src := templates.Source{Variants: []templates.Variant{{Channel: rapport.Webhook, Text: "x", Headers: map[string]string{"X-Order": "{{ data.n }}"}}}}
	if _, _, _, err := w.g.SaveTemplate(t.Context(), gateway.Caller{}, "order", src); err != nil {
		t.Fatal(err)
	}
	p, err := w.g.Preview(t.Context(), "order", gateway.PreviewInput{Channel: rapport.Webhook, Data: map[string]any{"n": 7}})
	if err != nil {
		t.Fatal(err)
	}
	if shown, err := json.Marshal(p); err != nil || !strings.Contains(string(shown), `"headers":{"X-Order":"7"}`) {
		t.Errorf("got %s, %v", shown, err)
	}
}

func TestDelivery_ATemplateMayNameItsCampaign(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		src := templates.Source{Topic: "news", Variants: []templates.Variant{{Channel: rapport.Email, Subject: "{{ campaign.name }}", Text: "{{ campaign.topic }} {{ campaign.none }}"}}}
		if _, _, _, err := w.g.SaveTemplate(t.Context(), gateway.Caller{}, "named", src); err != nil {
			t.Fatal(err)
		}
		without := w.campaign(persons(1, rapport.Email), func(m map[string]any) { m["template"] = "named" })
		w.status(without, rapport.CampaignFinished)
		if m := w.only(without); m.State != rapport.Skipped || m.Reason != rapport.ReasonMissing+": campaign.none" {
			t.Errorf("%v %q", m.State, m.Reason)
		}
		src.Variants[0].Text = "{{ campaign.topic }} {{ campaign.id }} {{ campaign.purpose }}"
		if _, _, _, err := w.g.SaveTemplate(t.Context(), gateway.Caller{}, "named", src); err != nil {
			t.Fatal(err)
		}
		with := w.campaign(persons(1, rapport.Email), func(m map[string]any) { m["template"] = "named" })
		w.status(with, rapport.CampaignFinished)
		w.want(with, "sent=1")
	})
}
