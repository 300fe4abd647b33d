package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

// Customer is one person as the API shows them.
type Customer struct {
	ID          string          `json:"id"`
	ExternalID  string          `json:"external_id,omitempty"`
	Audience    string          `json:"audience"`
	Name        string          `json:"name"`
	Locale      string          `json:"locale"`
	Timezone    string          `json:"timezone"`
	Attributes  json.RawMessage `json:"attributes"`
	Addresses   []Address       `json:"addresses" nullable:"false"`
	Preferences Preferences     `json:"preferences"`
	CreatedAt   time.Time       `json:"created_at"`
	UpdatedAt   time.Time       `json:"updated_at"`
	Activity    *Activity       `json:"activity,omitempty" doc:"Where one customer is asked for, and in a list with activity=true."`
}

// Address is where a customer is reached.
type Address struct {
	ID      string          `json:"id"`
	Channel rapport.Channel `json:"channel"`
	Address string          `json:"address"`
	Primary bool            `json:"primary"`
	Off     string          `json:"off,omitempty" doc:"Why it is not used any more: hard_bounce, blocked, …"`
}

// Preferences are what a customer wants.
type Preferences struct {
	Topics       map[string]map[rapport.Channel]bool `json:"topics"`
	ChannelOrder []rapport.Channel                   `json:"channel_order" nullable:"false"`
	QuietHours   *gateway.QuietInput                 `json:"quiet_hours,omitempty"`
	FrequencyCap *gateway.CapInput                   `json:"frequency_cap,omitempty"`
}

func customerView(c *rapport.Customer) Customer {
	out := Customer{ID: rapport.KindCustomer.Format(c.ID), ExternalID: c.ExternalID, Audience: c.Audience, Name: c.Name, Locale: c.Locale, Timezone: c.Timezone,
		Attributes: c.Attributes, Addresses: []Address{}, Preferences: preferencesView(c), CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt}
	for _, a := range c.Addresses {
		out.Addresses = append(out.Addresses, Address{rapport.KindAddress.Format(a.ID), a.Channel, a.Value, a.Primary, a.Off})
	}
	return out
}

func preferencesView(c *rapport.Customer) Preferences {
	p := Preferences{Topics: map[string]map[rapport.Channel]bool{}, ChannelOrder: append([]rapport.Channel{}, c.Order...)}
	for _, x := range c.Prefs {
		if p.Topics[x.Topic] == nil {
			p.Topics[x.Topic] = map[rapport.Channel]bool{}
		}
		p.Topics[x.Topic][x.Channel] = x.Enabled
	}
	if c.Quiet != nil {
		p.QuietHours = &gateway.QuietInput{From: clock(c.Quiet.From), Until: clock(c.Quiet.Until)}
	}
	if c.Cap != nil {
		p.FrequencyCap = &gateway.CapInput{Max: c.Cap.Max, Per: rapport.FormatDuration(c.Cap.Per)}
	}
	return p
}

