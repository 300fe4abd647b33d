package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"rapport"
	"rapport/store"
)

// DraftInput is what an agent has begun to write.
type DraftInput struct {
	Kind        string          `json:"kind,omitempty" enum:"reply,note" doc:"Default: reply."`
	Text        string          `json:"text,omitempty" maxLength:"100000"`
	HTML        string          `json:"html,omitempty" maxLength:"500000"`
	Channel     rapport.Channel `json:"channel,omitempty" enum:"email,sms,whatsapp,telegram,webhook" doc:"Default: the thread's."`
	Address     string          `json:"address,omitempty" maxLength:"2000" doc:"Which of the customer's. Default: the thread's, else the primary one."`
	Attachments []string        `json:"attachments,omitempty" maxItems:"50" doc:"Files, fil_..."`
	Cc          []string        `json:"cc,omitempty" maxItems:"20" doc:"As far as they are typed."`
	Bcc         []string        `json:"bcc,omitempty" maxItems:"20"`
}

// Draft is one that is kept.
type Draft struct {
	Thread string `json:"thread"`
	Agent  string `json:"agent"`
	DraftInput
	UpdatedAt time.Time `json:"updated_at"`
}

// SaveDraft keeps what an agent has begun to write, in the place of what was there. A reply, or a note, of the same agent deletes it.
func (g *Gateway) SaveDraft(ctx context.Context, thread rapport.ID, agent string, in DraftInput) (Draft, error) {
	v := validation{}
	if agent = agentName(agent); agent == "" {
		v.refuse("agent", "is required")
	}
	v.text("agent", agent, 200)
	if in.Kind == "" {
		in.Kind = "reply"
	}
	if in.Kind != "reply" && in.Kind != "note" {
		v.refuse("kind", "must be reply or note")
	}
	if in.Channel != "" && !rapport.ValidChannel(in.Channel) {
		v.refuse("channel", "must be one of %s", channelList())
	}
	for field, text := range map[string]string{"text": in.Text, "html": in.HTML} {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			v.refuse(field, "holds broken UTF-8 or NUL")
		}
	}
	v.text("address", in.Address, 2000)
	for field, list := range map[string][]string{"cc": in.Cc, "bcc": in.Bcc} {
		for i, address := range list {
			v.text(fmt.Sprintf("%s[%d]", field, i), address, 320)
		}
	}
	if len(v.errs) > 0 {
		return Draft{}, invalid(v.errs)
	}
	if _, _, err := g.attached(in.Attachments); err != nil {
		return Draft{}, err
	}
	content, err := json.Marshal(in)
	if err != nil {
		return Draft{}, err
	}
	var d store.Draft
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		t, err := s.Thread(ctx, thread)
		if err != nil {
			return err
		}
		d = store.Draft{Thread: t.ID, Agent: agent, Content: content}
		return s.SaveDraft(ctx, &d)
	})
	if err != nil {
		return Draft{}, err
	}
	return DraftOf(d)
}

// DropDraft throws an agent's draft away.
func (g *Gateway) DropDraft(ctx context.Context, thread rapport.ID, agent string) error {
	t, err := g.Store.Thread(ctx, thread)
	if err != nil {
		return err
	}
	was, err := g.Store.DropDraft(ctx, t.ID, agent)
	if err == nil && !was {
		err = rapport.NotFound("draft")
	}
	return err
}

// written deletes an agent's draft once what it was to become, a reply or a note, is there.
func written(ctx context.Context, s *store.Store, thread rapport.ID, agent, kind string) error {
	kept, err := s.Draft(ctx, thread, agent)
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	d, err := DraftOf(kept)
	if err != nil || d.Kind != kind {
		return err
	}
	_, err = s.DropDraft(ctx, thread, agent)
	return err
}

// DraftOf reads what the store keeps.
func DraftOf(d store.Draft) (Draft, error) {
	out := Draft{Thread: rapport.KindThread.Format(d.Thread), Agent: d.Agent, UpdatedAt: d.UpdatedAt}
	return out, json.Unmarshal(d.Content, &out.DraftInput)
}
