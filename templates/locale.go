package templates

import (
	"slices"

	"golang.org/x/text/language"
)

// pick finds the variant for a locale among those of one channel, in this order: the locale itself, its
// parents (pt-BR, pt; zh-TW, zh-Hant, zh), the default locale and its parents, the variant for every
// language, the first.
// It allocates nothing: it runs once a message.
func pick(variants []*variant, locale, fallback string) *variant {
	for _, start := range [2]string{locale, fallback} {
		for tag := start; tag != ""; tag = parent(tag) {
			for _, v := range variants {
				if sameTag(v.locale, tag) {
					return v
				}
			}
			for _, v := range variants {
				if slices.ContainsFunc(v.also, func(like string) bool { return sameTag(like, tag) }) {
					return v
				}
			}
		}
	}
	for _, v := range variants {
		if v.locale == "" {
			return v
		}
	}
	if len(variants) == 0 {
		return nil
	}
	return variants[0]
}

// readers are the locales that read what is written in a language and a script, though they do not name
// the script: zh for zh-Hans, zh-TW and zh-HK for zh-Hant (CLDR's likely subtags). nil for other locales.
// It is for Load: it asks about every region.
func readers(locale string) []string {
	tag, err := language.Raw.Parse(locale)
	if err != nil {
		return nil
	}
	base, script, region := tag.Raw()
	if script.String() == "Zzzz" || region.String() != "ZZ" || len(tag.Variants()) > 0 || len(tag.Extensions()) > 0 {
		return nil
	}
	bare := language.Raw.Make(base.String())
	if usual, _ := bare.Script(); usual == script {
		return []string{bare.String()}
	}
	var out []string
	for _, r := range language.Supported.Regions() {
		there, err := language.Raw.Compose(base, r)
		if err != nil {
			continue
		}
		if usual, _ := there.Script(); usual == script {
			out = append(out, there.String())
		}
	}
	return out
}

// parent drops the last subtag, and a single letter that introduced it (RFC 4647 §3.4).
func parent(tag string) string {
	for i := len(tag) - 1; i > 0; i-- {
		if tag[i] != '-' && tag[i] != '_' {
			continue
		}
		if i >= 2 && (tag[i-2] == '-' || tag[i-2] == '_') {
			i -= 2
		}
		return tag[:i]
	}
	return ""
}

// sameTag compares language tags, which know no case; "pt_BR" is taken for "pt-BR".
func sameTag(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if foldTag(a[i]) != foldTag(b[i]) {
			return false
		}
	}
	return true
}

func foldTag(c byte) byte {
	switch {
	case c >= 'A' && c <= 'Z':
		return c + 'a' - 'A'
	case c == '_':
		return '-'
	default:
		return c
	}
}

// languageOf is the first subtag.
func languageOf(tag string) string {
	for i := range len(tag) {
		if tag[i] == '-' || tag[i] == '_' {
			return tag[:i]
		}
	}
	return tag
}

// wording decides how numbers and dates look in a text written in `written` for a customer of
// `theirs`: as the customer is used to (en-GB for a text in en), unless that is another language.
func wording(written, theirs string) string {
	if written == "" || sameTag(languageOf(written), languageOf(theirs)) {
		return theirs
	}
	return written
}
