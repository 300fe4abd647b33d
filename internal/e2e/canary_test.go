package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/channels/twilio/twiliotest"
)

// canaries are what must never be seen in a log, a metric or a trace: a person, what was written to or by that person, and
// every secret. Each is recognised by a piece of it, so that another spelling does not hide it.
var canaries = map[string]string{
	"name": "Zanzibarina", "address": "canary.bird", "phone": "2998877", "chat": "90876543", "webhook": "canarypath", "webhook query": "canaryquery",
	"body": "CanaryBody", "attribute": "CanaryAttribute", "proof": "CanaryProof", "ip": "203.0.113.77", "variable": "CanaryVariable", "external id": "CanaryExternal",
	"reply": "CanaryReply", "file": "CanaryFile", "note": "CanaryNote", "twilio token": "canarytwiliosecret", "bot token": "canarybotsecret", "webhook secret": "Y2FuYXJ5Y2FuYXJ5",
	"mail password": "canarymailsecret", "key": "rpt_live_", "token": "canarytoken", "secret key": "Yk1mZ0p2c2hLcW5X",
}

// One person and every secret go through every door and to every provider, which refuses in many ways and quotes what it
// was sent; and nothing of it is in the logs at the level debug, in the metrics, or in the traces.
func TestCanary(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			canary(t, format)
		})
	}
}

