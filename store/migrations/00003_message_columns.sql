-- +goose Up
-- What a message is rendered with and what its provider calls it stand in its row: a row of their own cost each
-- message an insert, an entry in an index and a look-up more than rewriting them with the row does.
ALTER TABLE messages ADD COLUMN vars TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN provider_ref TEXT NOT NULL DEFAULT '';
UPDATE messages SET vars = v.vars FROM message_vars v WHERE v.message_id = messages.id;
UPDATE messages SET provider_ref = r.provider_id FROM provider_refs r WHERE r.message_id = messages.id AND r.provider = messages.provider;
DROP TABLE message_vars;
DROP TABLE provider_refs;

-- +goose Down
CREATE TABLE provider_refs (
    provider    TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    message_id  BIGINT NOT NULL,
    PRIMARY KEY (provider, provider_id)
) {{flat}};
CREATE TABLE message_vars (message_id {{id}} PRIMARY KEY, vars TEXT NOT NULL);
INSERT INTO provider_refs SELECT provider, provider_ref, min(id) FROM messages WHERE provider_ref <> '' GROUP BY provider, provider_ref;
INSERT INTO message_vars SELECT id, vars FROM messages WHERE vars <> '';
ALTER TABLE messages DROP COLUMN provider_ref;
ALTER TABLE messages DROP COLUMN vars;
