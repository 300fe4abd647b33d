package api

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTemplates_APreviewShowsWhatIsBeingWritten(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	source := `"source":{"variants":[{"channel":"sms","text":"Hello {{ data.who }}"}],"required":["data.who"]}`
	a := h.want(200, "POST", "/v1/templates/not-saved/preview", `{"channel":"sms","data":{"who":"Anna"},`+source+`}`)
	if text := a.text("text"); !strings.HasPrefix(text, "Hello Anna") {
		t.Errorf("rendered %q", text)
	}
	h.want(404, "GET", "/v1/templates/not-saved", nil)
	h.refused(422, "variants[0].text", "POST", "/v1/templates/not-saved/preview", `{"channel":"sms","source":{"variants":[{"channel":"sms","text":"Hello {% if %}"}]}}`)
	h.want(404, "POST", "/v1/templates/not-saved/preview", `{"channel":"sms"}`)
}

func TestTemplates_StartersCanBeSavedAsTheyAre(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var list struct {
		Data []struct {
			Key    string
			Source map[string]any
		}
	}
	if err := json.Unmarshal(h.want(200, "GET", "/v1/starters", nil).Body, &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Data) < 5 {
		t.Fatalf("%d starters", len(list.Data))
	}
	for _, s := range list.Data {
		h.want(201, "PUT", "/v1/templates/"+s.Key, s.Source)
	}
}
