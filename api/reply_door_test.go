package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The client that docs/channels/webhook.md prints, run as it stands there against the door.
func TestWebhookReply_TheDocumentedClientWorks(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil && os.Getenv("RAPPORT_TEST_REQUIRED") == "" {
		t.Log("left out: python3 is not installed (make test has it)")
		return
	}
	page, err := os.ReadFile("../docs/channels/webhook.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)\n## Answering\n.*?```python\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("the page has no client")
	}
	if lines := strings.Count(strings.TrimSpace(string(block[1])), "\n") + 1; lines > 12 {
		t.Errorf("the client of ten lines has %d", lines)
	}
	h, secret := hooked(t)
	const me = "https://shop.example/hook"
	answered := h.want(202, "POST", "/v1/messages", `{"purpose":"transactional","template":"hook","to":{"external_id":"shop","addresses":[{"channel":"webhook","address":"`+me+`"}]},"settings":{"sandbox":true}}`).text("id")
	run := func(secret string) (string, error) {
		out, err := exec.CommandContext(t.Context(), "python3", "-c", string(block[1]), secret, h.url+"/in/webhook/hooks", me, answered, "Да, please 👍").CombinedOutput()
		return string(out), err
	}
	if out, err := run(secret); err != nil || strings.TrimSpace(out) != "204" {
		t.Fatalf("%v: %s", err, out)
	}
	threads := h.want(200, "GET", "/v1/threads?channel=webhook", "")
	entries := h.want(200, "GET", "/v1/threads/"+threads.text("data.0.id")+"/entries", "")
	if entries.text("data.0.text") != "Да, please 👍" || entries.text("data.0.in_reply_to.message") != answered {
		t.Errorf("%s", entries)
	}
	if out, err := run("whsec_" + base64.StdEncoding.EncodeToString([]byte("another secret of thirty-two b..."))); err == nil || !strings.Contains(out, "401") {
		t.Errorf("with another secret: %v: %s", err, out)
	}
}

// A replay within five minutes has no second effect, an older one is refused, and so is whatever was changed.
func TestWebhookReply_ReplayedOldAndForged(t *testing.T) {
	t.Parallel()
	h, secret := hooked(t)
	body := `{"from":"https://shop.example/hook","text":"Hello"}`
	post := func(id string, at time.Time, body, signature string) (int, string) {
		t.Helper()
		stamp := strconv.FormatInt(at.Unix(), 10)
		if signature == "" {
			key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
			if err != nil {
				t.Fatal(err)
			}
			mac := hmac.New(sha256.New, key)
			fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
			signature = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+"/in/webhook/hooks", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"content-type": "application/json", "webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": signature} {
			req.Header.Set(name, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text)
	}
	now := time.Now()
	for range 20 {
		if status, _ := post("evt_1", now, body, ""); status != 204 {
			t.Fatalf("HTTP %d", status)
		}
	}
	for _, k := range []struct {
		name            string
		at              time.Time
		body, signature string
		status          int
		says            string
	}{
		{"six minutes old", now.Add(-6 * time.Minute), body, "", 401, "five minutes"},
		{"six minutes ahead", now.Add(6 * time.Minute), body, "", 401, "five minutes"},
		{"without signature", now, body, "v1,", 401, "signature"},
		{"guessed", now, body, "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=", 401, "signature"},
		{"guessed, and old", now.Add(-6 * time.Minute), body, "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=", 401, "signature"},
		{"guessed, and wrong", now, `{"text":""}`, "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=", 401, "signature"},
		{"no text", now, `{"from":"https://shop.example/hook","text":" "}`, "", 400, `"path":"text","message":"must be 1 to 65536 bytes`},
		{"no address", now, `{"text":"Hello"}`, "", 400, `"path":"from"`},
		{"a number", now, `{"from":"https://shop.example/hook","text":5}`, "", 400, `"path":"text","message":"must be a text"`},
		{"misspelt", now, `{"from":"https://shop.example/hook","text":"Hello","reply_to":"x"}`, "", 400, `reply_to`},
		{"a list", now, `[]`, "", 400, "is not a JSON object"},
		{"answers nothing", now, `{"from":"https://shop.example/hook","text":"Hello","in_reply_to":"x"}`, "", 400, `"path":"in_reply_to"`},
	} {
		if status, said := post("evt_2", k.at, k.body, k.signature); status != k.status || !strings.Contains(said, k.says) {
			t.Errorf("%s: HTTP %d %s, want %d with %s", k.name, status, said, k.status, k.says)
		}
	}
	threads := h.want(200, "GET", "/v1/threads", "")
	if n := len(threads.get("data").([]any)); n != 1 {
		t.Fatalf("%d threads", n)
	}
	entries := h.want(200, "GET", "/v1/threads/"+threads.text("data.0.id")+"/entries", "")
	if n := len(entries.get("data").([]any)); n != 1 {
		t.Errorf("%d entries", n)
	}
}

// hooked is a house with a webhook provider and its secret.
func hooked(t *testing.T) (h *house, secret string) {
	t.Helper()
	h = newHouse(t)
	secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("the secret of thirty-two bytes.."))
	h.want(200, "PUT", "/v1/providers/hooks", `{"driver":"webhook","channel":"webhook","settings":{"secret":"`+secret+`"}}`)
	h.want(201, "PUT", "/v1/templates/hook", `{"topic":"news","variants":[{"channel":"webhook","body":{"order":42}}]}`)
	return h, secret
}

func TestThread_SaysUntilWhenItCanBeAnswered(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, channel := range []string{"whatsapp", "sms"} {
		h.want(202, "POST", "/v1/sandbox/replies", `{"channel":"`+channel+`","address":"+37120000001","text":"Hello"}`)
		id := h.want(200, "GET", "/v1/threads?channel="+channel, nil).text("data.0.id")
		until := h.want(200, "GET", "/v1/threads/"+id, nil).get("reply_until")
		if text, _ := until.(string); channel == "sms" && until != nil || channel == "whatsapp" && text < time.Now().Add(23*time.Hour).UTC().Format(time.RFC3339) {
			t.Errorf("%s: until %v", channel, until)
		}
	}
}
