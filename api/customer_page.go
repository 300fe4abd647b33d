package api

import (
	"context"
	"net/http"
	"time"

	"rapport"
	"rapport/store"
)

// Activity is what there has been with a customer of late.
type Activity struct {
	LastReplyAt   *time.Time `json:"last_reply_at,omitempty"`
	LastMessageAt *time.Time `json:"last_message_at,omitempty" doc:"That went out."`
	Messages30d   int64      `json:"messages_30d" doc:"That went out in the last 30 days."`
	ThreadsOpen   int64      `json:"threads_open" doc:"Neither resolved nor spam."`
}

// CampaignReceived is what a campaign had for a customer.
type CampaignReceived struct {
	Campaign string               `json:"campaign"`
	Name     string               `json:"name"`
	Purpose  rapport.Purpose      `json:"purpose"`
	Topic    string               `json:"topic,omitempty"`
	Message  Message              `json:"message"`
	Engaged  []rapport.Engagement `json:"engaged" nullable:"false" doc:"What the customer did with it."`
}

func receivedView(x store.Received) CampaignReceived {
	return CampaignReceived{rapport.KindCampaign.Format(x.Message.Campaign), x.Campaign, x.Purpose, x.Topic, messageView(x.Message), append([]rapport.Engagement{}, x.Engaged...)}
}

func (d *door) customerPage() {
	handle(d, route{Method: http.MethodGet, Path: "/v1/customers/{id}/campaigns", Scope: "read:customers", Tag: "Customers", Summary: "What campaigns had for a customer", Refuses: []int{404},
		About: "One a message, newest first, also those that were skipped."}, d.customerCampaigns)
}

type customerCampaigns struct {
	CustomerPath
	Paging
}

func (d *door) customerCampaigns(ctx context.Context, in *customerCampaigns) (*reply[List[CampaignReceived]], error) {
	c, err := d.st.FindCustomer(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	p, err := in.page("campaigns of a customer")
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.Received(ctx, c.ID, p)
	if err != nil {
		return nil, err
	}
	return ok(listOf("campaigns of a customer", rows, next, receivedView))
}

// active adds what there has been with each customer.
func (d *door) active(ctx context.Context, customers []*rapport.Customer) ([]Customer, error) {
	ids := make([]rapport.ID, len(customers))
	for i, c := range customers {
		ids[i] = c.ID
	}
	of, err := d.st.Activities(ctx, ids, d.st.Now().AddDate(0, 0, -30))
	views := make([]Customer, len(customers))
	for i, c := range customers {
		a := of[c.ID]
		views[i] = customerView(c)
		views[i].Activity = &Activity{maybe(a.LastReply), maybe(a.LastMessage), a.Messages, a.OpenThreads}
	}
	return views, err
}
