package api

import (
	"bytes"
	"encoding/json"
	"html/template"
	"maps"
	"slices"
	"strings"

	"crypto/sha256"
	"encoding/base64"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"rapport"
	"rapport/gateway"
)

// intro stands at the top of the document.
const intro = `Rapport sends each customer what a campaign says on the channel, in the language and at the hour that suits them, and keeps what they answer in one thread.

- **Keys.** ` + "`Authorization: Bearer rpt_live_…`" + `. Each operation names the scope that it needs.
- **Ids** are opaque. Wherever a customer is named, your own id may stand as ` + "`ext:<external_id>`" + `.
- **Lists** take ` + "`limit`" + ` (50, at most 1,000) and ` + "`cursor`" + `, and answer ` + "`{\"data\": […], \"next_cursor\": null}`" + `.
- **Times** are RFC 3339 in UTC, money is in minor units with an ISO 4217 currency, phones are E.164, locales BCP 47, zones IANA, durations like ` + "`24h`" + `.
- **Unknown fields** are refused, and so are unknown query parameters.
- **Repeating.** With an ` + "`Idempotency-Key`" + ` on a POST, the same request is done once within 24 hours; the answer says ` + "`Idempotency-Replayed: true`" + ` when it is an earlier one.
- **Refusals** are ` + "`application/problem+json`" + ` (RFC 9457). 429 and 503 say when to come again with ` + "`Retry-After`" + `; nothing was kept, unless a 503 came while the database was committing: the same Idempotency-Key is safe to repeat.`

// documentation serves the OpenAPI document and a page of it that needs nothing from elsewhere.
func (d *door) documentation(app *fiber.App) {
	d.api.OpenAPI().Info.Title = "Rapport"
	text, err := d.api.OpenAPI().MarshalJSON()
	if err != nil {
		panic(err) // made of our own types
	}
	page, policy, err := d.docsPage()
	if err != nil {
		panic(err)
	}
	app.Get("/openapi.json", func(c *fiber.Ctx) error {
		c.Set("Content-Type", "application/json")
		return c.Send(text)
	})
	app.Get("/docs", func(c *fiber.Ctx) error {
		c.Set("Content-Type", "text/html; charset=utf-8")
		c.Set("Content-Security-Policy", policy)
		return c.Send(page)
	})
}

type docs struct {
	Style  template.CSS
	Intro  template.HTML
	Groups []docsGroup
	Kinds  []docsKind
	Scopes string
}

type docsGroup struct {
	Name string
	Ops  []docsOp
}

type docsOp struct {
	ID, Method, Path, Summary string
	About                     template.HTML
	Params                    []docsParam
	Bodies                    []docsBody
	Answers                   []docsBody
	Refuses                   string
}

type docsParam struct {
	Name, In, Kind, About string
	Required              bool
}

type docsBody struct {
	Title  string
	Fields []docsField
	Sample string
}

type docsField struct {
	Depth int
	Name  string
	Kind  string
	About string
}

type docsKind struct {
	Code   rapport.Code
	Status int
	Title  string
	Says   string
}

func (d *door) docsPage() (page []byte, policy string, err error) {
	style := mustRead("pages/docs.css")
	sum := sha256.Sum256(style)
	data := docs{Style: template.CSS(style), Intro: prose(intro), Scopes: strings.Join(gateway.Scopes(), ", ")}
	for _, code := range slices.Sorted(maps.Keys(kinds)) {
		k := kinds[code]
		data.Kinds = append(data.Kinds, docsKind{code, k.status, k.title, k.says})
	}
	data.Kinds = append(data.Kinds, docsKind{"internal", internal.status, internal.title, "Our mistake. The log has the reason under the request id."})
	slices.SortStableFunc(data.Kinds, func(a, b docsKind) int { return a.Status - b.Status })
	for _, o := range d.routes {
		i := slices.IndexFunc(data.Groups, func(g docsGroup) bool { return g.Name == o.Tag })
		if i < 0 {
			i = len(data.Groups)
			data.Groups = append(data.Groups, docsGroup{Name: o.Tag})
		}
		data.Groups[i].Ops = append(data.Groups[i].Ops, d.docsOp(o))
	}
	var out bytes.Buffer
	err = template.Must(template.ParseFS(pageFiles, "pages/docs.html")).ExecuteTemplate(&out, "docs.html", data)
	return out.Bytes(), "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; frame-ancestors 'none'", err
}

