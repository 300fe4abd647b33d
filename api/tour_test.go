package api

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/gateway"
)

// A campaign over four channels, from the import of its people to the answer of an agent.
func TestTour_CampaignAnswerUnsubscribe(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		h.template("welcome")
		h.want(200, "PUT", "/v1/topics/news", `{"policy":"opt_in","title":{"en":"News <&>","ru":"Новости"}}`)
		table := "external_id,name,locale,email,sms,telegram,webhook,consent.email.news,consent.sms.news,consent.telegram.news,consent.webhook.news\n" +
			"a,Anna,ru,anna@example.com,,,,granted,,,\n" +
			"b,Boris,en,,+37126000001,,,,granted,,\n" +
			"c,=1+1,en,,,12345,,,,granted,\n" +
			"d,Dora,en,,,,https://dora.example/hook,,,,granted\n" +
			"e,Emil,en,emil@example.com,,,,,,,\n" +
			"f,=Fred(),en,not an address,,,,,,,\n"
		job := h.want(202, "POST", "/v1/customers/import?source=fair", table, "Content-Type: text/csv")
		path := job.Header.Get("Location")
		h.until("the import ends", func() bool { return h.want(200, "GET", path, nil).text("status") == "finished" })
		if a := h.want(200, "GET", path, nil); a.get("total") != 6.0 || a.get("done") != 5.0 || a.get("rejected") != 1.0 || a.get("rejects.0.line") != 7.0 || !strings.Contains(a.text("rejects.0.reason"), "email is not an email address") {
			t.Fatalf("import: %s", a)
		}
		if lines := h.want(200, "GET", path+"/rejects", nil, "Accept: text/csv"); !strings.HasPrefix(string(lines.Body), "line,reason,external_id,name,locale,email,") || !strings.Contains(string(lines.Body), "name@domain,f,'=Fred(),en,not an address,,,,,,,\n") {
			t.Errorf("rejects: %s", lines)
		} else {
			// Mended in a spreadsheet, the file goes in again as it is.
			mended := strings.Replace(string(lines.Body), "f,'=Fred(),en,not an address", "f,'=Fred(),en,fred@example.com", 1)
			path := h.want(202, "POST", `/v1/customers/import?mapping={"line":"-","reason":"-"}`, mended, "Content-Type: text/csv").Header.Get("Location")
			h.until("the import ends", func() bool { return h.want(200, "GET", path, nil).text("status") == "finished" })
			if a := h.want(200, "GET", "/v1/customers/ext:f", nil); a.text("name") != "=Fred()" {
				t.Errorf("mended: %s", a)
			}
		}
		body := `{"name":"Spring","purpose":"marketing","topic":"news","template":"welcome","settings":{"sandbox":true},"audience":{"customers":[{"id":"ext:a"},{"id":"ext:b"},{"id":"ext:c"},{"id":"ext:d"},{"id":"ext:e"}]},
			"send_window":{"from":"00:00","until":"00:00","timezone":"recipient"},"metadata":{"a":1}}`
		c := h.want(202, "POST", "/v1/campaigns", body)
		campaign := c.Header.Get("Location")
		h.until("the campaign ends", func() bool { return h.want(200, "GET", campaign, nil).text("status") == "finished" })
		a := h.want(200, "GET", campaign, nil)
		if a.get("counts.audience") != 5.0 || a.get("counts.planned") != 5.0 || a.get("counts.skipped") != 1.0 || a.get("counts.sent").(float64)+a.get("counts.delivered").(float64) != 4 {
			t.Fatalf("ledger: %s", a)
		}
		if a := h.want(200, "GET", "/v1/campaigns?q=spri", nil); a.text("data.0.id") != c.text("id") || a.get("data.0.counts.planned") != 5.0 || a.get("data.0.counts.skipped") != 1.0 {
			t.Errorf("list: %s", a)
		}
		a = h.want(200, "GET", campaign+"/messages?state=skipped", nil)
		if len(a.get("data").([]any)) != 1 || a.text("data.0.reason") != rapport.ReasonNoConsent {
			t.Errorf("skipped: %s", a)
		}
		rows, err := csv.NewReader(bytes.NewReader(h.want(200, "GET", campaign+"/messages", nil, "Accept: text/csv").Body)).ReadAll()
		if err != nil || len(rows) != 6 || rows[0][0] != "id" {
			t.Errorf("as CSV: %v %v", rows, err)
		}
		if lines := h.want(200, "GET", campaign+"/messages?channel=sms", nil, "Accept: application/x-ndjson"); strings.Count(string(lines.Body), "\n") != 1 {
			t.Errorf("as NDJSON: %s", lines)
		}
		if a = h.want(200, "GET", campaign+"/explain?customer=ext:e", nil); a.text("would.0.reason") != rapport.ReasonNoConsent || len(a.get("rules").([]any)) == 0 {
			t.Errorf("explained: %s", a)
		}
		h.refused(422, "customer", "GET", campaign+"/explain", nil)

		a = h.want(200, "GET", "/v1/sandbox/outbox?channel=email&address=Anna@example.com", nil)
		message := a.text("data.0.message")
		if a.text("data.0.subject") != "Hi Anna" || message == "" || a.text("data.0.campaign") != c.text("id") {
			t.Fatalf("outbox: %s", a)
		}
		if m := h.want(200, "GET", "/v1/messages/"+message, nil); m.text("content.subject") != "Hi Anna" || m.text("address") != "anna@example.com" || m.text("state") == "" {
			t.Errorf("message: %s", m)
		}
		h.want(202, "POST", "/v1/sandbox/replies", `{"channel":"email","address":"anna@example.com","text":"Thank you!","in_reply_to":"`+message+`"}`)
		a = h.want(200, "GET", "/v1/replies?campaign="+c.text("id"), nil)
		if a.text("data.0.text") != "Thank you!" || a.text("data.0.in_reply_to.message") != message || a.text("data.0.in_reply_to.template_version") == "" {
			t.Errorf("replies: %s", a)
		}
		thread := "/v1/threads/" + h.want(200, "GET", "/v1/threads?status=open&q=thank", nil).text("data.0.id")
		h.want(201, "POST", thread+"/notes", `{"text":"VIP"}`)
		h.want(202, "POST", thread+"/replies", `{"text":"You are welcome","agent":"Eva"}`)
		h.want(200, "PATCH", thread, `{"status":"snoozed","snoozed_until":"`+time.Now().AddDate(0, 6, 0).UTC().Format(time.RFC3339)+`","labels":["vip"],"priority":"high","assignee":"Eva"}`)
		h.refused(422, "snoozed_until", "PATCH", thread, `{"status":"snoozed","snoozed_until":"2099-01-01T00:00:00Z"}`)
		h.refused(422, "snoozed_until", "PATCH", thread, `{"status":"snoozed","snoozed_until":"2020-01-01T00:00:00Z"}`)
		h.refused(422, "priority", "PATCH", thread, `{"priority":"huge"}`)
		a = h.want(200, "GET", thread+"/entries", nil)
		if a.text("data.0.kind") != "inbound" || a.text("data.1.kind") != "note" || a.text("data.2.author") != "Eva" || a.text("data.3.kind") != "event" {
			t.Errorf("entries: %s", a)
		}
		if a = h.want(200, "GET", "/v1/threads?label=vip&assignee=Eva&channel=email&customer=ext:a", nil); len(a.get("data").([]any)) != 1 {
			t.Errorf("threads: %s", a)
		}
		h.until("the answer is with Anna", func() bool {
			return strings.Contains(h.want(200, "GET", "/v1/sandbox/outbox?address=anna@example.com", nil).String(), "You are welcome")
		})

		// Unsubscribing: looking changes nothing, one POST acts, the next campaign skips her.
		link := regexp.MustCompile(`https://rapport\.example(/u/[0-9a-z]+)`).FindStringSubmatch(h.want(200, "GET", "/v1/sandbox/outbox?message="+message, nil).String())
		if link == nil {
			t.Fatal("the mail has no unsubscribe link")
		}
		stranger := "Authorization:"
		page := h.want(200, "GET", link[1], nil, stranger)
		if !strings.Contains(string(page.Body), "Отписаться?") || !strings.Contains(string(page.Body), "«Новости»") || !strings.Contains(string(page.Body), "Shop &lt;Ltd&gt;") || !strings.Contains(page.Header.Get("Content-Security-Policy"), "form-action 'self'") {
			t.Errorf("page: %s", page)
		}
		for range 3 {
			h.want(200, "GET", link[1], nil, stranger)
		}
		again := func(name string) string {
			c := h.want(202, "POST", "/v1/campaigns", strings.Replace(body, "Spring", name, 1)).Header.Get("Location")
			h.until(name+" ends", func() bool { return h.want(200, "GET", c, nil).text("status") == "finished" })
			return h.want(200, "GET", c+"/messages?customer=ext:a", nil).text("data.0.reason")
		}
		if reason := again("after looking"); reason != "" {
			t.Errorf("a GET unsubscribed: %s", reason)
		}
		for range 2 {
			if page = h.want(200, "POST", link[1], "List-Unsubscribe=One-Click", stranger, "Content-Type: application/x-www-form-urlencoded"); !strings.Contains(string(page.Body), "Вы отписаны") {
				t.Errorf("done: %s", page)
			}
		}
		if reason := again("after unsubscribing"); reason != rapport.ReasonWithdrawn {
			t.Errorf("still written to: %q", reason)
		}
		h.want(404, "GET", strings.Replace(link[1], link[1][10:14], "zzzz", 1), nil, stranger)
	})
}

