package gateway

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"

	"rapport"
	"rapport/channels"
)

// MailReader parses a mail as it came: its HTML, not made safe, and its parts in memory. cmd hands it in: how mail is
// written is known in its provider only.
type MailReader func(raw []byte) (html string, parts []channels.Attachment, err error)

const (
	// mostPictures bounds the inline pictures of one document together, in bytes before base64. The rest is left out.
	mostPictures = 8 << 20
	// mostShown bounds the HTML that is read, in bytes. No mail has more: the reader makes a file of a longer one.
	mostShown = 4 << 20
	// mostOriginal bounds the mail that is read for it, in bytes.
	mostOriginal = 64 << 20
)

// EntryHTML is a document for a sandboxed frame, complete and harmless.
type EntryHTML struct {
	Document     string
	RemoteImages int // that it names, whether they are in the document or not
}

// ShowHTML is what somebody wrote as HTML, for the eye: made from the mail as it came where that is kept, so that its inline
// pictures are there, else from what was kept of it. Pictures from elsewhere tell the sender that somebody looks; they are
// there only with remote, and by https. Not found: there is no HTML.
func (g *Gateway) ShowHTML(ctx context.Context, entry rapport.ID, remote bool) (EntryHTML, error) {
	e, err := g.Store.Entry(ctx, entry)
	if err != nil {
		return EntryHTML{}, err
	}
	if e.HTML == "" {
		return EntryHTML{}, rapport.NotFound("html: the entry has only text")
	}
	source, pictures := e.HTML, map[string]string{}
	if e.Original != 0 && e.Channel == rapport.Email && g.set.ReadMail != nil {
		select { // a mail stands in memory more than once while it is read
		case g.reading <- struct{}{}:
			defer func() { <-g.reading }()
		case <-ctx.Done():
			return EntryHTML{}, ctx.Err()
		}
		whole, parts, err := g.readOriginal(ctx, e.Original)
		if err != nil {
			return EntryHTML{}, err
		}
		if whole != "" {
			source, pictures = whole, picturesOf(parts)
		}
	}
	return showHTML(source, pictures, remote), nil
}

func (g *Gateway) readOriginal(ctx context.Context, file rapport.ID) (string, []channels.Attachment, error) {
	r, err := g.Store.OpenFile(ctx, file)
	if err != nil {
		return "", nil, err
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, mostOriginal))
	if err != nil {
		return "", nil, err
	}
	source, parts, err := g.set.ReadMail(raw)
	if err != nil { // it was read when it came, so this is ours to know; the text is there
		g.Log.Warn("an original could not be read again", "file", rapport.KindFile.Format(file), "error", err)
		return "", nil, nil
	}
	return source, parts, nil
}

// picturesOf are inline pictures as data: URIs, by Content-ID: those whose bytes are a raster picture, whatever they are
// called.
func picturesOf(parts []channels.Attachment) map[string]string {
	out, left := map[string]string{}, mostPictures
	for _, p := range parts {
		if p.ContentID == "" || p.Open == nil || p.Size > int64(left) || out[p.ContentID] != "" {
			continue
		}
		r, err := p.Open()
		if err != nil {
			continue
		}
		content, err := io.ReadAll(io.LimitReader(r, int64(left)+1))
		_ = r.Close() // in memory
		if uri := pictureURI(content); err == nil && uri != "" && len(content) <= left {
			out[p.ContentID] = uri
			left -= len(content)
		}
	}
	return out
}

// pictureURI is a raster picture as a data: URI; empty: it is none that every browser shows.
func pictureURI(content []byte) string {
	kind := http.DetectContentType(content)
	if !slices.Contains([]string{"image/png", "image/jpeg", "image/gif", "image/webp"}, kind) {
		return ""
	}
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(content)
}

// framePolicy stands in the document too, for a frame that is filled by srcdoc and has no header.
func framePolicy(remote bool) string {
	images := "data:"
	if remote {
		images += " https:"
	}
	return "default-src 'none'; img-src " + images + "; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
}

// FramePolicy is the Content-Security-Policy for a document of ShowHTML: nothing runs, loads or is sent, links open elsewhere,
// and only our own pages may show it. It keeps our origin, so that the page around it can measure how high it is; without
// allow-scripts nothing in it can make use of that.
func FramePolicy(remote bool) string {
	return framePolicy(remote) + "; frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
}

// frameHTML is what stands around. Its style keeps wide pictures and endless words inside the frame.
const frameHTML = `<!DOCTYPE html>
<html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="%s"><meta name="referrer" content="no-referrer">
<style>body{margin:0;background:#fff;color:#1a1a1a;font:14px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}img{max-width:100%%;height:auto}blockquote{margin:0 0 0 .5em;padding-left:.75em;border-left:2px solid #ddd}pre{white-space:pre-wrap}</style></head>
<body>%s</body></html>
`

// showHTML makes a stranger's HTML a document. The policy leaves what cannot run; what is left to do is what it cannot
// know: where links and pictures lead, and what a style may say.
func showHTML(source string, pictures map[string]string, remote bool) EntryHTML {
	w := &shower{pictures: pictures, remote: remote, left: mostPictures}
	z := html.NewTokenizer(strings.NewReader(shownHTML.Sanitize(source[:min(len(source), mostShown)])))
	for z.Next() != html.ErrorToken {
		switch t := z.Token(); t.Type {
		case html.StartTagToken, html.SelfClosingTagToken:
			w.tag(t)
		case html.EndTagToken, html.TextToken:
			w.out.WriteString(t.String())
		}
	}
	return EntryHTML{Document: fmt.Sprintf(frameHTML, template.HTMLEscapeString(framePolicy(remote)), w.out.String()), RemoteImages: w.far}
}

