package templates

import (
	"fmt"
	"html"
	"strings"
)

// asDocument makes a document of a fragment. Nothing is put on lines of its own, so that the lines of an
// error are the author's.
func asDocument(src, locale string) string {
	for _, t := range scan(src) {
		if t.kind == startToken && (t.name == "html" || t.name == "body") {
			return src
		}
	}
	lang := ""
	if locale != "" {
		lang = ` lang="` + html.EscapeString(locale) + `"`
	}
	return `<!doctype html><html` + lang + `><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"></head><body>` + src + `</body></html>`
}

// withPreheader puts the line that an inbox shows beside the subject at the top of the body, unseen in the
// mail itself. The invisible characters after it keep the inbox from filling the line up with the
// beginning of the mail.
func withPreheader(src, preheader string) string {
	if preheader == "" {
		return src
	}
	var b strings.Builder
	b.WriteString(`<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px;mso-hide:all">`)
	for i := 0; i < len(preheader); {
		if isLiquid(preheader, i) {
			end := liquidEnd(preheader, i)
			b.WriteString(preheader[i:end])
			i = end
			continue
		}
		end := i + 1
		for end < len(preheader) && !isLiquid(preheader, end) {
			end++
		}
		b.WriteString(html.EscapeString(preheader[i:end]))
		i = end
	}
	b.WriteString(strings.Repeat("&nbsp;&zwnj;", 60) + `</div>`)
	at := bodyStart(src)
	return src[:at] + b.String() + src[at:]
}

func bodyStart(src string) int {
	at := 0
	for _, t := range scan(src) {
		switch {
		case t.kind == startToken && t.name == "body":
			return t.end
		case t.kind == startToken && t.name == "html", t.kind == endToken && t.name == "head":
			at = t.end
		}
	}
	return at
}

// bodyEnd is where something can be added below all else.
func bodyEnd(src string) int {
	at := len(src)
	for _, t := range scan(src) {
		if t.kind == endToken && (t.name == "body" || t.name == "html" && at == len(src)) {
			at = t.start
		}
	}
	return at
}

// withFooter adds what the law asks of a marketing mail (CAN-SPAM, 15 U.S.C. §7704(a)(5)) to one whose
// author left it out: who writes, from which postal address, and how to stop it.
func withFooter(src, locale string) string {
	stop, choose := footerWords(locale)
	at := bodyEnd(src)
	return src[:at] + fmt.Sprintf(`<div style="margin:32px auto 0;padding:16px;max-width:600px;font-family:Arial,sans-serif;font-size:12px;line-height:18px;color:#767676;text-align:center">`+
		`{%% if company.name != blank %%}{{ company.name }}{%% endif %%}{%% if company.postal_address != blank %%} &middot; {{ company.postal_address }}{%% endif %%}<br>`+
		`{%% if unsubscribe_url != blank %%}<a href="{{ unsubscribe_url }}" style="color:#767676;text-decoration:underline">%s</a>{%% endif %%}`+
		`{%% if preferences_url != blank %%} &middot; <a href="{{ preferences_url }}" style="color:#767676;text-decoration:underline">%s</a>{%% endif %%}</div>`, stop, choose) + src[at:]
}

func withTextFooter(src, locale string) string {
	stop, choose := footerWords(locale)
	return src + fmt.Sprintf("\n\n-- \n{%% if company.name != blank %%}{{ company.name }}\n{%% endif %%}{%% if company.postal_address != blank %%}{{ company.postal_address }}\n{%% endif %%}"+
		"{%% if unsubscribe_url != blank %%}%s: {{ unsubscribe_url }}\n{%% endif %%}{%% if preferences_url != blank %%}%s: {{ preferences_url }}\n{%% endif %%}", stop, choose)
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