func TestPages_ChooseAndConfirm(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.want(200, "PUT", "/v1/topics/news", `{"policy":"opt_in","title":{"en":"News","ru":"Новости"}}`)
	h.want(200, "PUT", "/v1/topics/offers", `{"policy":"opt_out"}`)
	h.want(201, "PUT", "/v1/templates/w", `{"topic":"news","variants":[{"channel":"email","subject":"Hi","html":"<p>Hi <a href=\"{{ preferences_url }}\">choose</a> <a href=\"{{ data.confirm_url }}\">yes</a></p>"}]}`)
	h.want(201, "PUT", "/v1/customers/ext:a", `{"name":"Anna","addresses":[{"channel":"email","address":"a@example.com"},{"channel":"sms","address":"+37126000001"}]}`)
	h.want(202, "POST", "/v1/messages", `{"purpose":"transactional","template":"w","data":{"confirm_url":"https://x.example"},"to":{"id":"ext:a"},"settings":{"sandbox":true}}`)
	mail := ""
	h.until("the mail is out", func() bool {
		mail = h.want(200, "GET", "/v1/sandbox/outbox", nil).text("data.0.html")
		return mail != ""
	})
	link := regexp.MustCompile(`https://rapport\.example(/p/[0-9a-z]+)`).FindStringSubmatch(mail)
	if link == nil {
		t.Fatalf("no link in %s", mail)
	}
	page := h.want(200, "GET", link[1], nil, "Authorization:", "Accept-Language: de, ru;q=0.5")
	for _, want := range []string{`<html lang="ru">`, "Новости", `name="news.email"`, `name="offers.sms" value="on" checked`} {
		if !strings.Contains(string(page.Body), want) {
			t.Errorf("the page lacks %q: %s", want, page)
		}
	}
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindSubmatch(page.Body)
	sum := sha256.Sum256(style[1])
	if policy := page.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || strings.Contains(policy, "script") {
		t.Errorf("the browser would refuse the page's style: %s", policy)
	}
	for _, garbage := range []string{"", "garbage=1", "\xff\xfe garbage", "form=preferences&x=%ff", "form=preferences&x=%zz", "news.email=on"} {
		if a := h.do("POST", link[1], garbage, "Authorization:", "Content-Type: application/x-www-form-urlencoded"); a.StatusCode != 400 {
			t.Errorf("%q as a form: %s", garbage, a)
		}
	}
	if a := h.want(200, "GET", "/v1/customers/ext:a/consents", nil); len(a.get("data").([]any)) != 0 {
		t.Errorf("garbage was taken for a choice: %s", a)
	}
	if !strings.Contains(string(page.Body), `<input type="hidden" name="form" value="preferences">`) {
		t.Errorf("the page would refuse its own form: %s", page)
	}
	form := url.Values{"form": {"preferences"}, "news.email": {"on"}, "offers.email": {"on"}}
	page = h.want(200, "POST", link[1], form.Encode(), "Authorization:", "Content-Type: application/x-www-form-urlencoded")
	if !strings.Contains(string(page.Body), `name="news.email" value="on" checked`) || strings.Contains(string(page.Body), `name="offers.sms" value="on" checked`) {
		t.Errorf("saved: %s", page)
	}
	if a := h.want(200, "GET", "/v1/customers/ext:a/consents", nil); len(a.get("data").([]any)) != 2 || a.text("data.0.ip") != "127.0.0.1" || a.text("data.0.message") == "" {
		t.Errorf("consents: %s", a)
	}

	// Double opt-in: asking is no consent, looking is none, only the button is.
	h.want(200, "PUT", "/v1/providers/box", `{"driver":"sandbox","channel":"email"}`)
	asked := h.want(202, "POST", "/v1/customers/ext:a/consents", `{"channel":"email","purpose":"marketing","topic":"offers","granted":true,"source":"shop","text_version":"3","confirm":"w"}`)
	if asked.get("granted") != false || asked.get("pending") != true || asked.text("id") != "" || !strings.HasPrefix(asked.text("message"), "msg_") || asked.get("at") != nil {
		t.Errorf("asked: %s", asked)
	}
	confirm := ""
	h.until("the question is out", func() bool {
		if m := regexp.MustCompile(`https://rapport\.example(/confirm/[0-9a-z]+)`).FindStringSubmatch(h.want(200, "GET", "/v1/sandbox/outbox", nil).String()); m != nil {
			confirm = m[1]
		}
		return confirm != ""
	})
	for range 2 {
		if page = h.want(200, "GET", confirm, nil, "Authorization:"); !strings.Contains(string(page.Body), "One last step") {
			t.Errorf("asks: %s", page)
		}
	}
	if a := h.want(200, "GET", "/v1/customers/ext:a/consents", nil); len(a.get("data").([]any)) != 2 {
		t.Errorf("before the button: %s", a)
	}
	for range 2 {
		if page = h.want(200, "POST", confirm, nil, "Authorization:"); !strings.Contains(string(page.Body), "Thank you") {
			t.Errorf("confirmed: %s", page)
		}
	}
	if a := h.want(200, "GET", "/v1/customers/ext:a/consents", nil); len(a.get("data").([]any)) != 3 || a.text("data.0.source") != "double_opt_in" || a.get("data.0.granted") != true {
		t.Errorf("after it: %s", a)
	}
	for _, path := range []string{"/u/preview", "/p/nonsense", "/confirm/nonsense", "/c/nonsense", "/u/%00", "/u/" + strings.Repeat("x", 3000)} {
		if a := h.want(404, "GET", path, nil, "Authorization:"); !strings.Contains(string(a.Body), "<h1>This link leads nowhere</h1>") {
			t.Errorf("%s: %s", path, a)
		}
	}
	if a := h.want(200, "GET", "/o/nonsense", nil, "Authorization:"); a.Header.Get("Content-Type") != "image/gif" || http.DetectContentType(a.Body) != "image/gif" {
		t.Errorf("pixel: %v", a.Header)
	}
}

