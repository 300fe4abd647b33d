package incoming

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/jhillyerd/enmime/v2"
)

// Bounds of a tree. What lies deeper or comes later stays in one piece, as text.
const (
	maxDepth = 100
	maxParts = 1000
)

// tree is a mail's parts as enmime names them. They are cut here and not by its parser, which (v2.5.0) knows no depth, takes a
// part that begins with "Dear shop: ..." for its header, and drops what stands before the first boundary even where there
// is none. Contents are slices of the mail where nothing had to be decoded.
type tree struct {
	root  *enmime.Part
	parts int
	// stray is what stands before the first boundary of a mail: read only where nothing else can be.
	stray  []byte
	packed map[*enmime.Part]unpacked
	sum    hash.Hash // of the contents of all parts
}

func readTree(fields []field, content []byte) *tree {
	t := &tree{root: &enmime.Part{PartID: "0"}, sum: sha256.New()}
	t.read(t.root, fields, content, "text/plain", 0)
	sumUp(t.sum, t.stray)
	t.open()
	return t
}

// read fills p. kind is the Content-Type of a part that has none (RFC 2046 §5.1.5).
func (t *tree) read(p *enmime.Part, fields []field, content []byte, kind string, depth int) {
	t.parts++
	header(p, fields, kind)
	encoding := p.Header.Get("Content-Transfer-Encoding")
	if strings.HasPrefix(p.ContentType, "multipart/") {
		if depth < maxDepth && t.parts < maxParts && t.split(p, content, depth) {
			return
		}
		if decoded := transfer(content, encoding, true); len(decoded) != len(content) && depth < maxDepth && t.parts < maxParts && t.split(p, decoded, depth) { // against RFC 2045 §6.4
			return
		}
		p.ContentType, p.Boundary = "text/plain", ""
	}
	text := strings.HasPrefix(p.ContentType, "text/") || p.ContentType == "application/xhtml+xml"
	p.Content = transfer(content, encoding, text)
	sumUp(t.sum, p.Content)
	if text && !isFile(p) {
		p.Content = []byte(decode(p.Content, charset(p)))
	}
}

// header fills in what the header of a part says.
func header(p *enmime.Part, fields []field, kind string) {
	p.Header = make(textproto.MIMEHeader, len(fields))
	for _, f := range fields {
		p.Header.Add(f.name, f.value)
	}
	params := map[string]string{}
	p.ContentType = kind
	if v := p.Header.Get("Content-Type"); v != "" {
		if p.ContentType, params = valued(v); !strings.Contains(p.ContentType, "/") {
			p.ContentType = whole(p.ContentType)
		}
	}
	p.ContentTypeParams, p.Charset, p.Boundary = params, params["charset"], params["boundary"]
	disposition, more := valued(p.Header.Get("Content-Disposition"))
	p.Disposition = disposition
	for _, name := range []string{more["filename"], params["name"], more["name"], params["filename"], params["file"]} {
		if p.FileName == "" {
			p.FileName = name
		}
	}
	p.ContentID = strings.Trim(p.Header.Get("Content-Id"), "<> ")
}

// whole is a media type for a word that is none.
func whole(word string) string {
	switch word {
	case "", "text", "plain":
		return "text/plain"
	case "html":
		return "text/html"
	case "multipart":
		return "multipart/mixed"
	}
	return "application/octet-stream"
}

// charset is the label of a text; one of HTML may stand in its own head.
func charset(p *enmime.Part) string {
	if p.Charset != "" || !strings.Contains(p.ContentType, "html") {
		return p.Charset
	}
	head := bytes.ToLower(p.Content[:min(len(p.Content), 2048)])
	_, after, ok := bytes.Cut(head, []byte("charset="))
	if !ok {
		return ""
	}
	after = bytes.TrimLeft(after, `"' `)
	if end := bytes.IndexAny(after, `"'/> ;`); end >= 0 {
		return string(after[:end])
	}
	return ""
}

