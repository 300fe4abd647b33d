package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/channels/sandbox"
	"rapport/store"
)

// Box keeps what the sandbox sent in the database, so that any process can show it, and lets the
// provider's side of the conversation happen: delivery receipts, bounces, answers. Keeps that gather are
// written as one transaction.
type Box struct {
	st       *store.Store
	keep     chan kept
	receipts chan *sandbox.Sent
	modes    *memo[string, sandbox.Behaviour]
}

type kept struct {
	sent *sandbox.Sent
	done chan error
}

// NewBox prepares a box; Run does its work.
func NewBox(st *store.Store) *Box {
	b := &Box{st: st, keep: make(chan kept, 1024), receipts: make(chan *sandbox.Sent, 4096)}
	b.modes = newMemo(10_000, time.Second, b.behaviour)
	return b
}

// Run writes until ctx ends. feed takes the receipts that follow.
func (b *Box) Run(ctx context.Context, g *Gateway) {
	go b.feed(ctx, g)
	for {
		select {
		case first := <-b.keep:
			group := []kept{first}
		more:
			for len(group) < 256 {
				select {
				case k := <-b.keep:
					group = append(group, k)
				default:
					break more
				}
			}
			err := b.write(ctx, group)
			for _, k := range group {
				k.done <- err
				if _, follows := sandbox.Receipt(*k.sent); follows && err == nil {
					select {
					case b.receipts <- k.sent:
					case <-ctx.Done():
					}
				}
			}
		case <-ctx.Done():
			return
		}
	}
}

func (b *Box) write(ctx context.Context, group []kept) error {
	rows := make([]store.SandboxSent, len(group))
	ids := make([]rapport.ID, len(group))
	for i, k := range group {
		id, err := rapport.KindMessage.Parse(k.sent.MessageID)
		if err != nil {
			return err
		}
		raw, err := json.Marshal(k.sent)
		if err != nil {
			return err
		}
		ids[i] = id
		rows[i] = store.SandboxSent{Channel: k.sent.Channel, Address: k.sent.To, Message: id, Content: raw, CreatedAt: k.sent.At}
	}
	of, err := b.st.CampaignsOf(ctx, ids)
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].Campaign = of[rows[i].Message]
	}
	return b.st.KeepSandbox(ctx, rows)
}

// feed reports what became of kept messages, as a provider would, a moment later.
func (b *Box) feed(ctx context.Context, g *Gateway) {
	for {
		select {
		case s := <-b.receipts:
			by := map[string][]channels.Update{}
			add := func(s *sandbox.Sent) {
				if u, ok := sandbox.Receipt(*s); ok {
					if id, err := rapport.KindMessage.Parse(s.MessageID); err == nil {
						u.Receipt.MessageID = id
					}
					by[s.Provider] = append(by[s.Provider], u)
				}
			}
			add(s)
			time.Sleep(50 * time.Millisecond)
		more:
			for n := 1; n < 200; n++ {
				select {
				case s := <-b.receipts:
					add(s)
				default:
					break more
				}
			}
			for name, updates := range by {
				if p, ok := g.Hub.Provider(name); ok {
					if err := g.Ingest(ctx, p.Entry(), updates, nil); err != nil && ctx.Err() == nil {
						g.Log.Warn("the sandbox's receipts were not stored", "error", err)
					}
				}
			}
		case <-ctx.Done():
			return
		}
	}
}

