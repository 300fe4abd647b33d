package channels

import "rapport/internal/maildns"

// MailSender is implemented by a Conn that sends mail in the name of a domain.
type MailSender interface {
	MailSender() maildns.Sender
}

// MailSender tells which domains the provider uses, if it sends mail.
func (p *Provider) MailSender() (maildns.Sender, bool) {
	s, ok := p.link.conn.(MailSender)
	if !ok {
		return maildns.Sender{}, false
	}
	return s.MailSender(), true
}
