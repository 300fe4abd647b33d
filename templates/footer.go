package templates

import (
	"fmt"
	"strings"
	"sync"

	"rapport/templates/liquid"
)

// footer is what the law asks of a marketing mail (CAN-SPAM, 15 U.S.C. §7704(a)(5)), for one whose author left it out:
// who writes, from which postal address, and how to stop it. It is the variant's texts again, with that below them.
type footer struct {
	text, html, tracked *liquid.Template
	plain, following    shapes

	// settle makes the same without conditions for what a message is first given, which is the same for all mails of a
	// process: they cost as much as the rest of such a text. nil: the texts have tags of their own.
	settle  func(given) *footer
	once    sync.Once
	first   given
	settled *footer
}

// given tells which of a footer's variables are not blank: the company's name and address, the links that stop and choose.
type given [4]bool

func (in *Input) given() given {
	return given{strings.TrimSpace(in.Company.Name) != "", strings.TrimSpace(in.Company.PostalAddress) != "", in.URLs.Unsubscribe != "", in.URLs.Preferences != ""}
}

// as returns f, or the same made for what is given.
func (f *footer) as(in *Input) *footer {
	if f.settle == nil {
		return f
	}
	g := in.given()
	f.once.Do(func() { f.first, f.settled = g, f.settle(g) })
	if f.first != g || f.settled == nil {
		return f
	}
	return f.settled
}

// footer returns nil when both texts of the author's hold an unsubscribe link.
func (l *loader) footer(key string, c *CompiledVariant, v *variant, branches bool) *footer {
	text, html := v.text != nil && !reads(v.text, "unsubscribe_url"), v.html != nil && !reads(v.html, "unsubscribe_url")
	if !text && !html {
		return nil
	}
	key += "/footer"
	below := func(l *loader, key string, g *given, branches bool) *footer {
		words, markup := footers(c.Locale, g)
		f := &footer{text: v.text, html: v.html, tracked: v.tracked, plain: newShapes(key, branches), following: newShapes(key+"/tracked", branches)}
		if text {
			f.text = l.parse(c.Text+words, textOptions)
		}
		if html {
			at := bodyEnd(c.HTML)
			src := c.HTML[:at] + markup + c.HTML[at:]
			f.html, f.tracked = l.parse(src, htmlOptions), l.parse(marked(src), htmlOptions)
		}
		return f
	}
	f := below(l, key, nil, true)
	if !branches {
		f.settle = func(g given) *footer {
			own := loader{reads: &Reads{}}
			settled := below(&own, fmt.Sprintf("%s %v", key, g), &g, false)
			if own.err != nil {
				return nil
			}
			return settled
		}
	}
	return f
}

// footers are the two in the words of a language: for what is given, or for nil with conditions about it.
func footers(locale string, g *given) (text, html string) {
	part := func(i int, variable, inner string) string {
		switch {
		case g == nil:
			return "{% if " + variable + " != blank %}" + inner + "{% endif %}"
		case g[i]:
			return inner
		}
		return ""
	}
	stop, choose := footerWords(locale)
	text = "\n\n-- \n" + part(0, "company.name", "{{ company.name }}\n") + part(1, "company.postal_address", "{{ company.postal_address }}\n") +
		part(2, "unsubscribe_url", stop+": {{ unsubscribe_url }}\n") + part(3, "preferences_url", choose+": {{ preferences_url }}\n")
	const link = `<a href="{{ %s }}" style="color:#767676;text-decoration:underline">%s</a>`
	html = `<div style="margin:32px auto 0;padding:16px;max-width:600px;font-family:Arial,sans-serif;font-size:12px;line-height:18px;color:#767676;text-align:center">` +
		part(0, "company.name", "{{ company.name }}") + part(1, "company.postal_address", " &middot; {{ company.postal_address }}") + "<br>" +
		part(2, "unsubscribe_url", fmt.Sprintf(link, "unsubscribe_url", stop)) + part(3, "preferences_url", " &middot; "+fmt.Sprintf(link, "preferences_url", choose)) + "</div>"
	return text, html
}

// footerWords are "Unsubscribe" and "Preferences".
func footerWords(locale string) (stop, choose string) {
	switch strings.ToLower(languageOf(locale)) {
	case "ru":
		return "Отписаться", "Настройки рассылки"
	case "uk":
		return "Відписатися", "Налаштування розсилки"
	case "de":
		return "Abmelden", "Einstellungen"
	case "fr":
		return "Se désabonner", "Préférences"
	case "es":
		return "Darse de baja", "Preferencias"
	case "pt":
		return "Cancelar inscrição", "Preferências"
	case "it":
		return "Annulla iscrizione", "Preferenze"
	case "nl":
		return "Afmelden", "Voorkeuren"
	case "pl":
		return "Wypisz się", "Preferencje"
	case "lv":
		return "Atteikties", "Iestatījumi"
	default:
		return "Unsubscribe", "Preferences"
	}
}
