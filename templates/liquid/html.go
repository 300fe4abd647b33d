package liquid

import (
	"bytes"
	"strings"
)

// htmlState is where in an HTML document a template stands. It is followed at parse time through
// the static texts, so that each {{ }} knows how to escape. It trusts the author of the template
// and nobody else: it must be right about well-meant HTML, not about hostile static text.
type htmlState struct {
	where   place
	quote   byte     // around the attribute value; 0 when it is bare
	kind    attrKind // of the attribute
	name    string   // tag or attribute name read so far, lower case; or the scheme of an open URL
	element string   // script, style, title or textarea: the open tag whose content is special
	url     urlPart
	cssURL  bool // inside url( ) in CSS
	cssWord int8 // how much of "url" the last letters in CSS are; -1 in any other word
}

type place uint8

const (
	inText place = iota
	afterLess
	inTagName
	inTag
	inAttrName
	afterAttrName
	beforeValue
	inValue
	inComment
	inRawText // script, style, title, textarea
)

type attrKind uint8

const (
	plainAttr attrKind = iota
	urlAttr
	urlsAttr // several URLs, with spaces or commas between them
	cssAttr
	scriptAttr
)

// urlPart is how far a URL attribute has been read.
type urlPart uint8

const (
	urlOpen    urlPart = iota // nothing has settled the scheme
	urlDynamic                // the same, after a {{ }}
	urlSettled                // past the scheme: nothing printed now can change it
)

// String ends a sentence: "the template ends …".
func (s htmlState) String() string {
	switch s.where {
	case inText:
		return "in text"
	case inValue, beforeValue:
		return "in the value of an attribute"
	case inComment:
		return "in a comment"
	case inRawText:
		return "in <" + s.element + ">"
	default:
		return "inside a tag"
	}
}

var (
	commentEnd = []byte("-->")
	less       = []byte("<")
)

// read follows a static text.
func (s *htmlState) read(t []byte, line int) error {
	for i := 0; i < len(t); {
		ch := t[i]
		switch s.where {
		case inText:
			n := bytes.IndexByte(t[i:], '<')
			if n < 0 {
				return nil
			}
			i += n + 1
			s.where = afterLess
		case afterLess:
			switch {
			case isLetter(ch):
				s.where, s.name = inTagName, ""
			case ch == '/' || ch == '?':
				s.where, s.name, s.element = inTagName, "/", ""
				i++
			case ch == '!':
				rest := t[i:]
				// <!--[if mso]> is a tag to the one mail client that reads it, and what
				// follows is HTML there.
				// <!--> is a comment that ends at once.
				if bytes.HasPrefix(rest, []byte("!--")) && !bytes.HasPrefix(rest, []byte("!--[if")) &&
					!bytes.HasPrefix(rest, []byte("!-->")) && !bytes.HasPrefix(rest, []byte("!--->")) {
					s.where = inComment
					i += 3
					continue
				}
				s.where, s.name = inTagName, "!"
				i++
			default:
				s.where = inText
			}
		case inTagName:
			if isSpace(ch) || ch == '/' || ch == '>' {
				s.element = ""
				if special := rawElement(s.name); special {
					s.element = s.name
				}
				s.name, s.where = "", inTag
				continue
			}
			n := 1
			for i+n < len(t) && !isSpace(t[i+n]) && t[i+n] != '/' && t[i+n] != '>' {
				n++
			}
			s.name += lower(t[i : i+n])
			i += n
		case inTag:
			switch {
			case isSpace(ch) || ch == '/':
				i++
			case ch == '>':
				s.closeTag()
				i++
			default:
				s.where, s.name = inAttrName, ""
			}
		case inAttrName:
			switch {
			case ch == '=':
				s.where, s.kind = beforeValue, attrKindOf(s.name)
				i++
			case isSpace(ch) || ch == '/':
				s.where = afterAttrName
				i++
			case ch == '>':
				s.closeTag()
				i++
			default:
				n := 1
				for i+n < len(t) && !isSpace(t[i+n]) && t[i+n] != '/' && t[i+n] != '>' && t[i+n] != '=' {
					n++
				}
				s.name += lower(t[i : i+n])
				i += n
			}
		case afterAttrName:
			switch {
			case isSpace(ch):
				i++
			case ch == '=':
				s.where, s.kind = beforeValue, attrKindOf(s.name)
				i++
			default:
				s.where = inTag
			}
		case beforeValue:
			switch {
			case isSpace(ch):
				i++
			case ch == '"' || ch == '\'':
				s.openValue(ch)
				i++
			case ch == '>':
				s.closeTag()
				i++
			default:
				s.openValue(0)
			}
		case inValue:
			if s.quote != 0 && ch == s.quote || s.quote == 0 && (isSpace(ch) || ch == '>') {
				s.where, s.name, s.cssURL, s.cssWord = inTag, "", false, 0
				if s.quote != 0 {
					i++
				}
				continue
			}
			if s.kind == plainAttr || s.kind == scriptAttr || s.kind == urlAttr && s.url == urlSettled {
				i++
				continue
			}
			if err := s.value(ch, line+bytes.Count(t[:i], []byte("\n"))); err != nil {
				return err
			}
			i++
		case inComment:
			n := bytes.Index(t[i:], commentEnd)
			if n < 0 {
				return nil
			}
			i += n + len(commentEnd)
			s.where = inText
		case inRawText:
			n := endOfElement(t[i:], s.element)
			if s.element == "style" {
				if n < 0 {
					s.css(t[i:])
				} else {
					s.cssURL, s.cssWord = false, 0
				}
			}
			if n < 0 {
				return nil
			}
			i += n
			s.where, s.element = inText, ""
		}
	}
	return nil
}

