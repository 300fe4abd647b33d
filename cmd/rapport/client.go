package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rapport"
)

// client talks to a running server.
type client struct {
	base string
	key  string
	http *http.Client
}

// client finds the server by RAPPORT_URL and RAPPORT_API_KEY. The key has no flag: whoever lists processes
// could read it.
func (c *cli) client() (*client, error) {
	base := strings.TrimRight(c.lookup("RAPPORT_URL"), "/")
	if base == "" {
		base = "http://127.0.0.1:8080"
	}
	if u, err := url.Parse(base); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("RAPPORT_URL is not an http or https address; write it like https://rapport.example.com")
	}
	key := strings.TrimSpace(c.lookup("RAPPORT_API_KEY"))
	if key == "" {
		return nil, errors.New("RAPPORT_API_KEY is not set; on the server's machine: export RAPPORT_API_KEY=$(rapport keys create --name me --scopes '*')")
	}
	return &client{base: base, key: key, http: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a key must not travel to another host
	}}, nil
}

// call sends body, if there is one, as JSON and reads the answer into out, if there is one.
func (cl *client) call(ctx context.Context, method, path string, body, out any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if body == nil {
		return cl.stream(ctx, method, path, "", nil, out)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return cl.stream(ctx, method, path, "application/json", bytes.NewReader(text), out)
}

// stream is call with a body that is already there and may be long.
func (cl *client) stream(ctx context.Context, method, path, contentType string, body io.Reader, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, cl.base+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+cl.key)
	req.Header.Set("User-Agent", "rapport/"+version)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := cl.http.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok && ctx.Err() == nil {
			return fmt.Errorf("the server at %s does not answer (%w); is it running, and RAPPORT_URL right?", cl.base, u.Err)
		}
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return refusal(resp)
	}
	if out == nil || resp.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("%s answered something that is not JSON: %w", cl.base, err)
	}
	return nil
}

// refused is a problem document (RFC 9457) for people.
type refused struct {
	status int
	text   string
}

func (r *refused) Error() string { return r.text }

func refusal(resp *http.Response) error {
	var p struct {
		Title, Detail string
		RequestID     string `json:"request_id"`
		Errors        []rapport.FieldError
	}
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if json.Unmarshal(raw, &p) != nil || p.Title == "" {
		return &refused{resp.StatusCode, fmt.Sprintf("the server answered %s; is RAPPORT_URL a Rapport?", resp.Status)}
	}
	text := p.Title
	if p.Detail != "" {
		text = p.Detail
	}
	for _, f := range p.Errors {
		text += "\n" + strings.TrimPrefix(f.Path+": ", ": ") + f.Message
	}
	if resp.StatusCode >= 500 && p.RequestID != "" {
		text += "\n(request " + p.RequestID + ")"
	}
	return &refused{resp.StatusCode, text}
}

// escape makes s one segment of a path.
func escape(s string) string { return url.PathEscape(s) }
