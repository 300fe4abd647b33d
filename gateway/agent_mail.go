package gateway

import (
	"context"
	"fmt"
	"strings"

	"rapport"
	"rapport/channels"
)

// Mailed is what came of sending a link by e-mail.
type Mailed struct {
	Accepted bool          `json:"accepted" doc:"A provider has taken the mail; whether it arrives is another question. If not, hand the link over yourself."`
	Provider string        `json:"provider" doc:"The one that was asked last."`
	Verdict  channels.Kind `json:"verdict,omitempty" enum:"rejected,address_dead,opted_out,address_moved,throttled,temporary,misconfigured,ambiguous" doc:"Why not. ambiguous: it may have been taken all the same."`
	Detail   string        `json:"detail,omitempty" doc:"What the provider said."`
}

// errNoMail is for who asks for a mail where nothing can send one.
func errNoMail() error {
	return rapport.Invalid("mail", "needs a provider of e-mail, and there is none beside the sandbox")
}

// MailsLinks is nil where a link can go by e-mail. The sandbox reaches nobody, and would keep it.
func (g *Gateway) MailsLinks() error {
	if len(g.mailers()) == 0 {
		return errNoMail()
	}
	return nil
}

func (g *Gateway) mailers() []*channels.Provider {
	var out []*channels.Provider
	for _, p := range g.Hub.Route(rapport.Email, false) {
		if !p.Implicit() && p.Entry().Driver != "sandbox" {
			out = append(out, p)
		}
	}
	return out
}

// MailLink sends an agent the link that by has just made, now: it is no row of the ledger, since a link opens an account
// and stands nowhere but in this mail. Providers are asked in their order until one takes it, or may have. A refusal is no
// error: the link is good all the same.
func (g *Gateway) MailLink(ctx context.Context, by Caller, agent rapport.Agent, kind rapport.PassKind, l Link) (Mailed, error) {
	providers := g.mailers()
	if len(providers) == 0 {
		return Mailed{}, errNoMail()
	}
	if _, err := g.Store.Suppression(ctx, rapport.Email, agent.Email); err == nil {
		return Mailed{Provider: providers[0].Entry().Name, Verdict: channels.OptedOut, Detail: "The address is suppressed: nothing is sent to it."}, nil
	} else if rapport.CodeOf(err) != rapport.CodeNotFound {
		return Mailed{}, err
	}
	// Written down before it is sent, as a test of a provider is; the entry has no link.
	if err := g.Store.Audit(ctx, aboutAgent(by, "agent.link_mailed", agent.ID, "kind", string(kind))); err != nil {
		return Mailed{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	o := g.linkMail(by, agent, kind, l)
	var out Mailed
	for _, p := range providers {
		_, v := p.Send(ctx, o)
		if out = (Mailed{Accepted: v == nil, Provider: p.Entry().Name}); v == nil {
			break
		}
		if out.Verdict, out.Detail = v.Kind, v.Detail; out.Detail == "" && v.Err != nil {
			out.Detail = v.Err.Error()
		}
		_, token, _ := strings.Cut(l.URL, "#token=")
		out.Detail = strings.ReplaceAll(out.Detail, token, "[redacted]") // some relays quote what they refuse
		if v.Kind == channels.Ambiguous {
			break
		}
	}
	return out, nil
}

// linkWords are what the mails say: who asks, until when the link is good, and the link.
type linkWords struct{ subject, text string }

func (g *Gateway) linkMail(by Caller, agent rapport.Agent, kind rapport.PassKind, l Link) *channels.Outgoing {
	locale := agent.Locale
	if locale == "" {
		locale = g.set.DefaultLocale
	}
	house := "Rapport"
	if name := strings.Join(strings.Fields(g.set.Company.Name), " "); name != "" {
		house = name
	}
	w := linkWordsIn(locale, kind)
	id := g.Store.NewID()
	return &channels.Outgoing{ID: id, Attempt: 1, Token: rapport.KindMessage.Format(id), Channel: rapport.Email, Purpose: rapport.Transactional, Locale: locale, To: agent.Email, ToName: agent.Name,
		Subject: channels.Text(fmt.Sprintf(w.subject, house)),
		Text:    channels.Text(fmt.Sprintf(w.text, agent.Name, by.Name, house, l.URL, l.ExpiresAt.UTC().Format("2006-01-02 15:04 UTC")))}
}

// linkWordsIn are the words in the language of a locale: Russian, or else English.
func linkWordsIn(locale string, kind rapport.PassKind) linkWords {
	switch russian := strings.HasPrefix(locale, "ru"); {
	case kind == rapport.PassReset && russian:
		return linkWords{"Новый пароль: %s", "Здравствуйте, %[1]s!\n\n%[2]s просит вас выбрать новый пароль для входа в Rapport (%[3]s). Откройте ссылку; она действует один раз, до %[5]s:\n\n%[4]s\n\nДо этого прежний пароль действует. Если вы этого не ждали, спросите коллег и не открывайте ссылку.\n"}
	case kind == rapport.PassReset:
		return linkWords{"A new password for %s", "Hello %[1]s,\n\n%[2]s asks you to choose a new password for Rapport at %[3]s. Open this link; it is good once, until %[5]s:\n\n%[4]s\n\nUntil then your old password works. If you did not expect this, ask your colleagues and leave the link alone.\n"}
	case russian:
		return linkWords{"Приглашение: %s", "Здравствуйте, %[1]s!\n\n%[2]s приглашает вас в Rapport (%[3]s), где команда отвечает клиентам. Откройте ссылку и выберите пароль; она действует один раз, до %[5]s:\n\n%[4]s\n"}
	}
	return linkWords{"You are invited to %s", "Hello %[1]s,\n\n%[2]s invites you to Rapport at %[3]s, where the team answers its customers. Open this link and choose a password; it is good once, until %[5]s:\n\n%[4]s\n"}
}
