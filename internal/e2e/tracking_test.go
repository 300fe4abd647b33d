package e2e

import (
	"html"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

var href = regexp.MustCompile(`(?:href|src)="([^"]+)"`)

// Links and the pixel of a tracked topic: rewritten, leading where the template says, counted for people and
// not for machines, and off where the campaign or the customer says so.
func TestTracking(t *testing.T) {
	t.Parallel()
	in := plain(t)
	in.Must("PUT", "/v1/topics/offers", map[string]any{"policy": "opt_out", "title": map[string]string{"en": "Offers"}, "track_opens": true, "track_clicks": true}, nil)
	run := func(more map[string]any, customers ...any) string {
		t.Helper()
		body := map[string]any{"purpose": "marketing", "template": "offer", "data": map[string]any{"title": "T", "page": "a b&ц"}, "settings": map[string]any{"sandbox": true},
			"routing": map[string]any{"channels": []string{"email"}}, "audience": map[string]any{"customers": customers}}
		for k, v := range more {
			body[k] = v
		}
		var c struct{ ID string }
		in.Must("POST", "/v1/campaigns", body, &c)
		settle(t, in, c.ID)
		return c.ID
	}
	customer := func(id string, track bool) map[string]any {
		return map[string]any{"external_id": id, "name": id, "track": track, "addresses": []any{map[string]any{"channel": "email", "address": id + "@example.test"}}}
	}
	mail := func(campaign, id string) (content string, links []string) {
		t.Helper()
		var list struct {
			Data []struct{ HTML string }
		}
		in.Must("GET", "/v1/sandbox/outbox?campaign="+campaign+"&address="+id+"@example.test", nil, &list)
		if len(list.Data) != 1 {
			t.Fatalf("%s got %d mails", id, len(list.Data))
		}
		for _, m := range href.FindAllStringSubmatch(list.Data[0].HTML, -1) {
			links = append(links, html.UnescapeString(m[1]))
		}
		return list.Data[0].HTML, links
	}
	starting := func(links []string, prefix string) (out []string) {
		for _, l := range links {
			if strings.HasPrefix(l, prefix) {
				out = append(out, l)
			}
		}
		return out
	}

	campaign := run(nil, customer("seen", true), customer("shy", false))
	content, links := mail(campaign, "seen")
	clicks, pixels := starting(links, in.URL+"/c/"), starting(links, in.URL+"/o/")
	if len(clicks) != 1 || len(pixels) != 1 || len(starting(links, "https://shop.example")) != 0 || len(starting(links, in.URL+"/u/")) != 1 {
		t.Fatalf("links %v in %s", links, content)
	}
	const target = "https://shop.example/a%20b&%D1%86?from=mail&c="
	if _, links := mail(campaign, "shy"); len(starting(links, in.URL+"/c/")) != 0 || len(starting(links, in.URL+"/o/")) != 0 || len(starting(links, "https://shop.example/")) != 1 {
		t.Errorf("a customer who is not to be tracked: %v", links)
	}
	if _, links := mail(run(map[string]any{"metadata": map[string]any{"track": false}}, customer("seen", true)), "seen"); len(starting(links, in.URL+"/c/"))+len(starting(links, in.URL+"/o/")) != 0 {
		t.Errorf("a campaign that is not to be tracked: %v", links)
	}

	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	fetch := func(method, link, agent string) *http.Response {
		t.Helper()
		req, err := http.NewRequest(method, link, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("User-Agent", agent)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatal(err)
		}
		return res
	}
	id := only(t, messages(t, in, campaign), func(r row) bool {
		var m struct{ Address string }
		in.Must("GET", "/v1/messages/"+r.ID, nil, &m)
		return m.Address == "seen@example.test"
	}).ID
	type engaged struct {
		Kind           string
		Count, Machine int
	}
	engagement := func() (out []engaged, l ledger) {
		t.Helper()
		var m struct{ Engagements []engaged }
		in.Must("GET", "/v1/messages/"+id, nil, &m)
		in.Must("GET", "/v1/campaigns/"+campaign, nil, &l)
		slices.SortFunc(m.Engagements, func(a, b engaged) int { return strings.Compare(a.Kind, b.Kind) })
		return m.Engagements, l
	}
	time.Sleep(2100 * time.Millisecond) // nobody reads a mail within two seconds of its sending: those were machines

	for _, agent := range []string{"", "Barracuda Sentinel (EE)", "Googlebot/2.1", "curl/8.14", "Mozilla/5.0"} {
		if res := fetch("GET", clicks[0], agent); res.StatusCode != 302 {
			t.Errorf("%q: %d", agent, res.StatusCode)
		}
		fetch("GET", pixels[0], agent)
	}
	fetch("HEAD", clicks[0], browser)
	if got, l := engagement(); !slices.Equal(got, []engaged{{"clicked", 0, 6}, {"opened", 0, 5}}) || l.Counts["clicked"]+l.Counts["opened"] != 0 {
		t.Errorf("after the machines: %v %v", got, l.Counts)
	}
	for range 2 {
		res := fetch("GET", clicks[0], browser)
		if got := res.Header.Get("Location"); res.StatusCode != 302 || got != target+"seen" {
			t.Errorf("the link leads to %q (%d), want %q", got, res.StatusCode, target+"seen")
		}
		if res := fetch("GET", pixels[0], browser); res.StatusCode != 200 || res.Header.Get("Content-Type") != "image/gif" {
			t.Errorf("the pixel: %d %s", res.StatusCode, res.Header.Get("Content-Type"))
		}
	}
	if got, l := engagement(); !slices.Equal(got, []engaged{{"clicked", 2, 6}, {"opened", 2, 5}}) || l.Counts["clicked"] != 1 || l.Counts["opened"] != 1 || l.sum() != 2 {
		t.Errorf("after a person: %v %v", got, l.Counts)
	}
	// Nobody can make us redirect elsewhere: what is not ours word for word leads nowhere.
	token := strings.TrimPrefix(clicks[0], in.URL+"/c/")
	turned := "0" + token[1:]
	if turned == token {
		turned = "1" + token[1:]
	}
	for _, bad := range []string{"/c/" + turned, "/c/" + token[:len(token)-1], "/c/" + strings.TrimPrefix(pixels[0], in.URL+"/o/"), "/c/" + token + "?url=https://attacker.test", "/c/https:%2f%2fattacker.test", "/u/" + token} {
		res := fetch("GET", in.URL+bad, browser)
		if loc := res.Header.Get("Location"); strings.Contains(loc, "attacker") || res.StatusCode != 404 && !(strings.Contains(bad, "?") && loc == target+"seen") {
			t.Errorf("%s: %d %s", bad, res.StatusCode, loc)
		}
	}
}
