-- A refused row of an import as the file had it, so that a person can mend it and bring it again.

-- +goose Up
ALTER TABLE job_rejects ADD COLUMN cells TEXT NOT NULL DEFAULT '';
CREATE INDEX job_rejects_kept ON job_rejects (job_id) WHERE cells <> '';

-- +goose Down
DROP INDEX job_rejects_kept;
ALTER TABLE job_rejects DROP COLUMN cells;
