package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
)

// table is a list that can also be read whole, as CSV or NDJSON, without a cursor: page by page, in
// memory for one page.
type table[R any, C comparable, T any] struct {
	name    string
	limit   int
	after   C
	fetch   func(ctx context.Context, after C, limit int) ([]R, C, error)
	view    func(R) T
	columns []string
	cells   func(T) []string
	whole   func(ctx context.Context, asCSV bool) error // nil, or what comes before the list is read whole
}

// stream registers a GET of a table. Accept says how it is wanted; JSON pages unless it says otherwise.
func stream[I any, P input[I], R any, C comparable, T any](d *door, o route, fn func(context.Context, P) (*table[R, C, T], error)) {
	o.About = strings.TrimSpace(o.About + "\n\nWith `Accept: text/csv` or `application/x-ndjson` the whole list comes as one stream, from the cursor on.")
	register(d, o, nil, func(ctx context.Context, in P) (*reply[func(huma.Context)], error) {
		t, err := fn(ctx, in)
		if err != nil {
			return nil, err
		}
		c := fiberOf(in.request().ctx)
		if media := c.Accepts(fiber.MIMEApplicationJSON, "application/x-ndjson", "text/csv"); media != "" && media != fiber.MIMEApplicationJSON {
			if t.whole != nil {
				if err := t.whole(ctx, media == "text/csv"); err != nil {
					return nil, err
				}
			}
			return &reply[func(huma.Context)]{Status: http.StatusOK, Body: func(huma.Context) {
				c.Set("Content-Type", media+"; charset=utf-8")
				c.Set("Content-Disposition", `attachment; filename="`+t.name+map[string]string{"text/csv": ".csv", "application/x-ndjson": ".ndjson"}[media]+`"`)
				c.Context().SetBodyStream(t.reader(context.WithoutCancel(ctx), media == "text/csv"), -1)
			}}, nil
		}
		rows, next, err := t.fetch(ctx, t.after, t.limit)
		if err != nil {
			return nil, err
		}
		page, err := json.Marshal(listOf(t.name, rows, next, t.view))
		if err != nil {
			return nil, err
		}
		return &reply[func(huma.Context)]{Status: http.StatusOK, Body: func(huma.Context) {
			c.Set("Content-Type", "application/json")
			c.Response().SetBodyRaw(page)
		}}, nil
	})
	list := reflect.TypeFor[List[T]]()
	text := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	d.api.OpenAPI().Paths[o.Path].Get.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{
		"application/json": {Schema: d.api.OpenAPI().Components.Schemas.Schema(list, true, "")}, "text/csv": text, "application/x-ndjson": text}}
}

// reader writes the table as it is read. When the database fails in between, the stream breaks off
// without its last chunk, so that nobody takes a part for the whole.
func (t *table[R, C, T]) reader(ctx context.Context, asCSV bool) io.Reader {
	r := &tableReader{}
	w := csv.NewWriter(&r.buf)
	if asCSV {
		_ = w.Write(t.columns) // into memory
		w.Flush()
	}
	r.more = func() (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		rows, next, err := t.fetch(ctx, t.after, 500)
		if err != nil {
			return false, err
		}
		for _, row := range rows {
			v := t.view(row)
			if !asCSV {
				line, err := json.Marshal(v)
				if err != nil {
					return false, err
				}
				r.buf.Write(append(line, '\n'))
				continue
			}
			cells := t.cells(v)
			for i := range cells {
				cells[i] = harmless(cells[i])
			}
			_ = w.Write(cells)
		}
		w.Flush()
		t.after = next
		var end C
		return next != end, nil
	}
	return r
}

type tableReader struct {
	buf  bytes.Buffer
	more func() (bool, error)
	end  bool
}

func (r *tableReader) Read(p []byte) (int, error) {
	for r.buf.Len() == 0 {
		if r.end {
			return 0, io.EOF
		}
		more, err := r.more()
		if err != nil {
			return 0, err
		}
		r.end = !more
	}
	return r.buf.Read(p)
}

// harmless keeps a spreadsheet from taking a cell for a formula (OWASP, CSV injection).
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// stamp is a time as text; empty for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
