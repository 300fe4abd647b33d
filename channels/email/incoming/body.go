package incoming

import (
	"bytes"
	"html"
	"io"
	"mime"
	"path"
	"strconv"
	"strings"

	"github.com/jhillyerd/enmime/v2"

	"rapport/channels"
	"rapport/channels/email/incoming/quote"
)

// piece is a part of the body in the one or two forms it has.
type piece struct{ text, html string }

func (p piece) empty() bool {
	return strings.TrimSpace(p.text) == "" && strings.TrimSpace(p.html) == ""
}

// body is what is to be read: all texts in their order, of alternatives the best of each form. text is empty where there is
// HTML only.
func (t *tree) body() (text, html string) {
	p := gather(t.root)
	if p.empty() {
		each(t.root, func(part *enmime.Part) {
			if u, ok := t.packed[part]; ok && p.empty() {
				p.text, p.html = u.text, u.html
			}
		})
	}
	if strings.TrimSpace(p.text) == "" {
		if said := t.calendarAnswer(); said != "" && strings.TrimSpace(quote.Text(p.html)) == "" {
			p = piece{text: said}
		}
	}
	if p.empty() {
		p = t.lastResort()
	}
	if strings.TrimSpace(p.text) == "" {
		p.text = ""
	}
	return plain(p.text), plain(p.html)
}

// lastResort reads what else may be the body: a text that has a file's name but is no attachment, or is all there is; then
// what stands before the first boundary, unless it is the sentence for programs that know no MIME.
func (t *tree) lastResort() (p piece) {
	each(t.root, func(part *enmime.Part) {
		named := part.Disposition != "attachment" || part == t.root
		if text := part.ContentType == "text/plain" || part.ContentType == "text/html"; !text || !named || !isFile(part) || !p.empty() {
			return
		}
		if s := decode(part.Content, charset(part)); part.ContentType == "text/html" {
			p.html = s
		} else {
			p.text = s
		}
	})
	if lower := bytes.ToLower(t.stray); p.empty() && (len(lower) > 500 || !bytes.Contains(lower, []byte("mime")) && !bytes.Contains(lower, []byte("multi"))) {
		p.text = decode(t.stray, "")
	}
	return p
}

func gather(p *enmime.Part) piece {
	switch {
	case strings.HasPrefix(p.ContentType, "multipart/") && p.FirstChild != nil:
		var pieces []piece
		for c := p.FirstChild; c != nil; c = c.NextSibling {
			if got := gather(c); !got.empty() {
				pieces = append(pieces, got)
			}
		}
		if p.ContentType == "multipart/alternative" {
			return best(pieces)
		}
		return joined(pieces)
	case isFile(p):
		return piece{}
	case p.ContentType == "text/html", p.ContentType == "application/xhtml+xml":
		return piece{html: string(p.Content)}
	case p.ContentType == "text/plain":
		return piece{text: flowed(p)}
	case p.Parent == nil || p.Parent.ContentType != "multipart/alternative": // text of another kind: as it stands
		return piece{text: string(p.Content)}
	}
	return piece{}
}

// best takes of alternatives the first text and the last HTML (the later, the richer: RFC 2046 §5.1.4). Texts without any HTML
// are no alternatives, whatever their program calls them.
func best(pieces []piece) (b piece) {
	for _, p := range pieces {
		if b.text == "" && strings.TrimSpace(p.text) != "" {
			b.text = p.text
		}
		if strings.TrimSpace(p.html) != "" {
			b.html = p.html
		}
	}
	if b.html == "" {
		return joined(pieces)
	}
	return b
}

// joined puts pieces behind each other, in both forms if one of them has HTML.
func joined(pieces []piece) piece {
	if len(pieces) == 0 {
		return piece{}
	}
	if len(pieces) == 1 {
		return pieces[0]
	}
	texts, htmls, some, all := make([]string, len(pieces)), make([]string, len(pieces)), false, true
	for i, p := range pieces {
		texts[i], htmls[i] = strings.TrimRight(p.text, "\r\n"), p.html
		if p.html == "" {
			htmls[i] = `<div style="white-space:pre-wrap">` + html.EscapeString(p.text) + "</div>"
		}
		if p.text == "" {
			texts[i] = strings.TrimRight(quote.Text(p.html), "\r\n")
		}
		some, all = some || p.html != "", all && p.text == ""
	}
	b := piece{}
	if some {
		b.html = strings.Join(htmls, "\n")
	}
	if !all {
		b.text = strings.Join(texts, "\n\n")
	}
	return b
}

