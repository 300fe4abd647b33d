package gateway

import (
	"encoding/json"
	"strings"

	"rapport"
	"rapport/channels"
)

// asks is what a message asks for of itself. It is about the writer's own address, also in somebody else's conversation. One
// who may be somebody else can stop what we send, and no more.
func (w *writer) asks(in *channels.Incoming) command {
	asked := askedBy(in)
	if doubted(in) && asked != stopIt {
		return noCommand
	}
	return asked
}

// doubted tells whether the receiving server doubts that a mail is from the address it names: one that fails DMARC may be
// from anybody (RFC 7489).
func doubted(in *channels.Incoming) bool { return in.Checks["dmarc"] == "fail" }

// isBare tells whether a message that asks for something says nothing else, so that once it is obeyed nobody needs to look
// at it. Where that is not plain a person does: beside a file, behind Telegram's own /stop, and in a mail of its own accord
// whose subject speaks of something.
func isBare(in *channels.Incoming, f found) bool {
	for _, a := range in.Attachments {
		if in.Channel != rapport.Email || a.ContentID == "" { // the logo of a signature says nothing
			return false
		}
	}
	switch {
	case in.Album != "" || in.OwnPhone != "":
		return false
	case in.Button != "" || in.Answered: // the provider has read and answered it as a command
		return true
	case in.Channel == rapport.Email:
		return f.by != "" || in.Subject == "" || commandIn(rapport.Email, in.Subject) != noCommand
	}
	words := wordsOf(in)
	if (in.OptOut || in.OptIn) && strings.HasPrefix(words, "/") {
		_, words, _ = strings.Cut(words, " ") // the bot's name may stand in the command
	}
	return strings.TrimSpace(words) == "" || commandIn(in.Channel, words) != noCommand
}

// isCommand tells whether an entry is nothing but a command, which was obeyed.
func isCommand(e rapport.Entry) bool {
	var said struct{ Command command }
	return json.Unmarshal(e.Meta, &said) == nil && said.Command != noCommand
}
