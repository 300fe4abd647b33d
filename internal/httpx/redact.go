package httpx

import (
	"errors"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const redacted = "[redacted]"

// minSecret is the length in bytes below which a secret is left in a text: such a one is guessed at once, and
// taking it out of every word that holds it makes the text unreadable.
const minSecret = 4

// Redact returns err with what must not be read taken out of its text: user info and query of
// every URL in it, and each of secrets wherever it stands (Telegram's bot token is part of the
// path), also in its URL-escaped and quoted forms, but for those below 4 bytes. Redact(nil) is nil.
//
// errors.Is still sees what is inside, and the result is a net.Error that knows Timeout.
// errors.As and Unwrap do not reach inside: a *url.Error taken out would print the secret again.
// Take typed errors out before redacting.
func Redact(err error, secrets ...string) error {
	if err == nil {
		return nil
	}
	return &redactedError{text: redactText(err, secrets), hidden: err}
}

type redactedError struct {
	text   string
	hidden error
}

func (e *redactedError) Error() string        { return e.text }
func (e *redactedError) Is(target error) bool { return errors.Is(e.hidden, target) }
func (e *redactedError) Temporary() bool      { return e.Timeout() }

func (e *redactedError) Timeout() bool {
	var n net.Error
	return errors.As(e.hidden, &n) && n.Timeout()
}

func redactText(err error, secrets []string) string {
	text := err.Error()
	var u *url.Error
	if errors.As(err, &u) && u.URL != "" { // known exactly, whatever characters it holds
		text = strings.ReplaceAll(text, strconv.Quote(u.URL), strconv.Quote(redactURL(u.URL)))
	}
	// One pass, the longest first: a second one would find secrets in what the first has put there.
	var forms []string
	for _, s := range secrets {
		if len(s) < minSecret {
			continue
		}
		quoted := strconv.Quote(s)
		forms = append(forms, s, url.QueryEscape(s), url.PathEscape(s), quoted[1:len(quoted)-1])
	}
	if len(forms) > 0 {
		slices.SortStableFunc(forms, func(a, b string) int { return len(b) - len(a) })
		pairs := make([]string, 0, 2*len(forms))
		for _, form := range forms {
			pairs = append(pairs, form, redacted)
		}
		text = strings.NewReplacer(pairs...).Replace(text)
	}
	return urlInText.ReplaceAllStringFunc(text, redactURL)
}

// urlInText finds URLs in running text. White space or a quotation mark ends one, but not a mark
// that %q has escaped.
var urlInText = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://(?:\\.|[^\s"\\])+`)

// redactURL works on text rather than on a parsed URL: what stands in an error is often exactly
// the URL that could not be parsed. Its path stays, because it tells one endpoint from another.
func redactURL(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return redacted
	}
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i+1] + redacted
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, path := rest[:end], rest[end:]
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		authority = redacted + authority[i:]
	} else if _, port, ok := strings.Cut(authority[strings.IndexByte(authority, ']')+1:], ":"); ok && strings.Trim(port, "0123456789") != "" {
		return scheme + "://" + redacted // not a port: a password that holds a slash or a question mark
	}
	return scheme + "://" + authority + path
}
