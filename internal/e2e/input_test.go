package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// plain is an installation without demo data, with a template and a topic to send with.
func plain(t *testing.T, settings ...string) *Installation {
	t.Helper()
	in := Install(t, append([]string{secret}, settings...)...)
	in.Start("serve")
	in.NewKey()
	in.Must("PUT", "/v1/topics/offers", map[string]any{"policy": "opt_out", "title": map[string]string{"en": "Offers"}}, nil)
	in.Must("PUT", "/v1/templates/offer", map[string]any{"topic": "offers", "variants": []any{
		map[string]any{"channel": "email", "subject": "{{ data.title }}", "html": `<p>Hello {{ customer.name }}</p><a href="https://shop.example/{{ data.page }}?from=mail&amp;c={{ customer.external_id }}">Shop</a>`},
		map[string]any{"channel": "sms", "text": "Hello {{ customer.name }}"},
		map[string]any{"channel": "telegram", "text": "Hello <b>{{ customer.name }}</b>"},
		map[string]any{"channel": "webhook", "body": map[string]any{"name": "{{ customer.name }}"}}}}, nil)
	in.Must("PUT", "/v1/templates/strict", map[string]any{"topic": "offers", "required": []string{"data.code"}, "variants": []any{
		map[string]any{"channel": "email", "subject": "Code", "text": "{{ data.code }}"}}}, nil)
	return in
}

const many, middle = 100_000, 70_000

// inline is a draft with n customers, of whom one is as given ("": as the others).
func inline(n, at int, fields, odd string) string {
	var b strings.Builder
	b.WriteString(`{"purpose":"marketing","template":"offer","data":{"title":"T","page":"p"},"status":"draft",` + fields + `"audience":{"customers":[`)
	for i := 1; i <= n; i++ {
		if i > 1 {
			b.WriteByte(',')
		}
		if i == at && odd != "" {
			b.WriteString(odd)
		} else {
			fmt.Fprintf(&b, `{"external_id":"c-%d","name":"Customer %d","addresses":[{"channel":"email","address":"c%d@example.test"}]}`, i, i, i)
		}
	}
	b.WriteString(`]}}`)
	return b.String()
}

// table is the same as CSV or NDJSON lines; of the CSV, line 1 is the header.
func table(format string, n, at int, odd string) string {
	var b strings.Builder
	line := `{"external_id":"s-%d","addresses":[{"channel":"email","address":"s%d@example.test"}]}` + "\n"
	if format == "text/csv" {
		b.WriteString("external_id,email,name\n")
		line = "s-%d,s%d@example.test,Somebody\n"
	}
	for i := 1; i <= n; i++ {
		if i == at && odd != "" {
			b.WriteString(odd + "\n")
		} else {
			fmt.Fprintf(&b, line, i, i)
		}
	}
	return b.String()
}

// one is a campaign for one customer, with its parts replaced.
func one(change ...string) string {
	body := `{"purpose":"marketing","template":"offer","topic":"offers","data":{"title":"T","page":"p"},"audience":{"customers":[{"external_id":"x-1","name":"X","addresses":[{"channel":"email","address":"x1@example.test"}]}]}}`
	for i := 0; i < len(change); i += 2 {
		if !strings.Contains(body, change[i]) {
			panic("there is no " + change[i])
		}
		body = strings.Replace(body, change[i], change[i+1], 1)
	}
	return body
}

