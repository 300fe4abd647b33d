package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"rapport"
	"rapport/store"
)

// KindOfImport is the kind of jobs that RunImport does.
const KindOfImport = "import"

// importPage is how many rows one transaction takes: a new customer is some five rows of the database, and
// the fast lane waits behind each transaction on SQLite (200 new customers took 29 ms).
const importPage = 100

// maxRejects is how many refused rows of a file are kept with their reasons; the others are only counted.
const maxRejects = 100_000

// ImportSpec says how a file of customers is to be read.
type ImportSpec struct {
	Name    string            `json:"name,omitempty"`
	Format  Format            `json:"format"`
	Mapping map[string]string `json:"mapping,omitempty"`
	Consent ConsentDefaults   `json:"consent"`
	Columns []string          `json:"columns,omitempty"` // of a CSV, as the file names them
}

// ImportColumns names the cells of the rows that an import refused.
func ImportColumns(j rapport.Job) ([]string, error) {
	var spec ImportSpec
	if err := json.Unmarshal(j.Spec, &spec); err != nil {
		return nil, fmt.Errorf("reading what an import was asked for: %w", err)
	}
	if spec.Format == NDJSON {
		return []string{"row"}, nil
	}
	return spec.Columns, nil
}

// StartImport keeps the file and queues its import. A header that makes no sense is refused at once.
func (g *Gateway) StartImport(ctx context.Context, by Caller, spec ImportSpec, r io.Reader, limit int64) (rapport.Job, error) {
	if err := spec.Consent.complete(); err != nil {
		return rapport.Job{}, err
	}
	in := bufio.NewReaderSize(r, 128<<10)
	head, err := in.Peek(64 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return rapport.Job{}, err
	}
	first := NewRows(bytes.NewReader(head), spec.Format, spec.Mapping, limit)
	_, bad := first.Next()
	spec.Columns = first.names
	if whole := errors.Is(err, io.EOF); bad != nil && !errors.Is(bad, io.EOF) && (whole || rapport.CodeOf(bad) == rapport.CodeInvalid) {
		return rapport.Job{}, bad
	}
	if errors.Is(bad, io.EOF) {
		return rapport.Job{}, rapport.Errorf(rapport.CodeInvalid, "There is no row in the file.")
	}
	f, err := g.Store.KeepFile(ctx, fileName(spec.Name), "text/"+string(spec.Format), in, limit)
	if err != nil {
		return rapport.Job{}, err
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return rapport.Job{}, fmt.Errorf("queueing an import: %w", err)
	}
	j := rapport.Job{Kind: KindOfImport, File: f.ID, Spec: text, Key: by.Key}
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.CreateJob(ctx, &j); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "customers.imported", Subject: rapport.KindJob.Format(j.ID)})
	})
	if err != nil {
		return rapport.Job{}, errors.Join(err, g.Store.DeleteFile(context.WithoutCancel(ctx), f.ID))
	}
	return j, nil
}

// RunImport does a job that this process has claimed, from its cursor on (rows that are dealt with). The
// file is first read to its end, so that one that is broken in its last line changes nothing. It returns
// when the job has ended, was taken away, or ctx ends; what is left then is done by who claims it next.
func (g *Gateway) RunImport(ctx context.Context, j rapport.Job) error {
	var spec ImportSpec
	if err := json.Unmarshal(j.Spec, &spec); err != nil {
		return g.endImport(ctx, j, "The job cannot be read.")
	}
	if j.Cursor == 0 {
		total, err := g.countRows(ctx, j, spec)
		if err != nil {
			return g.stopImport(ctx, j, err)
		}
		j.Total = total
	}
	rows, file, err := g.openRows(ctx, j, spec)
	if err != nil {
		return g.stopImport(ctx, j, err)
	}
	defer file.Close()
	for n := int64(0); n < j.Cursor; n++ {
		if _, err := rows.Next(); err != nil {
			return g.stopImport(ctx, j, err)
		}
	}
	page := make([]Row, 0, importPage)
	for done := false; !done; page = page[:0] {
		for len(page) < importPage {
			row, err := rows.Next()
			if errors.Is(err, io.EOF) {
				done = true
				break
			}
			if err != nil {
				return g.stopImport(ctx, j, err)
			}
			page = append(page, row)
		}
		if len(page) == 0 {
			break
		}
		if err := g.patiently(ctx, func() error { return g.importRows(ctx, &j, page) }); err != nil {
			return g.stopImport(ctx, j, err)
		}
	}
	return g.endImport(ctx, j, "")
}