// Keep implements sandbox.Box.
func (b *Box) Keep(ctx context.Context, s sandbox.Sent) error {
	k := kept{&s, make(chan error, 1)}
	select {
	case b.keep <- k:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-k.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Find implements sandbox.Box.
func (b *Box) Find(ctx context.Context, messageID string) (s sandbox.Sent, ok bool, err error) {
	id, err := rapport.KindMessage.Parse(messageID)
	if err != nil {
		return s, false, nil //nolint:nilerr // what is no id names no message
	}
	rows, _, err := b.st.Outbox(ctx, store.OutboxFilter{Message: id, Page: store.Page{Limit: 1}})
	if err != nil || len(rows) == 0 {
		return s, false, err
	}
	return s, true, json.Unmarshal(rows[0].Content, &s)
}

// Behaviour implements sandbox.Box: looked up at most once a second for each address.
func (b *Box) Behaviour(ctx context.Context, ch rapport.Channel, address string) (sandbox.Behaviour, error) {
	return b.modes.get(ctx, string(ch)+"\x00"+address)
}

func (b *Box) behaviour(ctx context.Context, key string) (sandbox.Behaviour, error) {
	ch, address, _ := strings.Cut(key, "\x00")
	m, err := b.st.Behaviour(ctx, rapport.Channel(ch), address)
	return sandbox.Behaviour{Mode: sandbox.Mode(m.Mode), DelayMS: int(m.Delay.Milliseconds()), Channelwide: m.Address == ""}, err
}

// SandboxReplyInput is what a person does in the simulator.
type SandboxReplyInput struct {
	Channel     rapport.Channel `json:"channel"`
	Address     string          `json:"address" maxLength:"2000"`
	Text        string          `json:"text,omitempty" maxLength:"20000" doc:"On Telegram also /start, with its token, and /stop."`
	HTML        string          `json:"html,omitempty" maxLength:"200000" doc:"Of an email: the same as its program drew it."`
	Button      string          `json:"button,omitempty" maxLength:"64" doc:"Data of a pressed button."`
	InReplyTo   string          `json:"in_reply_to,omitempty" doc:"Message that is answered, msg_...; empty: the newest one."`
	Name        string          `json:"name,omitempty" maxLength:"200" doc:"Under which the person writes."`
	Locale      string          `json:"locale,omitempty" maxLength:"35" doc:"The person's language, as far as the channel tells it."`
	Attachments []string        `json:"attachments,omitempty" maxItems:"10" doc:"Files that the person sends, fil_..."`
	Album       string          `json:"album,omitempty" maxLength:"64" doc:"Messages of one album are one entry."`
	Edits       string          `json:"edits,omitempty" maxLength:"40" doc:"The person's own earlier message that this one replaces, ent_..."`
	Contact     string          `json:"contact,omitempty" maxLength:"32" doc:"The person's own phone number, shared with Telegram's button."`
	Blocks      *bool           `json:"blocks,omitempty" doc:"Alone: true blocks us, false lets us write again."`
}

// SandboxReply lets the person at an address answer. The entry is where their words stand now; it is zero for what leaves no
// words of its own (a block, a picture of an album that is there already).
func (g *Gateway) SandboxReply(ctx context.Context, in SandboxReplyInput) (e rapport.Entry, err error) {
	if !rapport.ValidChannel(in.Channel) {
		return e, rapport.Invalid("channel", "must be one of %v", rapport.Channels)
	}
	value, wrong := rapport.NormalizeAddress(in.Channel, in.Address)
	if wrong != nil {
		return e, rapport.Invalid("address", "%s", wrong.Message)
	}
	seen, err := g.sandboxSeen(ctx, in, value)
	if err != nil {
		return e, err
	}
	u, err := g.sandboxUpdate(ctx, in, value, seen)
	if err != nil {
		return e, err
	}
	from, err := g.sandboxDoor(in.Channel, seen.Provider)
	if err != nil {
		return e, err
	}
	if err := g.Ingest(ctx, from, []channels.Update{u}, nil); err != nil || u.Message == nil {
		return e, err
	}
	e, err = g.Store.EntryByProvider(ctx, from.Name, cmp.Or(u.Message.EditOf, u.Message.ProviderID))
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		return rapport.Entry{}, nil
	}
	return e, err
}

// sandboxSeen is the message that is answered, else the newest that the person has; the zero value if there is none.
func (g *Gateway) sandboxSeen(ctx context.Context, in SandboxReplyInput, address string) (s sandbox.Sent, err error) {
	f := store.OutboxFilter{Channel: in.Channel, Address: address, Page: store.Page{Limit: 1}}
	if in.InReplyTo != "" {
		if f.Message, err = rapport.KindMessage.Parse(in.InReplyTo); err != nil {
			return s, rapport.Invalid("in_reply_to", "is not a message id (msg_...)")
		}
	}
	rows, _, err := g.Store.Outbox(ctx, f)
	if err != nil || len(rows) == 0 {
		return s, err
	}
	return s, json.Unmarshal(rows[0].Content, &s)
}

// sandboxDoor is the provider that a reply comes in at: the sandbox that sent what is answered, else the channel's own. Another
// one would not know the message, and neither whose campaign it was.
func (g *Gateway) sandboxDoor(ch rapport.Channel, sender string) (e channels.Entry, err error) {
	if p, ok := g.Hub.Provider(sender); ok && p.Entry().Driver == "sandbox" && p.Entry().Channel == ch {
		return p.Entry(), nil
	}
	route := g.Hub.Route(ch, true)
	if len(route) == 0 {
		return e, errors.New("the sandbox has no provider for this channel")
	}
	return route[0].Entry(), nil
}

func (g *Gateway) sandboxUpdate(ctx context.Context, in SandboxReplyInput, from string, seen sandbox.Sent) (u channels.Update, err error) {
	if in.Blocks != nil {
		return sandbox.Changed(in.Channel, from, *in.Blocks), nil
	}
	if in.Text == "" && in.Button == "" && len(in.Attachments) == 0 && in.Contact == "" {
		return u, rapport.Invalid("text", "is required, or a button, a contact or attachments")
	}
	if in.HTML != "" && in.Channel != rapport.Email {
		return u, rapport.Invalid("html", "only mails have it")
	}
	if in.InReplyTo == "" && in.Channel == rapport.Email { // a mail program answers what is on the screen
		in.InReplyTo = seen.MessageID
	}
	u = sandbox.Reply(in.Channel, from, in.Text, in.Button, in.InReplyTo)
	m := u.Message
	m.FromName, m.Locale, m.Album, m.HTML = in.Name, in.Locale, in.Album, in.HTML
	if in.Channel == rapport.Email && seen.Subject != "" {
		m.Subject = "Re: " + strings.TrimPrefix(seen.Subject, "Re: ")
	}
	if in.Contact != "" {
		number, wrong := g.address(rapport.SMS, in.Contact)
		if wrong != nil {
			return u, rapport.Invalid("contact", "%s", wrong.Message)
		}
		m.OwnPhone = number
		if m.Text == "" {
			m.Text = "Contact: " + number
		}
	}
	for i, f := range in.Attachments {
		a, err := g.attachment(f)
		if err != nil {
			return u, rapport.Invalid(fmt.Sprintf("attachments[%d]", i), "there is no such file")
		}
		m.Attachments = append(m.Attachments, a)
	}
	if in.Edits != "" {
		id, err := rapport.KindEntry.Parse(in.Edits)
		if err != nil {
			return u, rapport.Invalid("edits", "is not an entry id (ent_...)")
		}
		e, err := g.Store.Entry(ctx, id)
		if err != nil {
			return u, err
		}
		if e.Kind != rapport.Inbound || e.ProviderID == "" {
			return u, rapport.Invalid("edits", "is not a message of a person")
		}
		m.EditOf = e.ProviderID
	}
	return u, nil
}

// SandboxBehave tells the simulator how to treat a channel or one address.
func (g *Gateway) SandboxBehave(ctx context.Context, ch rapport.Channel, address string, b sandbox.Behaviour) error {
	if !rapport.ValidChannel(ch) {
		return rapport.Invalid("channel", "must be one of %v", rapport.Channels)
	}
	if address != "" {
		value, wrong := rapport.NormalizeAddress(ch, address)
		if wrong != nil {
			return rapport.Invalid("address", "%s", wrong.Message)
		}
		address = value
	}
	if err := b.Check(); err != nil {
		return rapport.Invalid("mode", "%s", err)
	}
	if err := g.Store.SetBehaviour(ctx, store.Behaviour{Channel: ch, Address: address, Mode: string(b.Mode), Delay: time.Duration(b.DelayMS) * time.Millisecond}); err != nil {
		return fmt.Errorf("setting the sandbox's behaviour: %w", err)
	}
	return nil
}
