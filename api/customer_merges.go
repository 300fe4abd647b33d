package api

import (
	"context"
	"net/http"
	"time"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

func (d *door) customerMerges() {
	const tag = "Customers"
	handle(d, route{Method: http.MethodGet, Path: "/v1/merges/proposals", Scope: "read:customers", Tag: tag, Summary: "Customers who may be one person",
		About: "Only proposed: nobody is merged by a guess. limit is how many customers are looked at; a page may be empty and not the last. Pairs whose merge was undone are not proposed again."}, d.listProposals)
	handle(d, route{Method: http.MethodGet, Path: "/v1/merges/rules", Scope: "read:customers", Tag: tag, Summary: "Merges that happen without a person"}, d.getMergeRules)
	handleJSON(d, route{Method: http.MethodPut, Path: "/v1/merges/rules", Scope: "write:customers", Tag: tag, Summary: "Merge without a person",
		About: "All are off until they are switched on here. They are applied once a minute, also to those who are customers already."}, d.putMergeRules)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/merges/preview", Scope: "read:customers", Tag: tag, Summary: "What a merge would do", Refuses: []int{409}, About: "Nothing is changed."}, d.previewMerge)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/merges", Scope: "write:customers", Tag: tag, Summary: "Merge two customers", Status: 201, Refuses: []int{409},
		About: "from becomes a part of into; its ids, also your own, lead to into from then on. 409: they are one already, or more than 20,000 things would move."}, d.postCustomerMerge)
	handle(d, route{Method: http.MethodGet, Path: "/v1/merges", Scope: "read:customers", Tag: tag, Summary: "List merges of customers", About: "Newest first."}, d.listMerges)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/merges/{id}/undo", Scope: "write:customers", Tag: tag, Summary: "Undo a merge", Bare: true, Refuses: []int{404, 409},
		About: "Both have their own timelines again; what has come in or gone out since belongs to whose address it was. 409: it was undone, or the survivor was merged since."}, d.undoMerge)
}

// Proposal is two customers who may be one person.
type Proposal struct {
	From    string   `json:"from" doc:"The later one."`
	Into    string   `json:"into"`
	Reasons []string `json:"reasons" nullable:"false" doc:"same_phone, same_mailbox, same_name_and_zone, address_in_attributes, address_in_signature, shared_contact, same_guest"`
}

type listProposals struct {
	Request
	Paging
}

func (d *door) listProposals(ctx context.Context, in *listProposals) (*reply[List[Proposal]], error) {
	p, err := in.page("proposals")
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.Proposals(ctx, p.After, p.Limit)
	if err != nil {
		return nil, err
	}
	return ok(listOf("proposals", rows, next, func(p store.Proposal) Proposal {
		return Proposal{rapport.KindCustomer.Format(p.From), rapport.KindCustomer.Format(p.Into), p.Reasons}
	}))
}

func (d *door) getMergeRules(ctx context.Context, _ *justRequest) (*reply[gateway.MergeRules], error) {
	r, err := d.g.MergeRules(ctx)
	if err != nil {
		return nil, err
	}
	return ok(r)
}

func (d *door) putMergeRules(ctx context.Context, in *justRequest, body *gateway.MergeRules) (*reply[gateway.MergeRules], error) {
	if err := d.g.SetMergeRules(ctx, in.caller(), *body); err != nil {
		return nil, err
	}
	return ok(*body)
}

// MergePreview is what a merge would do.
type MergePreview struct {
	From      string           `json:"from"`
	Into      string           `json:"into"`
	Messages  int64            `json:"messages"`
	Entries   int64            `json:"entries"`
	Threads   int64            `json:"threads"`
	Events    int64            `json:"events"`
	Addresses []Address        `json:"addresses" nullable:"false" doc:"That become into's. What is suppressed stays so."`
	Choices   []rapport.Choice `json:"choices" nullable:"false" doc:"Where both have said something, or only from: which one wins. Of consents, preferences, caps and tracking the stricter."`
}

func (d *door) previewMerge(ctx context.Context, _ *justRequest, body *gateway.CustomerMergeInput) (*reply[MergePreview], error) {
	p, err := d.g.PreviewMerge(ctx, *body)
	if err != nil {
		return nil, err
	}
	v := MergePreview{From: rapport.KindCustomer.Format(p.From), Into: rapport.KindCustomer.Format(p.Into), Messages: p.Holdings.Messages, Entries: p.Holdings.Entries,
		Threads: p.Holdings.Threads, Events: p.Holdings.Events, Addresses: []Address{}, Choices: append([]rapport.Choice{}, p.Choices...)}
	for _, a := range p.Addresses {
		v.Addresses = append(v.Addresses, Address{rapport.KindAddress.Format(a.ID), a.Channel, a.Value, a.Primary, a.Off})
	}
	return ok(v)
}

// Merge is two customers who became one.
type Merge struct {
	ID        string     `json:"id"`
	From      string     `json:"from"`
	Into      string     `json:"into"`
	Rule      string     `json:"rule,omitempty" doc:"That did it; without one a person did."`
	Actor     string     `json:"actor,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	UndoneBy  string     `json:"undone_by,omitempty"`
	UndoneAt  *time.Time `json:"undone_at,omitempty"`
}

func mergeView(m store.CustomerMerge) Merge {
	return Merge{rapport.KindMerge.Format(m.ID), rapport.KindCustomer.Format(m.From), rapport.KindCustomer.Format(m.Into), m.Rule, m.Actor, m.At, m.UndoneBy, maybe(m.UndoneAt)}
}

func (d *door) postCustomerMerge(ctx context.Context, in *justRequest, body *gateway.CustomerMergeInput) (*reply[Merge], error) {
	m, err := d.g.MergeCustomers(ctx, in.caller(), *body)
	if err != nil {
		return nil, err
	}
	return created("", mergeView(m))
}

func (d *door) listMerges(ctx context.Context, in *listProposals) (*reply[List[Merge]], error) {
	p, err := in.page("merges")
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.CustomerMerges(ctx, p)
	if err != nil {
		return nil, err
	}
	return ok(listOf("merges", rows, next, mergeView))
}

type mergePath struct {
	Request
	ID string `path:"id" maxLength:"40" example:"mrg_0b8t9g3kq8x1w"`
}

// UndoInput says who does it.
type UndoInput struct {
	Agent string `json:"agent,omitempty" maxLength:"200" doc:"Who undoes it; stands in undone_by. Default: the key's name."`
}

func (d *door) undoMerge(ctx context.Context, in *mergePath, body *UndoInput) (*reply[Merge], error) {
	id, err := parse(rapport.KindMerge, in.ID, "merge")
	if err != nil {
		return nil, err
	}
	m, err := d.g.UndoMerge(ctx, in.caller(), id, body.Agent)
	if err != nil {
		return nil, err
	}
	return ok(mergeView(m))
}
