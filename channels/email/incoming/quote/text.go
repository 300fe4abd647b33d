package quote

import "golang.org/x/net/html"

// Text makes readable text of HTML, with quoted parts marked so that Cut understands them.
func Text(source string) string {
	return html.UnescapeString(source)
}