func TestUnsubscribe_IsNotForWhatBelongsToAnOrder(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.want(201, "PUT", "/v1/templates/order", `{"topic":"orders","variants":[{"channel":"email","subject":"Order","html":"<p>Sent {% if unsubscribe_url != blank %}<a href=\"{{ unsubscribe_url }}\">stop</a>{% endif %}</p>"}]}`)
	h.want(201, "PUT", "/v1/customers/ext:a", `{"addresses":[{"channel":"email","address":"a@example.com"}]}`)
	send := func() string {
		id := h.want(202, "POST", "/v1/messages", `{"purpose":"transactional","template":"order","to":{"id":"ext:a"},"settings":{"sandbox":true}}`).text("id")
		mail := ""
		h.until("the mail is out", func() bool {
			mail = h.want(200, "GET", "/v1/sandbox/outbox?message="+id, nil).String()
			return strings.Contains(mail, "Sent")
		})
		if strings.Contains(mail, "/u/") {
			t.Errorf("a link that ends nothing: %s", mail)
		}
		return id
	}
	// Mails sent by older versions hold such a link.
	id, err := rapport.KindMessage.Parse(send())
	if err != nil {
		t.Fatal(err)
	}
	token := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint64(nil, uint64(id)), 0)
	mac := hmac.New(sha256.New, []byte("a key of thirty-two bytes or so.."))
	mac.Write(append([]byte("unsubscribe\x00"), token...))
	link := "/u/" + base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding).EncodeToString(append(token, mac.Sum(nil)[:16]...))
	page := h.want(200, "GET", link, nil, "Authorization:")
	choose := regexp.MustCompile(`href="https://rapport\.example(/p/[0-9a-z]+)"`).FindSubmatch(page.Body)
	if choose == nil || strings.Contains(string(page.Body), "<form") {
		t.Fatalf("the page: %s", page)
	}
	h.want(200, "GET", string(choose[1]), nil, "Authorization:")
	h.want(404, "POST", link, "List-Unsubscribe=One-Click", "Authorization:", "Content-Type: application/x-www-form-urlencoded")
	if a := h.want(200, "GET", "/v1/customers/ext:a/consents", nil); len(a.get("data").([]any)) != 0 {
		t.Errorf("consents: %s", a)
	}
	send()
}

