package api

import (
	"context"
	"net/http"
)

func (d *door) search() {
	handle(d, route{Method: http.MethodGet, Path: "/v1/search", Scope: "read:threads", Tag: "Threads", Summary: "Search what was said",
		About: "Entries of threads that hold all words of q, in whatever order, the newest first; the thread's subject, the customer's name and the author's count as words of its entries. " +
			"The ending of a word does not matter, unless it stands in \"quotation marks\" or holds a digit."}, d.searchEntries)
}

type searchEntries struct {
	Request
	Paging
	Q string `query:"q" required:"true" minLength:"1" maxLength:"200" example:"blue socks"`
}

func (d *door) searchEntries(ctx context.Context, in *searchEntries) (*reply[List[Entry]], error) {
	p, err := in.page("search")
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.SearchEntries(ctx, in.Q, p)
	if err != nil {
		return nil, err
	}
	view, err := d.delivered(ctx, rows)
	if err != nil {
		return nil, err
	}
	return ok(listOf("search", rows, next, view))
}
