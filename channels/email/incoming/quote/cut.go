// Package quote parts what a person wrote in a mail from what his mail program added: the quoted message he answers
// and his signature.
package quote

// Parts is a body, parted. Said, Quoted and Signature hold every line of it between them, in their order within each.
type Parts struct {
	Said, Quoted, Signature string
}

// Cut parts what a person wrote from what his mail program added. text and html are the body's alternatives, in UTF-8;
// either may be empty.
func Cut(text, html string) Parts {
	if text == "" {
		text = Text(html)
	}
	return Parts{Said: text}
}
