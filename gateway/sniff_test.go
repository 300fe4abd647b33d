package gateway

import (
	"strings"
	"testing"
)

func TestSniff_TypesAreWhatTheBytesAre(t *testing.T) {
	t.Parallel()
	const svg = "image/svg+xml"
	for name, tt := range map[string]struct{ head, want string }{
		"svg":                        {`<svg xmlns="http://www.w3.org/2000/svg"/>`, svg},
		"svg with a declaration":     {"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- Made by hand -->\n<svg onload=\"alert(1)\">", svg},
		"svg with a document type":   {`<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd"><svg>`, svg},
		"svg that declares entities": {`<!DOCTYPE svg [<!ENTITY a "<x>">]><svg>`, svg},
		"svg by a prefix":            {`<?xml version="1.0"?><s:svg xmlns:s="http://www.w3.org/2000/svg">`, svg},
		"svg in capitals":            {"  <SVG\n>", svg},
		"svg after a long comment":   {"<!--" + strings.Repeat("x", 300) + "--><svg>", svg},
		"another xml":                {`<?xml version="1.0"?><note>svg</note>`, "text/xml; charset=utf-8"},
		"a name that begins so":      {`<?xml version="1.0"?><svgs>`, "text/xml; charset=utf-8"},
		"a page with one in it":      {`<!DOCTYPE html><html><svg></svg></html>`, "text/html; charset=utf-8"},
		"text about it":              {`The <svg> element`, "text/plain; charset=utf-8"},
		"an open comment":            {`<!-- <svg>`, "text/html; charset=utf-8"},
		"png":                        {"\x89PNG\r\n\x1a\n", "image/png"},
		"jpeg":                       {"\xff\xd8\xff\xe0", "image/jpeg"},
		"gif":                        {gif, "image/gif"},
		"webp":                       {"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"},
		"pdf":                        {"%PDF-1.7", "application/pdf"},
		"zip":                        {"PK\x03\x04", "application/zip"},
		"nothing":                    {"", "text/plain; charset=utf-8"},
		"bytes":                      {"\x00\x01\x02", "application/octet-stream"},
	} {
		if got := sniff([]byte(tt.head)); got != tt.want {
			t.Errorf("%s is %s, want %s", name, got, tt.want)
		}
		// Whoever uploads it cannot call it something that a browser would run, nor hide that it is.
		if got := contentType([]byte(tt.head), "image/svg+xml"); got != tt.want {
			t.Errorf("%s uploaded as svg is %s", name, got)
		}
		if got := contentType([]byte(tt.head), "image/png"); tt.want == svg && got != svg {
			t.Errorf("%s uploaded as png is %s", name, got)
		}
	}
}
