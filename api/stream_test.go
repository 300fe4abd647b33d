package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/gateway"
)

// listener is a client of the event stream, as a browser is one: it keeps the last id.
type listener struct {
	h    *house
	body io.ReadCloser
	in   *bufio.Scanner
	last string
}

type heard struct{ id, event, data string }

func (h *house) listen(query string, headers ...string) *listener {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), "GET", h.url+"/v1/events/stream"+query, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.key)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		h.t.Fatal(err)
	}
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		text, _ := io.ReadAll(res.Body)
		h.t.Fatalf("%d %s: %s", res.StatusCode, res.Header.Get("Content-Type"), text)
	}
	h.t.Cleanup(func() { res.Body.Close() })
	l := &listener{h: h, body: res.Body, in: bufio.NewScanner(res.Body)}
	l.in.Buffer(nil, 1<<20)
	return l
}

// next is the next event, and what only moves the id with it is passed over. False: the stream ended.
func (l *listener) next() (e heard, ok bool) {
	for l.in.Scan() {
		name, value, _ := strings.Cut(l.in.Text(), ": ")
		switch name {
		case "id":
			l.last = value
		case "event":
			e.event = value
		case "data":
			e.data = value
		case "":
			if e.event != "" {
				e.id = l.last
				return e, true
			}
		}
	}
	return e, false
}

func (h *house) tell(names ...string) {
	h.t.Helper()
	for _, n := range names {
		if err := h.st.Tell(h.t.Context(), rapport.Fact{Name: n}.Notice(rapport.ThreadUpdated, 0)); err != nil {
			h.t.Fatal(err)
		}
	}
}

// wants reads the names of the next events.
func (l *listener) wants(names ...string) {
	l.h.t.Helper()
	for _, want := range names {
		e, ok := l.next()
		var told gateway.Told
		var f rapport.Fact
		if err := json.Unmarshal([]byte(e.data), &told); err != nil {
			l.h.t.Fatalf("%q (%t): %v", e.data, ok, err)
		}
		if err := json.Unmarshal(told.Data, &f); err != nil || f.Name != want || told.ID != e.id || string(told.Type) != e.event {
			l.h.t.Fatalf("want %s, have %+v", want, e)
		}
	}
}

func TestStream_GoesOnWhereItBrokeOff(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		l := h.listen("")
		h.tell("a", "b")
		l.wants("a", "b")
		l.body.Close()
		h.tell("c", "d")
		again := h.listen("?after=0", "Last-Event-ID: "+l.last) // the header is newer than the address
		again.wants("c", "d")
		h.tell("e")
		again.wants("e")
		h.listen("?after=0").wants("a", "b", "c", "d", "e")

		h.refused(422, "header.Last-Event-ID", "GET", "/v1/events/stream", nil, "Last-Event-ID: nonsense")

		// The same by polling.
		var got []string
		next := "0"
		for len(got) < 5 {
			a := h.want(200, "GET", "/v1/events/log?limit=2&after="+next, nil)
			for _, x := range a.get("data").([]any) {
				got = append(got, x.(map[string]any)["data"].(map[string]any)["name"].(string))
			}
			if next = a.text("next"); a.get("gap") != false {
				t.Errorf("%s", a)
			}
		}
		if fmt.Sprint(got) != "[a b c d e]" || next != again.last {
			t.Errorf("%v, next %s, the stream stands at %s", got, next, again.last)
		}
		if a := h.want(200, "GET", "/v1/events/log", nil); a.text("next") != next || len(a.get("data").([]any)) != 0 {
			t.Errorf("from now on: %s", a)
		}
		began := time.Now()
		time.AfterFunc(200*time.Millisecond, func() { h.tell("f") })
		if a := h.want(200, "GET", "/v1/events/log?wait=20s&after="+next, nil); a.text("data.0.data.name") != "f" || time.Since(began) > 10*time.Second {
			t.Errorf("waited %s for %s", time.Since(began), a)
		}
		if a := h.want(200, "GET", "/v1/events/log?wait=100ms&types=customer.*&after="+next, nil); len(a.get("data").([]any)) != 0 || a.text("next") == next {
			t.Errorf("what is passed over moves on: %s", a)
		}
	})
}