func clock(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// CustomerPath names a customer in the path.
type CustomerPath struct {
	Request
	ID string `path:"id" maxLength:"300" doc:"cus_…, or ext: and your own id." example:"ext:crm-1017"`
}

func (d *door) customers() {
	stream(d, route{Method: http.MethodGet, Path: "/v1/customers", Scope: "read:customers", Tag: "Customers", Summary: "List customers", About: "Newest first, unless order says otherwise. " +
		"The CSV has the columns of an import, so that it can be brought back: of each channel the address that is used first, and a column for each attribute. That somebody took the whole list is written in the audit log."}, d.listCustomers)
	handleJSON(d, route{Method: http.MethodPut, Path: "/v1/customers/{id}", Scope: "write:customers", Tag: "Customers", Summary: "Create or change a customer", Also: 201, Refuses: []int{404, 409},
		About: "With `ext:` a customer who does not exist is created. What is not given stays; attributes are merged key by key; a list of addresses replaces those of the channels in it."}, d.putCustomer)
	handle(d, route{Method: http.MethodGet, Path: "/v1/customers/{id}", Scope: "read:customers", Tag: "Customers", Summary: "Find a customer", Refuses: []int{404}}, d.getCustomer)
	handle(d, route{Method: http.MethodDelete, Path: "/v1/customers/{id}", Scope: "write:customers", Tag: "Customers", Summary: "Erase a customer", Status: 204, Refuses: []int{404},
		About: "Everything that names the person goes; the counts of campaigns and the keyed hash of a suppressed address stay."}, d.eraseCustomer)
	handle(d, route{Method: http.MethodGet, Path: "/v1/customers/{id}/export", Scope: "read:customers", Tag: "Customers", Summary: "Export everything about a customer", Refuses: []int{404}}, d.exportCustomer)
	stream(d, route{Method: http.MethodGet, Path: "/v1/customers/{id}/timeline", Scope: "read:customers", Tag: "Customers", Summary: "What happened with a customer", Refuses: []int{404},
		About: "Messages, answers, notes, consents, events, engagement, bounces and telephone calls, newest first. An agent's answer is an entry, with how it fares, and no message beside it."}, d.timeline)
}

type listCustomers struct {
	Request
	Paging
	Q        string `query:"q" maxLength:"200" doc:"Part of the name, the external id or an address."`
	Audience string `query:"audience" enum:"customer,employee,partner,shareholder"`
	Filter   string `query:"filter" maxLength:"16384" doc:"A filter as segments have it: JSON."`
	Segment  string `query:"segment" maxLength:"100" doc:"Key or id of a segment."`
	Order    string `query:"order" enum:"asc,desc" default:"desc" doc:"By when they were created."`
	Activity bool   `query:"activity" doc:"Also what there has been with each."`
}

func (d *door) listCustomers(ctx context.Context, in *listCustomers) (*table[Customer, rapport.ID, Customer], error) {
	match, err := d.chosen(ctx, in.Filter, in.Segment)
	if err != nil {
		return nil, err
	}
	f := store.CustomerFilter{Q: in.Q, Audience: in.Audience, Match: match, Oldest: in.Order == "asc"}
	t := &table[Customer, rapport.ID, Customer]{name: map[string]string{"desc": "customers", "asc": "customers-oldest-first"}[in.Order], limit: in.Limit, view: func(c Customer) Customer { return c }}
	t.fetch = func(ctx context.Context, after rapport.ID, limit int) ([]Customer, rapport.ID, error) {
		f.Page = store.Page{After: after, Limit: limit}
		rows, next, err := d.st.Customers(ctx, f)
		if err != nil {
			return nil, 0, err
		}
		if in.Activity {
			views, err := d.active(ctx, rows)
			return views, next, err
		}
		views := make([]Customer, len(rows))
		for i, c := range rows {
			views[i] = customerView(c)
		}
		return views, next, nil
	}
	t.whole = func(ctx context.Context, asCSV bool) error {
		if asCSV {
			attributes, err := d.st.AttributeNames(ctx, f, maxAttributeColumns+1)
			if err != nil {
				return err
			}
			if len(attributes) > maxAttributeColumns {
				return rapport.Errorf(rapport.CodeInvalid, "These customers have more than %d different attributes, too many for the columns of a table: narrow the list, or take it as NDJSON.", maxAttributeColumns)
			}
			t.columns, t.cells = customerColumns(attributes)
		}
		return d.st.Audit(ctx, store.AuditEntry{Key: in.caller().Key, Action: "customers.exported", Subject: "customers"})
	}
	return t, in.after(t.name, &t.after)
}

func (d *door) putCustomer(ctx context.Context, in *CustomerPath, body *gateway.CustomerInput) (*reply[Customer], error) {
	c, isNew, err := d.g.Upsert(ctx, in.ID, *body)
	if err != nil {
		return nil, err
	}
	if isNew {
		return created("/v1/customers/"+rapport.KindCustomer.Format(c.ID), customerView(c))
	}
	return ok(customerView(c))
}

func (d *door) getCustomer(ctx context.Context, in *CustomerPath) (*reply[Customer], error) {
	c, err := d.st.FindCustomer(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	v, err := d.active(ctx, []*rapport.Customer{c})
	if err != nil {
		return nil, err
	}
	return ok(v[0])
}

func (d *door) eraseCustomer(ctx context.Context, in *CustomerPath) (*reply[nothing], error) {
	if err := d.g.Erase(ctx, in.caller(), in.ID); err != nil {
		return nil, err
	}
	return done()
}

func (d *door) exportCustomer(ctx context.Context, in *CustomerPath) (*reply[*store.Export], error) {
	e, err := d.g.Export(ctx, in.caller(), in.ID)
	if err != nil {
		return nil, err
	}
	return ok(e)
}

// Happening is one line of a timeline. Kind says which of the others is there.
type Happening struct {
	At         time.Time   `json:"at"`
	Kind       string      `json:"kind" enum:"message,entry,consent,event,engagement,report,call"`
	Message    *Message    `json:"message,omitempty"`
	Campaign   string      `json:"campaign_name,omitempty"`
	Entry      *Entry      `json:"entry,omitempty"`
	Consent    *Consent    `json:"consent,omitempty"`
	Event      *Event      `json:"event,omitempty"`
	Engagement *Engagement `json:"engagement,omitempty"`
	Report     *Report     `json:"report,omitempty"`
	Call       *Call       `json:"call,omitempty"`
}

// Report is what came back about a message: a bounce, a complaint, a machine's answer.
type Report struct {
	Message string `json:"message"`
	store.ReceiptRow
}

// Call is one telephone call.
type Call struct {
	ID         string            `json:"id"`
	Direction  rapport.Direction `json:"direction" enum:"in,out"`
	State      rapport.CallState `json:"state" enum:"ringing,answered,ended,missed,failed"`
	Number     string            `json:"number,omitempty" doc:"The other side's; none when it was hidden."`
	Line       string            `json:"line,omitempty" doc:"Ours."`
	Agent      string            `json:"agent,omitempty"`
	Cause      string            `json:"cause,omitempty" doc:"Why it ended, in the exchange's word."`
	Thread     string            `json:"thread,omitempty" doc:"Of a missed call."`
	StartedAt  time.Time         `json:"started_at"`
	AnsweredAt *time.Time        `json:"answered_at,omitempty"`
	EndedAt    *time.Time        `json:"ended_at,omitempty"`
}

func callView(c rapport.Call) Call {
	return Call{rapport.KindCall.Format(c.ID), c.Direction, c.State(), c.Number, c.Line, c.Agent, c.Cause, rapport.KindThread.Format(c.Thread), c.StartedAt, maybe(c.AnsweredAt), maybe(c.EndedAt)}
}

// Engagement is what a customer did with a message.
type Engagement struct {
	Message string             `json:"message"`
	Kind    rapport.Engagement `json:"kind"`
	Count   int64              `json:"count" doc:"By a person, as far as we can tell."`
	Machine int64              `json:"machine" doc:"By scanners and prefetching proxies."`
}

// happenings shows items of a timeline; the answers among them with how they fare.
func (d *door) happenings(ctx context.Context, items []store.TimelineItem) ([]Happening, error) {
	var entries []rapport.Entry
	for _, i := range items {
		if i.Entry != nil {
			entries = append(entries, *i.Entry)
		}
	}
	entry, err := d.delivered(ctx, entries)
	if err != nil {
		return nil, err
	}
	out := make([]Happening, len(items))
	for i, item := range items {
		out[i] = happening(item, entry)
	}
	return out, nil
}

func happening(i store.TimelineItem, entry func(rapport.Entry) Entry) Happening {
	h := Happening{At: i.At, Campaign: i.Campaign}
	switch {
	case i.Message != nil:
		m := messageView(*i.Message)
		h.Kind, h.Message = "message", &m
	case i.Entry != nil:
		e := entry(*i.Entry)
		h.Kind, h.Entry = "entry", &e
	case i.Consent != nil:
		c := consentView(*i.Consent)
		h.Kind, h.Consent = "consent", &c
	case i.Event != nil:
		e := eventView(*i.Event)
		h.Kind, h.Event = "event", &e
	case i.Report != nil:
		h.Kind, h.Report = "report", &Report{rapport.KindMessage.Format(i.Report.Message), i.Report.ReceiptRow}
	case i.Engagement != nil:
		h.Kind = "engagement"
		h.Engagement = &Engagement{rapport.KindMessage.Format(i.Engagement.Message), i.Engagement.Kind, i.Engagement.N, i.Engagement.Machine}
	case i.Call != nil:
		c := callView(*i.Call)
		h.Kind, h.Call = "call", &c
	}
	return h
}

type timeline struct {
	CustomerPath
	Paging
	Kinds string `query:"kinds" maxLength:"200" doc:"Some kinds only, separated by commas." example:"entry,call"`
}

func (d *door) timeline(ctx context.Context, in *timeline) (*table[Happening, store.Moment, Happening], error) {
	c, err := d.st.FindCustomer(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	kinds := strings.FieldsFunc(in.Kinds, func(r rune) bool { return r == ',' })
	for _, k := range kinds {
		if !slices.Contains(store.TimelineKinds, k) {
			return nil, rapport.Invalid("query.kinds", "%.40q is none of %s", k, strings.Join(store.TimelineKinds, ", "))
		}
	}
	t := &table[Happening, store.Moment, Happening]{name: "timeline", limit: in.Limit, view: func(h Happening) Happening { return h }}
	t.fetch = func(ctx context.Context, after store.Moment, limit int) ([]Happening, store.Moment, error) {
		items, next, err := d.st.Timeline(ctx, c.ID, after, limit, kinds...)
		if err != nil {
			return nil, next, err
		}
		views, err := d.happenings(ctx, items)
		return views, next, err
	}
	t.columns = []string{"at", "kind", "campaign_name", "what"}
	t.cells = func(h Happening) []string {
		what, _ := json.Marshal(h) // views of ours: cannot fail
		return []string{stamp(h.At), h.Kind, h.Campaign, string(what)}
	}
	return t, in.after(t.name, &t.after)
}
