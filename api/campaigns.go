package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

// Campaign is what was asked for, and how it fares.
type Campaign struct {
	ID              string                 `json:"id"`
	Name            string                 `json:"name"`
	Status          rapport.CampaignStatus `json:"status" enum:"draft,accepting,scheduled,planning,running,paused,quarantined,finished,cancelled"`
	Purpose         rapport.Purpose        `json:"purpose"`
	Topic           string                 `json:"topic,omitempty"`
	Template        string                 `json:"template,omitempty"`
	TemplateVersion int                    `json:"template_version,omitempty"`
	Everyone        bool                   `json:"everyone,omitempty"`
	Segment         *CampaignSegment       `json:"segment,omitempty" doc:"That the audience is drawn from."`
	Data            json.RawMessage        `json:"data,omitempty"`
	Routing         gateway.RoutingInput   `json:"routing"`
	SendAt          *time.Time             `json:"send_at,omitempty"`
	SendWindow      *gateway.WindowInput   `json:"send_window,omitempty"`
	ExpiresAt       *time.Time             `json:"expires_at,omitempty"`
	CancellationKey string                 `json:"cancellation_key,omitempty"`
	From            string                 `json:"from,omitempty"`
	ReplyTo         string                 `json:"reply_to,omitempty"`
	Metadata        json.RawMessage        `json:"metadata,omitempty"`
	Settings        gateway.SendSettings   `json:"settings"`
	Counts          *rapport.Counts        `json:"counts,omitempty" doc:"The states from pending to unknown exclude each other and sum to planned."`
	Refused         int64                  `json:"refused" doc:"Recipients that could not become a message: see /refusals."`
	Costs           []store.Cost           `json:"costs,omitempty"`
	Currency        string                 `json:"currency,omitempty" doc:"Of the costs, ISO 4217."`
	DryRun          *gateway.DryRun        `json:"dry_run,omitempty" doc:"What a dry run found."`
	Notes           *gateway.Notes         `json:"notes,omitempty" doc:"What you should know and did not ask; only in the answer to POST."`
	CreatedAt       time.Time              `json:"created_at"`
	LaunchedAt      *time.Time             `json:"launched_at,omitempty"`
	FinishedAt      *time.Time             `json:"finished_at,omitempty"`
}

// CampaignSegment is the segment of an audience.
type CampaignSegment struct {
	ID      string          `json:"id"`
	Key     string          `json:"key"`
	Version int             `json:"version,omitempty" doc:"Of its filter, since the launch."`
	Filter  json.RawMessage `json:"filter,omitempty" doc:"As it was at the launch."`
}

func campaignView(c *rapport.Campaign) Campaign {
	v := Campaign{ID: rapport.KindCampaign.Format(c.ID), Name: c.Name, Status: c.Status, Purpose: c.Purpose, Topic: c.Topic, Template: c.TemplateKey, TemplateVersion: c.TemplateVersion,
		Everyone: c.Everyone, Data: c.Data, Routing: gateway.RoutingInput{Method: c.Routing.Method, Channels: c.Routing.Channels}, SendAt: maybe(c.SendAt), ExpiresAt: maybe(c.ExpiresAt),
		CancellationKey: c.CancellationKey, From: c.From, ReplyTo: c.ReplyTo, Metadata: c.Metadata, Settings: gateway.SendSettings{DryRun: c.DryRun, Sandbox: c.Sandbox}, Refused: c.Refused,
		CreatedAt: c.CreatedAt, LaunchedAt: maybe(c.LaunchedAt), FinishedAt: maybe(c.FinishedAt)}
	if c.Routing.EscalateAfter > 0 {
		v.Routing.EscalateAfter = rapport.FormatDuration(c.Routing.EscalateAfter)
	}
	if s := c.Segment; s.ID != 0 {
		v.Segment = &CampaignSegment{rapport.KindSegment.Format(s.ID), s.Key, s.Version, s.Filter}
	}
	if w := c.Window; w != nil {
		v.SendWindow = &gateway.WindowInput{From: clock(w.From), Until: clock(w.Until), Timezone: w.Zone}
		for i, name := range []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} {
			if w.Days&(1<<i) != 0 {
				v.SendWindow.Days = append(v.SendWindow.Days, name)
			}
		}
	}
	return v
}

