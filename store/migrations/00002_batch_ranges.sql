-- +goose Up
-- The rows that planning writes for a batch stand side by side: the batch says from which id to which, and
-- needs no index. moved marks the few that came into a batch later, one by one.
ALTER TABLE batches ADD COLUMN first_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN last_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN moved SMALLINT NOT NULL DEFAULT 0;
UPDATE messages SET moved = 1 WHERE batch_id IN (SELECT id FROM batches);
CREATE INDEX messages_moved ON messages (batch_id, id) WHERE moved = 1;
DROP INDEX messages_batch;
-- Nobody ever asked by it.
DROP INDEX provider_refs_message;

-- +goose Down
CREATE INDEX provider_refs_message ON provider_refs (message_id);
CREATE INDEX messages_batch ON messages (batch_id, id);
DROP INDEX messages_moved;
ALTER TABLE messages DROP COLUMN moved;
ALTER TABLE batches DROP COLUMN last_id;
ALTER TABLE batches DROP COLUMN first_id;