func TestStream_ShowsWhatTheKeyMayReadAndTheClientWants(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, key, err := h.keys.Create(t.Context(), gateway.Caller{Scopes: []string{"*"}}, gateway.KeyInput{Name: "k", Scopes: []string{"read:events", "write:threads"}})
	if err != nil {
		t.Fatal(err)
	}
	mine, wanted := h.listen("?after=0", "Authorization: Bearer "+key), h.listen("?after=0&types=customer.*,thread.opened")
	h.want(201, "PUT", "/v1/customers/ext:a", `{"name":"Anna","consents":[{"channel":"email","purpose":"marketing","granted":true,"source":"form","text_version":"1"}]}`)
	h.tell("a thread")
	mine.wants("a thread")
	if e, _ := wanted.next(); e.event != "customer.created" || !strings.Contains(e.data, `"external_id":"a"`) || strings.Contains(e.data, "Anna") {
		t.Errorf("%+v", e)
	}
	h.refused(403, "read:events", "GET", "/v1/events/log", nil, "Authorization: Bearer "+h.keyOf("read:threads"))
	for query, says := range map[string]string{"?after=x": "after", "?after=msg_0000000000001": "after", "?types=cats": "cats", "?types=thread.*,cats.*": "cats"} {
		h.refused(422, says, "GET", "/v1/events/stream"+query, nil)
		h.refused(422, says, "GET", "/v1/events/log"+query, nil)
	}
	h.refused(422, "wait", "GET", "/v1/events/log?wait=1h", nil)
}

func (h *house) keyOf(scopes ...string) string {
	h.t.Helper()
	_, key, err := h.keys.Create(h.t.Context(), gateway.Caller{Scopes: []string{"*"}}, gateway.KeyInput{Name: "k", Scopes: scopes})
	if err != nil {
		h.t.Fatal(err)
	}
	return key
}

func TestStream_SaysWhenSomethingIsMissing(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		many := make([]string, 30)
		for i := range many {
			many[i] = fmt.Sprint(i)
		}
		h.tell(many...)
		h.until("all are told", func() bool { _, newest, err := h.st.StreamBounds(t.Context()); return err == nil && newest == 30 })
		if _, err := h.st.PurgeStream(t.Context(), time.Time{}.Add(time.Hour), 10); err != nil {
			t.Fatal(err)
		}
		for name, after := range map[string]rapport.ID{"older than what is kept": 5, "newer than what there is": 999} {
			l := h.listen("?after=" + rapport.KindEvent.Format(after))
			e, _ := l.next()
			want := rapport.KindEvent.Format(20)
			if after > 30 {
				want = rapport.KindEvent.Format(30)
			}
			if e.event != "gap" || e.id != want {
				t.Errorf("%s: %+v", name, e)
			}
			if after == 5 {
				l.wants("20", "21")
			}
			if a := h.want(200, "GET", "/v1/events/log?wait=5s&after="+rapport.KindEvent.Format(after), nil); a.get("gap") != true {
				t.Errorf("%s, polled: %s", name, a)
			}
		}
		// One that lies just before the oldest misses nothing.
		h.listen("?after=" + rapport.KindEvent.Format(20)).wants("20")
	})
}

