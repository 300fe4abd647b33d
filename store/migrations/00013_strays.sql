-- +goose Up
-- What a stray says, for whoever looks at it; a mail whose sender cannot be read is a message.
ALTER TABLE strays ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE strays ADD COLUMN text TEXT NOT NULL DEFAULT '';
UPDATE strays SET kind = 'message' WHERE kind = '';

-- +goose Down
ALTER TABLE strays DROP COLUMN text;
ALTER TABLE strays DROP COLUMN subject;