func (d *door) campaigns() {
	const tag = "Campaigns"
	handle(d, route{Method: http.MethodPost, Path: "/v1/campaigns", Scope: "write:campaigns", Tag: tag, Summary: "Send a campaign, or begin a draft", Status: 202, Large: true, Limit: d.o.Limits.Inline, Body: gateway.CampaignInput{},
		About: "The whole audience is checked and stored before the answer: an error in its last row leaves nothing behind. `audience` is one of customers, segment, everyone."}, d.postCampaign)
	handle(d, route{Method: http.MethodGet, Path: "/v1/campaigns", Scope: "read:campaigns", Tag: tag, Summary: "List campaigns", About: "Newest first, with counts and without costs."}, d.listCampaigns)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/campaigns/cancel", Scope: "write:campaigns", Tag: tag, Summary: "Cancel by key",
		About: "Everything open with this cancellation_key, or of it only what is for some customers."}, d.cancelByKey)
	handle(d, route{Method: http.MethodGet, Path: "/v1/campaigns/{id}", Scope: "read:campaigns", Tag: tag, Summary: "A campaign and its ledger", Refuses: []int{404}}, d.getCampaign)
	handle(d, route{Method: http.MethodPost, Path: "/v1/campaigns/{id}/recipients", Scope: "write:campaigns", Tag: tag, Summary: "Stream recipients into a draft", Large: true, Limit: d.o.Limits.Stream,
		Content: []string{"text/csv", "application/x-ndjson"}, Refuses: []int{404}, About: "CSV with a header, or one JSON object a line. A row that cannot be right is refused and counted; text that is broken adds nothing at all."}, d.addRecipients)
	stream(d, route{Method: http.MethodGet, Path: "/v1/campaigns/{id}/messages", Scope: "read:campaigns", Tag: tag, Summary: "The messages of a campaign", About: "Newest first.", Refuses: []int{404}}, d.campaignMessages)
	stream(d, route{Method: http.MethodGet, Path: "/v1/campaigns/{id}/refusals", Scope: "read:campaigns", Tag: tag, Summary: "Recipients that could not become a message", Refuses: []int{404}, About: "As CSV, of an audience that came in files: line, reason, and the columns of the files themselves, so that the rows can be mended and added again with `{\"line\":\"-\",\"reason\":\"-\"}` in the mapping."}, d.refusals)
	handle(d, route{Method: http.MethodGet, Path: "/v1/campaigns/{id}/explain", Scope: "read:campaigns", Tag: tag, Summary: "Why did a customer get it, or not?", Refuses: []int{404},
		About: "Each rule in order, with the facts it sees."}, d.explain)
	d.drafting()
	for verb, about := range map[string]struct {
		summary string
		do      func(context.Context, gateway.Caller, rapport.ID) (*rapport.Campaign, error)
	}{
		"launch": {"Send a draft", d.g.Launch}, "pause": {"Pause a campaign", d.g.Pause},
		"resume": {"Go on with a paused campaign", d.g.Resume}, "cancel": {"Cancel what has not been sent", d.g.Cancel},
	} {
		handle(d, route{Method: http.MethodPost, Path: "/v1/campaigns/{id}/" + verb, Scope: "write:campaigns", Tag: tag, Summary: about.summary, Refuses: []int{404}, About: "It takes hold within a second."},
			func(ctx context.Context, in *CampaignPath) (*reply[Campaign], error) {
				id, err := parse(rapport.KindCampaign, in.ID, "campaign")
				if err != nil {
					return nil, err
				}
				c, err := about.do(ctx, in.caller(), id)
				if err != nil {
					return nil, err
				}
				return d.wholeCampaign(ctx, c)
			})
	}
}

// CampaignPath names a campaign in the path.
type CampaignPath struct {
	Request
	ID string `path:"id" maxLength:"40" example:"cmp_0b8t9g3kq8x1w"`
}