// What cannot be right is refused with a clear problem, and leaves nothing behind: the tables of the
// database hold what they held before.
func TestBadInput(t *testing.T) {
	in := plain(t)
	const customer = `{"external_id":"x-1","name":"X","addresses":[{"channel":"email","address":"x1@example.test"}]}`
	cases := []struct {
		what, path, body string
		status           int
		says             []string
	}{
		{"broken JSON at row 70,000 of 100,000", "/v1/campaigns", inline(many, middle, "", `{"external_id":"c-70000",,}`), 400, []string{"audience.customers[69999]"}},
		{"JSON that ends at row 70,000", "/v1/campaigns", strings.TrimSuffix(inline(middle, 0, "", ""), "]}}"), 400, []string{"ends too early"}},
		{"a wrong type at row 70,000 of 100,000", "/v1/campaigns", inline(many, middle, "", `{"external_id":70000}`), 422, []string{"audience.customers[69999].external_id", "must be a string"}},
		{"a bad address at row 700 of 1,000", "/v1/campaigns", inline(1_000, 700, "", `{"external_id":"c-700","addresses":[{"channel":"email","address":"nobody"}]}`), 422, []string{"audience.customers[699].addresses[0].address"}},
		{"an id twice, inline, far apart", "/v1/campaigns", inline(5_000, 4_000, "", `{"external_id":"c-1"}`), 422, []string{"audience.customers[3999]", "twice"}},
		{"an id twice, inline, side by side", "/v1/campaigns", one(customer, customer+","+customer), 422, []string{"audience.customers[1]", "twice"}},
		{"one customer too many", "/v1/campaigns", inline(many+1, 0, "", ""), 413, []string{"100000"}},
		{"30 MB", "/v1/campaigns", inline(1, 0, `"name":"`+strings.Repeat("x", 30_000_000)+`",`, ""), 413, []string{"24 MiB"}},
		{"2 MB where 1 MiB is the limit", "/v1/messages", `{"name":"` + strings.Repeat("x", 2_000_000) + `"}`, 413, []string{"1 MiB"}},
		{"text for an object", "/v1/campaigns", one(`{"title":"T","page":"p"}`, `"T"`), 422, []string{`"data"`, "must be an object"}},
		{"an object for a list", "/v1/campaigns", one("["+customer+"]", customer), 422, []string{"audience.customers", "must be a list"}},
		{"a word for a time", "/v1/campaigns", one(`"data"`, `"send_at":"tomorrow","data"`), 422, []string{"send_at"}},
		{"an unknown field", "/v1/campaigns", one(`"data"`, `"colour":"red","data"`), 422, []string{"colour"}},
		{"an unknown field of a customer", "/v1/campaigns", one(`"name":"X"`, `"nmae":"X"`), 422, []string{"audience.customers[0].nmae"}},
		{"an unknown purpose", "/v1/campaigns", one("marketing", "spam"), 422, []string{"purpose"}},
		{"an unknown topic and a broken customer", "/v1/campaigns", one(`"topic":"offers"`, `"topic":"brand-new"`, "x1@example.test", "nobody"), 422, []string{"address"}},
		{"segments", "/v1/campaigns", one(`"customers":[`+customer+`]`, `"segment":"vip"`), 422, []string{"audience.segment"}},
		{"nobody", "/v1/campaigns", one(customer, ""), 422, []string{"audience.customers"}},
		{"no JSON at all", "/v1/campaigns", "external_id,email\n", 400, nil},
		{"an unknown template", "/v1/campaigns", one(`"offer"`, `"no-such"`), 422, []string{"template", "no-such"}},
		{"an unknown template of a message", "/v1/messages", `{"purpose":"transactional","template":"no-such","to":` + customer + `}`, 422, []string{"template", "no-such"}},
		{"a missing variable", "/v1/campaigns", one(`"offer"`, `"strict"`), 422, []string{"audience.customers[0].data.code"}},
		{"a missing variable of a message", "/v1/messages", `{"purpose":"transactional","template":"strict","settings":{"sandbox":true},"to":` + customer + `}`, 422, []string{"data.code"}},
		{"a bad phone", "/v1/campaigns", one(`"channel":"email","address":"x1@example.test"`, `"channel":"sms","address":"+1"`), 422, []string{"audience.customers[0].addresses[0].address", "not a phone number"}},
		{"a phone without its country", "/v1/messages", `{"purpose":"transactional","template":"offer","to":{"addresses":[{"channel":"sms","address":"20000000"}]}}`, 422, []string{"to.addresses[0].address", "international form"}},
		{"a line break in a name", "/v1/campaigns", one(`"name":"X"`, `"name":"X\r\nBcc: victim@example.test"`), 422, []string{"audience.customers[0].name", "line break"}},
		{"a line break in an address", "/v1/campaigns", one("x1@example.test", `x1@example.test\r\nBcc: victim@example.test`), 422, []string{"audience.customers[0].addresses[0].address"}},
		{"a line break in from", "/v1/campaigns", one(`"data"`, `"from":"Shop <a@example.test>\r\nBcc: victim@example.test","data"`), 422, []string{`"from"`}},
		{"a line break in reply_to", "/v1/campaigns", one(`"data"`, `"reply_to":"a@example.test\nX: y","data"`), 422, []string{`"reply_to"`}},
		{"a line break in the campaign's name", "/v1/campaigns", one(`"data"`, `"name":"a\nb","data"`), 422, []string{`"name"`}},
		{"invalid UTF-8 in a name", "/v1/campaigns", one(`"name":"X"`, "\"name\":\"X\xff\""), 422, []string{"UTF-8"}},
		{"invalid UTF-8 in the data", "/v1/campaigns", one(`"title":"T"`, "\"title\":\"\xc3\x28\""), 422, []string{"UTF-8"}},
		{"invalid UTF-8 in a message", "/v1/messages", "{\"purpose\":\"transactional\",\"template\":\"offer\",\"to\":{\"external_id\":\"\xf0\x28\"}}", 422, []string{"UTF-8"}},
		{"a NUL", "/v1/campaigns", one(`"name":"X"`, `"name":"X\u0000"`), 422, []string{"NUL"}},
	}
	for _, c := range cases {
		t.Run(c.what, func(t *testing.T) {
			before := in.rows(t)
			in.ask(t, "POST", c.path, "application/json", strings.NewReader(c.body)).refused(t, c.status, c.says...)
			in.unchanged(t, before)
		})
	}
	before := in.rows(t)
	t.Run("30 MB without a length", func(t *testing.T) {
		body := io.MultiReader(strings.NewReader(inline(1, 0, `"name":"`+strings.Repeat("x", 30_000_000)+`",`, ""))) // a reader without a length is sent in chunks
		in.ask(t, "POST", "/v1/campaigns", "application/json", body).refused(t, 413, "24 MiB")
		in.unchanged(t, before)
	})
	t.Run("an attachment of 26 MB", func(t *testing.T) {
		in.ask(t, "POST", "/v1/files?name=a.bin", "application/octet-stream", bytes.NewReader(make([]byte, 26<<20))).refused(t, 413, "25 MiB")
		in.ask(t, "POST", "/v1/files?name=a.bin", "application/octet-stream", io.MultiReader(bytes.NewReader(randomBytes(t, 26<<20)))).refused(t, 413, "25 MiB")
		in.unchanged(t, before)
	})
	t.Run("a template that cannot be", func(t *testing.T) {
		for body, says := range map[string]string{
			`{"variants":[{"channel":"email","subject":"{{ data.a","text":"x"}]}`:          "variants[0].subject",
			`{"variants":[{"channel":"email","subject":"s","text":"{% if x %}"}]}`:         "variants[0].text",
			`{"variants":[{"channel":"email","subject":"s","text":"{{ x | no_such }}"}]}`:  "no_such",
			`{"variants":[{"channel":"email","subject":"a\r\nBcc: b@c.test","text":"x"}]}`: "variants[0].subject",
			`{"variants":[{"channel":"pigeon","text":"x"}]}`:                               "variants[0].channel",
		} {
			in.ask(t, "PUT", "/v1/templates/bad", "application/json", strings.NewReader(body)).refused(t, 422, says)
		}
		in.ask(t, "GET", "/v1/templates/bad", "", nil).refused(t, 404)
		in.unchanged(t, before)
	})
}