func TestClick_GoesWhereTheTemplateSays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.template("welcome")
	h.want(200, "PUT", "/v1/topics/news", `{"policy":"opt_out","track_clicks":true,"track_opens":true}`)
	h.want(201, "PUT", "/v1/customers/ext:a", `{"name":"Anna","addresses":[{"channel":"email","address":"a@example.com"}]}`)
	c := h.want(202, "POST", "/v1/campaigns", `{"purpose":"marketing","template":"welcome","audience":{"customers":[{"id":"ext:a"}]},"settings":{"sandbox":true}}`).Header.Get("Location")
	mail := ""
	h.until("the mail is out", func() bool {
		mail = h.want(200, "GET", "/v1/sandbox/outbox", nil).text("data.0.html")
		return mail != ""
	})
	find := func(door string) string {
		m := regexp.MustCompile(`https://rapport\.example(/` + door + `/[0-9a-z]+)`).FindStringSubmatch(mail)
		if m == nil {
			t.Fatalf("no /%s/ in %s", door, mail)
		}
		return m[1]
	}
	person := "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
	a := h.want(302, "GET", find("c"), nil, "Authorization:", person)
	if a.Header.Get("Location") != "https://shop.example/x" {
		t.Errorf("leads to %q", a.Header.Get("Location"))
	}
	h.want(302, "GET", find("c")+"?to=https://evil.example", nil, "Authorization:", person)
	h.want(200, "GET", find("o"), nil, "Authorization:", person)
	h.want(200, "GET", c, nil)
}

