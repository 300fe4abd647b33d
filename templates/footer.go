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

	// settle makes the same without conditions for what it is first given, which is the same for all mails of a process:
	// they cost as much as the rest of such a text. nil: the texts have tags of their own.
	settle  func(given) *footer
	once    sync.Once
	first   given
	settled *footer // nil: for nobody
}

// given is what decides how a footer reads.
type given struct {
	company      Company
	stop, choose bool // there are such links
}

// as returns f, or the same made for what is given.
func (f *footer) as(in *Input) *footer {
	if f.settle == nil {
		return f
	}
	g := given{in.Company, in.URLs.Unsubscribe != "", in.URLs.Preferences != ""}
	f.once.Do(func() { f.first, f.settled = g, f.settle(g) })
	if f.settled == nil || f.first != g {
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
	below := func(l *loader, textFooter, htmlFooter string, branches bool, key string) *footer {
		f := &footer{text: v.text, html: v.html, tracked: v.tracked, plain: newShapes(key, branches), following: newShapes(key+"/tracked", branches)}
		if text {
			f.text = l.parse(c.Text+textFooter, textOptions)
		}
		if html {
			at := bodyEnd(c.HTML)
			src := c.HTML[:at] + htmlFooter + c.HTML[at:]
			f.html, f.tracked = l.parse(src, htmlOptions), l.parse(marked(src), htmlOptions)
		}
		return f
	}
	words, markup := footers(c.Locale)
	f := below(l, words, markup, true, key)
	if !branches {
		f.settle = func(g given) *footer {
			own := loader{reads: &Reads{}}
			settled := below(&own, g.settle(words, textOptions), g.settle(markup, htmlOptions), false, fmt.Sprintf("%s %v", key, g))
			if own.err != nil || strings.Contains(g.company.Name+g.company.PostalAddress, "{") { // which could read as Liquid
				return nil
			}
			return settled
		}
	}
	return f
}

// settle takes the conditions out of a footer.
func (g given) settle(src string, o liquid.Options) string {
	for _, x := range []struct {
		name, value string // no value: it stays Liquid
		holds       bool
	}{
		{"company.name", g.company.Name, strings.TrimSpace(g.company.Name) != ""},
		{"company.postal_address", g.company.PostalAddress, strings.TrimSpace(g.company.PostalAddress) != ""},
		{"unsubscribe_url", "", g.stop},
		{"preferences_url", "", g.choose},
	} {
		before, rest, _ := strings.Cut(src, "{% if "+x.name+" != blank %}")
		inner, after, _ := strings.Cut(rest, "{% endif %}")
		if !x.holds {
			inner = ""
		}
		if x.value != "" {
			inner = strings.ReplaceAll(inner, "{{ "+x.name+" }}", printed(x.value, o))
		}
		src = before + inner + after
	}
	return src
}

// printed is how a value comes out in a text.
func printed(value string, o liquid.Options) string {
	t, err := liquid.Parse("{{ value }}", o)
	if err != nil {
		return value // cannot be
	}
	out, _ := t.Render(map[string]any{"value": value}, liquid.Run{})
	return out
}

// footers are the two in the words of a language.
func footers(locale string) (text, html string) {
	stop, choose := footerWords(locale)
	text = fmt.Sprintf("\n\n-- \n{%% if company.name != blank %%}{{ company.name }}\n{%% endif %%}{%% if company.postal_address != blank %%}{{ company.postal_address }}\n{%% endif %%}"+
		"{%% if unsubscribe_url != blank %%}%s: {{ unsubscribe_url }}\n{%% endif %%}{%% if preferences_url != blank %%}%s: {{ preferences_url }}\n{%% endif %%}", stop, choose)
	html = fmt.Sprintf(`<div style="margin:32px auto 0;padding:16px;max-width:600px;font-family:Arial,sans-serif;font-size:12px;line-height:18px;color:#767676;text-align:center">`+
		`{%% if company.name != blank %%}{{ company.name }}{%% endif %%}{%% if company.postal_address != blank %%} &middot; {{ company.postal_address }}{%% endif %%}<br>`+
		`{%% if unsubscribe_url != blank %%}<a href="{{ unsubscribe_url }}" style="color:#767676;text-decoration:underline">%s</a>{%% endif %%}`+
		`{%% if preferences_url != blank %%} &middot; <a href="{{ preferences_url }}" style="color:#767676;text-decoration:underline">%s</a>{%% endif %%}</div>`, stop, choose)
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
