package api

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

const asForm = "Content-Type: application/x-www-form-urlencoded"

// answerLink sends ext:a a message of a template that has reply_url, and returns the page's path.
func (h *house) answerLink(locale string) (path, message string) {
	h.t.Helper()
	h.want(201, "PUT", "/v1/templates/ask", `{"topic":"news","variants":[{"channel":"email","subject":"Which size?","html":"<p><a href=\"{{ reply_url }}\">Answer</a></p>"},{"channel":"sms","text":"Answer: {{ reply_url }}"}]}`)
	h.want(201, "PUT", "/v1/customers/ext:a", `{"name":"Anna","locale":"`+locale+`","addresses":[{"channel":"email","address":"anna@shop.example"}]}`)
	message = h.want(202, "POST", "/v1/messages", `{"purpose":"transactional","template":"ask","to":{"id":"ext:a"},"settings":{"sandbox":true}}`).text("id")
	h.until("the mail is out", func() bool {
		m := regexp.MustCompile(`https://rapport\.example(/r/[0-9a-z]+)`).FindStringSubmatch(h.want(200, "GET", "/v1/sandbox/outbox?message="+message, nil).String())
		if m != nil {
			path = m[1]
		}
		return path != ""
	})
	return path, message
}

func formOf(t *testing.T, page answer) string {
	t.Helper()
	m := regexp.MustCompile(`name="form" value="([0-9a-z]{26})"`).FindSubmatch(page.Body)
	if m == nil {
		t.Fatalf("no form: %s", page)
	}
	return string(m[1])
}

func TestAnswerPage_OneFormIsOneAnswer(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		path, message := h.answerLink("ru")
		page := h.want(200, "GET", path, nil, "Authorization:")
		if body := string(page.Body); !strings.Contains(body, `<html lang="ru">`) || !strings.Contains(body, "Ваш ответ") || strings.Contains(body, "Anna") || strings.Contains(body, "<script") {
			t.Errorf("%s", page)
		}
		if p := page.Header.Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") || !strings.Contains(p, "form-action 'self'") || strings.Contains(p, "unsafe") {
			t.Errorf("%s", p)
		}
		if a := h.want(200, "GET", "/v1/threads", nil); len(a.get("data").([]any)) != 0 {
			t.Errorf("looking made a thread: %s", a)
		}
		hostile := "\"><script>alert(1)</script>\r\nM, please \u202e {{ customer.name }}"
		form := url.Values{"form": {formOf(t, page)}, "text": {hostile}, "name": {"  Anna <b>\nPetrova "}}
		for range 3 {
			if a := h.want(200, "POST", path, form.Encode(), "Authorization:", asForm); !strings.Contains(string(a.Body), "мы получили ваш ответ") {
				t.Errorf("%s", a)
			}
		}
		threads := h.want(200, "GET", "/v1/threads", nil)
		if len(threads.get("data").([]any)) != 1 || threads.text("data.0.channel") != "email" || threads.text("data.0.subject") != "Which size?" || threads.get("data.0.unread") != true {
			t.Fatalf("%s", threads)
		}
		entries := h.want(200, "GET", "/v1/threads/"+threads.text("data.0.id")+"/entries", nil)
		if len(entries.get("data").([]any)) != 1 || entries.text("data.0.text") != strings.ReplaceAll(hostile, "\r", "") || entries.text("data.0.author") != "Anna <b> Petrova" ||
			entries.text("data.0.matched_by") != "reply_link" || entries.text("data.0.in_reply_to.message") != message || entries.text("data.0.kind") != "inbound" || entries.get("data.0.html") != nil {
			t.Errorf("%s", entries)
		}
		if a := h.want(200, "GET", "/v1/messages/"+message, nil); a.text("state") != "delivered" {
			t.Errorf("an answer proves that it arrived: %s", a)
		}
		// An agent's answer goes where the message went, as a mail of the same conversation.
		h.want(202, "POST", "/v1/threads/"+threads.text("data.0.id")+"/replies", `{"text":"M is on its way"}`)
		h.until("it is with Anna", func() bool {
			a := h.want(200, "GET", "/v1/sandbox/outbox?address=anna@shop.example", nil).String()
			return strings.Contains(a, "M is on its way") && strings.Contains(a, "Re: Which size?")
		})
	})
}

