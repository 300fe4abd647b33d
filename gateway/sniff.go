package gateway

import (
	"bytes"
	"net/http"
	"strings"
)

// sniff is the type that the first bytes of a file show: as the WHATWG's MIME sniffing has it, and SVG, which that leaves
// among the texts. https://mimesniff.spec.whatwg.org
func sniff(head []byte) string {
	kind := http.DetectContentType(head)
	if (strings.HasPrefix(kind, "text/xml") || strings.HasPrefix(kind, "text/plain") || strings.HasPrefix(kind, "text/html")) && beginsSVG(head) {
		return "image/svg+xml"
	}
	return kind
}

// beginsSVG tells whether the first element is svg, by whatever prefix. What may stand before it is passed over: the XML
// declaration and other instructions, comments, a document type.
func beginsSVG(head []byte) bool {
	rest := bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	for {
		rest = bytes.TrimLeft(rest, " \t\r\n\f")
		end := ""
		switch {
		case bytes.HasPrefix(rest, []byte("<?")):
			end = "?>"
		case bytes.HasPrefix(rest, []byte("<!--")):
			end = "-->"
		case bytes.HasPrefix(rest, []byte("<!")):
			end = ">"
			if opens, closes := bytes.IndexByte(rest, '['), bytes.IndexByte(rest, '>'); opens >= 0 && opens < closes {
				end = "]>" // it declares entities
			}
		case bytes.HasPrefix(rest, []byte("<")):
			name := rest[1:]
			if i := bytes.IndexAny(name, " \t\r\n\f/>"); i >= 0 {
				name = name[:i]
			}
			if i := bytes.IndexByte(name, ':'); i >= 0 {
				name = name[i+1:]
			}
			return bytes.EqualFold(name, []byte("svg"))
		default:
			return false
		}
		_, after, found := bytes.Cut(rest, []byte(end))
		if !found {
			return false
		}
		rest = after
	}
}
