package templates

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"rapport"
	"rapport/templates/liquid"
)

// Template is one version of a template, parsed. It is immutable and safe for concurrent use.
type Template struct {
	variants map[rapport.Channel][]*variant
	channels map[rapport.Channel]bool
	required []need
	urls     map[rapport.Channel]Wanted
	reads    Reads
	scratch  sync.Pool // *scratch
}

// Wanted says which of URLs the texts of a channel may read. What they do not read need not be made.
type Wanted struct{ Unsubscribe, Preferences, LinkTelegram, Reply bool }

// Reads says which members of customer and of data a template may read, on whatever channel and in whatever language,
// or asks for by Required. A nil map: all.
type Reads struct{ Customer, Data map[string]bool }

// Reads of this template. It is for reading only.
func (t *Template) Reads() Reads { return t.reads }

// URLs are those that a rendering for the channel may read.
func (t *Template) URLs(ch rapport.Channel) Wanted { return t.urls[ch] }

// variant is a CompiledVariant, parsed. A nil template is an absent text.
type variant struct {
	channel     rapport.Channel
	locale      string
	also        []string // locales that it is for as well: see readers
	subject     *liquid.Template
	preheader   *liquid.Template
	text        *liquid.Template
	html        *liquid.Template
	tracked     *liquid.Template // html with its links marked
	footer      *footer          // nil when the author wrote an unsubscribe link
	body        *document
	headers     []header
	buttons     [][]button
	attachments []string
	needs       []need
	plain       shapes // for Rendered.Key
	following   shapes // the same with tracking
	fixed       *Rendered
}

type header struct {
	name  string
	value *liquid.Template
}

type button struct {
	text, url, data *liquid.Template
	contact         bool
}

// need is a variable that must be supplied.
type need struct {
	path  string
	parts []string
}

// Load parses a compiled template. The key names it: usually the version's id. The error means that c is
// not what Compile returned.
func Load(key string, c *Compiled) (*Template, error) {
	t := &Template{variants: map[rapport.Channel][]*variant{}, channels: map[rapport.Channel]bool{}, urls: map[rapport.Channel]Wanted{},
		reads: Reads{Customer: map[string]bool{}, Data: map[string]bool{}}}
	for _, name := range c.Required {
		n := newNeed(rooted(name))
		t.required = append(t.required, n)
		t.reads.add(n.parts[0], n.parts[1:2], false)
	}
	for i := range c.Variants {
		v, wanted, err := loadVariant(key, &c.Variants[i], &t.reads)
		if err != nil {
			return nil, fmt.Errorf("loading template %s, variant %d: %w", key, i, err)
		}
		t.variants[v.channel] = append(t.variants[v.channel], v)
		t.channels[v.channel] = true
		all := t.urls[v.channel]
		t.urls[v.channel] = Wanted{all.Unsubscribe || wanted.Unsubscribe, all.Preferences || wanted.Preferences, all.LinkTelegram || wanted.LinkTelegram, all.Reply || wanted.Reply}
	}
	return t, nil
}

func (r *Reads) add(root string, members []string, all bool) {
	for name, m := range map[string]*map[string]bool{"customer": &r.Customer, "data": &r.Data} {
		if name != root || *m == nil {
			continue
		}
		for _, member := range members {
			(*m)[member] = true
		}
		if all {
			*m = nil
		}
	}
}

func loadVariant(key string, c *CompiledVariant, reads *Reads) (*variant, Wanted, error) {
	l := loader{reads: reads}
	v := &variant{channel: c.Channel, locale: c.Locale, also: readers(c.Locale), attachments: c.Attachments}
	v.subject = l.parse(c.Subject, textOptions)
	v.preheader = l.parse(c.Preheader, textOptions)
	switch c.Channel {
	case rapport.Telegram:
		v.text = l.parse(c.Text, htmlOptions)
	case rapport.Email:
		v.text = l.parse(c.Text, textOptions)
		v.html = l.parse(c.HTML, htmlOptions)
		v.tracked = l.parse(marked(c.HTML), htmlOptions)
	default:
		v.text = l.parse(c.Text, textOptions)
	}
	if len(c.Body) > 0 {
		v.body = l.document(c.Body)
	}
	for _, h := range c.Headers {
		v.headers = append(v.headers, header{h.Name, l.parse(h.Value, textOptions)})
	}
	for _, row := range c.Buttons {
		var parsed []button
		for _, b := range row {
			parsed = append(parsed, button{l.parse(b.Text, textOptions), l.parse(b.URL, textOptions), l.parse(b.Data, textOptions), b.Contact})
		}
		v.buttons = append(v.buttons, parsed)
	}
	v.needs = l.needs()
	key += "/" + string(c.Channel) + "/" + c.Locale
	branches := strings.Contains(c.HTML+c.Text+string(c.Body), "{%")
	v.plain, v.following = newShapes(key, branches), newShapes(key+"/tracked", branches)
	if c.Channel == rapport.Email {
		v.footer = l.footer(key, c, v, branches)
	}
	return v, l.urls, l.err
}