func canary(t *testing.T, format string) {
	p := newParrot(t)
	metrics := freeAddr(t)
	in := plain(t, "LOG_LEVEL=debug", "LOG_FORMAT="+format, "METRICS_ADDR="+metrics, "OTEL_ENDPOINT="+p.url, "HTTP_TRUSTED_PROXIES=127.0.0.1",
		"DELIVERY_ASK_AFTER_TRANSACTIONAL=2s", "DELIVERY_ASK_AFTER_MARKETING=2s")
	send := func(method, path, contentType, body string, header ...string) (status int, answer string) {
		t.Helper()
		req, err := http.NewRequest(method, in.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+in.Key)
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("X-Forwarded-For", "203.0.113.77")
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
	call := func(want int, method, path, body string) string {
		t.Helper()
		status, answer := send(method, path, "application/json", body)
		if status != want {
			t.Errorf("%s %s: %d %s, want %d", method, path, status, answer, want)
		}
		return answer
	}

	// Providers with secrets, and one whose settings are wrong.
	host, port, _ := net.SplitHostPort(p.mail)
	call(200, "PUT", "/v1/providers/mail", `{"driver":"email","channel":"email","settings":{"host":"`+host+`","port":`+port+`,"tls":"none","from":"Shop <shop@sender.example>","timeout":"2s","dot_timeout":"2s"}}`)
	call(200, "PUT", "/v1/providers/texts", `{"driver":"twilio","channel":"sms","settings":{"account_sid":"AC00000000000000000000000000000000","auth_token":"canarytwiliosecret","from":"+15005550006","base_url":"`+p.url+`","timeout":"2s"}}`)
	call(200, "PUT", "/v1/providers/bot", `{"driver":"telegram","channel":"telegram","settings":{"token":"42:canarybotsecret","api_url":"`+p.url+`","timeout":"2s"}}`)
	call(200, "PUT", "/v1/providers/hooks", `{"driver":"webhook","channel":"webhook","settings":{"secret":"whsec_Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5","allow_networks":["127.0.0.0/8"],"timeout":"2s"}}`)
	send("PUT", "/v1/providers/bad", "application/json", `{"driver":"email","channel":"email","settings":{"host":"127.0.0.1","password":"canarymailsecret","username":"canary.bird","tls":"canarytoken"}}`)

	call(201, "PUT", "/v1/templates/canary", `{"topic":"offers","variants":[{"channel":"email","subject":"CanaryBody {{ data.v }}","html":"<p>CanaryBody {{ customer.name }} {{ data.v }} <a href=\"{{ unsubscribe_url }}\">no</a></p>"},
		{"channel":"sms","text":"CanaryBody {{ customer.name }} {{ data.v }}"},{"channel":"telegram","text":"CanaryBody {{ customer.name }} {{ data.v }}"},
		{"channel":"webhook","body":{"CanaryBody":"{{ customer.name }} {{ data.v }} {{ customer.attributes.a | default: 1 }}"}}]}`)
	send("PUT", "/v1/templates/broken", "application/json", `{"variants":[{"channel":"sms","text":"CanaryBody {{ x | CanaryVariable }}"}]}`)
	send("POST", "/v1/templates/canary/preview", "application/json", `{"channel":"email","data":{"v":"CanaryVariable"},"customer":{"name":"Zanzibarina"}}`)

	// The person, kept by each way in; and rows that are refused.
	person := func(i int) string {
		return fmt.Sprintf(`{"external_id":"CanaryExternal%d","name":"Zanzibarina","attributes":{"a":"CanaryAttribute"},"addresses":[{"channel":"email","address":"canary.bird%d@leak.example"},
			{"channel":"sms","address":"+3712998877%d"},{"channel":"telegram","address":"90876543%d"},{"channel":"webhook","address":"%s/canarypath%d?k=canaryquery"}],
			"consents":[{"channel":"email","purpose":"marketing","topic":"offers","granted":true,"source":"form","proof":"CanaryProof","ip":"203.0.113.77"}]}`, i, i, i, i, p.url, i)
	}
	customer := func(path string) string {
		return strings.Replace(path, "{id}", "ext:CanaryExternal0", 1)
	}
	call(201, "PUT", customer("/v1/customers/{id}"), strings.Replace(person(0), `"external_id":"CanaryExternal0",`, "", 1))
	for _, kind := range []string{"text/csv", "application/x-ndjson"} {
		file := "external_id,name,email,sms\nCanaryExternal8,Zanzibarina,canary.bird8@leak.example,+37129988778\n,Zanzibarina,canary.bird but no address,+3712998877x\n\"CanaryExternal9\n"
		if kind != "text/csv" {
			file = person(7) + "\n" + `{"external_id":"CanaryExternal6","nmae":"Zanzibarina"}` + "\n{\"name\":\"Zanzibarina\n"
			file = strings.ReplaceAll(file, ",\n\t\t\t", ",")
		}
		send("POST", "/v1/customers/import?name=CanaryFile.csv", kind, file)
	}
	for _, bad := range []string{`{"name":["Zanzibarina"]}`, `{"canary.bird@leak.example":1}`, `{"addresses":[{"channel":"email","address":"canary.bird"}]}`, `"canary.bird`} {
		send("PUT", customer("/v1/customers/{id}"), "application/json", bad)
	}
	send("GET", "/v1/customers?q=canary.bird@leak.example", "application/json", "")
	send("GET", "/v1/customers/canary.bird0@leak.example", "application/json", "")
	send("GET", "/v1/nowhere/canary.bird@leak.example?phone=%2B37129988770", "application/json", "")
	send("GET", "/v1/customers", "application/json", "", "Authorization", "Bearer rpt_live_canarytoken_canarytoken")
	send("POST", "/v1/messages", "application/json", `{"canary.bird@leak.example"`, "Idempotency-Key", "canary.bird")

	// To every provider, again and again: each answer is another refusal that quotes.
	for i := range 8 {
		for _, channel := range []string{"email", "sms", "telegram", "webhook"} {
			call(202, "POST", "/v1/messages", fmt.Sprintf(`{"purpose":"transactional","template":"canary","to":%s,"data":{"v":"CanaryVariable"},"routing":{"channels":["%s"]}}`, person(i), channel))
		}
	}
	call(202, "POST", "/v1/campaigns", `{"purpose":"marketing","template":"canary","data":{"v":"CanaryVariable"},"audience":{"customers":[`+person(0)+`,`+person(1)+`]},"routing":{"method":"all"}}`)

	// What comes in: replies, receipts, forgeries and nonsense.
	fake := twiliotest.New("AC00000000000000000000000000000000", "canarytwiliosecret")
	if err := fake.Deliver(in.URL+"/in/twilio/texts", p.url, twiliotest.Inbound{From: "+37129988770", To: "+15005550006", Body: "CanaryReply", Media: []twiliotest.Medium{{ContentType: "image/png", Data: []byte("CanaryFile")}}}); err != nil {
		t.Error(err)
	}
	send("POST", "/in/twilio/texts?token=canarytoken", "application/x-www-form-urlencoded", "From=%2B37129988770&Body=CanaryReply", "X-Twilio-Signature", "canarytoken")
	send("POST", "/in/webhook/hooks", "application/json", `{"from":"`+p.url+`/canarypath0?k=canaryquery","text":"CanaryReply"}`, "Webhook-Id", "canarytoken", "Webhook-Timestamp", "1", "Webhook-Signature", "v1,canarytoken")
	updates := `{"ok":true,"result":[{"update_id":1,"message":{"message_id":1,"date":1700000000,"text":"CanaryReply","chat":{"id":908765430,"type":"private"},"from":{"id":908765430,"first_name":"Zanzibarina"}}},
		{"update_id":2,"message":"CanaryReply"},{"update_id":3,"my_chat_member":{"date":1,"chat":{"id":908765430,"type":"private"},"new_chat_member":{"status":"lurker"}}},{"update_id":4,"callback_query":{"id":"canarytoken","data":"CanaryReply","from":{"id":908765430}}}]}`
	p.updates.Store(&updates)
	for _, page := range []string{"/u/", "/p/", "/c/", "/o/"} {
		send("GET", page+"canarytoken", "", "")
		send("POST", page+"canarytoken", "application/x-www-form-urlencoded", "topic=canary.bird")
	}

	// What people do with it: files, threads, suppressions, export, erasure.
	send("POST", "/v1/files?name=CanaryFile.txt", "text/plain", "CanaryFile")
	in.Wait(20*time.Second, "the reply is in a thread", func() bool {
		_, list := send("GET", "/v1/threads", "application/json", "")
		return strings.Contains(list, "thr_")
	})
	_, list := send("GET", "/v1/threads", "application/json", "")
	thread := list[strings.Index(list, "thr_"):][:17]
	send("POST", "/v1/threads/"+thread+"/replies", "application/json", `{"text":"CanaryBody","agent":"Olga"}`)
	send("POST", "/v1/threads/"+thread+"/notes", "application/json", `{"text":"CanaryNote"}`)
	in.Wait(30*time.Second, "every provider has quoted", func() bool { return p.said.Load() >= 24 })
	in.Wait(30*time.Second, "every verdict is in the log", func() bool {
		written, err := os.ReadFile(in.runs[0].log)
		return err == nil && !slices.ContainsFunc([]string{"rejected", "temporary", "throttled", "ambiguous", "misconfigured"}, func(v string) bool { return !strings.Contains(string(written), v) })
	})
	time.Sleep(3 * time.Second) // retries, look-ups of doubtful messages, the sweeper
	send("PUT", "/v1/suppressions/email/canary.bird5@leak.example", "application/json", `{"reason":"complaint","note":"CanaryNote"}`)
	secrets := canaryAgents(t, in, send)
	call(200, "GET", customer("/v1/customers/{id}/export"), "")
	send("DELETE", customer("/v1/customers/{id}"), "application/json", "")

	res, err := http.Get("http://" + metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	numbers, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Run("doctor", "--offline"); err != nil && !strings.Contains(err.Error(), "doctor") {
		t.Error(err)
	}
	in.stopAll()
	written, err := os.ReadFile(in.runs[0].log)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	traces := p.traces.String()
	p.mu.Unlock()
	if strings.Count(string(written), "\n") < 20 || !strings.Contains(strings.ToLower(string(written)), "debug") || len(numbers) < 1000 || len(traces) < 1000 {
		t.Fatalf("too little was written to prove anything: %d bytes of log, %d of metrics, %d of traces\n%.3000s", len(written), len(numbers), len(traces), written)
	}
	if _, ok := strings.CutPrefix(in.Key, "rpt_live_"); !ok {
		t.Errorf("the key has another beginning: %.9s", in.Key)
	}
	for where, text := range map[string]string{"log": string(written), "metrics": string(numbers), "traces": traces} {
		for what, piece := range canaries {
			for line := range strings.SplitSeq(text, "\n") {
				if strings.HasPrefix(strings.TrimSpace(line), "export RAPPORT_URL=") {
					continue // the first start tells its person the first key, on purpose; it is no line of the log
				}
				if strings.Contains(strings.ToLower(line), strings.ToLower(piece)) {
					t.Errorf("the %s holds the %s: %.600s", where, what, line)
					break
				}
			}
		}
	}
	for where, text := range map[string]string{"log": string(written), "metrics": string(numbers), "traces": traces} {
		for what, s := range secrets {
			if what != "setup token" && strings.Contains(text, s) || strings.Count(text, s) > 1 { // the first start tells the link once, on purpose
				t.Errorf("the %s holds the %s", where, what)
			}
		}
	}
	if t.Failed() {
		t.Logf("the log:\n%.8000s", written)
	}
}