// A stream that breaks adds nothing, whatever came before; the draft stays as it was and can be filled
// again. A row that cannot be right is refused alone, with its line.
func TestBadStream(t *testing.T) {
	in := plain(t)
	var draft struct{ ID string }
	in.Must("POST", "/v1/campaigns", `{"purpose":"marketing","template":"offer","status":"draft"}`, &draft)
	recipients := "/v1/campaigns/" + draft.ID + "/recipients"
	audience := func(want int64) {
		t.Helper()
		in.Wait(20*time.Second, fmt.Sprintf("the draft holds %d recipients", want), func() bool {
			var l ledger
			in.Must("GET", "/v1/campaigns/"+draft.ID, nil, &l)
			return l.Status == "draft" && l.Counts["audience"] == want
		})
	}
	if a := in.ask(t, "POST", recipients, "text/csv", strings.NewReader("external_id,email\nkept-1,kept1@example.test\nkept-2,kept2@example.test\n")); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	audience(2)
	before := in.rows(t)
	for _, c := range []struct {
		what, format, body string
		status             int
		says               string
	}{
		{"a broken cell in row 70,000 of a CSV", "text/csv", table("text/csv", many, middle, `s-70000,"s70000"@example.test,X`), 400, "line 70001"},
		{"a bare quote in row 700 of a CSV", "text/csv", table("text/csv", 1_000, 700, `s-700,s"700@example.test,X`), 400, "line 701"},
		{"a quote that never ends in row 700 of a CSV", "text/csv", table("text/csv", 1_000, 700, `s-700,"s700@example.test,X`), 400, "begins in line 701"},
		{"a quote that swallows more than a row may be long", "text/csv", table("text/csv", 1_000, 0, "") + "\"" + strings.Repeat("x,x\n", 400_000), 413, "quotation mark"},
		{"broken NDJSON in row 70,000", "application/x-ndjson", table("ndjson", many, middle, `{"external_id":"s-70000",`), 400, "Line 70000"},
		{"an unknown column", "text/csv", "external_id,email,shoe size\na,a@example.test,42\n", 422, "shoe size"},
		{"a column twice", "text/csv", "external_id,email,Email\na,a@example.test,b@example.test\n", 422, "twice"},
		{"a header that names nobody", "text/csv", "name,locale\nA,en\n", 422, "names nobody"},
		{"nothing", "text/csv", "", 400, "empty"},
		{"UTF-16", "text/csv", "\xff\xfee\x00", 400, "UTF-16"},
		{"another format", "application/pdf", "%PDF", 415, "text/csv"},
	} {
		t.Run(c.what, func(t *testing.T) {
			in.ask(t, "POST", recipients, c.format, strings.NewReader(c.body)).refused(t, c.status, c.says)
			in.unchanged(t, before)
			audience(2)
		})
	}
	t.Run("bad rows are refused one by one", func(t *testing.T) {
		csv := strings.Join([]string{"external_id,email,sms,name,locale",
			"ok-1,ok1@example.test,,Fine,en",
			"kept-1,kept1@example.test,,Again,en", // is in the draft already
			"bad-1,,12,Bad phone,en",
			"bad-2,bad2@example.test,,Broken \xff text,en",
			"bad-3,bad3@example.test,,\"Two\r\nlines\",en",
			"bad-4,not an address,,Bad address,en",
			"bad-5,bad5@example.test,,Bad language,xx_!!",
			"bad-6,bad6@example.test,,Too many,en,cells",
			"ok-1,other@example.test,,Twice,en",
			"ok-2,ok2@example.test,+371 20000000,Fine too,en"}, "\n")
		var added struct{ Added, Refused int64 }
		a := in.ask(t, "POST", recipients, "text/csv", strings.NewReader(csv))
		if err := json.Unmarshal(a.Body, &added); err != nil || a.Status != 200 || added.Added != 2 || added.Refused != 8 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		var list struct {
			Data []struct {
				Line   int64
				Reason string
			}
		}
		in.Must("GET", "/v1/campaigns/"+draft.ID+"/refusals", nil, &list)
		want := map[int64]string{3: "duplicate", 4: "phone", 5: "UTF-8", 6: "line break", 8: "address", 9: "locale", 10: "cells", 11: "duplicate"}
		for _, r := range list.Data {
			if want[r.Line] == "" || !strings.Contains(r.Reason, want[r.Line]) {
				t.Errorf("line %d: %s", r.Line, r.Reason)
			}
			delete(want, r.Line)
		}
		if len(want) > 0 {
			t.Errorf("not refused: %v", want)
		}
	})
	t.Run("an import that breaks changes nothing", func(t *testing.T) {
		before := in.rows(t)
		for format, body := range map[string]string{"text/csv": table("text/csv", many, middle, `s-70000,"s70000"@example.test,X`), "application/x-ndjson": table("ndjson", many, middle, `{"external_id":`)} {
			var job struct{ ID, Status, Error string }
			a := in.ask(t, "POST", "/v1/customers/import", format, strings.NewReader(body))
			if err := json.Unmarshal(a.Body, &job); err != nil || a.Status != 202 {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			in.Wait(60*time.Second, "the import has failed", func() bool {
				in.Must("GET", "/v1/jobs/"+job.ID, nil, &job)
				return job.Status == "failed"
			})
			if !strings.Contains(job.Error, "line 7000") && !strings.Contains(job.Error, "Line 7000") {
				t.Errorf("the job does not say where: %q", job.Error)
			}
		}
		now := in.rows(t)
		for _, table := range []string{"customers", "addresses", "consents"} {
			if now[table] != before[table] {
				t.Errorf("%s: %d before, %d after", table, before[table], now[table])
			}
		}
	})
}

// One Idempotency-Key from 40 clients at once makes one message, and one campaign.
func TestIdempotency(t *testing.T) {
	in := plain(t)
	to := `{"external_id":"once","name":"Once","addresses":[{"channel":"email","address":"once@example.test"}]}`
	for path, body := range map[string]string{
		"/v1/messages":  `{"purpose":"transactional","template":"offer","data":{"title":"T","page":"p"},"settings":{"sandbox":true},"to":` + to + `}`,
		"/v1/campaigns": `{"purpose":"transactional","template":"offer","data":{"title":"T","page":"p"},"settings":{"sandbox":true},"audience":{"customers":[` + to + `]}}`,
	} {
		t.Run(path, func(t *testing.T) {
			before := in.rows(t)
			answers := make([]response, 40)
			var wg sync.WaitGroup
			for i := range answers {
				wg.Go(func() {
					answers[i] = in.ask(t, "POST", path, "application/json", strings.NewReader(body), "Idempotency-Key: the same "+path)
				})
			}
			wg.Wait()
			ids, fresh := map[string]int{}, 0
			for _, a := range answers {
				switch a.Status {
				case 202:
					var made struct{ ID string }
					if err := json.Unmarshal(a.Body, &made); err != nil {
						t.Fatal(err)
					}
					ids[made.ID]++
					if a.Header.Get("Idempotency-Replayed") == "" {
						fresh++
					}
				default:
					a.refused(t, 409, "Idempotency-Key")
					if a.Header.Get("Retry-After") == "" {
						t.Error("409 without Retry-After")
					}
				}
			}
			if len(ids) != 1 || fresh != 1 {
				t.Errorf("%d ids, %d answers that were not replays", len(ids), fresh)
			}
			t.Logf("of 40: %d made or replayed, %d told to wait", sum(ids), 40-sum(ids))
			a := in.ask(t, "POST", path, "application/json", strings.NewReader(body), "Idempotency-Key: the same "+path)
			if a.Status != 202 || a.Header.Get("Idempotency-Replayed") != "true" {
				t.Errorf("later: %d %v", a.Status, a.Header)
			}
			in.ask(t, "POST", path, "application/json", strings.NewReader(strings.Replace(body, `"T"`, `"U"`, 1)), "Idempotency-Key: the same "+path).refused(t, 422, "another request")
			in.Wait(20*time.Second, "there is one more message", func() bool { return in.rows(t)["messages"] == before["messages"]+1 })
			if now := in.rows(t); now["campaigns"] != before["campaigns"]+1 {
				t.Errorf("%d campaigns more", now["campaigns"]-before["campaigns"])
			}
		})
	}
}

func sum(m map[string]int) (n int) {
	for _, v := range m {
		n += v
	}
	return n
}

// Keys that are wrong, expired, revoked or too narrow.
func TestKeys(t *testing.T) {
	in := plain(t)
	key := func(scopes []string, expires time.Time) (id, text string) {
		t.Helper()
		body := map[string]any{"name": "test", "scopes": scopes}
		if !expires.IsZero() {
			body["expires_at"] = expires
		}
		var k struct{ ID, Key string }
		in.Must("POST", "/v1/keys", body, &k)
		return k.ID, k.Key
	}
	get := func(key string) response { return in.as(key).ask(t, "GET", "/v1/campaigns", "", nil) }
	for what, k := range map[string]string{"none": "", "not a key": "nonsense", "unknown": "rpt_live_" + strings.Repeat("A", 43)} {
		t.Run(what, func(t *testing.T) { get(k).refused(t, 401) })
	}
	t.Run("expired", func(t *testing.T) {
		until := time.Now().Add(1500 * time.Millisecond)
		_, k := key([]string{"*"}, until)
		if a := get(k); a.Status != 200 {
			t.Fatalf("before it expires: %d %s", a.Status, a.Body)
		}
		time.Sleep(time.Until(until) + 50*time.Millisecond)
		get(k).refused(t, 401)
	})
	t.Run("revoked", func(t *testing.T) {
		id, k := key([]string{"*"}, time.Time{})
		if a := get(k); a.Status != 200 {
			t.Fatalf("before: %d %s", a.Status, a.Body)
		}
		if a := in.ask(t, "DELETE", "/v1/keys/"+id, "", nil); a.Status != 204 {
			t.Fatalf("revoking: %d %s", a.Status, a.Body)
		}
		get(k).refused(t, 401)
	})
	t.Run("too narrow", func(t *testing.T) {
		_, k := key([]string{"read:campaigns"}, time.Time{})
		before := in.rows(t)
		if a := get(k); a.Status != 200 {
			t.Errorf("what it may: %d %s", a.Status, a.Body)
		}
		narrow := in.as(k)
		narrow.ask(t, "POST", "/v1/campaigns", "application/json", strings.NewReader(one())).refused(t, 403, "write:campaigns")
		narrow.ask(t, "GET", "/v1/customers", "", nil).refused(t, 403, "read:customers")
		narrow.ask(t, "POST", "/v1/keys", "application/json", strings.NewReader(`{"name":"more","scopes":["*"]}`)).refused(t, 403, "write:keys")
		in.unchanged(t, before)
	})
	t.Run("cannot give what it has not", func(t *testing.T) {
		_, k := key([]string{"write:keys"}, time.Time{})
		before := in.rows(t)
		in.as(k).ask(t, "POST", "/v1/keys", "application/json", strings.NewReader(`{"name":"more","scopes":["*"]}`)).refused(t, 403, "does not have itself")
		in.unchanged(t, before)
	})
}

// 100,000 inline customers are taken in memory that does not grow with them.
func TestManyInline(t *testing.T) {
	in := plain(t)
	peak := func(n int) (megabytes int) {
		t.Helper()
		body := inline(n, 0, "", "")
		in.resetPeak(t)
		before, _ := in.memory(t)
		begin := time.Now()
		a := in.ask(t, "POST", "/v1/campaigns", "application/json", strings.NewReader(body))
		took := time.Since(begin)
		var c struct {
			ID     string
			Counts map[string]int64
		}
		if err := json.Unmarshal(a.Body, &c); err != nil || a.Status != http.StatusAccepted || c.Counts["audience"] != int64(n) {
			t.Fatalf("%d customers: %d %.300s", n, a.Status, a.Body)
		}
		_, most := in.memory(t)
		t.Logf("%6d inline customers, %4.1f MB of JSON: accepted in %4.1f s, RSS %d MB before, %d MB at its peak", n, float64(len(body))/1e6, took.Seconds(), before/1000, most/1000)
		return most / 1000
	}
	few, all := peak(1_000), peak(many)
	// The body alone would be 12 MB, its 100,000 decoded customers some 100 MB: what is allowed here is what
	// the collector of a Go program leaves lying, and SQLite's cache.
	if all > few+64 {
		t.Errorf("a hundred times as many customers took %d MB more", all-few)
	}
}

var statusLine = regexp.MustCompile(`(?m)^(VmRSS|VmHWM):\s+(\d+) kB$`)

// memory is the resident memory of the first process, now and at its peak, in KiB.
func (in *Installation) memory(t *testing.T) (now, peak int) {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", in.runs[0].cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range statusLine.FindAllSubmatch(raw, -1) {
		n, err := strconv.Atoi(string(m[2]))
		if err != nil {
			t.Fatal(err)
		}
		if string(m[1]) == "VmRSS" {
			now = n
		} else {
			peak = n
		}
	}
	return now, peak
}

// resetPeak lets VmHWM begin anew (proc(5), clear_refs).
func (in *Installation) resetPeak(t *testing.T) {
	t.Helper()
	write(t, fmt.Sprintf("/proc/%d/clear_refs", in.runs[0].cmd.Process.Pid), []byte("5"))
}
