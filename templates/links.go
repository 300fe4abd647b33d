package templates

import (
	"bytes"
	"html"
	"slices"
	"strings"

	"rapport/channels"
)

// Marks stand around the links of a tracked HTML, and where the pixel goes. They are control characters,
// which no source may hold, and they count only in static segments, so that no value can forge one.
const (
	linkMark  = '\x01'
	endMark   = '\x02' // after the target
	pixelMark = '\x03' // after linkMark: no link, the place of the pixel
)

// marked is an HTML source with marks around the targets of links that may be tracked: of http and https,
// without data-no-track, and not those that must work for someone who wants no mail at all.
func marked(src string) string {
	if src == "" {
		return ""
	}
	var edits []edit
	for _, t := range scan(src) {
		if t.kind != startToken || t.name != "a" && t.name != "area" {
			continue
		}
		href, ok := t.attr("href")
		if _, no := t.attr("data-no-track"); no || !ok || !trackable(src[href.from:href.to]) {
			continue
		}
		if href.quote == 0 {
			edits = append(edits, edit{href.from, href.from, `"` + string(linkMark)}, edit{href.to, href.to, string(endMark) + `"`})
		} else {
			edits = append(edits, edit{href.from, href.from, string(linkMark)}, edit{href.to, href.to, string(endMark)})
		}
	}
	end := bodyEnd(src)
	at, _ := slices.BinarySearchFunc(edits, end, func(e edit, end int) int { return e.start - end })
	edits = slices.Insert(edits, at, edit{end, end, string(linkMark) + string(pixelMark)})
	return apply(src, edits)
}

func trackable(href string) bool {
	for _, own := range []string{"unsubscribe_url", "preferences_url", "link_telegram_url", "reply_url"} {
		if strings.Contains(href, own) {
			return false
		}
	}
	href = strings.TrimSpace(href)
	return strings.HasPrefix(href, "{") || isWeb(href)
}

func isWeb(target string) bool {
	return len(target) > 7 && strings.EqualFold(target[:7], "http://") || len(target) > 8 && strings.EqualFold(target[:8], "https://")
}

// Tracking says how links and opens are followed. Targets are found again by rendering with the same
// variables and a Tracking without functions: Rendered.Links lists them.
type Tracking struct {
	// Click gives the URL that stands in for the n-th link (from 0). Nil, or "": the link stays.
	Click     func(n int, target string) string
	OpenPixel string // URL of a picture; empty: none
}

// follow replaces the marks.
func (in *Input) follow(segments channels.Part) (channels.Part, []string) {
	part := make(channels.Part, 0, len(segments)+16)
	var links []string
	var target []byte // of the link that is open
	open := false
	add := func(b []byte, static bool) {
		if len(b) > 0 {
			part = append(part, channels.Segment{Bytes: b, Static: static})
		}
	}
	for _, s := range segments {
		if !s.Static {
			if open {
				target = append(target, s.Bytes...)
			} else {
				add(s.Bytes, false)
			}
			continue
		}
		for rest := s.Bytes; len(rest) > 0; {
			if open {
				n := bytes.IndexByte(rest, endMark)
				if n < 0 {
					target = append(target, rest...)
					break
				}
				target = append(target, rest[:n]...)
				written, link := in.click(target, len(links))
				if link != "" {
					links = append(links, link)
				}
				add(written, false)
				rest, open, target = rest[n+1:], false, nil
				continue
			}
			n := bytes.IndexByte(rest, linkMark)
			if n < 0 {
				add(rest, true)
				break
			}
			add(rest[:n:n], true)
			rest = rest[n+1:]
			if len(rest) > 0 && rest[0] == pixelMark {
				rest = rest[1:]
				if in.Track.OpenPixel != "" {
					add([]byte(`<img src="`+html.EscapeString(in.Track.OpenPixel)+`" width="1" height="1" alt="" style="display:block;border:0;width:1px;height:1px">`), false)
				}
				continue
			}
			open = true
		}
	}
	return part, links
}

// click gives what is written instead of an escaped target, and the target itself when it is tracked.
func (in *Input) click(escaped []byte, n int) (written []byte, link string) {
	target := strings.TrimSpace(html.UnescapeString(string(escaped)))
	if !isWeb(target) || target == in.URLs.Unsubscribe || target == in.URLs.Preferences || target == in.URLs.LinkTelegram || target == in.URLs.Reply {
		return escaped, ""
	}
	if in.Track.Click == nil {
		return escaped, target
	}
	if u := in.Track.Click(n, target); u != "" {
		return []byte(html.EscapeString(u)), target
	}
	return escaped, target
}
