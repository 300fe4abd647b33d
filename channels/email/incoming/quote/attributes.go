package quote

import (
	"strconv"
	"strings"
)

// attributes are those of an element that say what it is, lower case but the address.
type attributes struct {
	class, id, style, colour, kind string
	href, alt                      string
	signature                      bool
}

func (p *parser) attributes(more bool) attributes {
	var a attributes
	for n := 0; more && n < 64; n++ {
		var key, value []byte
		key, value, more = p.z.TagAttr()
		if len(value) > 4096 {
			continue
		}
		switch string(key) {
		case "class":
			a.class = strings.ToLower(string(value))
		case "id":
			a.id = strings.ToLower(string(value))
		case "style":
			a.style = strings.ToLower(strings.ReplaceAll(string(value), " ", ""))
		case "color":
			a.colour = strings.ToLower(string(value))
		case "type":
			a.kind = strings.ToLower(string(value))
		case "href":
			a.href = strings.TrimSpace(string(value))
		case "alt":
			a.alt = string(value)
		case "data-smartmail":
			a.signature = a.signature || string(value) == "gmail_signature"
		case "data-signature-widget":
			a.signature = true
		}
	}
	return a
}

type mark int

const (
	isQuote mark = iota
	isContainer
	isIntro
	isLetterhead
	isSignature
	isForward
)

// containers are the names mail programs give to what they add. They stand anywhere in a class or an id: copies put
// x_, m_-123 or ydp1a2b before them.
var containers = []struct {
	name string
	is   mark
}{
	{"gmail_quote", isContainer},
	{"gmail_attr", isIntro},
	{"gmail_signature", isSignature},
	{"moz-cite-prefix", isIntro},
	{"moz-signature", isSignature},
	{"moz-forward-container", isForward},
	{"yahoo_quoted", isQuote},
	{"yahoo-signature", isSignature},
	{"divrplyfwdmsg", isLetterhead}, // Outlook on the web and for phones
	{"ms-outlook-mobile-signature", isSignature},
	{"outlookmessageheader", isLetterhead}, // older Outlook
	{"msoautosig", isSignature},
	{"protonmail_quote", isQuote},
	{"protonmail_signature_block", isSignature},
	{"zmail_extra", isQuote},
	{"zmail_signature", isSignature},
	{"tutanota_quote", isQuote},
	{"applemailsignature", isSignature},
	{"apple-mail-signature", isSignature},
	{"composer_signature", isSignature}, // Samsung
	{"signature_old", isSignature},
	{"mail-signature", isSignature},
}

// indents tells whether a blockquote only moves the person's own text to the right, as the buttons of Gmail and
// Outlook do.
func indents(a attributes) bool {
	if a.kind == "cite" || strings.Contains(a.class, "quote") && !strings.Contains(a.class, "indent") {
		return false
	}
	return strings.Contains(a.class, "indent") || strings.Contains(a.style, "border:none") && !strings.Contains(a.style, "border-left:") ||
		strings.Contains(a.style, "border:0") && !strings.Contains(a.style, "border-left:")
}

type shade int

const (
	unset  shade = iota
	usual        // black, grey, or what designers choose
	chosen       // what people choose to answer in
)

// colour judges an element's colour. Only the full colours that the palettes of mail programs offer count as chosen by
// a person; a designer's tones in the quoted message do not.
func colour(a attributes) shade {
	c := a.colour
	for rest := a.style; rest != ""; {
		i := strings.Index(rest, "color:")
		if i < 0 {
			break
		}
		value := rest[i+len("color:"):]
		if i == 0 || rest[i-1] == ';' {
			c, _, _ = strings.Cut(value, ";")
			c = strings.TrimSuffix(c, "!important")
		}
		rest = value
	}
	if c == "" {
		return unset
	}
	if chosenColours[rgb(c)] {
		return chosen
	}
	return usual
}

// rgb writes rgb(255,0,0) as #ff0000.
func rgb(c string) string {
	inner, found := strings.CutPrefix(c, "rgb(")
	if !found {
		return strings.TrimSpace(c)
	}
	out := "#"
	for part := range strings.SplitSeq(strings.TrimSuffix(inner, ")"), ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 0 || n > 255 {
			return ""
		}
		if n < 16 {
			out += "0"
		}
		out += strconv.FormatInt(int64(n), 16)
	}
	return out
}

// chosenColours are the standard colours of Outlook, Gmail, Apple Mail and Thunderbird, and those Outlook answers in.
var chosenColours = set(
	"red", "blue", "green", "navy", "purple", "maroon", "magenta", "fuchsia", "darkred", "darkblue", "darkgreen", "teal", "#f00", "#00f", "#0f0", "#c00",
	"#ff0000", "#0000ff", "#00ff00", "#008000", "#000080", "#800080", "#800000", "#ff00ff", "#c00000", "#ffc000", "#92d050", "#00b050", "#00b0f0", "#0070c0",
	"#002060", "#7030a0", "#1f497d", "#44546a", "#2f5496", "#2f5597", "#4472c4", "#cc0000", "#990000", "#38761d", "#6aa84f", "#0b5394", "#3d85c6", "#1155cc",
	"#674ea7", "#351c75", "#fb0207", "#ff2600", "#0433ff", "#0432ff", "#c82613", "#1f3864", "#ed7d31", "#c55a11", "#538135", "#00882b", "#e22400", "#0078d4",
)