func (d *door) docsOp(o route) docsOp {
	op := d.documented(o)
	out := docsOp{ID: op.OperationID, Method: o.Method, Path: o.Path, Summary: o.Summary, About: prose(op.Description)}
	for _, p := range op.Parameters {
		out.Params = append(out.Params, docsParam{p.Name, p.In, d.kindOf(p.Schema), p.Description, p.Required})
	}
	if op.RequestBody != nil {
		for _, media := range slices.Sorted(maps.Keys(op.RequestBody.Content)) {
			b := docsBody{Title: media}
			b.Fields = d.fields(op.RequestBody.Content[media].Schema, 0, nil)
			out.Bodies = append(out.Bodies, b)
		}
	}
	var refuses []string
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		if status[0] != '2' {
			refuses = append(refuses, status)
			continue
		}
		b := docsBody{Title: status}
		if media := op.Responses[status].Content["application/json"]; media != nil {
			b.Fields = d.fields(media.Schema, 0, nil)
		}
		out.Answers = append(out.Answers, b)
	}
	out.Refuses = strings.Join(refuses, ", ")
	return out
}

// fields lists what is in an object, with what is in its objects below it, once.
func (d *door) fields(s *huma.Schema, depth int, above []*huma.Schema) (out []docsField) {
	s = d.resolve(s)
	if s != nil && s.Type == huma.TypeArray {
		s = d.resolve(s.Items)
	}
	if s == nil || depth > 3 || slices.Contains(above, s) {
		return nil
	}
	if len(s.OneOf) > 0 {
		return d.fields(s.OneOf[0], depth, above)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		f := docsField{Depth: depth, Name: name, Kind: d.kindOf(p), About: p.Description}
		if slices.Contains(s.Required, name) && depth == 0 {
			f.Kind += ", required"
		}
		if p.Description == "" && d.resolve(p) != nil {
			f.About = d.resolve(p).Description
		}
		out = append(append(out, f), d.fields(p, depth+1, append(above, s))...)
	}
	return out
}

func (d *door) resolve(s *huma.Schema) *huma.Schema {
	if s != nil && s.Ref != "" {
		return d.api.OpenAPI().Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

// kindOf is a schema in a few words.
func (d *door) kindOf(s *huma.Schema) string {
	s = d.resolve(s)
	switch {
	case s == nil:
		return "anything"
	case len(s.Enum) > 0:
		words := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			b, _ := json.Marshal(v) // a scalar: cannot fail
			words[i] = strings.Trim(string(b), `"`)
		}
		return strings.Join(words, " | ")
	case s.Type == huma.TypeArray:
		return "list of " + d.kindOf(s.Items)
	case s.Format == "date-time":
		return "time"
	case s.Type == huma.TypeObject && s.AdditionalProperties != nil && s.AdditionalProperties != false:
		return "map"
	case s.Type == "":
		return "anything"
	}
	return s.Type
}

// prose makes HTML of our own few words of Markdown: paragraphs, lists, code, bold.
func prose(text string) template.HTML {
	text = template.HTMLEscapeString(text)
	for _, mark := range []struct{ sign, tag string }{{"`", "code"}, {"**", "strong"}} {
		parts := strings.Split(text, mark.sign)
		for i := 1; i < len(parts)-1; i += 2 {
			parts[i] = "<" + mark.tag + ">" + parts[i] + "</" + mark.tag + ">"
		}
		text = strings.Join(parts, "")
	}
	var out strings.Builder
	for block := range strings.SplitSeq(text, "\n\n") {
		if items, ok := strings.CutPrefix(block, "- "); ok {
			out.WriteString("<ul><li>" + strings.ReplaceAll(items, "\n- ", "</li><li>") + "</li></ul>")
		} else if block != "" {
			out.WriteString("<p>" + block + "</p>")
		}
	}
	return template.HTML(out.String())
}