func TestImport_FormsMappingsAndHostileFiles(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		_ = w.WriteField("mapping", `{"E-Mail":"email","Kunde":"external_id","Notiz":"-"}`)
		_ = w.WriteField("source", "messe")
		file, err := w.CreateFormFile("file", "kunden.csv")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(file, "\ufeffE-Mail;Kunde;Notiz;consent.email.news\r\nx@example.com;17;egal;true\r\ny@example.com;18;\"a\"\"b\";\r\n")
		w.Close()
		finished := func(a answer) answer {
			path := a.Header.Get("Location")
			h.until("the job ends", func() bool {
				s := h.want(200, "GET", path, nil).text("status")
				return s == "finished" || s == "failed"
			})
			return h.want(200, "GET", path, nil)
		}
		a := finished(h.want(202, "POST", "/v1/customers/import", form.Bytes(), "Content-Type: "+w.FormDataContentType(), "Idempotency-Key: form"))
		if a.get("done") != 2.0 || a.get("rejected") != 0.0 {
			t.Errorf("form: %s", a)
		}
		if again := h.want(202, "POST", "/v1/customers/import", form.Bytes(), "Content-Type: "+w.FormDataContentType(), "Idempotency-Key: form"); again.text("id") != a.text("id") {
			t.Errorf("the same form twice: %s", again)
		}
		if a = h.want(200, "GET", "/v1/customers/ext:17/consents", nil); a.text("data.0.source") != "messe" {
			t.Errorf("consent: %s", a)
		}
		lines := strings.Repeat("{\"external_id\":\"n1\",\"name\":\"x\"}\n", 3) + "{\"external_id\":\"n2\",\"addresses\":[{\"channel\":\"email\",\"address\":\"x@example.com\"}]}\n\n{\"external_id\":\"n3\",\"shoe\":1}\n"
		a = finished(h.want(202, "POST", "/v1/customers/import", lines, "Content-Type: application/x-ndjson"))
		if a.get("done") != 3.0 || a.get("rejected") != 2.0 || a.get("rejects.0.line") != 4.0 || !strings.Contains(a.text("rejects.0.reason"), "another customer") || a.get("rejects.1.line") != 6.0 {
			t.Errorf("lines: %s", a)
		}
		a = finished(h.want(202, "POST", "/v1/customers/import", "email\n\""+strings.Repeat("x", 3<<20), "Content-Type: text/csv"))
		if a.text("status") != "failed" || !strings.Contains(a.text("error"), "larger than 1 MiB") {
			t.Errorf("an endless cell: %s", a)
		}
	})
}

