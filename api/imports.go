package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"rapport"
	"rapport/gateway"
)

// Job is long work on a file.
type Job struct {
	ID        string            `json:"id"`
	Kind      string            `json:"kind"`
	Status    rapport.JobStatus `json:"status" enum:"queued,running,finished,failed"`
	Total     int64             `json:"total" doc:"Rows of the file; 0 until they are counted."`
	Processed int64             `json:"processed" doc:"Rows dealt with."`
	Done      int64             `json:"done" doc:"Of them, taken."`
	Rejected  int64             `json:"rejected" doc:"Of them, refused."`
	Rejects   []rapport.Reject  `json:"rejects" nullable:"false" doc:"The first hundred refused rows; all of them: /rejects."`
	Error     string            `json:"error,omitempty" doc:"Why it failed. A file that cannot be read to its end changes nothing."`
	CreatedAt time.Time         `json:"created_at"`
	UpdatedAt time.Time         `json:"updated_at"`
}

func jobView(j rapport.Job) Job {
	return Job{ID: rapport.KindJob.Format(j.ID), Kind: j.Kind, Status: j.Status, Total: j.Total, Processed: j.Cursor, Done: j.Done, Rejected: j.Rejected, Rejects: []rapport.Reject{},
		Error: j.Error, CreatedAt: j.CreatedAt, UpdatedAt: j.UpdatedAt}
}

func (d *door) imports() {
	handle(d, route{Method: http.MethodPost, Path: "/v1/customers/import", Scope: "write:customers", Tag: "Customers", Summary: "Import customers from CSV or NDJSON", Status: 202, Large: true, Limit: d.o.Limits.Stream,
		Content: []string{"text/csv", "application/x-ndjson", "multipart/form-data"},
		About: "The file is the body, or a part of a form. CSV columns: `id, external_id, email, sms, whatsapp, telegram, webhook, name, locale, timezone, audience, attr.<name>, data.<name>` (`:json` at the end of the last two reads JSON), " +
			"`consent.<channel>.<topic>` (granted or withdrawn, true or false) with `consent_source, consent_text_version, consent_proof, consent_ip`. " +
			"Other names are mapped with `mapping` in the query or the form, a JSON object from the file's names to these; `-` leaves a column out."}, d.startImport)
	handle(d, route{Method: http.MethodGet, Path: "/v1/jobs", Scope: "read:jobs", Tag: "Jobs", Summary: "List jobs", About: "Newest first, without their refused rows."}, d.listJobs)
	handle(d, route{Method: http.MethodGet, Path: "/v1/jobs/{id}", Scope: "read:jobs", Tag: "Jobs", Summary: "How a job is going", Refuses: []int{404}}, d.getJob)
	stream(d, route{Method: http.MethodGet, Path: "/v1/jobs/{id}/rejects", Scope: "read:jobs", Tag: "Jobs", Summary: "The rows that a job refused", Refuses: []int{404}, About: "In the order of the file. As CSV: line, reason, and the columns of the file itself, so that the rows can be mended and imported again with `{\"line\":\"-\",\"reason\":\"-\"}` in the mapping."}, d.rejects)
}

type startImport struct {
	Request
	Name    string `query:"name" maxLength:"200" doc:"Of the file, for people."`
	Mapping string `query:"mapping" maxLength:"10000" doc:"A JSON object from the file's column names to ours."`
	ConsentWords
}

// ConsentWords are for the rows of a CSV whose consents bring none: in the query, or in the form before the file.
type ConsentWords struct {
	Source      string `query:"source" maxLength:"200" doc:"consent_source of rows that have none."`
	TextVersion string `query:"text_version" maxLength:"200" doc:"consent_text_version of rows that have none."`
	Proof       string `query:"proof" maxLength:"2000" doc:"consent_proof of rows that have none."`
}

func (w ConsentWords) with(file *upload) gateway.ConsentDefaults {
	return gateway.ConsentDefaults{Source: file.field("source", w.Source), TextVersion: file.field("text_version", w.TextVersion), Proof: file.field("proof", w.Proof)}
}

func (d *door) startImport(ctx context.Context, in *startImport) (*reply[Job], error) {
	file, err := d.upload(fiberOf(in.ctx), in.body)
	if err != nil {
		return nil, err
	}
	format, err := file.format()
	if err != nil {
		return nil, err
	}
	mapping, err := mappingOf(file.field("mapping", in.Mapping))
	if err != nil {
		return nil, err
	}
	spec := gateway.ImportSpec{Name: file.name, Format: format, Mapping: mapping, Consent: in.with(file)}
	j, err := d.g.StartImport(ctx, in.caller(), spec, file, d.o.Limits.Stream)
	if err != nil {
		return nil, err
	}
	v := jobView(j)
	return accepted("/v1/jobs/"+v.ID, v)
}

func mappingOf(text string) (m map[string]string, err error) {
	if text == "" {
		return nil, nil
	}
	if json.Unmarshal([]byte(text), &m) != nil {
		return nil, rapport.Invalid("mapping", "must be a JSON object of texts")
	}
	return m, nil
}

type listJobs struct {
	Request
	Paging
	Status rapport.JobStatus `query:"status" enum:"queued,running,finished,failed"`
}

func (d *door) listJobs(ctx context.Context, in *listJobs) (*reply[List[Job]], error) {
	p, err := in.page("jobs")
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.Jobs(ctx, in.Status, p)
	if err != nil {
		return nil, err
	}
	return ok(listOf("jobs", rows, next, jobView))
}

// JobPath names a job in the path.
type JobPath struct {
	Request
	ID string `path:"id" maxLength:"40" example:"job_0b8t9g3kq8x1w"`
}

func (d *door) getJob(ctx context.Context, in *JobPath) (*reply[Job], error) {
	id, err := parse(rapport.KindJob, in.ID, "job")
	if err != nil {
		return nil, err
	}
	j, err := d.st.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	v := jobView(j)
	if v.Rejects, _, err = d.st.Rejects(ctx, id, 0, 100); err != nil {
		return nil, err
	}
	return ok(v)
}

type rejects struct {
	JobPath
	Paging
}

func (d *door) rejects(ctx context.Context, in *rejects) (*table[rapport.Reject, int64, rapport.Reject], error) {
	id, err := parse(rapport.KindJob, in.ID, "job")
	if err != nil {
		return nil, err
	}
	j, err := d.st.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	columns, err := gateway.ImportColumns(j)
	if err != nil {
		return nil, err
	}
	t := &table[rapport.Reject, int64, rapport.Reject]{name: "rejects", limit: in.Limit, columns: append([]string{"line", "reason"}, columns...)}
	t.view = func(r rapport.Reject) rapport.Reject { return r }
	t.fetch = func(ctx context.Context, after int64, limit int) ([]rapport.Reject, int64, error) {
		return d.st.Rejects(ctx, id, after, limit)
	}
	t.cells = func(r rapport.Reject) []string {
		return append([]string{strconv.FormatInt(r.Line, 10), r.Reason}, r.Cells...)
	}
	return t, in.after(t.name, &t.after)
}
