package channels

import "strings"

// tidy makes what came in fit for a text column: valid UTF-8 without NUL, which no person sees and PostgreSQL refuses. An
// update that is refused would come again for ever.
func tidy(updates []Update) []Update {
	for i := range updates {
		m := updates[i].Message
		if m == nil {
			continue
		}
		for _, s := range []*string{&m.From, &m.FromName, &m.To, &m.ProviderID, &m.Subject, &m.Text, &m.Quoted, &m.Signature, &m.HTML, &m.Locale, &m.Button, &m.Start, &m.EditOf, &m.Album, &m.OwnPhone} {
			*s = fit(*s)
		}
		for _, list := range [][]string{m.Tokens, m.InReplyTo, m.References} {
			for j := range list {
				list[j] = fit(list[j])
			}
		}
		for j := range m.Others {
			m.Others[j] = Person{fit(m.Others[j].Name), fit(m.Others[j].Address)}
		}
		for j := range m.Attachments {
			m.Attachments[j].Name, m.Attachments[j].ContentType = fit(m.Attachments[j].Name), fit(m.Attachments[j].ContentType)
		}
	}
	return updates
}

func fit(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}
