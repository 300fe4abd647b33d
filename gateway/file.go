package gateway

import (
	"bufio"
	"context"
	"io"
	"mime"
	"path"
	"slices"
	"strings"
	"unicode"

	"rapport"
)

// KeepFile stores an upload, at most limit bytes of it. What it is follows from its content; only where
// that says nothing is the declared type believed.
func (g *Gateway) KeepFile(ctx context.Context, name, declared string, r io.Reader, limit int64) (rapport.File, error) {
	in := bufio.NewReader(r)
	head, err := in.Peek(512)
	if err != nil && err != io.EOF {
		return rapport.File{}, err
	}
	if len(head) == 0 {
		return rapport.File{}, rapport.Errorf(rapport.CodeInvalid, "The file is empty.")
	}
	return g.Store.KeepFile(ctx, fileName(name), contentType(head, declared), in, limit)
}

// contentType is what head looks like. A type that a browser would run is never taken from the caller.
func contentType(head []byte, declared string) string {
	sniffed := sniff(head)
	vague := []string{"application/octet-stream", "text/plain; charset=utf-8", "application/zip"}
	media, params, err := mime.ParseMediaType(declared)
	if err != nil || !slices.Contains(vague, sniffed) || media == "multipart/form-data" {
		return sniffed
	}
	for _, active := range []string{"html", "svg", "xml", "javascript", "ecmascript"} {
		if strings.Contains(media, active) {
			return sniffed
		}
	}
	delete(params, "boundary")
	if text := mime.FormatMediaType(media, params); text != "" && len(text) < 200 {
		return text
	}
	return sniffed
}

// fileName is a name that can stand in a mail header and on any disk.
func fileName(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, ""), `\`, "/"))
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || strings.ContainsRune(`"<>:|?*`, r) {
			return -1
		}
		return r
	}, name))
	if r := []rune(name); len(r) > 200 {
		name = string(r[len(r)-200:]) // the end says what it is
	}
	if name == "" || strings.Trim(name, "./") == "" {
		return "file"
	}
	return name
}
