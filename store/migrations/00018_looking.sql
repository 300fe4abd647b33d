-- +goose Up
-- The thread that an agent looks at; 0: none.
ALTER TABLE presence ADD COLUMN thread_id BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE presence DROP COLUMN thread_id;