func (d *door) postCampaign(ctx context.Context, in *justRequest) (*reply[Campaign], error) {
	if err := wantJSON(fiberOf(in.ctx)); err != nil {
		return nil, err
	}
	var out *reply[Campaign]
	_, _, err := d.g.SubmitCampaign(ctx, in.caller(), in.body, func(ctx context.Context, s *store.Store, c *rapport.Campaign, notes *gateway.Notes) error {
		v := campaignView(c)
		if *notes != (gateway.Notes{}) {
			v.Notes = notes
		}
		var err error
		if v.Counts, err = d.g.Ledger(ctx, c); err != nil {
			return err
		}
		if out, err = accepted("/v1/campaigns/"+v.ID, v); err != nil || in.keep == nil {
			return err
		}
		return in.keep(ctx, s, out.Status, out)
	})
	if rapport.CodeOf(err) == rapport.CodeRateLimited {
		fiberOf(in.ctx).Locals(overloadKey{}, overCampaigns)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

type listCampaigns struct {
	Request
	Paging
	Status string `query:"status" enum:"accepting,draft,scheduled,planning,running,paused,quarantined,finished,cancelled" doc:"What is still being accepted is not listed."`
	Q      string `query:"q" maxLength:"200" doc:"Part of the name."`
}

func (d *door) listCampaigns(ctx context.Context, in *listCampaigns) (*reply[List[Campaign]], error) {
	p, err := in.page("campaigns")
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.Campaigns(ctx, store.CampaignFilter{Status: in.Status, Q: in.Q, Page: p})
	if err != nil {
		return nil, err
	}
	ledgers, err := d.g.Ledgers(ctx, rows...)
	if err != nil {
		return nil, err
	}
	out := listOf("campaigns", rows, next, campaignView)
	for i := range out.Data {
		out.Data[i].Counts = ledgers[i]
	}
	return ok(out)
}

func (d *door) getCampaign(ctx context.Context, in *CampaignPath) (*reply[Campaign], error) {
	c, err := d.campaign(ctx, in)
	if err != nil {
		return nil, err
	}
	return d.wholeCampaign(ctx, c)
}

// campaign finds the one in the path.
func (d *door) campaign(ctx context.Context, in *CampaignPath) (*rapport.Campaign, error) {
	id, err := parse(rapport.KindCampaign, in.ID, "campaign")
	if err != nil {
		return nil, err
	}
	return d.st.Campaign(ctx, id)
}

func (d *door) wholeCampaign(ctx context.Context, c *rapport.Campaign) (_ *reply[Campaign], err error) {
	v := campaignView(c)
	if v.Counts, err = d.g.Ledger(ctx, c); err != nil {
		return nil, err
	}
	if v.Refused, err = d.g.Refused(ctx, c); err != nil {
		return nil, err
	}
	if v.Costs, err = d.st.Costs(ctx, c.ID); err != nil {
		return nil, err
	}
	if len(v.Costs) > 0 {
		v.Currency = d.g.Currency()
	}
	result, err := d.st.Result(ctx, c.ID)
	if err == nil && result != nil {
		err = json.Unmarshal(result, &v.DryRun)
	}
	if err != nil {
		return nil, err
	}
	return ok(v)
}

// CancelInput says what to cancel.
type CancelInput struct {
	CancellationKey string   `json:"cancellation_key" maxLength:"200"`
	Customers       []string `json:"customers,omitempty" maxItems:"1000" doc:"Only what is for them: ids, or ext: and your own."`
}

// Cancelled says what was cancelled.
type Cancelled struct {
	Campaigns int   `json:"campaigns"`
	Messages  int64 `json:"messages" doc:"Closed at once; the rest of a large campaign follows."`
}

func (d *door) cancelByKey(ctx context.Context, in *justRequest, body *CancelInput) (*reply[Cancelled], error) {
	if len(body.Customers) > 1000 {
		return nil, rapport.Invalid("customers", "holds more than 1000 customers")
	}
	campaigns, messages, err := d.g.CancelByKey(ctx, in.caller(), body.CancellationKey, body.Customers)
	if err != nil {
		return nil, err
	}
	return ok(Cancelled{campaigns, messages})
}

// Added says how many rows were taken.
type Added struct {
	Added   int64 `json:"added"`
	Refused int64 `json:"refused" doc:"Kept with their lines and reasons: see /refusals."`
}

type addRecipients struct {
	CampaignPath
	ConsentWords
}

func (d *door) addRecipients(ctx context.Context, in *addRecipients) (*reply[Added], error) {
	c, err := d.campaign(ctx, &in.CampaignPath)
	if err != nil {
		return nil, err
	}
	table, err := d.upload(fiberOf(in.ctx), in.body)
	if err != nil {
		return nil, err
	}
	format, err := table.format()
	if err != nil {
		return nil, err
	}
	mapping, err := mappingOf(table.fields["mapping"])
	if err != nil {
		return nil, err
	}
	rows := gateway.NewRows(table, format, mapping, d.o.Limits.Stream)
	rows.Consent = in.with(table)
	added, refused, err := d.g.AddRecipients(ctx, in.caller(), c.ID, rows)
	if err != nil {
		return nil, err
	}
	return ok(Added{added, refused})
}

type campaignMessages struct {
	CampaignPath
	Paging
	State    string          `query:"state" enum:"pending,sending,doubtful,sent,delivered,skipped,failed,expired,cancelled,unknown"`
	Channel  rapport.Channel `query:"channel" enum:"email,sms,whatsapp,telegram,webhook,none"`
	Customer string          `query:"customer" maxLength:"300" doc:"An id, or ext: and your own."`
}

func (d *door) campaignMessages(ctx context.Context, in *campaignMessages) (*table[rapport.Message, rapport.ID, Message], error) {
	c, err := d.campaign(ctx, &in.CampaignPath)
	if err != nil {
		return nil, err
	}
	f := store.MessageFilter{Campaign: c.ID, Channel: in.Channel}
	f.State, _ = rapport.ParseState(in.State) // the enum has been checked
	if in.Customer != "" {
		cu, err := d.st.FindCustomer(ctx, in.Customer)
		if err != nil {
			return nil, err
		}
		f.Customer = cu.ID
	}
	t := &table[rapport.Message, rapport.ID, Message]{name: "messages", limit: in.Limit, view: messageView}
	t.fetch = func(ctx context.Context, after rapport.ID, limit int) ([]rapport.Message, rapport.ID, error) {
		f.Page = store.Page{Limit: limit, After: after}
		return d.st.Messages(ctx, f)
	}
	t.columns = []string{"id", "customer", "channel", "state", "reason", "attempt", "provider", "due_at", "sent_at", "updated_at"}
	t.cells = func(m Message) []string {
		at := func(t *time.Time) string {
			if t == nil {
				return ""
			}
			return stamp(*t)
		}
		return []string{m.ID, m.Customer, string(m.Channel), m.State, m.Reason, strconv.Itoa(m.Attempt), m.Provider, at(m.DueAt), at(m.SentAt), stamp(m.UpdatedAt)}
	}
	return t, in.after(t.name, &t.after)
}

// Refusal is a recipient that could not become a message.
type Refusal struct {
	Recipient int64    `json:"recipient" doc:"Its place in the audience, from 1."`
	Line      int64    `json:"line,omitempty" doc:"Of the stream that it came in."`
	Reason    string   `json:"reason"`
	Cells     []string `json:"cells,omitempty" doc:"The row as the file had it, cell by cell; of NDJSON its line. Of a campaign that is over kept for 30 days, and not of a person who was erased since."`
}

type refusals struct {
	CampaignPath
	Paging
}

func (d *door) refusals(ctx context.Context, in *refusals) (*table[store.Recipient, int64, Refusal], error) {
	c, err := d.campaign(ctx, &in.CampaignPath)
	if err != nil {
		return nil, err
	}
	t := &table[store.Recipient, int64, Refusal]{name: "refusals", limit: in.Limit}
	t.view = func(r store.Recipient) Refusal { return Refusal{r.Seq, r.Line, r.Refusal, r.Cells} }
	t.fetch = func(ctx context.Context, after int64, limit int) ([]store.Recipient, int64, error) {
		rows, err := d.st.Refused(ctx, c.ID, after, limit+1)
		if err != nil || len(rows) <= limit {
			return rows, 0, err
		}
		return rows[:limit], rows[limit-1].Seq, nil
	}
	columns, err := d.st.RowColumns(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	if len(columns) == 0 { // they came with the request
		t.columns = []string{"recipient", "line", "reason"}
		t.cells = func(r Refusal) []string {
			return []string{strconv.FormatInt(r.Recipient, 10), strconv.FormatInt(r.Line, 10), r.Reason}
		}
		return t, in.after(t.name, &t.after)
	}
	t.columns = append([]string{"line", "reason"}, columns...)
	t.cells = func(r Refusal) []string {
		return append([]string{strconv.FormatInt(r.Line, 10), r.Reason}, r.Cells...)
	}
	return t, in.after(t.name, &t.after)
}

type explain struct {
	CampaignPath
	Customer string `query:"customer" required:"true" maxLength:"300" doc:"An id, or ext: and your own."`
}

func (d *door) explain(ctx context.Context, in *explain) (*reply[*gateway.Explanation], error) {
	c, err := d.campaign(ctx, &in.CampaignPath)
	if err != nil {
		return nil, err
	}
	e, err := d.g.Explain(ctx, c.ID, in.Customer)
	if err != nil {
		return nil, err
	}
	return ok(e)
}