func (s *htmlState) openValue(quote byte) {
	s.where, s.quote, s.url, s.name, s.cssURL = inValue, quote, urlOpen, "", false
	s.cssWord = 0
}

func (s *htmlState) closeTag() {
	s.name, s.where = "", inText
	if s.element != "" {
		s.where, s.cssURL, s.cssWord = inRawText, false, 0
	}
}

// value follows one byte of an attribute's value.
func (s *htmlState) value(ch byte, line int) error {
	switch s.kind {
	case cssAttr:
		s.css([]byte{ch})
	case urlAttr, urlsAttr:
		switch {
		case s.kind == urlsAttr && (isSpace(ch) || ch == ','):
			s.url, s.name = urlOpen, ""
		case s.url == urlSettled:
		case ch == ':':
			if s.url == urlDynamic {
				return &Error{Line: line, Message: "the scheme of a URL cannot come from a variable alone: print the whole URL, or write the scheme"}
			}
			s.url = urlSettled
			if name := strings.TrimLeft(s.name, spaces); name == "javascript" || name == "vbscript" {
				s.kind = scriptAttr
			}
			s.name = ""
		case ch == '/' || ch == '?' || ch == '#':
			s.url, s.name = urlSettled, ""
		case len(s.name) < maxScheme:
			s.name += lower([]byte{ch})
		}
	}
	return nil
}

// maxScheme is longer than any scheme that matters.
const maxScheme = 32

// css follows style sheets far enough to know when a url( ) is open.
func (s *htmlState) css(t []byte) {
	for _, ch := range t {
		switch {
		case s.cssURL:
			switch ch {
			case ')':
				s.cssURL, s.url = false, urlOpen
			case ':', '/', '?', '#':
				s.url = urlSettled
			}
		case ch == '(':
			if s.cssWord == int8(len(urlWord)) {
				s.cssURL, s.url = true, urlOpen
			}
			s.cssWord = 0
		case !isWord(ch) && ch != '-':
			s.cssWord = 0
		case s.cssWord >= 0 && int(s.cssWord) < len(urlWord) && ch|0x20 == urlWord[s.cssWord]:
			s.cssWord++
		default:
			s.cssWord = -1
		}
	}
}

const urlWord = "url"