func TestAnswerPage_RefusesKindlyAndKeepsWhatWasWritten(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	path, message := h.answerLink("en")
	form := formOf(t, h.want(200, "GET", path, nil, "Authorization:"))
	post := func(status int, says string, values url.Values) string {
		t.Helper()
		a := h.want(status, "POST", path, values.Encode(), "Authorization:", asForm)
		if !strings.Contains(string(a.Body), says) {
			t.Errorf("%v: lacks %q: %.600s", values, says, a)
		}
		return string(a.Body)
	}
	with := func(text, name string) url.Values {
		return url.Values{"form": {form}, "text": {text}, "name": {name}}
	}
	post(422, "Please write something first.", with(" \r\n\u3000", ""))
	long := post(422, "That is too long", with(strings.Repeat("ж", 4001), "</textarea><script>"))
	if !strings.Contains(long, strings.Repeat("ж", 4001)) || !strings.Contains(long, html.EscapeString("</textarea><script>")) || strings.Contains(long, "<script>") || formOf(t, answer{Body: []byte(long)}) != form {
		t.Errorf("what was written is lost, or runs: %.900s", long)
	}
	for _, garbage := range []string{"", "garbage", "text=hello", "form=preferences&text=x", "form=" + form + "&text=%ff", "form=" + form + "%00&text=x", "form=" + strings.Repeat("a", 27) + "&text=x"} {
		if a := h.do("POST", path, garbage, "Authorization:", asForm); a.StatusCode != 400 {
			t.Errorf("%q: %s", garbage, a)
		}
	}
	if a := h.do("POST", path, "form="+form+"&text="+strings.Repeat("x", 70<<10), "Authorization:", asForm); a.StatusCode != 413 {
		t.Errorf("70 KiB: %d", a.StatusCode)
	}
	u := h.want(200, "GET", "/v1/sandbox/outbox?message="+message, nil).String()
	for _, other := range []string{"/r/nonsense", "/r/" + strings.ToUpper(path[3:4]) + "zzzz", "/r/%00", path + "0", "/r/preview", strings.Replace(path, "/r/", "/p/", 1), strings.Replace(path, "/r/", "/u/", 1)} {
		h.want(404, "GET", other, nil, "Authorization:")
		if strings.HasPrefix(other, "/r/") {
			h.want(404, "POST", other, with("x", "").Encode(), "Authorization:", asForm)
		}
	}
	if a := h.want(200, "GET", "/v1/threads", nil); len(a.get("data").([]any)) != 0 {
		t.Fatalf("something refused was kept: %s %s", a, u)
	}
	// Five an hour; the sixth is shown again, to be sent later.
	for i := range 5 {
		form = formOf(t, h.want(200, "GET", path, nil, "Authorization:"))
		post(200, "it has arrived", with("answer "+string(rune('1'+i)), ""))
	}
	last := with("answer five", "") // the same form again is no sixth
	last.Set("form", form)
	post(200, "it has arrived", last)
	form = formOf(t, h.want(200, "GET", path, nil, "Authorization:"))
	if a := h.want(429, "POST", path, with("the sixth", "").Encode(), "Authorization:", asForm); !strings.Contains(string(a.Body), "several times") || !strings.Contains(string(a.Body), "the sixth") || a.Header.Get("Retry-After") == "" {
		t.Errorf("%s", a)
	}
	h.want(204, "DELETE", "/v1/customers/ext:a", nil)
	for _, a := range []answer{h.want(410, "GET", path, nil, "Authorization:", "Accept-Language: ru"), h.want(410, "POST", path, with("x", "").Encode(), "Authorization:", "Accept-Language: ru", asForm)} {
		if !strings.Contains(string(a.Body), "Здесь больше нельзя ответить") || strings.Contains(string(a.Body), "<form") {
			t.Errorf("%s", a)
		}
	}
}

func TestUnsubscribe_IsTakenBackByTheSameLink(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.want(200, "PUT", "/v1/topics/news", `{"policy":"opt_in","title":{"en":"News"}}`)
	h.want(201, "PUT", "/v1/templates/n", `{"topic":"news","variants":[{"channel":"email","subject":"News","html":"<p><a href=\"{{ unsubscribe_url }}\">stop</a></p>"}]}`)
	h.want(201, "PUT", "/v1/customers/ext:a", `{"addresses":[{"channel":"email","address":"a@shop.example"},{"channel":"sms","address":"+37126000009"}]}`)
	h.want(201, "POST", "/v1/customers/ext:a/consents", `{"channel":"email","purpose":"marketing","topic":"news","granted":true,"source":"shop","text_version":"1"}`)
	id := h.want(202, "POST", "/v1/messages", `{"purpose":"marketing","topic":"news","template":"n","to":{"id":"ext:a"},"settings":{"sandbox":true}}`).text("id")
	path := ""
	h.until("the mail is out", func() bool {
		if m := regexp.MustCompile(`https://rapport\.example(/u/[0-9a-z]+)`).FindStringSubmatch(h.want(200, "GET", "/v1/sandbox/outbox?message="+id, nil).String()); m != nil {
			path = m[1]
		}
		return path != ""
	})
	says := func(a answer, has bool, what string) {
		t.Helper()
		if strings.Contains(string(a.Body), what) != has {
			t.Errorf("%q: want %v in %s", what, has, a)
		}
	}
	consents := func() int { return len(h.want(200, "GET", "/v1/customers/ext:a/consents", nil).get("data").([]any)) }
	const undo = `value="undo"`
	says(h.want(200, "GET", path, nil, "Authorization:"), false, undo)
	says(h.want(200, "POST", path, "scope=undo", "Authorization:", asForm), true, "Welcome back")
	if n := consents(); n != 1 {
		t.Errorf("an undo of nothing made a consent: %d", n)
	}
	says(h.want(200, "POST", path, "scope=all", "Authorization:", asForm), true, undo)
	says(h.want(200, "GET", path, nil, "Authorization:"), true, undo)
	before := consents()
	for range 2 {
		says(h.want(200, "POST", path, "scope=undo", "Authorization:", asForm), true, "Welcome back")
	}
	says(h.want(200, "GET", path, nil, "Authorization:"), true, "Unsubscribe?")
	a := h.want(200, "GET", "/v1/customers/ext:a/consents", nil)
	if consents() != before+1 || a.text("data.0.source") != "resubscribe_link" || a.text("data.0.channel") != "email" || a.text("data.0.topic") != "news" || a.get("data.0.granted") != true || a.text("data.0.message") != id {
		t.Errorf("more or less than before: %s", a)
	}
	// What was said elsewhere since is not undone.
	h.want(200, "POST", path, "scope=topic", "Authorization:", asForm)
	h.want(201, "POST", "/v1/customers/ext:a/consents", `{"channel":"email","purpose":"marketing","topic":"news","granted":false,"source":"phone","text_version":"1"}`)
	says(h.want(200, "GET", path, nil, "Authorization:"), false, undo)
	n := consents()
	h.want(200, "POST", path, "scope=undo", "Authorization:", asForm)
	if consents() != n {
		t.Error("an undo overruled a later word")
	}
}
