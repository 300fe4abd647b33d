package gateway

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"rapport"
	"rapport/internal/fuzzing"
)

func readAll(t *Rows) (rows []Row, err error) {
	for {
		r, err := t.Next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows = append(rows, r)
	}
}

func TestRows_ReadACSV(t *testing.T) {
	t.Parallel()
	in := "\ufeffemail,SMS,name,consent.email.news,attr.city,data.total,data.items:json,consent_source,consent_proof\r\n" +
		"a@example.com,+37120000001,\"Anna \"\"A\"\" B\",granted,Riga,12.50,\"[{\"\"sku\"\":1}]\",form,p1\r\n" +
		"\r\n" +
		"b@example.com,,\"two\nlines\",false,,,,,\r\n" +
		"c@example.com,,,perhaps,,,,,\r\n" +
		"d@example.com,x\r\n" +
		"e@example.com,,\"\xff\",,,,,,\r\n"
	rows, err := readAll(NewRows(strings.NewReader(in), CSV, nil, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 5 {
		t.Fatalf("%d rows", len(rows))
	}
	a := rows[0].Patch
	if rows[0].Line != 2 || *a.Name != `Anna "A" B` || string(a.Attributes) != `{"city":"Riga"}` || string(a.Data) != `{"total":"12.50","items":[{"sku":1}]}` ||
		len(a.Addresses) != 2 || a.Addresses[1] != (AddressInput{Channel: rapport.SMS, Address: "+37120000001"}) {
		t.Errorf("first row: %+v", rows[0])
	}
	if c := a.Consents[0]; !*c.Granted || c.Source != "form" || c.Proof != "p1" || c.Topic != "news" || c.Purpose != rapport.Marketing {
		t.Errorf("consent: %+v", c)
	}
	if c := rows[1].Patch.Consents[0]; *c.Granted || c.Source != "import" {
		t.Errorf("consent: %+v", c)
	}
	for i, want := range []string{"", "", "consent.email.news must be granted, withdrawn, yes, no or empty", "has 2 cells and the header 9", "name holds broken UTF-8 or a NUL character"} {
		if got := rows[i].Err; (got == nil) != (want == "") || got != nil && got.Error() != want {
			t.Errorf("row %d: %v, want %q", i, got, want)
		}
	}
	if got := []int64{rows[1].Line, rows[2].Line, rows[3].Line}; fmt.Sprint(got) != "[4 6 7]" {
		t.Errorf("lines %v", got)
	}
}

func TestRows_MapColumns(t *testing.T) {
	t.Parallel()
	rows, err := readAll(NewRows(strings.NewReader("E-Mail;Kunde;Notiz\nx@example.com;17;egal\n"), CSV,
		map[string]string{"E-Mail": "email", "Kunde": "external_id", "Notiz": "-"}, 1<<20))
	if err != nil || len(rows) != 1 || rows[0].Patch.ExternalID != "17" || rows[0].Patch.Addresses[0].Address != "x@example.com" {
		t.Fatalf("%+v %v", rows, err)
	}
}

func TestRows_RefuseBrokenTables(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		format Format
		in     string
		code   rapport.Code
		says   string
	}{
		"no header":           {CSV, "", rapport.CodeMalformed, "empty"},
		"unknown column":      {CSV, "email,shoe\n", rapport.CodeInvalid, "not a column that we know"},
		"column twice":        {CSV, "email,EMAIL\n", rapport.CodeInvalid, "twice"},
		"nobody named":        {CSV, "name\nx\n", rapport.CodeInvalid, "names nobody"},
		"unclosed quote":      {CSV, "email\n\"a@example.com\nb@example.com\n", rapport.CodeMalformed, "line 3"},
		"bare quote":          {CSV, "email\na@example.com\nb\"c\n", rapport.CodeMalformed, "line 3"},
		"UTF-16":              {CSV, "\xff\xfee\x00", rapport.CodeMalformed, "UTF-16"},
		"endless cell":        {CSV, "email\n\"" + strings.Repeat("x", 2<<20), rapport.CodeTooLarge, "line 1"},
		"endless line":        {NDJSON, `{"name":"` + strings.Repeat("x", 2<<20), rapport.CodeTooLarge, ""},
		"broken JSON":         {NDJSON, "{\"external_id\":\"1\"}\n{\"external_id\":}\n", rapport.CodeMalformed, "Line 2"},
		"broken off":          {NDJSON, "{\"external_id\":\"1\"}\n{\"exter", rapport.CodeMalformed, "Line 2"},
		"mapping of nothing":  {CSV, "email\n", "", ""},
		"too much altogether": {NDJSON, strings.Repeat("{\"external_id\":\"1\""+strings.Repeat(" ", 200)+"}\n", 30_000), rapport.CodeTooLarge, "larger"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readAll(NewRows(strings.NewReader(c.in), c.format, nil, 4<<20))
			if rapport.CodeOf(err) != c.code {
				t.Fatalf("%v, want %s", err, c.code)
			}
			if e, ok := errors.AsType[*rapport.Error](err); ok && !strings.Contains(fmt.Sprint(e.Message, e.Fields), c.says) {
				t.Errorf("%v, want %q", e, c.says)
			}
		})
	}
}

func TestRows_RefuseSingleRows(t *testing.T) {
	t.Parallel()
	in := `{"external_id":"1","data":{"total":3}}
{"external_id":1}
{"external_id":"2","nmae":"x"}

{"external_id":"3","data":[1]}
{"external_id":"4","name":"a\u0000b"}
[]
{"external_id":"5","external_id":"6"}
{"external_id":"6","addresses":[{"channel":"email","address":"x@example.com","primery":true}]}
`
	rows, err := readAll(NewRows(strings.NewReader(in), NDJSON, nil, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"", "external_id must be a string, not a number", "nmae is not a field of this object", "data must be a JSON object",
		"name holds a NUL character", "must be an object, not a list", "external_id is given twice", "addresses[0].primery is not a field of this object"}
	lines := []int64{1, 2, 3, 5, 6, 7, 8, 9}
	if len(rows) != len(want) {
		t.Fatalf("%d rows", len(rows))
	}
	for i, r := range rows {
		if got := fmt.Sprint(r.Err); r.Line != lines[i] || r.Err == nil != (want[i] == "") || r.Err != nil && got != want[i] {
			t.Errorf("line %d: %q, want %d: %q", r.Line, got, lines[i], want[i])
		}
	}
}

func FuzzRows(f *testing.F) {
	f.Add("email,name\na@example.com,\"x\"\n", true)
	f.Add("\ufeffid;attr.a:json\ncus_1;{}\n", true)
	f.Add("{\"external_id\":\"1\",\"consents\":[{\"granted\":null}]}\n\n[", false)
	f.Add("{\"attributes\":{\"a\":{\"a\":[1,2,\"\\u0000\"]}}}", false)
	f.Fuzz(func(t *testing.T, in string, table bool) {
		defer fuzzing.Budget(t)()
		format := NDJSON
		if table {
			format = CSV
		}
		g := &Gateway{}
		rows := NewRows(strings.NewReader(in), format, nil, 1<<20)
		last := int64(0)
		for {
			r, err := rows.Next()
			if err != nil {
				if !errors.Is(err, io.EOF) && rapport.CodeOf(err) == "" {
					t.Errorf("an error without a code: %v", err)
				}
				return
			}
			if r.Line <= last {
				t.Errorf("line %d after %d", r.Line, last)
			}
			last = r.Line
			if r.Err == nil {
				_, wrong := g.patch(r.Patch.CustomerInput, "")
				_ = reason(r.Patch.CustomerInput, wrong)
			}
		}
	})
}
