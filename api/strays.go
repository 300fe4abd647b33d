package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rapport"
	"rapport/store"
)

// Stray is something that came in and belongs to nothing that we know of.
type Stray struct {
	ID         string          `json:"id"`
	Kind       rapport.Receipt `json:"kind" doc:"bounced, delayed, failed, complaint, auto_reply, challenge, ...; message: a mail that names no sender."`
	About      string          `json:"about,omitempty" doc:"The address that it claims to be about, or that wrote it."`
	Reason     string          `json:"reason" doc:"Why it belongs nowhere: unknown_message, not_proven (it names a message of ours, but anybody could have written that), no_sender."`
	Code       string          `json:"code,omitempty"`
	Subject    string          `json:"subject,omitempty"`
	Text       string          `json:"text,omitempty"`
	Provider   string          `json:"provider"`
	ReceivedAt time.Time       `json:"received_at"`
}

func strayView(x store.Stray) Stray {
	return Stray{rapport.KindStray.Format(x.ID), x.Kind, x.About, x.Reason, x.Code, x.Subject, x.Text, x.Provider, x.At}
}

func (d *door) strays() {
	const tag = "Strays"
	handle(d, route{Method: http.MethodGet, Path: "/v1/strays", Scope: "read:threads", Tag: tag, Summary: "What came in and belongs to nothing", About: "Bounces, complaints and machines' answers that nothing ties to a message or a person. The newest first; each is forgotten after thirty days."}, d.listStrays)
	handle(d, route{Method: http.MethodGet, Path: "/v1/strays/{id}", Scope: "read:threads", Tag: tag, Summary: "Show a stray", Refuses: []int{404}}, d.getStray)
	handle(d, route{Method: http.MethodGet, Path: "/v1/strays/{id}/original", Scope: "read:threads", Tag: tag, Summary: "The stray as it came", About: "message/rfc822, as an attachment.", Refuses: []int{404}}, d.strayOriginal)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/strays/{id}/attach", Scope: "write:threads", Tag: tag, Status: 201, Summary: "Put a stray into a thread", Refuses: []int{404},
		About: "It becomes an entry there, with its original, and is no stray any more. A report or a machine's answer changes nothing else; a message opens the thread."}, d.attachStray)
	handle(d, route{Method: http.MethodDelete, Path: "/v1/strays/{id}", Scope: "write:threads", Tag: tag, Status: 204, Summary: "Forget a stray", About: "And its original.", Refuses: []int{404}}, d.deleteStray)
}

type listStrays struct {
	Request
	Paging
	Kind  rapport.Receipt `query:"kind" enum:"sent,delivered,failed,bounced,delayed,read,complaint,auto_reply,challenge,message"`
	Since time.Time       `query:"since" doc:"What came from then on."`
}

func (d *door) listStrays(ctx context.Context, in *listStrays) (*reply[List[Stray]], error) {
	page, err := in.page("strays")
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.Strays(ctx, in.Kind, in.Since, page)
	if err != nil {
		return nil, err
	}
	return ok(listOf("strays", rows, next, strayView))
}

type oneStray struct {
	Request
	ID string `path:"id" maxLength:"40" example:"str_0b8t9g3kq8x1w"`
}

func (d *door) getStray(ctx context.Context, in *oneStray) (*reply[Stray], error) {
	x, err := d.stray(ctx, in)
	if err != nil {
		return nil, err
	}
	return ok(strayView(x))
}

func (d *door) stray(ctx context.Context, in *oneStray) (x store.Stray, err error) {
	id, err := parse(rapport.KindStray, in.ID, "stray")
	if err != nil {
		return x, err
	}
	return d.st.Stray(ctx, id)
}

// strayOriginal never lets a browser show what a stranger sent: see download.
func (d *door) strayOriginal(ctx context.Context, in *oneStray) (*reply[func(huma.Context)], error) {
	x, err := d.stray(ctx, in)
	if err != nil {
		return nil, err
	}
	return d.attached(ctx, in.ctx, x.Original)
}

// AttachInput says where a stray belongs.
type AttachInput struct {
	Thread string `json:"thread" maxLength:"40" example:"thr_0b8t9g3kq8x1w"`
}

func (d *door) attachStray(ctx context.Context, in *oneStray, body *AttachInput) (*reply[Entry], error) {
	id, err := parse(rapport.KindStray, in.ID, "stray")
	if err != nil {
		return nil, err
	}
	thread, err := rapport.KindThread.Parse(body.Thread)
	if err != nil {
		return nil, rapport.Invalid("thread", "must be the id of a thread")
	}
	e, err := d.g.AttachStray(ctx, in.caller(), id, thread)
	if err != nil {
		return nil, err
	}
	return created("", entryView(*e))
}

func (d *door) deleteStray(ctx context.Context, in *oneStray) (*reply[nothing], error) {
	id, err := parse(rapport.KindStray, in.ID, "stray")
	if err != nil {
		return nil, err
	}
	if err := d.g.ForgetStray(ctx, in.caller(), id); err != nil {
		return nil, err
	}
	return done()
}