// RemoteImages counts the pictures from elsewhere that HTML which was made safe names.
func RemoteImages(safe string) (n int) {
	if !strings.Contains(safe, "<img") {
		return 0
	}
	z := html.NewTokenizer(strings.NewReader(safe))
	for z.Next() != html.ErrorToken {
		if t := z.Token(); t.Data == "img" && slices.ContainsFunc(t.Attr, func(a html.Attribute) bool { return a.Key == "src" && isFar(a.Val) }) {
			n++
		}
	}
	return n
}

func isFar(src string) bool {
	return scheme(src) == "http" || scheme(src) == "https"
}

func scheme(ref string) string {
	u, err := url.Parse(strings.TrimSpace(ref))
	if err != nil || (u.Scheme == "http" || u.Scheme == "https") && u.Host == "" {
		return ""
	}
	return strings.ToLower(u.Scheme)
}

// shower writes a document tag by tag.
type shower struct {
	pictures map[string]string
	remote   bool
	left     int // bytes of pictures that may still come, a picture shown twice counts twice
	far      int
	out      bytes.Buffer
}

func (w *shower) tag(t html.Token) {
	var keep []html.Attribute
	link := false
	for _, a := range t.Attr {
		switch a.Key {
		case "href":
			if !slices.Contains([]string{"http", "https", "mailto", "tel"}, scheme(a.Val)) || t.Data != "a" && t.Data != "area" {
				continue
			}
			link = true
		case "src":
			if a.Val = w.picture(t.Data, a.Val); a.Val == "" {
				continue
			}
		case "style":
			if a.Val = harmlessStyle(a.Val); a.Val == "" {
				continue
			}
		case "rel", "target", "cite":
			continue
		}
		keep = append(keep, a)
	}
	if link {
		keep = append(keep, html.Attribute{Key: "target", Val: "_blank"}, html.Attribute{Key: "rel", Val: "noopener noreferrer"})
	}
	t.Attr = keep
	w.out.WriteString(t.String())
}

// picture is what an img may load: what came with the mail, or with remote what is elsewhere, by https.
func (w *shower) picture(tag, src string) string {
	if tag != "img" {
		return ""
	}
	switch scheme(src) {
	case "http", "https":
		w.far++
		if !w.remote {
			return ""
		}
		_, rest, _ := strings.Cut(strings.TrimSpace(src), ":")
		return "https:" + rest
	case "cid":
		id := strings.TrimSpace(src)[len("cid:"):]
		uri := w.pictures[id]
		if plain, err := url.PathUnescape(id); uri == "" && err == nil {
			uri = w.pictures[plain]
		}
		return w.within(uri)
	case "data":
		_, coded, ok := strings.Cut(src, ";base64,")
		if !ok || len(coded) > mostPictures/3*4 {
			return ""
		}
		content, err := base64.StdEncoding.DecodeString(coded)
		if err != nil {
			return ""
		}
		return w.within(pictureURI(content))
	}
	return ""
}

// within is a data: URI, or nothing once there are enough.
func (w *shower) within(uri string) string {
	size := len(uri) / 4 * 3
	if size > w.left {
		return ""
	}
	w.left -= size
	return uri
}

// shownStyles are the properties of text and boxes. None of them lays a box over another, or names an address.
const shownStyles = ` color background-color font font-family font-size font-weight font-style font-variant line-height letter-spacing text-align text-decoration text-indent text-transform
	vertical-align white-space direction list-style-type width max-width min-width height max-height margin margin-top margin-right margin-bottom margin-left padding padding-top padding-right
	padding-bottom padding-left border border-top border-right border-bottom border-left border-color border-style border-width border-radius border-collapse border-spacing table-layout `

// plainValue is a value without functions but those of colours, and without escapes, comments and addresses.
var plainValue = regexp.MustCompile(`^(?:[a-zA-Z0-9#%.,+\-/ !"']|(?:rgb|hsl)a?\([0-9.,%/ ]*\))+$`)

// harmlessStyle is what of a style attribute is known to be harmless; all else is left out.
func harmlessStyle(style string) string {
	var keep []string
	shown := strings.Fields(shownStyles)
	for _, part := range strings.Split(style[:min(len(style), 4<<10)], ";") {
		name, value, ok := strings.Cut(part, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.Join(strings.Fields(value), " ")
		if ok && slices.Contains(shown, name) && len(value) <= 200 && plainValue.MatchString(value) && !strings.Contains(value, "//") {
			keep = append(keep, name+": "+value)
		}
	}
	return strings.Join(keep, "; ")
}

var shownHTML = shownPolicy()

// shownPolicy is what mail programs write, without what runs, loads, submits or lies over other things.
func shownPolicy() *bluemonday.Policy {
	p := bluemonday.UGCPolicy()
	p.AllowElements("center", "font", "span", "div", "u", "s", "strike", "big", "small")
	p.AllowAttrs("style").Globally()
	p.AllowAttrs("color", "face", "size").OnElements("font")
	p.AllowAttrs("align", "valign", "width", "height", "bgcolor", "cellpadding", "cellspacing", "border", "nowrap").OnElements("table", "td", "th", "tr", "img", "div", "p")
	p.AllowURLSchemes("http", "https", "mailto", "tel", "cid", "data")
	p.AllowRelativeURLs(false)
	p.RequireNoFollowOnLinks(false)
	return p
}
