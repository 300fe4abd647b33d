// Package all lists the providers of this build.
package all

import (
	"rapport/channels"
	"rapport/channels/email"
	"rapport/channels/sandbox"
	"rapport/channels/telegram"
	"rapport/channels/twilio"
	"rapport/channels/webhook"
)

// Drivers are all of them; box is where the sandbox keeps what it is sent.
func Drivers(box sandbox.Box) []channels.Driver {
	return []channels.Driver{
		email.Driver,
		twilio.Driver,
		telegram.Driver,
		webhook.Driver,
		sandbox.Driver(box),
	}
}