func (g *Gateway) openRows(ctx context.Context, j rapport.Job, spec ImportSpec) (*Rows, io.Closer, error) {
	file, err := g.Store.OpenFile(ctx, j.File)
	if err != nil {
		return nil, nil, err
	}
	rows := NewRows(file, spec.Format, spec.Mapping, 1<<62)
	rows.Consent, rows.Keep = spec.Consent, true
	return rows, file, nil
}

func (g *Gateway) countRows(ctx context.Context, j rapport.Job, spec ImportSpec) (n int64, err error) {
	rows, file, err := g.openRows(ctx, j, spec)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	for {
		if _, err := rows.Next(); errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, err
		}
		n++
	}
}

// importRows stores one page: customers, refusals and the cursor in one transaction.
func (g *Gateway) importRows(ctx context.Context, j *rapport.Job, page []Row) error {
	next := *j
	err := g.Store.Tx(ctx, func(s *store.Store) error {
		next = *j
		var rejects []rapport.Reject
		var patches []store.CustomerPatch
		var taken []Row
		refuse := func(row Row, reason string) {
			rejects = append(rejects, rapport.Reject{Line: row.Line, Reason: reason, Cells: row.cells})
		}
		for _, row := range page {
			if row.Err != nil {
				refuse(row, row.Err.Error())
				continue
			}
			patch, wrong := g.patch(row.Patch.CustomerInput, "")
			if len(wrong) > 0 {
				refuse(row, reason(row.Patch.CustomerInput, wrong))
				continue
			}
			patches, taken = append(patches, patch), append(taken, row)
		}
		done, err := s.UpsertCustomers(ctx, patches)
		if err == nil {
			err = g.tellMany(ctx, s, done, patches)
		}
		if err != nil {
			return err
		}
		for i, u := range done {
			if u.Refusal != "" {
				refuse(taken[i], u.Detail)
			}
		}
		next.Cursor += int64(len(page))
		next.Done += int64(len(page) - len(rejects))
		next.Rejected += int64(len(rejects))
		if j.Rejected < maxRejects {
			if err := s.AddRejects(ctx, j.ID, rejects); err != nil {
				return err
			}
		}
		return s.JobProgress(ctx, next)
	})
	if err == nil {
		*j = next
	}
	return err
}

// patiently repeats what a database that is busy or away has refused, until ctx ends.
func (g *Gateway) patiently(ctx context.Context, do func() error) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := do()
		if err == nil || !g.Store.Unavailable(err) && rapport.CodeOf(err) != rapport.CodeUnavailable {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// stopImport ends a job that cannot go on, with the reason for people. Nothing is said when the process
// ends or another one has the job.
func (g *Gateway) stopImport(ctx context.Context, j rapport.Job, err error) error {
	refusal, ok := errors.AsType[*rapport.Error](err)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case ok && refusal.Code == rapport.CodeConflict:
		return nil
	case ok:
		sentence := refusal.Message
		for _, f := range refusal.Fields {
			sentence += " " + f.Path + ": " + f.Message + "."
		}
		return g.endImport(ctx, j, sentence)
	}
	g.Log.Error("an import cannot go on", "job", rapport.KindJob.Format(j.ID), "error", err)
	return g.endImport(ctx, j, "An internal error stopped the import; the log has the reason.")
}

// endImport closes the job and throws the file away: it is full of personal data, and has done its duty.
func (g *Gateway) endImport(ctx context.Context, j rapport.Job, sentence string) error {
	err := g.patiently(ctx, func() error { return g.Store.FinishJob(ctx, j.ID, j.Owner, sentence) })
	if rapport.CodeOf(err) == rapport.CodeConflict {
		return nil
	}
	if err != nil {
		return err
	}
	if err := g.Store.DeleteFile(ctx, j.File); err != nil {
		g.Log.Warn("the file of an import is still there", "job", rapport.KindJob.Format(j.ID), "error", err)
	}
	return nil
}
