package twilio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"

	"rapport/channels"
	"rapport/internal/httpx"
)

// attachment describes a file that Twilio keeps for us; ok is false when rawURL is none.
func (c *conn) attachment(rawURL, contentType string) (a channels.Attachment, ok bool) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return a, false
	}
	kind, subtype, _ := strings.Cut(strings.ToLower(contentType), "/")
	subtype, _, _ = strings.Cut(subtype, ";")
	if !alphanumeric.MatchString(subtype) {
		subtype = "bin"
	}
	name := path.Base(u.Path)
	if !alphanumeric.MatchString(name) {
		name = "file"
	}
	if kind == "image" {
		name = "photo-" + name
	}
	return channels.Attachment{
		Name:        name + "." + subtype,
		ContentType: contentType,
		Open:        func() (io.ReadCloser, error) { return c.fetch(u) },
	}, true
}

var errForeign = errors.New("the media is not at Twilio")

// fetch reads a file of an incoming message. The login goes to Twilio's own API and nowhere else;
// Twilio answers with a redirect to its storage, whose link carries its own proof, so that request
// has none of ours and passes the guard against private networks.
// https://www.twilio.com/docs/messaging/api/media-resource#fetch-a-media-resource
func (c *conn) fetch(at *url.URL) (io.ReadCloser, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*c.timeout) // Attachment.Open has no context to end with
	u := *at
	switch {
	case u.Host == "api.twilio.com" && u.Scheme == "https":
		u.Scheme, u.Host, u.Path = c.base.Scheme, c.base.Host, c.base.Path+u.Path
	case u.Host == c.base.Host && u.Scheme == c.base.Scheme:
	case u.Scheme == "https" && strings.HasSuffix(u.Host, ".twilio.com"):
	default:
		cancel()
		return nil, errForeign
	}
	resp, err := c.get(ctx, c.http, &u, true)
	for hop := 0; err == nil && resp.StatusCode/100 == 3 && hop < 3; hop++ {
		resp.Body.Close()
		var next *url.URL
		if next, err = resp.Location(); err != nil {
			break
		}
		through := c.media
		if next.Host == c.base.Host && next.Scheme == c.base.Scheme {
			through = c.http
		}
		resp, err = c.get(ctx, through, next, false)
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("fetching media from Twilio: %w", httpx.Redact(err, c.token))
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		cancel()
		return nil, fmt.Errorf("fetching media from Twilio: HTTP %d", resp.StatusCode)
	}
	return &file{resp.Body, cancel}, nil
}

func (c *conn) get(ctx context.Context, through *http.Client, u *url.URL, login bool) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if login {
		req.SetBasicAuth(c.sid, c.token)
	}
	return through.Do(req)
}

type file struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (f *file) Close() error {
	defer f.cancel()
	return f.ReadCloser.Close()
}
