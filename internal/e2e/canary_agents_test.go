package e2e

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// spoken is how the canary talks to the server.
type spoken func(method, path, contentType, body string, header ...string) (status int, answer string)

// canaryAgents lets people in by every door, and lets some guess. It returns every secret that this took: none of them may
// stand anywhere but in the answer, or in the mail, that gave it.
func canaryAgents(t *testing.T, in *Installation, send spoken) (secrets map[string]string) {
	t.Helper()
	written, err := os.ReadFile(in.runs[0].log)
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`/setup#token=([\w-]{43})`).FindSubmatch(written)
	if link == nil {
		t.Fatalf("no link to set up:\n%s", written)
	}
	const password = "CanaryPassword of a quiet owner"
	secrets = map[string]string{"password": "CanaryPassword", "wrong password": "CanaryGuess", "setup token": string(link[1])}
	var cookie, csrf string
	call := func(want int, method, path, body string) map[string]any {
		t.Helper()
		status, answer := send(method, path, "application/json", body, "Authorization", "", "Cookie", cookie, "X-CSRF-Token", csrf, "Origin", in.URL)
		if status != want {
			t.Errorf("%s %s: %d %s, want %d", method, path, status, answer, want)
		}
		var out map[string]any
		_ = json.Unmarshal([]byte(answer), &out) // a 204 has none
		if token, ok := out["csrf"].(string); ok {
			csrf = token
			secrets["CSRF token "+path] = token
		}
		return out
	}
	quote := func(v map[string]string) string {
		b, _ := json.Marshal(v) // texts: cannot fail
		return string(b)
	}
	// Cookies come with the answer's header, which send does not show: the sessions are begun by hand.
	enter := func(what, path, body string) {
		t.Helper()
		c, answer := in.cookie(t, path, body)
		var out struct{ CSRF string }
		if err := json.Unmarshal([]byte(answer), &out); err != nil || c == "" {
			t.Fatalf("%s: %s", path, answer)
		}
		cookie, csrf = "rapport="+c, out.CSRF
		secrets["session of "+what], secrets["CSRF token of "+what] = c, out.CSRF
	}
	enter("the owner", "/v1/setup", quote(map[string]string{"token": string(link[1]), "name": "Olga", "email": "olga@leak.example", "password": password}))

	offer := call(200, "POST", "/v1/agents/me/totp", quote(map[string]string{"password": password}))
	secret, _ := offer["secret"].(string)
	secrets["TOTP secret"] = secret
	codes := call(200, "POST", "/v1/agents/me/totp/confirm", quote(map[string]string{"code": codeOf(t, secret)}))
	list, _ := codes["recovery_codes"].([]any)
	if len(list) != 10 {
		t.Fatalf("recovery codes: %v", codes)
	}
	for i, c := range list {
		secrets[fmt.Sprint("recovery code ", i)] = fmt.Sprint(c)
	}
	tokenOf := func(v map[string]any) string {
		_, token, _ := strings.Cut(fmt.Sprint(v["link"]), "#token=")
		return token
	}
	invited := call(201, "POST", "/v1/agents", `{"name":"Max","email":"max@leak.example","role":"agent","mail":true}`)
	id := fmt.Sprint(invited["id"])
	secrets["invitation"] = tokenOf(invited)
	again := call(200, "POST", "/v1/agents/"+id+"/invitation", `{"mail":true}`)
	secrets["second invitation"] = tokenOf(again)
	owner := [2]string{cookie, csrf}
	send("POST", "/v1/invitations/find", "application/json", quote(map[string]string{"token": tokenOf(again)}), "Authorization", "")
	enter("Max", "/v1/invitations/accept", quote(map[string]string{"token": tokenOf(again), "password": "CanaryPassword of Max"}))
	cookie, csrf = owner[0], owner[1]
	reset := call(200, "POST", "/v1/agents/"+id+"/reset", `{"mail":true}`)
	secrets["reset"] = tokenOf(reset)
	for _, body := range []string{`{"email":"olga@leak.example","password":"CanaryGuess"}`, `{"email":"nobody@leak.example","password":"CanaryGuess"}`, `{"email":"olga@leak.example","password":"` + password + `"}`,
		`{"email":"olga@leak.example","password":"` + password + `","code":"` + fmt.Sprint(list[9]) + `x"}`, `{"password":["CanaryGuess"]}`, `{"token":"` + tokenOf(reset) + `"`} {
		send("POST", "/v1/session", "application/json", body, "Authorization", "")
	}
	send("GET", "/v1/customers?token="+tokenOf(reset), "application/json", "", "Authorization", "Bearer "+cookie)
	enter("the owner, by a recovery code", "/v1/session", quote(map[string]string{"email": "olga@leak.example", "password": password, "code": fmt.Sprint(list[0])}))
	call(204, "PUT", "/v1/agents/me/password", quote(map[string]string{"current": password, "password": "CanaryPassword the second"}))
	for what, s := range secrets {
		if len(s) < 10 {
			t.Errorf("the %s is %q: too little to be found", what, s)
		}
	}
	// What the API shows of it afterwards.
	for _, path := range []string{"/v1/audit?limit=1000", "/v1/events/log?after=0&limit=1000", "/v1/agents", "/v1/providers", "/v1/strays", "/v1/system", "/v1/customers/ext:CanaryExternal0/export"} {
		status, answer := send("GET", path, "application/json", "")
		if status != 200 || len(answer) < 20 {
			t.Errorf("GET %s: %d %s", path, status, answer)
		}
		for what, s := range secrets {
			if strings.Contains(answer, s) {
				t.Errorf("%s holds the %s", path, what)
			}
		}
	}
	return secrets
}

// codeOf is the code of an authenticator app now (RFC 6238).
func codeOf(t *testing.T, secret string) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, time.Now().Unix()/30) // into a hash
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[sum[len(sum)-1]&15:])&0x7fffffff)%1_000_000)
}

// cookie posts JSON without any credentials, and returns the session that the answer begins, with the answer.
func (in *Installation) cookie(t *testing.T, path, body string) (session, answer string) {
	t.Helper()
	res, err := http.Post(in.URL+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range res.Cookies() {
		if c.Name == "rapport" {
			session = c.Value
		}
	}
	return session, string(text)
}
