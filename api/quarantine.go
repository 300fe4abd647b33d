package api

import (
	"context"
	"net/http"

	"rapport/gateway"
)

func (d *door) quarantine() {
	const tag = "Quarantine"
	handle(d, route{Method: http.MethodGet, Path: "/v1/quarantine", Scope: "read:campaigns", Tag: tag, Summary: "What a restore holds back",
		About: "A restored database does not know what went out after the backup. What was open then is held until somebody decides; what is accepted since goes out as always."}, d.getQuarantine)
	for _, verb := range []struct {
		what           gateway.Decision
		summary, about string
	}{
		{gateway.Release, "Send what is held", "What went out between the backup and the restore goes out **again**."},
		{gateway.Close, "Send nothing held that may have been sent", "What may have been sent is in doubt, and doubt is settled as always: a webhook is repeated under the same id, an SMS provider is asked, marketing by email and Telegram ends as `unknown`, a transactional one is sent again under the same Message-ID. What was not due before the restore goes out in its time. A draft is cancelled. While the answer says `more`, send the same request again."},
		{gateway.Drop, "Cancel what is held", "Nothing of it is sent any more."},
	} {
		handleJSON(d, route{Method: http.MethodPost, Path: "/v1/quarantine/" + string(verb.what), Scope: "write:campaigns", Tag: tag, Summary: verb.summary, About: verb.about, Refuses: []int{404}},
			func(ctx context.Context, in *justRequest, body *gateway.QuarantineInput) (*reply[*gateway.Quarantine], error) {
				q, err := d.g.Decide(ctx, in.caller(), verb.what, *body)
				if err != nil {
					return nil, err
				}
				return ok(q)
			})
	}
}

func (d *door) getQuarantine(ctx context.Context, _ *justRequest) (*reply[*gateway.Quarantine], error) {
	q, err := d.g.Quarantine(ctx)
	if err != nil {
		return nil, err
	}
	return ok(q)
}
