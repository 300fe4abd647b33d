package api

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"rapport"
	"rapport/gateway"
)

// unescape undoes percent encoding; what is none stays as it is.
func unescape(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// stream is the body of a request, read as it comes: at most limit bytes, each piece within the read
// timeout however long the whole takes. A declared length over the limit is refused before a byte is read.
func (d *door) stream(c *fiber.Ctx, limit int64) (io.Reader, error) {
	if enc := c.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return nil, rapport.Errorf(rapport.CodeUnsupported, "Content-Encoding %.20q is not read here; send the body as it is.", enc)
	}
	if int64(c.Request().Header.ContentLength()) > limit {
		return nil, tooLarge(limit)
	}
	s := &bodyStream{c: c, left: limit, limit: limit, patience: d.o.ReadTimeout}
	if s.r = c.Request().BodyStream(); s.r == nil {
		s.r = strings.NewReader("")
	}
	c.Locals(bodyKey{}, s)
	return s, nil
}

type bodyKey struct{}

// mostDrained bounds what is read of a body only to be thrown away.
const mostDrained = 64 << 20

// drain reads what a refused request still sends: closing the connection on a client that is writing would
// reset it, and the client would never see why. A body that is larger than we care to read gets the reset.
func (d *door) drain(c *fiber.Ctx) {
	s, ok := c.Locals(bodyKey{}).(*bodyStream)
	if !ok {
		s = &bodyStream{c: c, r: c.Request().BodyStream(), patience: d.o.ReadTimeout}
	}
	if s.r == nil || s.err != nil && rapport.CodeOf(s.err) != rapport.CodeTooLarge {
		return // there is none, it was read to its end, or it broke off
	}
	s.err, s.left = nil, mostDrained
	s.patience = min(s.patience, 5*time.Second)
	if c.Request().Header.ContentLength() > mostDrained {
		c.Context().SetConnectionClose()
		return
	}
	if _, err := io.Copy(io.Discard, s); err != nil {
		c.Context().SetConnectionClose()
	}
}

func tooLarge(limit int64) error {
	size := fmt.Sprintf("%d bytes", limit)
	if limit >= 1<<20 && limit%(1<<20) == 0 {
		size = fmt.Sprintf("%d MiB", limit>>20)
	}
	return rapport.Errorf(rapport.CodeTooLarge, "The body is larger than the %s that this route takes.", size)
}

type bodyStream struct {
	c           *fiber.Ctx
	r           io.Reader
	left, limit int64
	patience    time.Duration
	err         error
}

func (s *bodyStream) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if conn := s.c.Context().Conn(); conn != nil {
		_ = conn.SetReadDeadline(time.Now().Add(s.patience)) // a connection that cannot has none
	}
	n, err := s.r.Read(p)
	s.left -= int64(n)
	switch {
	case s.left < 0:
		s.err = tooLarge(s.limit)
		return 0, s.err
	case errors.Is(err, io.EOF):
		s.err = err
	case err != nil:
		s.err = &rapport.Error{Code: rapport.CodeMalformed, Message: "The body of the request broke off.", Cause: err}
		return n, s.err
	}
	return n, err
}

// spool keeps a body in a file that is gone when it is closed, and its hash.
type spool struct {
	file *os.File
	hash string
}

func newSpool(r io.Reader) (*spool, error) {
	f, err := os.CreateTemp("", "rapport-request-*")
	if err != nil {
		return nil, fmt.Errorf("keeping a request: %w", err)
	}
	sum := sha256.New()
	err = os.Remove(f.Name())
	if err == nil {
		_, err = io.Copy(io.MultiWriter(f, sum), r)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &spool{f, hashed(sum)}, nil
}

func hashed(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// wantJSON refuses bodies that say that they are something else.
func wantJSON(c *fiber.Ctx) error {
	media := mediaType(c)
	if media == "" || media == "application/json" || strings.HasSuffix(media, "+json") {
		return nil
	}
	return rapport.Errorf(rapport.CodeUnsupported, "The Content-Type must be application/json, not %.60q.", media)
}

func mediaType(c *fiber.Ctx) string {
	media, _, err := mime.ParseMediaType(c.Get("Content-Type"))
	if err != nil {
		return strings.ToLower(strings.TrimSpace(c.Get("Content-Type")))
	}
	return media
}

// formats are the content types of tables.
var formats = map[string]gateway.Format{
	"text/csv": gateway.CSV, "application/csv": gateway.CSV, "application/vnd.ms-excel": gateway.CSV,
	"application/x-ndjson": gateway.NDJSON, "application/ndjson": gateway.NDJSON, "application/jsonl": gateway.NDJSON, "application/x-jsonlines": gateway.NDJSON,
}

// upload is a file in a request: the body itself, or the first file of a multipart form.
type upload struct {
	io.Reader
	name   string
	media  string
	fields map[string]string // of the form, those before the file
}

// field is what the query says, else the form.
func (u *upload) field(name, query string) string {
	if query != "" {
		return query
	}
	return u.fields[name]
}

// upload finds the file in a body that is read as a stream.
func (d *door) upload(c *fiber.Ctx, body io.Reader) (*upload, error) {
	media, params, err := mime.ParseMediaType(c.Get("Content-Type"))
	if err != nil {
		media = mediaType(c)
	}
	if media != "multipart/form-data" {
		return &upload{Reader: body, name: c.Query("name"), media: media}, nil
	}
	u := &upload{fields: map[string]string{}}
	form := multipart.NewReader(body, params["boundary"])
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, rapport.Errorf(rapport.CodeInvalid, "There is no file in the form: a part with a filename is needed.")
		}
		if err != nil {
			return nil, brokenForm(err)
		}
		if part.FileName() != "" {
			u.Reader, u.name, u.media = part, part.FileName(), part.Header.Get("Content-Type")
			if m, _, err := mime.ParseMediaType(u.media); err == nil {
				u.media = m
			}
			return u, nil
		}
		value, err := io.ReadAll(io.LimitReader(part, 64<<10+1))
		if err != nil {
			return nil, brokenForm(err)
		}
		if len(value) > 64<<10 || len(u.fields) > 20 {
			return nil, rapport.Errorf(rapport.CodeTooLarge, "The fields before the file are too many or too large.")
		}
		u.fields[part.FormName()] = string(value)
	}
}

func brokenForm(err error) error {
	if e, ok := errors.AsType[*rapport.Error](err); ok {
		return e
	}
	return &rapport.Error{Code: rapport.CodeMalformed, Message: "The form cannot be read.", Cause: err}
}

// format of a table: by the content type, else by the name's ending.
func (u *upload) format() (gateway.Format, error) {
	if f, ok := formats[u.media]; ok {
		return f, nil
	}
	name := strings.ToLower(u.name)
	switch {
	case strings.HasSuffix(name, ".csv"), strings.HasSuffix(name, ".tsv"):
		return gateway.CSV, nil
	case strings.HasSuffix(name, ".ndjson"), strings.HasSuffix(name, ".jsonl"):
		return gateway.NDJSON, nil
	}
	return "", rapport.Errorf(rapport.CodeUnsupported, "Say what it is with Content-Type: text/csv or application/x-ndjson.")
}
