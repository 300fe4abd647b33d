package main

import (
	"rapport/channels"
	"rapport/channels/email/incoming"
)

// readMail is how the gateway shows a mail as it came: see gateway.MailReader.
func readMail(raw []byte) (string, []channels.Attachment, error) {
	m, err := incoming.Read(raw)
	if err != nil {
		return "", nil, err
	}
	return m.HTML, m.Attachments, nil
}
