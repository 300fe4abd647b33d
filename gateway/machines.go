package gateway

import (
	"bytes"
	"context"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// autoReply notes what a machine answered (out of office) or asked (a challenge) with the message that it is about, and in
// the thread if there is one. It opens no thread and none again, is no feedback, and nobody answers it (RFC 3834).
func (g *Gateway) autoReply(ctx context.Context, s *store.Store, u *arrival, w *writer, f found) error {
	in := u.Message
	t, err := g.threadOf(ctx, s, f)
	if err == nil && t.ID == 0 && w.address.ID != 0 {
		if t, err = s.OpenThread(ctx, w.address.ID); rapport.CodeOf(err) == rapport.CodeNotFound {
			err = nil
		}
	}
	if err != nil {
		return err
	}
	if f.message == nil && t.ID == 0 {
		return g.stray(ctx, s, u, w.value, "unknown_message")
	}
	file := rapport.ID(0)
	if t.ID != 0 {
		if w.owner, err = addressOf(ctx, s, t.Address); err != nil {
			return err
		}
		w.owner.Customer = t.Customer // also when the address is gone
		w.guest = w.value != "" && rapport.AddressKey(in.Channel, w.value) != rapport.AddressKey(w.owner.Channel, w.owner.Value)
		if w.guest && f.message != nil {
			if _, w.aside, err = asideIn(ctx, s, *f.message); err != nil {
				return err
			}
		}
		e, err := g.entryOf(ctx, s, u, w, t, f)
		if err == nil {
			e.Meta, err = metaOf(in, w, noCommand, false)
		}
		if err == nil {
			err = s.AddEntry(ctx, e)
		}
		if err != nil {
			return err
		}
		file = e.Original
	} else if file, err = u.original.keep(ctx, s); err != nil {
		return err
	}
	if f.message == nil {
		return nil
	}
	kind := rapport.ReceiptAutoReply
	if in.Auto == channels.AutoChallenge {
		kind = rapport.ReceiptChallenge
	}
	_, _, err = s.ApplyReceipt(ctx, g.Worker(), f.message.ID, u.from.Name, store.ReceiptRow{Kind: kind, Reason: f.by, Detail: in.Subject, At: u.At, Original: file})
	return err
}

// autoAnswerEvery is how often an automatic answer may go to one address (RFC 3834 §2, with a day for the week that it
// calls a good choice).
const autoAnswerEvery = 24 * time.Hour

// mayAutoAnswer tells whether a machine of ours may answer a message with something of a kind, and takes the turn if so:
// whatever is sent without a person asks here first, in the transaction that stores the answer. Never answered are
// machines, lists, whoever has no address, and ourselves. By mail nobody gets two answers in a day, which ends every loop
// whatever the other side calls itself; elsewhere not two of a kind, because STOP must be confirmed also after HELP. Stops and
// starts are confirmed in turns, a few a day: told counts them.
func (g *Gateway) mayAutoAnswer(ctx context.Context, s *store.Store, in *channels.Incoming, to rapport.Address, kind string) (bool, error) {
	if in.Auto != "" || to.ID == 0 {
		return false, nil
	}
	if in.Channel == rapport.Email && (g.ours(in.From) || machineMade(in.Raw)) {
		return false, nil
	}
	if a := automatic(kind); a == stopped || a == started {
		return true, nil
	}
	if in.Channel == rapport.Email {
		kind = ""
	}
	return s.TakeAutoAnswer(ctx, to.ID, kind, g.now().Add(-autoAnswerEvery))
}

// noAnswer are the fields that keep other machines from answering a mail of ours that no person wrote: RFC 3834 §5, and
// https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxcmail for the second.
var noAnswer = []channels.Header{{Name: "Auto-Submitted", Value: "auto-replied"}, {Name: "X-Auto-Response-Suppress", Value: "All"}}

// mostHeader is how much of a mail is looked through for its header.
const mostHeader = 128 << 10

// machineMade tells whether the header of a mail says that no person waits for an answer: RFC 3834 §2, and what mailing
// lists and Exchange say of themselves.
func machineMade(raw []byte) bool {
	head := raw[:min(len(raw), mostHeader)]
	for len(head) > 0 {
		line, rest, _ := bytes.Cut(head, []byte("\n"))
		head = rest
		line = bytes.TrimRight(line, "\r")
		if len(line) == 0 {
			return false
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || len(name) == 0 || name[0] == ' ' || name[0] == '\t' {
			continue
		}
		key := textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(string(name)))
		said := strings.ToLower(strings.TrimSpace(string(value)))
		switch key {
		case "Auto-Submitted":
			word, _, _ := strings.Cut(said, ";")
			if strings.TrimSpace(word) != "no" {
				return true
			}
		case "Precedence", "X-Precedence":
			if slices.Contains([]string{"bulk", "junk", "list", "auto_reply"}, said) {
				return true
			}
		case "Return-Path":
			if said == "<>" {
				return true
			}
		case "X-Auto-Response-Suppress":
			if said != "" && said != "none" {
				return true
			}
		case "X-Loop", "X-Autoreply", "X-Autorespond", "X-Autoresponse":
			return true
		default:
			if strings.HasPrefix(key, "List-") {
				return true
			}
		}
	}
	return false
}

// ours tells whether an email address is one that we send from or take answers at.
func (g *Gateway) ours(address string) bool {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return false
	}
	for _, p := range g.Hub.All() {
		e := p.Entry()
		if e.Channel != rapport.Email {
			continue
		}
		for _, key := range []string{"reply_domain", "envelope_domain"} {
			if domain, _ := e.Settings[key].(string); domain != "" && strings.EqualFold(domain, address[at+1:]) {
				return true
			}
		}
		if slices.ContainsFunc(mailboxes(e.Settings), func(box string) bool { return strings.EqualFold(box, address) }) {
			return true
		}
		from, _ := e.Settings["from"].(string)
		if i := strings.LastIndexByte(from, '<'); i >= 0 {
			from = strings.TrimSuffix(strings.TrimSpace(from[i+1:]), ">")
		}
		if from != "" && strings.EqualFold(strings.TrimSpace(from), address) {
			return true
		}
	}
	return false
}

// mailboxes are those that an email provider's settings list as ours (inbound.addresses: one text, or a list of them).
func mailboxes(of channels.Settings) (out []string) {
	inbound, _ := of["inbound"].(map[string]any)
	add := func(v any) {
		if text, ok := v.(string); ok {
			out = append(out, strings.TrimSpace(text))
		}
	}
	switch list := inbound["addresses"].(type) {
	case []any:
		for _, v := range list {
			add(v)
		}
	case []string:
		return list
	default:
		add(list)
	}
	return out
}
