package templates

import (
	"slices"
	"strings"

	"rapport/templates/liquid"
)

// Strangers lists the variables that a text of Liquid reads though nothing can supply them: those that are neither of the
// company nor under one of the roots. A root alone ({{ customer }}) is no value either.
func Strangers(text string, roots ...string) ([]string, error) {
	t, err := liquid.Parse(text, textOptions)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, v := range t.Variables() {
		root, _, deep := strings.Cut(v.Path, ".")
		known := deep && slices.Contains(roots, root) || v.Path == "company.name" || v.Path == "company.postal_address"
		if known || !deep && v.Optional && slices.Contains(roots, root) { // {% if customer %}, or each of its members
			continue
		}
		out = append(out, v.Path)
	}
	return out, nil
}