// flowed undoes soft line breaks (RFC 3676): a line that ends with a space goes on in the next one of the same quote depth.
func flowed(p *enmime.Part) string {
	text := string(p.Content)
	if !strings.EqualFold(p.ContentTypeParams["format"], "flowed") {
		return text
	}
	deleted := strings.EqualFold(p.ContentTypeParams["delsp"], "yes")
	var b []byte
	open, depth := false, 0 // a line that goes on, and how deep it is quoted
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\r\n")
		d := len(l) - len(strings.TrimLeft(l, ">"))
		rest := strings.TrimPrefix(l[d:], " ") // stuffed
		if !open || d != depth || rest == "-- " {
			if len(b) > 0 {
				b = append(b, '\n')
			}
			if d > 0 {
				b = append(append(b, l[:d]...), ' ')
			}
		}
		b = append(b, rest...)
		open, depth = strings.HasSuffix(rest, " ") && rest != "-- ", d
		if open && deleted {
			b = b[:len(b)-1]
		}
	}
	return string(b)
}

// isFile tells whether a part is to be kept as a file rather than read.
func isFile(p *enmime.Part) bool {
	if p.Disposition == "attachment" {
		return true
	}
	switch p.ContentType {
	case "text/plain", "text/html", "application/xhtml+xml":
		return p.FileName != "" && p.Parent != nil
	case "text/calendar", "text/x-vcalendar", "text/vcard", "text/x-vcard", "text/directory", "text/csv":
		return true
	case "text/rfc822-headers":
		return true
	}
	return !strings.HasPrefix(p.ContentType, "text/")
}

// attachments are all parts that are files. What winmail.dat packs comes out of it.
func (t *tree) attachments() (files []channels.Attachment) {
	each(t.root, func(p *enmime.Part) {
		if u, ok := t.packed[p]; ok {
			files = append(files, u.files...)
		} else if isFile(p) && (len(p.Content) > 0 || p.FileName != "") {
			files = append(files, attachment(p, len(files)+1))
		}
	})
	return files
}

// each calls do for the parts that hold no others, in their order.
func each(p *enmime.Part, do func(*enmime.Part)) {
	if p.FirstChild == nil {
		do(p)
		return
	}
	for c := p.FirstChild; c != nil; c = c.NextSibling {
		each(c, do)
	}
}

// open unpacks every winmail.dat.
func (t *tree) open() {
	each(t.root, func(p *enmime.Part) {
		if kind := p.ContentType; kind == "application/ms-tnef" || kind == "application/vnd.ms-tnef" || kind == "application/x-ms-tnef" || strings.EqualFold(p.FileName, "winmail.dat") {
			if u, ok := unpack(p.Content); ok {
				if t.packed == nil {
					t.packed = map[*enmime.Part]unpacked{}
				}
				t.packed[p] = u
			}
		}
	})
}

func attachment(p *enmime.Part, number int) channels.Attachment {
	kind := p.ContentType
	if p.Charset != "" && strings.HasPrefix(kind, "text/") {
		kind = mime.FormatMediaType(kind, map[string]string{"charset": p.Charset})
	}
	return file(fileName(p, number), kind, p.ContentID, p.Content)
}

func file(name, kind, id string, content []byte) channels.Attachment {
	return channels.Attachment{Name: name, ContentType: kind, Size: int64(len(content)), ContentID: id,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
}

// fileName is a bare name: no path, nothing that does not show.
func fileName(p *enmime.Part, number int) string {
	name := bare(p.FileName)
	if name != "" {
		return name
	}
	kind := p.ContentType
	ext := extensions[kind]
	if ext == "" {
		if _, sub, _ := strings.Cut(kind, "/"); len(sub) <= 4 {
			ext = sub
		} else {
			ext = "bin"
		}
	}
	if kind == "message/rfc822" {
		if fields, _ := splitHeader(p.Content); len(fields) > 0 {
			if s := bare((&Mail{fields: fields}).get("subject")); s != "" {
				return cut(s, 100) + ".eml"
			}
		}
	}
	return bare("part-" + strconv.Itoa(number) + "." + ext)
}

// extensions of parts that often come without a name.
var extensions = map[string]string{
	"message/rfc822": "eml", "text/calendar": "ics", "text/vcard": "vcf", "text/x-vcard": "vcf", "text/rfc822-headers": "txt", "message/delivery-status": "txt",
	"image/jpeg": "jpg", "image/svg+xml": "svg", "text/plain": "txt", "text/html": "html", "text/csv": "csv", "application/ms-tnef": "dat", "message/disposition-notification": "txt", "message/global": "eml",
	"application/pkcs7-signature": "p7s", "application/pgp-signature": "asc", "application/pgp-encrypted": "asc", "audio/mpeg": "mp3",
}

// bare makes a file name of any text: the last element of a path, without what file systems or eyes stumble over, at most
// 150 bytes with its extension kept.
func bare(name string) string {
	name = line(name)
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"|?*`, r) || r == '\u200b' {
			return '_'
		}
		return r
	}, name)
	name = strings.TrimLeft(strings.TrimSpace(name), ". ")
	if ext := path.Ext(name); len(name) > 150 && len(ext) <= 20 {
		return cut(name[:len(name)-len(ext)], 150-len(ext)) + ext
	}
	return cut(name, 150)
}
