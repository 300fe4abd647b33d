package api

import (
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"rapport"
	"rapport/gateway"
)

// vocabulary names in the OpenAPI document the lists that clients need and that stand in Go once: scopes and types of
// events. A list more in Go is a list more in every client that is made of the document, the web app among them.
func (d *door) vocabulary() {
	for _, list := range []struct {
		name, about string
		words       []any
		fields      [][2]string // schema, property
	}{
		{"Scope", "What a key may do.", anyOf(gateway.Scopes()), [][2]string{{"KeyInput", "scopes"}, {"Key", "scopes"}, {"Session", "scopes"}}},
		{"EventType", "What happened.", anyOf(rapport.NoticeTypes), [][2]string{{"Delivery", "type"}}},
	} {
		schemas := d.api.OpenAPI().Components.Schemas.Map()
		schemas[list.name] = &huma.Schema{Type: huma.TypeString, Description: list.about, Enum: list.words}
		for _, f := range list.fields {
			s := schemas[f[0]]
			if s == nil || s.Properties[f[1]] == nil {
				panic(fmt.Sprintf("api: the document has no %s of %s", f[1], f[0])) // of our own types
			}
			ref := &huma.Schema{Ref: "#/components/schemas/" + list.name}
			if s.Properties[f[1]].Items != nil {
				s.Properties[f[1]].Items = ref
			} else {
				s.Properties[f[1]] = ref
			}
		}
	}
}

func anyOf[T any](list []T) []any {
	out := make([]any, len(list))
	for i, x := range list {
		out[i] = x
	}
	return out
}
