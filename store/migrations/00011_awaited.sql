-- +goose Up
-- An agent's answer of which it is not yet worked out what its end means for the thread. Few at any time.
ALTER TABLE entries ADD COLUMN awaited SMALLINT NOT NULL DEFAULT 0;
CREATE INDEX entries_awaited ON entries (id) WHERE awaited = 1;

-- +goose Down
DROP INDEX entries_awaited;
ALTER TABLE entries DROP COLUMN awaited;