// loader parses, keeps the first error, and remembers what is read.
type loader struct {
	err   error
	read  []liquid.Variable
	urls  Wanted
	reads *Reads
}

func (l *loader) parse(src string, o liquid.Options) *liquid.Template {
	if src == "" || l.err != nil {
		return nil
	}
	t, err := liquid.Parse(src, o)
	if err != nil {
		l.err = err
		return nil
	}
	l.note(t)
	return t
}

func (l *loader) note(t *liquid.Template) {
	l.read = append(l.read, t.Variables()...)
	for _, root := range []string{"customer", "data"} {
		members, all := t.Members(root)
		l.reads.add(root, members, all)
	}
	l.urls.Unsubscribe = l.urls.Unsubscribe || t.Reads("unsubscribe_url")
	l.urls.Preferences = l.urls.Preferences || t.Reads("preferences_url")
	l.urls.LinkTelegram = l.urls.LinkTelegram || t.Reads("link_telegram_url")
	l.urls.Reply = l.urls.Reply || t.Reads("reply_url")
}

func (l *loader) document(body json.RawMessage) *document {
	if l.err != nil {
		return nil
	}
	d, err := parseDocument(body)
	if err != nil {
		l.err = err
		return nil
	}
	for _, t := range d.templates() {
		l.note(t)
	}
	return d
}

func reads(t *liquid.Template, name string) bool {
	return slices.ContainsFunc(t.Variables(), func(v liquid.Variable) bool { return v.Path == name })
}

// needs are what is read under customer., data. and campaign. and not provided for by the template.
func (l *loader) needs() []need {
	paths := map[string]bool{}
	for _, v := range l.read {
		if root, _, deep := strings.Cut(v.Path, "."); deep && !v.Optional && isRoot(root) {
			paths[v.Path] = true
		}
	}
	var out []need
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		out = append(out, newNeed(p))
	}
	return out
}

func newNeed(path string) need { return need{path, strings.Split(path, ".")} }

func isRoot(name string) bool { return name == "customer" || name == "data" || name == "campaign" }

// rooted takes a bare name for one of data.
func rooted(name string) string {
	if root, _, deep := strings.Cut(name, "."); deep && isRoot(root) {
		return name
	}
	return "data." + name
}

// Channels are those that the template has something to say on.
func (t *Template) Channels() map[rapport.Channel]bool { return t.channels }

// Missing lists what data does not supply: of the names in Required, and of those under customer., data.
// and campaign. that a variant of the given channels reads without a default or a condition around them.
// null supplies nothing; an empty string does. The data is {"customer": {…}, "data": {…}, "campaign": {…}}.
// The answer is sorted; nil when nothing is missing.
func (t *Template) Missing(data map[string]any, chans map[rapport.Channel]bool) []string {
	return t.Lacking(func(path []string) bool { return Supplied(data, path) }, chans)
}

// Lacking is Missing where the caller tells what is supplied.
func (t *Template) Lacking(supplied func(path []string) bool, chans map[rapport.Channel]bool) []string {
	missing := absent(nil, supplied, t.required)
	for _, ch := range rapport.Channels {
		if !chans[ch] {
			continue
		}
		for _, v := range t.variants[ch] {
			missing = absent(missing, supplied, v.needs)
		}
	}
	if len(missing) > 1 {
		slices.Sort(missing)
		missing = slices.Compact(missing)
	}
	return missing
}

func absent(missing []string, supplied func([]string) bool, needs []need) []string {
	for i := range needs {
		if !supplied(needs[i].parts) {
			missing = append(missing, needs[i].path)
		}
	}
	return missing
}

// Supplied tells whether path leads from a value of JSON to another one that is not null.
func Supplied(at any, path []string) bool {
	for _, p := range path {
		switch v := at.(type) {
		case map[string]any:
			at = v[p]
		case *liquid.Object:
			at, _ = v.Get(p)
		case []any:
			switch {
			case len(v) > 0 && p == "first":
				at = v[0]
			case len(v) > 0 && p == "last":
				at = v[len(v)-1]
			default:
				return false
			}
		default:
			return false
		}
	}
	return at != nil
}