// A process that dies in the middle of an import leaves a job that another one ends, each row once.
func TestImport_GoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		var table strings.Builder
		table.WriteString("external_id,email\n")
		for i := range 1000 {
			fmt.Fprintf(&table, "c%d,c%d@example.com\n", i, i)
		}
		ctx := t.Context()
		f, err := h.st.KeepFile(ctx, "x.csv", "text/csv", strings.NewReader(table.String()), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		j := rapport.Job{Kind: gateway.KindOfImport, File: f.ID, Spec: []byte(`{"format":"csv","consent":{}}`)}
		if err := h.st.CreateJob(ctx, &j); err != nil {
			t.Fatal(err)
		}
		path := "/v1/jobs/" + rapport.KindJob.Format(j.ID)
		h.until("the job ends", func() bool { return h.want(200, "GET", path, nil).text("status") == "finished" })
		if a := h.want(200, "GET", path, nil); a.get("done") != 1000.0 || a.get("total") != 1000.0 || a.get("processed") != 1000.0 {
			t.Errorf("job: %s", a)
		}
		h.until("the file is gone", func() bool {
			_, err := h.st.File(t.Context(), f.ID)
			return rapport.CodeOf(err) == rapport.CodeNotFound
		})
	})
}

func TestFiles_AreWhatTheyLookLike(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.want(201, "POST", "/v1/files?name=..%2F..%2Fa%22b%0A.pdf", "%PDF-1.7 hello", "Content-Type: image/png")
	if a.text("name") != "ab.pdf" || a.text("content_type") != "application/pdf" || a.get("size") != 14.0 {
		t.Errorf("file: %s", a)
	}
	content := h.want(200, "GET", "/v1/files/"+a.text("id")+"/content", nil)
	if string(content.Body) != "%PDF-1.7 hello" || !strings.HasPrefix(content.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("content: %v %s", content.Header, content)
	}
	for _, active := range []string{"text/html", "image/svg+xml", "application/javascript"} {
		if a := h.want(201, "POST", "/v1/files", "plain words", "Content-Type: "+active); a.text("content_type") != "text/plain; charset=utf-8" {
			t.Errorf("declared %s: %s", active, a)
		}
	}
	for _, active := range []string{"<!DOCTYPE html><script>alert(1)</script>", `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`} { // never shown by a browser
		a := h.want(201, "POST", "/v1/files?name=x.svg", active, "Content-Type: image/svg+xml")
		head := h.want(200, "GET", "/v1/files/"+a.text("id")+"/content", nil).Header
		if !strings.HasPrefix(head.Get("Content-Disposition"), "attachment") || head.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(head.Get("Content-Security-Policy"), "default-src 'none'") || strings.Contains(head.Get("Content-Type"), "svg") != strings.Contains(active, "<svg") {
			t.Errorf("%s: %v", active, head)
		}
	}
	if a := h.do("POST", "/v1/files", bytes.Repeat([]byte("x"), 26<<20), "Content-Type: application/octet-stream"); a.StatusCode != 413 {
		t.Errorf("26 MiB: %s", a)
	}
}

func TestProviders_KeepTheirSecrets(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
		a := h.want(200, "PUT", "/v1/providers/hooks", `{"driver":"webhook","channel":"webhook","priority":3,"settings":{"secret":"`+secret+`"}}`)
		if strings.Contains(a.String(), secret) || a.text("settings.secret") != "[redacted]" || a.get("read_only") != false {
			t.Errorf("shown: %s", a)
		}
		h.want(200, "PUT", "/v1/providers/hooks", `{"driver":"webhook","channel":"webhook","priority":4,"settings":{"secret":"[redacted]"}}`)
		p, ok := h.g.Hub.Provider("hooks")
		if !ok || p.Entry().Settings["secret"] != secret || p.Entry().Priority != 4 {
			t.Errorf("entry: %v", p.Entry())
		}
		stored, err := h.st.Provider(t.Context(), "hooks")
		if err != nil || strings.Contains(stored.Settings, "whsec") {
			t.Errorf("stored: %v %v", stored, err)
		}
		if err := h.g.LoadProviders(t.Context()); err != nil {
			t.Error(err)
		}
		h.refused(422, "settings", "PUT", "/v1/providers/hooks", `{"driver":"webhook","channel":"webhook","settings":{"shoe":"x"}}`)
		h.refused(409, "built in", "DELETE", "/v1/providers/sandbox-email", nil)
		h.want(204, "DELETE", "/v1/providers/hooks", nil)
		h.refused(404, "no such provider", "GET", "/v1/providers/hooks", nil)
		h.refused(404, "no such provider", "POST", "/in/webhook/hooks", `{}`, "Authorization:")
		if strings.Contains(h.logs.String(), secret) {
			t.Error("the secret is in the log")
		}
	})
}

