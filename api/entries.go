package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"rapport"
	"rapport/gateway"
)

// Participant is somebody who takes part in a thread beside its customer.
type Participant struct {
	Address string `json:"address"`
	Name    string `json:"name,omitempty"`
	Known   bool   `json:"known" doc:"Somebody who has a part in the thread named them; else they only wrote themselves."`
	Aside   bool   `json:"aside,omitempty" doc:"The customer does not know of them: only a forward or a blind copy brought them in."`
	Entry   string `json:"entry" doc:"The first that they wrote or were named in."`
}

func participantView(p rapport.Participant) Participant {
	return Participant{p.Address, p.Name, p.Known, p.Aside, rapport.KindEntry.Format(p.Entry)}
}

func (d *door) entries() {
	const tag = "Threads"
	handle(d, route{Method: http.MethodGet, Path: "/v1/threads/{id}/participants", Scope: "read:threads", Tag: tag, Summary: "Who takes part beside the customer", About: "People in To and Cc of mails, and whoever wrote in the thread.", Refuses: []int{404}}, d.listParticipants)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/entries/{id}/forward", Scope: "write:threads", Tag: tag, Summary: "Forward an entry to somebody else", Status: 202, Refuses: []int{404, 409},
		About: "By mail, with its attachments. It stands in the thread as an entry that is aside: the customer does not see it. Who answers it is a guest in the thread."}, d.postForward)
	handle(d, route{Method: http.MethodGet, Path: "/v1/entries/{id}/original", Scope: "read:threads", Tag: tag, Summary: "The mail as it came", About: "message/rfc822, as an attachment.", Refuses: []int{404}}, d.getOriginal)
	d.showsHTML()
}

type listParticipants struct {
	ThreadPath
	Paging
}

func (d *door) listParticipants(ctx context.Context, in *listParticipants) (*reply[List[Participant]], error) {
	id, err := in.thread()
	if err != nil {
		return nil, err
	}
	var after string
	if err := in.after("participants", &after); err != nil {
		return nil, err
	}
	if _, err := d.st.Thread(ctx, id); err != nil {
		return nil, err
	}
	rows, next, err := d.st.Participants(ctx, id, after, in.Limit)
	if err != nil {
		return nil, err
	}
	return ok(listOf("participants", rows, next, participantView))
}

type oneEntry struct {
	Request
	ID string `path:"id" maxLength:"40" example:"ent_0b8t9g3kq8x1w"`
}

func (d *door) postForward(ctx context.Context, in *oneEntry, body *gateway.ForwardInput) (*reply[Entry], error) {
	id, err := parse(rapport.KindEntry, in.ID, "entry")
	if err != nil {
		return nil, err
	}
	e, err := d.g.Forward(ctx, in.caller(), id, *body)
	if err != nil {
		return nil, err
	}
	view, err := d.delivered(ctx, []rapport.Entry{*e})
	if err != nil {
		return nil, err
	}
	return accepted("/v1/messages/"+rapport.KindMessage.Format(e.Message), view(*e))
}

// getOriginal never lets a browser show what a stranger sent: see download.
func (d *door) getOriginal(ctx context.Context, in *oneEntry) (*reply[func(huma.Context)], error) {
	id, err := parse(rapport.KindEntry, in.ID, "entry")
	if err != nil {
		return nil, err
	}
	e, err := d.st.Entry(ctx, id)
	if err != nil {
		return nil, err
	}
	if e.Original == 0 {
		return nil, rapport.NotFound("original: the entry was no mail, or was erased")
	}
	return d.attached(ctx, in.ctx, e.Original)
}
