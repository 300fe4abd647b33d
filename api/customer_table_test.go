package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestCustomers_TheWholeListComesAsATableThatCanBeBroughtBack(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		h.want(201, "PUT", "/v1/customers/ext:a", `{"name":"=1+1","locale":"lv","audience":"partner","attributes":{"city":"Rīga","points":-7},"addresses":[
			{"channel":"email","address":"a@example.com"},{"channel":"email","address":"first@example.com","primary":true},{"channel":"sms","address":"+37126000001"}]}`)
		h.want(201, "PUT", "/v1/customers/ext:b", `{"name":"Anna \"B\", jr","timezone":"Europe/Riga","attributes":{"city":"Oslo","points":"many"}}`)
		h.want(201, "PUT", "/v1/customers/ext:c", `{"name":"Zoe","attributes":{"shoe":43}}`)
		const heads = "id,external_id,audience,name,locale,timezone,email,sms,whatsapp,telegram,webhook"
		export := func(path string) string {
			t.Helper()
			a := h.want(200, "GET", path, nil, "Accept: text/csv")
			if a.Header.Get("Content-Disposition") == "" {
				t.Errorf("%s: no file: %v", path, a.Header)
			}
			return string(a.Body)
		}
		id := func(ref string) string { return h.want(200, "GET", "/v1/customers/ext:"+ref, nil).text("id") }
		a := id("a") + ",a,partner,'=1+1,lv,,first@example.com,'+37126000001,,,,Rīga,'-7"
		b := id("b") + `,b,customer,"Anna ""B"", jr",,Europe/Riga,,,,,,Oslo,"""many"""`
		if got, want := export(`/v1/customers?order=asc&filter={"field":"attribute","name":"city","op":"exists"}`), heads+",attr.city,attr.points:json\n"+a+"\n"+b+"\n"; got != want {
			t.Errorf("with a city:\n%swant:\n%s", got, want)
		}
		if got, want := export("/v1/customers?q=nobody"), heads+"\n"; got != want {
			t.Errorf("nobody: %q, want %q", got, want)
		}
		if audit := h.want(200, "GET", "/v1/audit?action=customers.exported", nil); audit.text("data.1.actor.name") != "test" || audit.get("data.2") != nil {
			t.Errorf("audit: %s", audit)
		}
		if lines := h.want(200, "GET", "/v1/customers", nil, "Accept: application/x-ndjson"); strings.Count(string(lines.Body), "\n") != 3 || !strings.HasPrefix(string(lines.Body), `{"id":"`+id("c")) {
			t.Errorf("as lines: %s", lines)
		}

		// Brought back it changes nothing: not the number into a text, not the name into its apostrophe.
		is := func(v any) string { b, _ := json.Marshal(v); return string(b) }
		was := h.want(200, "GET", "/v1/customers?order=asc", nil)
		job := h.want(202, "POST", "/v1/customers/import", export("/v1/customers"), "Content-Type: text/csv").Header.Get("Location")
		h.until("imported", func() bool { return h.want(200, "GET", job, nil).text("status") == "finished" })
		if j := h.want(200, "GET", job, nil); j.get("done") != 3.0 {
			t.Fatalf("brought back: %s", j)
		}
		for i, c := range h.want(200, "GET", "/v1/customers?order=asc", nil).get("data").([]any) {
			now, before := c.(map[string]any), was.get("data").([]any)[i].(map[string]any)
			for _, field := range []string{"name", "audience", "locale", "timezone", "attributes", "addresses"} {
				if is(now[field]) != is(before[field]) {
					t.Errorf("%s was %s and is %s", field, is(before[field]), is(now[field]))
				}
			}
		}

		// A table has an end to its columns.
		var many strings.Builder
		for i := range maxAttributeColumns + 1 {
			fmt.Fprintf(&many, `"k%d":1,`, i)
		}
		h.want(201, "PUT", "/v1/customers/ext:d", `{"name":"Max","attributes":{`+many.String()[:many.Len()-1]+`}}`)
		h.refused(422, "500 different attributes", "GET", "/v1/customers", nil, "Accept: text/csv")
	})
}