// join is the state after two ways that meet.
func (s htmlState) join(t htmlState) (htmlState, bool) {
	if s == t {
		return s, true
	}
	if s.where == inAttrName || s.where == afterAttrName {
		s.where, s.name = inTag, ""
	}
	if t.where == inAttrName || t.where == afterAttrName {
		t.where, t.name = inTag, ""
	}
	if s.where != t.where || s.element != t.element {
		return s, false
	}
	switch s.where {
	case inText, inTag, inComment:
		return htmlState{where: s.where, element: s.element}, true
	case inRawText:
		s.cssWord = 0
		return s, s.cssURL == t.cssURL
	case inValue:
		if s.quote != t.quote || s.kind != t.kind || s.cssURL != t.cssURL {
			return s, false
		}
		if s.url != t.url {
			s.url = urlDynamic // the cautious reading
		}
		if s.name != t.name {
			s.name = ""
		}
		if s.cssWord != t.cssWord {
			s.cssWord = 0
		}
		return s, true
	default:
		return s, false
	}
}

// context is how to escape what is printed at s, and the state after it.
func (s *htmlState) context() (context, error) {
	switch s.where {
	case inText, inComment:
		return textContext, nil
	case inRawText:
		switch s.element {
		case "script":
			return 0, mistake("", "a value cannot be printed inside <script>")
		case "style":
			if s.cssURL {
				return s.cssURLContext(styleURLContext), nil
			}
			return cssContext, nil
		}
		return textContext, nil
	case beforeValue:
		s.openValue(0)
		return s.context()
	case inValue:
		switch s.kind {
		case scriptAttr:
			return 0, mistake("", "a value cannot be printed inside an attribute that holds a script")
		case cssAttr:
			if s.cssURL {
				return s.cssURLContext(cssURLContext), nil
			}
			return cssContext, nil
		case urlAttr:
			if s.url != urlSettled {
				s.url = urlDynamic
				if s.quote == 0 {
					return bareURLContext, nil
				}
				return urlContext, nil
			}
		case urlsAttr:
			c := urlsContext
			if s.quote == 0 {
				c = bareURLsContext
			}
			if s.url == urlSettled {
				return c + 1, nil
			}
			s.url = urlDynamic
			return c, nil
		}
		if s.quote == 0 {
			return bareContext, nil
		}
		return attrContext, nil
	default:
		return 0, mistake("", "a value cannot be printed inside a tag, outside the quotes of an attribute")
	}
}

// cssURLContext is c, or what follows c in the list when the scheme is settled.
func (s *htmlState) cssURLContext(c context) context {
	if s.url == urlSettled {
		return c + 1
	}
	s.url = urlDynamic
	return c
}

func rawElement(name string) bool {
	switch name {
	case "script", "style", "title", "textarea":
		return true
	default:
		return false
	}
}

// HoldsURL says whether the value of an HTML attribute, named in lower case, is a URL or several.
func HoldsURL(attribute string) bool {
	kind := attrKindOf(attribute)
	return kind == urlAttr || kind == urlsAttr
}

func attrKindOf(name string) attrKind {
	if strings.HasPrefix(name, "on") {
		return scriptAttr
	}
	switch name {
	case "style":
		return cssAttr
	case "srcdoc":
		return scriptAttr
	case "href", "src", "action", "formaction", "background", "poster", "xlink:href", "data",
		"cite", "longdesc", "lowsrc", "dynsrc", "manifest", "codebase", "classid", "profile", "icon":
		return urlAttr
	case "srcset", "imagesrcset", "ping", "archive":
		return urlsAttr
	default:
		return plainAttr
	}
}

// endOfElement finds </name, whatever its case.
func endOfElement(t []byte, name string) int {
	for from := 0; ; {
		n := bytes.Index(t[from:], less)
		if n < 0 {
			return -1
		}
		from += n
		if rest := t[from+1:]; len(rest) > len(name) && rest[0] == '/' && strings.EqualFold(string(rest[1:1+len(name)]), name) {
			return from
		}
		from++
	}
}

func lower(t []byte) string { return string(bytes.ToLower(t)) }