// split reads the parts of a multipart. False: there are none.
func (t *tree) split(p *enmime.Part, content []byte, depth int) bool {
	first, ok := delimiter(content, p.Boundary)
	if !ok {
		if p.Boundary, ok = guessBoundary(content); !ok {
			return false
		}
		first, _ = delimiter(content, p.Boundary)
	}
	if t.stray == nil {
		t.stray = content[:first.start]
	}
	kind := "text/plain"
	if p.ContentType == "multipart/digest" {
		kind = "message/rfc822"
	}
	var last *enmime.Part
	for at := first; !at.final; {
		content = content[at.end:]
		next, more := delimiter(content, p.Boundary)
		if !more || t.parts >= maxParts {
			next = place{start: len(content), end: len(content), final: true}
		}
		child := &enmime.Part{Parent: p, PartID: strconv.Itoa(t.parts)}
		fields, inner := splitPart(content[:next.start])
		t.read(child, fields, inner, kind, depth+1)
		if last == nil {
			p.FirstChild = child
		} else {
			last.NextSibling = child
		}
		last, at = child, next
		if next.final {
			p.Epilogue = content[next.end:]
		}
	}
	return p.FirstChild != nil
}

// splitPart is splitHeader for a part, which may begin with its content, with or without an empty line before it.
func splitPart(b []byte) (fields []field, content []byte) {
	if line, rest := cutLine(b); len(line) == 0 {
		return nil, rest
	} else if name, _, ok := cutField(line); !ok || !strings.HasPrefix(name, "content-") && !strings.HasPrefix(name, "x-") && !usual[name] && !blankSoon(rest) {
		return nil, b
	}
	return splitHeader(b)
}

// blankSoon tells whether an empty line ends a header within the next lines.
func blankSoon(b []byte) bool {
	for range 20 {
		var line []byte
		if line, b = cutLine(b); len(line) == 0 {
			return true
		}
		if _, _, ok := cutField(line); !ok && line[0] != ' ' && line[0] != '\t' {
			return false
		}
	}
	return false
}

// place is where a delimiter stands, with the line end before it, which is its own (RFC 2046 §5.1.1).
type place struct {
	start, end int
	final      bool
}

// delimiter finds the first line that is the boundary, with nothing but blanks behind.
func delimiter(b []byte, boundary string) (place, bool) {
	boundary = strings.TrimRight(boundary, " \t")
	if boundary == "" || len(boundary) > 1000 {
		return place{}, false
	}
	mark := []byte("--" + boundary)
	for at := 0; ; {
		i := bytes.Index(b[at:], mark)
		if i < 0 {
			return place{}, false
		}
		at += i
		behind := b[at+len(mark) : min(len(b), at+len(mark)+1000)]
		end := bytes.IndexByte(behind, '\n') + 1
		if end == 0 {
			end = len(behind)
		}
		tail := string(bytes.TrimRight(behind[:end], " \t\r\n"))
		if (at == 0 || b[at-1] == '\n') && (tail == "" || tail == "--") {
			p := place{start: at, end: at + len(mark) + end, final: tail != ""}
			if p.start > 0 {
				p.start--
			}
			if p.start > 0 && b[p.start-1] == '\r' {
				p.start--
			}
			return p, true
		}
		at += len(mark)
	}
}

// guessBoundary finds the boundary of a multipart that does not tell it, or tells another: a line that begins with "--",
// followed by a field of a part.
func guessBoundary(b []byte) (string, bool) {
	for range 200 {
		line, rest := cutLine(b)
		if mark, ok := bytes.CutPrefix(bytes.TrimRight(line, " \t"), []byte("--")); ok && len(mark) > 0 && len(mark) <= 200 {
			next, _ := cutLine(rest[:min(len(rest), 1000)])
			if name, _, ok := cutField(next); ok && strings.HasPrefix(name, "content-") {
				return string(mark), true
			}
		}
		if len(rest) == 0 {
			return "", false
		}
		b = rest
	}
	return "", false
}