func TestStream_LivesAndEnds(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *Options) { o.Limits.Listeners = 2 })
	h.door.follow.heartbeat = 50 * time.Millisecond
	silent, revoked := h.listen("?types=customer.merged"), h.keyOf("read:events", "read:threads", "write:keys")
	h.tell("a")
	h.until("the silence moves the id", func() bool {
		return silent.in.Scan() && strings.HasPrefix(silent.in.Text(), "id: "+rapport.KindEvent.Format(1))
	})
	l := h.listen("", "Authorization: Bearer "+revoked)
	a := h.refused(503, "following", "GET", "/v1/events/stream", nil)
	if a.Header.Get("Retry-After") == "" {
		t.Errorf("%v", a.Header)
	}
	h.refused(503, "following", "GET", "/v1/events/log?wait=1s", nil)
	id := ""
	for _, k := range h.want(200, "GET", "/v1/keys", nil).get("data").([]any) {
		if k := k.(map[string]any); strings.HasPrefix(revoked, k["hint"].(string)) {
			id = k["id"].(string)
		}
	}
	h.want(204, "DELETE", "/v1/keys/"+id, nil)
	if e, ok := l.next(); ok { // ends with its key
		t.Errorf("%+v", e)
	}
	h.until("its place is free", func() bool {
		a := h.do("GET", "/v1/events/log?wait=1ms", nil)
		return a.StatusCode == 200
	})
	// Shutting down ends the rest, cleanly, and at once.
	began := time.Now()
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, silent.body)
		ended <- err
	}()
	limit, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := h.app.ShutdownWithContext(limit); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil || time.Since(began) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

// Another process revokes the key: what happens more than two seconds later is not shown.
func TestStream_ShowsNothingToARevokedKey(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		key := h.keyOf("read:events", "read:threads")
		by := "Authorization: Bearer " + key
		l := h.listen("", by)
		h.tell("a")
		l.wants("a")
		for _, k := range h.want(200, "GET", "/v1/keys", nil).get("data").([]any) {
			if k := k.(map[string]any); strings.HasPrefix(key, k["hint"].(string)) {
				id, err := rapport.KindKey.Parse(k["id"].(string))
				if err == nil {
					err = gateway.NewKeyring(h.st).Revoke(t.Context(), gateway.Caller{}, id)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		polled := make(chan answer, 1)
		go func() { polled <- h.do("GET", "/v1/events/log?wait=20s", nil, by) }() // let in by what is remembered of the key
		time.Sleep(2100 * time.Millisecond)
		h.tell("b")
		if e, ok := l.next(); ok {
			t.Errorf("shown: %+v", e)
		}
		if a := <-polled; a.StatusCode != 401 || strings.Contains(a.String(), `"b"`) {
			t.Errorf("polled: %s", a)
		}
	})
}

// A client that does not read is cut off. What it has read says where it goes on, and nobody else waits for it.
func TestStream_DropsWhoDoesNotRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.door.follow.patience = 300 * time.Millisecond
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /v1/events/stream?after=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", h.key)
	h.until("it is inside", func() bool { return len(h.door.follow.places) == 1 })
	big := strings.Repeat("x", rapport.MaxToldText)
	quick := h.listen("?after=0")
	n := 0
	h.until("it is cut off", func() bool {
		if n < 1500 {
			notices := make([]rapport.Notice, 20)
			for i := range notices {
				notices[i] = rapport.Fact{Name: fmt.Sprint(n), Text: big}.Notice(rapport.ThreadUpdated, 0)
				n++
			}
			if err := h.st.Tell(t.Context(), notices...); err != nil {
				t.Fatal(err)
			}
			for i := range notices {
				quick.wants(fmt.Sprint(n - len(notices) + i))
			}
		}
		return len(h.door.follow.places) == 1
	})
	all, _ := io.ReadAll(conn) // what is in the buffers, up to where it was cut
	at := bytes.LastIndex(all, []byte("\nid: "))
	if at < 0 {
		t.Fatalf("it has read nothing: %d bytes", len(all))
	}
	id := string(all[at+5 : at+5+17])
	last, err := rapport.KindEvent.Parse(id)
	if err != nil || int(last) >= n {
		t.Fatalf("%q of %d: %v", id, n, err)
	}
	h.listen("?after=" + id).wants(fmt.Sprint(int(last))) // names count from 0, ids from 1
}

