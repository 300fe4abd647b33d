package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/gateway"
	"rapport/store"
	"rapport/templates"
)

// demo is a small plant shop: its topics, customers with their consents, orders, and what some of them
// answered to its last campaign. Names are invented; addresses are of domains and number ranges that are
// reserved for examples, and go to nobody.
//
//go:embed demo/*.json
var demo embed.FS

// seed fills an empty database with the demo's data, through the verbs that the API uses. It takes a few
// seconds, because its campaign is really sent, into the sandbox.
func (a *App) seed(ctx context.Context) error {
	customers, _, err := a.Store.CountCustomers(ctx)
	if err != nil || customers > 0 {
		return err
	}
	saved, _, err := a.Store.Templates(ctx, false, store.Page{Limit: 1})
	if err != nil || len(saved) > 0 {
		return err
	}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"topics", a.seedTopics}, {"templates", a.seedTemplates}, {"customers", a.seedCustomers}, {"orders", a.seedOrders}, {"the campaign", a.seedCampaign},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

func demoFile[T any](name string) (v T, err error) {
	raw, err := demo.ReadFile("demo/" + name)
	if err != nil {
		return v, err
	}
	return v, gateway.Decode(raw, name, &v)
}

func (a *App) seedTopics(ctx context.Context) error {
	topics, err := demoFile[map[string]gateway.TopicInput]("topics.json")
	for _, key := range slices.Sorted(maps.Keys(topics)) {
		if _, err = a.Gateway.PutTopic(ctx, operator(), key, topics[key]); err != nil {
			return err
		}
	}
	return err
}

func (a *App) seedTemplates(ctx context.Context) error {
	all, err := templates.Starters()
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if _, _, _, err = a.Gateway.SaveTemplate(ctx, operator(), key, all[key]); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return err
}

func (a *App) seedCustomers(ctx context.Context) error {
	customers, err := demoFile[[]gateway.CustomerInput]("customers.json")
	for i, c := range customers {
		for j := range c.Consents {
			c.Consents[j].At = a.Store.Now().AddDate(0, 0, -30-3*i)
		}
		if _, _, err = a.Gateway.Upsert(ctx, "ext:"+c.ExternalID, c); err != nil {
			return err
		}
	}
	return err
}

func (a *App) seedOrders(ctx context.Context) error {
	orders, err := demoFile[[]struct {
		ID       string          `json:"id"`
		Customer string          `json:"customer"`
		DaysAgo  int             `json:"days_ago"`
		Order    json.RawMessage `json:"order"`
	}]("orders.json")
	if err != nil {
		return err
	}
	events := make([]gateway.EventInput, len(orders))
	for i, o := range orders {
		at := a.Store.Now().AddDate(0, 0, -o.DaysAgo)
		events[i] = gateway.EventInput{ID: o.ID, Type: "order", Customer: o.Customer, OccurredAt: &at, Properties: o.Order}
	}
	body, err := json.Marshal(events)
	if err != nil {
		return err
	}
	_, _, err = a.Gateway.AddEvents(ctx, bytes.NewReader(body), "")
	return err
}

// seedCampaign sends a promotion to everybody through the sandbox, waits for its end and lets some of the
// customers answer.
func (a *App) seedCampaign(ctx context.Context) error {
	body, err := json.Marshal(map[string]any{
		"name": "Autumn sale", "purpose": "marketing", "template": "promotion", "audience": map[string]any{"everyone": true},
		"data":     map[string]any{"percent": 20, "code": "FERN20", "until": a.Store.Now().AddDate(0, 0, 10).Format(time.DateOnly), "url": "https://shop.example.com/sale"},
		"settings": map[string]any{"sandbox": true},
	})
	if err != nil {
		return err
	}
	c, _, err := a.Gateway.SubmitCampaign(ctx, operator(), bytes.NewReader(body), nil)
	if err != nil {
		return err
	}
	for end := time.Now().Add(20 * time.Second); ; {
		now, err := a.Store.Campaign(ctx, c.ID)
		if err != nil {
			return err
		}
		if now.Status == rapport.CampaignFinished {
			break
		}
		if time.Now().After(end) {
			return fmt.Errorf("it is still %s", now.Status)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	replies, err := demoFile[[]demoReply]("replies.json")
	for _, r := range replies {
		if err = a.seedReply(ctx, r); err != nil {
			return err
		}
	}
	return err
}

// demoReply is what a customer answers, and what the shop makes of it.
type demoReply struct {
	Channel  rapport.Channel `json:"channel"`
	Customer string          `json:"customer"` // external id
	Text     string          `json:"text"`
	Agent    string          `json:"agent,omitempty"`
	Answer   string          `json:"answer,omitempty"`
	Note     string          `json:"note,omitempty"`
}

func (a *App) seedReply(ctx context.Context, r demoReply) error {
	c, err := a.Store.FindCustomer(ctx, "ext:"+r.Customer)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(c.Addresses, func(x rapport.Address) bool { return x.Channel == r.Channel })
	if i < 0 {
		return fmt.Errorf("%s has no address on %s", r.Customer, r.Channel)
	}
	if _, err := a.Gateway.SandboxReply(ctx, gateway.SandboxReplyInput{Channel: r.Channel, Address: c.Addresses[i].Value, Text: r.Text}); err != nil {
		return err
	}
	if r.Answer == "" && r.Note == "" {
		return nil
	}
	thread, err := a.Store.OpenThread(ctx, c.Addresses[i].ID)
	if err != nil {
		return err
	}
	if r.Note != "" {
		if _, err := a.Gateway.AddNote(ctx, operator(), thread.ID, r.Note, r.Agent); err != nil {
			return err
		}
	}
	// Somebody may try the demo with a provider of their own: nothing of ours must go out there.
	through := a.Hub.Route(r.Channel, false)
	if r.Answer == "" || !slices.ContainsFunc(through, func(p *channels.Provider) bool { return p.Entry().Driver == "sandbox" }) || len(through) > 1 {
		return nil
	}
	_, err = a.Gateway.ReplyInThread(ctx, operator(), thread.ID, gateway.ReplyInput{Text: r.Answer, Agent: r.Agent})
	return err
}
