package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"rapport"
)

const jobColumns = `id, kind, status, file_id, spec, cursor, total, done, rejected, error, owner, key_id, created_at, updated_at`

func scanJob(scan func(...any) error) (j rapport.Job, err error) {
	var spec string
	var created, updated int64
	err = scan(&j.ID, &j.Kind, &j.Status, &j.File, &spec, &j.Cursor, &j.Total, &j.Done, &j.Rejected, &j.Error, &j.Owner, &j.Key, &created, &updated)
	j.Spec, j.CreatedAt, j.UpdatedAt = json.RawMessage(spec), at(created), at(updated)
	return
}

// CreateJob queues a job and fills in its ID, status and times.
func (s *Store) CreateJob(ctx context.Context, j *rapport.Job) error {
	now := s.Now()
	j.ID, j.Status, j.CreatedAt, j.UpdatedAt = s.NewID(), rapport.JobQueued, now, now
	if len(j.Spec) == 0 {
		j.Spec = json.RawMessage(`{}`)
	}
	_, err := s.exec(ctx, `INSERT INTO jobs (id, kind, status, file_id, spec, total, key_id, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)`,
		j.ID, j.Kind, string(j.Status), j.File, string(j.Spec), j.Total, j.Key, ms(now))
	return err
}

// Job finds one.
func (s *Store) Job(ctx context.Context, id rapport.ID) (rapport.Job, error) {
	j, err := scanJob(s.row(ctx, `SELECT `+jobColumns+` FROM jobs WHERE id = $1`, id).Scan)
	return j, missing(err, "job")
}

// Jobs lists newest first; status "": every one.
func (s *Store) Jobs(ctx context.Context, status rapport.JobStatus, p Page) ([]rapport.Job, rapport.ID, error) {
	rows, err := collect(ctx, s, scanJob, `SELECT `+jobColumns+` FROM jobs WHERE id < $1 AND ($2 = '' OR status = $2) ORDER BY id DESC LIMIT $3`, p.after(), string(status), p.Limit+1)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, p.Limit, func(j rapport.Job) rapport.ID { return j.ID })
	return out, next, nil
}

// ClaimJob takes the oldest queued job for owner, or one that owner has already: owner must work on none, so the
// answer to an earlier claim was lost. False: there is none. Its Cursor tells where to go on.
func (s *Store) ClaimJob(ctx context.Context, owner rapport.ID) (j rapport.Job, ok bool, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		ok = false
		j, err = scanJob(s.row(ctx, `SELECT `+jobColumns+` FROM jobs WHERE status = 'queued' OR status = 'running' AND owner = $1 ORDER BY id LIMIT 1 `+s.d.skipLocked(), owner).Scan)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		ok = true
		j.Status, j.Owner, j.UpdatedAt = rapport.JobRunning, owner, s.Now()
		_, err := s.exec(ctx, `UPDATE jobs SET status = 'running', owner = $1, updated_at = $2 WHERE id = $3`, owner, ms(j.UpdatedAt), j.ID)
		return err
	})
	if err != nil {
		return rapport.Job{}, false, fmt.Errorf("claiming a job: %w", err)
	}
	return j, ok, nil
}

// JobProgress stores Cursor, Total, Done and Rejected of a job that j.Owner works on, in the transaction
// of the work itself. CodeConflict: the job was taken away, so that transaction must not commit.
func (s *Store) JobProgress(ctx context.Context, j rapport.Job) error {
	n, err := s.exec(ctx, `UPDATE jobs SET cursor = $1, total = $2, done = $3, rejected = $4, updated_at = $5 WHERE id = $6 AND owner = $7 AND status = 'running'`,
		j.Cursor, j.Total, j.Done, j.Rejected, ms(s.Now()), j.ID, j.Owner)
	return taken(n, err)
}

// FinishJob ends a job that owner works on; with an empty sentence it has succeeded.
func (s *Store) FinishJob(ctx context.Context, id, owner rapport.ID, sentence string) error {
	status := rapport.JobFinished
	if sentence != "" {
		status = rapport.JobFailed
	}
	n, err := s.exec(ctx, `UPDATE jobs SET status = $1, error = $2, owner = 0, updated_at = $3 WHERE id = $4 AND owner = $5 AND status = 'running'`,
		string(status), sentence, ms(s.Now()), id, owner)
	return taken(n, err)
}

func taken(n int64, err error) error {
	if err == nil && n == 0 {
		return &rapport.Error{Code: rapport.CodeConflict, Message: "Another process has taken over this job."}
	}
	return err
}

// ReleaseJobs queues the jobs of dead processes again and tells how many.
func (s *Store) ReleaseJobs(ctx context.Context) (int64, error) {
	return s.exec(ctx, `UPDATE jobs SET status = 'queued', owner = 0, updated_at = $1 WHERE status = 'running'
		AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = jobs.owner AND w.dead = 0)`, ms(s.Now()))
}

// AddRejects notes at most MaxRows refused rows. A line that is noted already stays as it is.
func (s *Store) AddRejects(ctx context.Context, job rapport.ID, rejects []rapport.Reject) error {
	if len(rejects) > MaxRows {
		return fmt.Errorf("storing rejects: %d in one call, at most %d", len(rejects), MaxRows)
	}
	rows := make([][]any, len(rejects))
	for i, r := range rejects {
		cells, err := packCells(r.Cells)
		if err != nil {
			return err
		}
		rows[i] = []any{job, r.Line, r.Reason, cells}
	}
	return s.Tx(ctx, func(s *Store) error {
		_, err := s.bulk(ctx, "job_rejects", []column{{"job_id", "bigint"}, {"line", "bigint"}, {"reason", "text"}, {"cells", "text"}}, rows, `ON CONFLICT (job_id, line) DO NOTHING`)
		return err
	})
}

// Rejects lists the refused rows after line, in the order of the file; next is 0 at the end.
func (s *Store) Rejects(ctx context.Context, job rapport.ID, after int64, limit int) (out []rapport.Reject, next int64, err error) {
	out, err = collect(ctx, s, func(scan func(...any) error) (r rapport.Reject, err error) {
		var cells string
		if err = scan(&r.Line, &r.Reason, &cells); err == nil {
			r.Cells, err = unpackCells(cells)
		}
		return
	}, `SELECT line, reason, cells FROM job_rejects WHERE job_id = $1 AND line > $2 ORDER BY line LIMIT $3`, job, after, limit+1)
	if err != nil || len(out) <= limit {
		return out, 0, err
	}
	return out[:limit], out[limit-1].Line, nil
}
