package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"rapport"
	"rapport/channels/sandbox"
	"rapport/gateway"
	"rapport/store"
)

// Outbox is one message in the simulator, as the person would see it.
type Outbox struct {
	ID       string `json:"id"`
	Address  string `json:"address"`
	Message  string `json:"message"`
	Campaign string `json:"campaign"`
	Customer string `json:"customer,omitempty" doc:"Whom the message is for."`
	sandbox.Sent
}

func outboxView(s store.SandboxSent) Outbox {
	v := Outbox{ID: rapport.KindOutbox.Format(s.ID), Address: s.Address, Message: rapport.KindMessage.Format(s.Message), Campaign: rapport.KindCampaign.Format(s.Campaign), Customer: rapport.KindCustomer.Format(s.Customer)}
	if json.Unmarshal(s.Content, &v.Sent) != nil { // written by us; an older shape shows what it can
		v.Sent = sandbox.Sent{Channel: s.Channel, To: s.Address, At: s.CreatedAt}
	}
	return v
}

func (d *door) sandbox() {
	const tag = "Sandbox"
	handle(d, route{Method: http.MethodGet, Path: "/v1/sandbox/outbox", Scope: "read:sandbox", Tag: tag, Summary: "What people would see", About: "Newest first."}, d.outbox)
	page := route{Method: http.MethodGet, Path: "/v1/sandbox/outbox/{id}/html", Scope: "read:sandbox", Tag: tag, Summary: "A mail as the person would see it", About: "A document for a sandboxed frame: nothing runs in it, links open elsewhere, and its pictures are loaded, as in a mailbox that shows them: an open is counted.", Refuses: []int{404}}
	handle(d, page, d.outboxHTML)
	d.api.OpenAPI().Paths[page.Path].Get.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{"text/html": {Schema: &huma.Schema{Type: huma.TypeString}}}}
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/sandbox/replies", Scope: "write:sandbox", Tag: tag, Summary: "Answer as the customer", Status: 202}, d.sandboxReply)
	handle(d, route{Method: http.MethodGet, Path: "/v1/sandbox/behaviour", Scope: "read:sandbox", Tag: tag, Summary: "How the simulator treats channels and addresses"}, d.listBehaviour)
	handleJSON(d, route{Method: http.MethodPut, Path: "/v1/sandbox/behaviour", Scope: "write:sandbox", Tag: tag, Summary: "Let the simulator accept, reject, throttle, …", About: "For one address, or without it for the whole channel."}, d.putBehaviour)
}

type outbox struct {
	Request
	Paging
	Channel  rapport.Channel `query:"channel" enum:"email,sms,whatsapp,telegram,webhook"`
	Address  string          `query:"address" maxLength:"2000"`
	Campaign string          `query:"campaign" maxLength:"40"`
	Message  string          `query:"message" maxLength:"40"`
}

func (d *door) outbox(ctx context.Context, in *outbox) (*reply[List[Outbox]], error) {
	f := store.OutboxFilter{Channel: in.Channel, Address: in.Address}
	var err error
	if f.Page, err = in.page("outbox"); err != nil {
		return nil, err
	}
	if f.Campaign, err = parseQuery(rapport.KindCampaign, in.Campaign, "campaign"); err != nil {
		return nil, err
	}
	if f.Message, err = parseQuery(rapport.KindMessage, in.Message, "message"); err != nil {
		return nil, err
	}
	rows, next, err := d.st.Outbox(ctx, f)
	if err != nil {
		return nil, err
	}
	return ok(listOf("outbox", rows, next, outboxView))
}

type outboxOne struct {
	Request
	ID string `path:"id" maxLength:"40" example:"out_0b8t9g3kq8x1w"`
}

// mailboxPolicy lets a mail of ours show its pictures and open its links, and nothing else.
const mailboxPolicy = "default-src 'none'; img-src 'self' data: https: http:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"

func (d *door) outboxHTML(ctx context.Context, in *outboxOne) (*reply[func(huma.Context)], error) {
	id, err := parse(rapport.KindOutbox, in.ID, "outbox")
	if err != nil {
		return nil, err
	}
	rows, _, err := d.st.Outbox(ctx, store.OutboxFilter{ID: id, Page: store.Page{Limit: 1}})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || outboxView(rows[0]).HTML == "" {
		return nil, rapport.NotFound("mail in the outbox")
	}
	c, text := fiberOf(in.ctx), outboxView(rows[0]).HTML
	return &reply[func(huma.Context)]{Status: http.StatusOK, Body: func(huma.Context) {
		c.Set("Content-Type", "text/html; charset=utf-8")
		c.Set("Content-Security-Policy", mailboxPolicy)
		c.Set("X-Frame-Options", "SAMEORIGIN") // for browsers that do not know frame-ancestors
		c.Response().SetBodyString(inNewWindows(text))
	}}, nil
}

// inNewWindows has the links of a mail open beside the mailbox, as mail programs do.
func inNewWindows(mail string) string {
	const base = `<base target="_blank">`
	if head := strings.Index(strings.ToLower(mail), "<head>"); head >= 0 {
		return mail[:head+len("<head>")] + base + mail[head+len("<head>"):]
	}
	return base + mail
}

// Taken says that the simulator has it.
type Taken struct {
	Accepted bool   `json:"accepted"`
	Entry    string `json:"entry,omitempty" doc:"Where the words stand; not for a block, nor for one more picture of an album."`
	Thread   string `json:"thread,omitempty"`
}

func (d *door) sandboxReply(ctx context.Context, _ *justRequest, body *gateway.SandboxReplyInput) (*reply[Taken], error) {
	e, err := d.g.SandboxReply(ctx, *body)
	if err != nil {
		return nil, err
	}
	return accepted("", Taken{true, rapport.KindEntry.Format(e.ID), rapport.KindThread.Format(e.Thread)})
}

// Behaviour is how the simulator treats an address, or a whole channel.
type Behaviour struct {
	Channel rapport.Channel `json:"channel" enum:"email,sms,whatsapp,telegram,webhook"`
	Address string          `json:"address,omitempty" doc:"Empty: every address of the channel."`
	Mode    sandbox.Mode    `json:"mode" enum:"accept,reject,throttle,down,slow,bounce,silent,ambiguous"`
	DelayMS int             `json:"delay_ms,omitempty" minimum:"0"`
}

func (d *door) listBehaviour(ctx context.Context, _ *justRequest) (*reply[List[Behaviour]], error) {
	rows, err := d.st.Behaviours(ctx)
	if err != nil {
		return nil, err
	}
	return ok(listOf("behaviour", rows, 0, func(b store.Behaviour) Behaviour {
		return Behaviour{b.Channel, b.Address, sandbox.Mode(b.Mode), int(b.Delay.Milliseconds())}
	}))
}

func (d *door) putBehaviour(ctx context.Context, _ *justRequest, body *Behaviour) (*reply[Behaviour], error) {
	if err := d.g.SandboxBehave(ctx, body.Channel, body.Address, sandbox.Behaviour{Mode: body.Mode, DelayMS: body.DelayMS}); err != nil {
		return nil, err
	}
	return ok(*body)
}