// Whoever may rotate the secret of an endpoint, move it or have it told again can read all that it is told.
func TestEndpoints_NeedTheScopesOfWhatTheyAreTold(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		wide := "/v1/endpoints/" + h.want(201, "POST", "/v1/endpoints", `{"url":"https://shop.example/hook","events":["*"]}`).text("id")
		narrow := "/v1/endpoints/" + h.want(201, "POST", "/v1/endpoints", `{"url":"https://shop.example/hook","events":["campaign.*"]}`).text("id")
		poor := "Authorization: Bearer " + h.keyOf("write:endpoints", "read:campaigns")
		for _, r := range []struct {
			method, path string
			body         any
			status       int
		}{
			{"POST", "/rotate", `{}`, 200}, {"POST", "/test", nil, 202}, {"POST", "/replay", `{"since":"2026-01-01T00:00:00Z"}`, 202}, {"GET", "/deliveries", nil, 200}, {"PATCH", "", `{"enabled":false}`, 200}, {"PATCH", "", `{"events":["campaign.*"]}`, 200},
		} {
			if a := h.refused(403, "read:messages", r.method, wide+r.path, r.body, poor); !strings.Contains(a.String(), "read:threads") || strings.Contains(a.String(), "read:campaigns") {
				t.Errorf("%s %s: not the scopes that are missing: %s", r.method, r.path, a)
			}
			h.want(r.status, r.method, narrow+r.path, r.body, poor)
		}
		h.refused(403, "read:customers", "PATCH", narrow, `{"events":["customer.*"]}`, poor)
		h.want(200, "PATCH", wide, `{"enabled":false}`)
	})
}

func TestEndpoints_AreTold(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		a := h.want(201, "POST", "/v1/endpoints", `{"url":"https://shop.example/hook","events":["thread.*","reply.received"]}`, "Idempotency-Key: e1")
		path := a.Header.Get("Location")
		if secret := a.text("secret"); !strings.HasPrefix(secret, "whsec_") || path != "/v1/endpoints/"+a.text("id") {
			t.Fatalf("%s", a)
		}
		if again := h.want(201, "POST", "/v1/endpoints", `{"url":"https://shop.example/hook","events":["thread.*","reply.received"]}`, "Idempotency-Key: e1"); again.text("secret") != "" || again.text("id") != a.text("id") {
			t.Errorf("%s", again)
		}
		if list := h.want(200, "GET", "/v1/endpoints", nil); strings.Contains(list.String(), "whsec_") || list.text("data.0.url") != "https://shop.example/hook" || list.get("data.0.enabled") != true {
			t.Errorf("%s", list)
		}
		if b := h.want(200, "PATCH", path, `{"enabled":false}`); b.text("disabled_for") != "by_hand" || b.get("enabled") != false {
			t.Errorf("%s", b)
		}
		h.refused(409, "disabled", "POST", path+"/test", nil)
		if b := h.want(200, "PATCH", path, `{"enabled":true,"events":["*"]}`); b.get("enabled") != true || b.text("events.0") != "*" {
			t.Errorf("%s", b)
		}
		if b := h.want(200, "POST", path+"/rotate", nil); b.text("secret") == a.text("secret") || b.text("secret") == "" {
			t.Errorf("%s", b)
		}
		h.want(202, "POST", path+"/test", nil)
		h.until("the test is queued", func() bool {
			return h.want(200, "GET", path+"/deliveries", nil).text("data.0.type") == "endpoint.test"
		})
		if b := h.want(202, "POST", path+"/replay", `{"since":"2026-01-01T00:00:00Z"}`); b.get("queued") != 0.0 {
			t.Errorf("%s", b)
		}
		h.refused(422, "since", "POST", path+"/replay", `{}`)
		h.refused(422, "url", "POST", "/v1/endpoints", `{"url":"http://shop.example/hook","events":["*"]}`)
		h.refused(422, "cats", "POST", "/v1/endpoints", `{"url":"https://shop.example/hook","events":["cats"]}`)
		limited := "Authorization: Bearer " + h.keyOf("write:endpoints", "read:threads")
		h.refused(403, "read:messages", "POST", "/v1/endpoints", `{"url":"https://shop.example/hook","events":["*"]}`, limited)
		h.want(201, "POST", "/v1/endpoints", `{"url":"https://shop.example/hook","events":["thread.*"]}`, limited)
		h.refused(403, "read:messages", "PATCH", path, `{"url":"https://elsewhere.example/hook"}`, limited)
		h.want(204, "DELETE", path, nil)
		h.refused(404, "endpoint", "GET", path, nil)
	})
}