func TestCallbacks_NeedTheirSignature(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.want(200, "PUT", "/v1/providers/hooks", `{"driver":"webhook","channel":"webhook","settings":{"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}`)
	h.refused(401, "signature", "POST", "/in/webhook/hooks", `{"type":"message","text":"hi"}`, "Authorization:")
	h.refused(404, "no such provider", "POST", "/in/twilio/hooks", `{}`, "Authorization:")
	h.refused(413, "1 MiB", "POST", "/in/webhook/hooks", strings.Repeat("x", 2<<20), "Authorization:")
	h.refused(405, "other methods", "GET", "/in/webhook/hooks", nil, "Authorization:")
}

func TestTemplates_SaveShowPreview(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.template("welcome")
	h.want(200, "PUT", "/v1/templates/welcome", string(h.sourceOf("welcome")))
	a := h.want(201, "PUT", "/v1/templates/welcome", `{"topic":"news","required":["data.code"],"variants":[{"channel":"sms","text":"Hello {{ customer.name }}: {{ data.code }}"},{"channel":"sms","locale":"ru","text":"Привет, {{ customer.name }}: {{ data.code }}"}]}`)
	if a.get("version") != 2.0 {
		t.Errorf("saved: %s", a)
	}
	if a = h.want(200, "GET", "/v1/templates/welcome", nil); len(a.get("versions").([]any)) != 2 || a.get("version") != 2.0 {
		t.Errorf("template: %s", a)
	}
	if a = h.want(200, "GET", "/v1/templates/welcome/versions/1", nil); a.text("variants.0.channel") != "email" {
		t.Errorf("version 1: %s", a)
	}
	h.refused(404, "version", "GET", "/v1/templates/welcome/versions/9", nil)
	if a = h.want(200, "GET", "/v1/templates", nil); a.text("data.0.key") != "welcome" || a.get("data.0.variants") != nil {
		t.Errorf("list: %s", a)
	}
	h.want(201, "PUT", "/v1/customers/ext:a", `{"name":"Анна","locale":"ru-RU"}`)
	a = h.want(200, "POST", "/v1/templates/welcome/preview", `{"customer":"ext:a","channel":"sms"}`)
	if a.text("text") != "Привет, Анна: " || fmt.Sprint(a.get("missing")) != "[data.code]" || a.get("sms.segments") != 1.0 || a.text("sms.encoding") != "UCS-2" {
		t.Errorf("preview: %s", a)
	}
	if a = h.want(200, "POST", "/v1/templates/welcome/preview", `{"data":{"code":"7","customer":{"name":"Bo"}},"channel":"sms","locale":"en"}`); a.text("text") != "Hello Bo: 7" {
		t.Errorf("preview without a customer: %s", a)
	}
	h.refused(422, "variant", "POST", "/v1/templates/welcome/preview", `{"channel":"email"}`)
	h.want(202, "POST", "/v1/templates/welcome/test", `{"channel":"sms","address":"+37126000002","data":{"code":"1"},"sandbox":true}`, "Idempotency-Key: t")
	if a = h.want(202, "POST", "/v1/templates/welcome/test", `{"channel":"sms","address":"+37126000002","data":{"code":"1"},"sandbox":true}`, "Idempotency-Key: t"); a.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("test twice: %v", a.Header)
	}
}

// sourceOf is what the store holds of a template, as a body to put.
func (h *house) sourceOf(key string) []byte {
	h.t.Helper()
	v, err := h.st.CurrentTemplate(h.t.Context(), key)
	if err != nil {
		h.t.Fatal(err)
	}
	return []byte(v.Source)
}
