-- +goose Up
-- What a receipt says of the address (hard, soft, policy), and the mail that it came as: a file, 0 for none.
ALTER TABLE receipts ADD COLUMN class TEXT NOT NULL DEFAULT '';
ALTER TABLE receipts ADD COLUMN file_id BIGINT NOT NULL DEFAULT 0;

-- Who takes part in a thread beside its customer. known is 1 when somebody who has a part named them, 0 when they only
-- wrote themselves. entry_id is the first entry that they wrote or were named in.
CREATE TABLE thread_participants (
    thread_id BIGINT NOT NULL,
    akey      TEXT NOT NULL,
    address   TEXT NOT NULL,
    name      TEXT NOT NULL DEFAULT '',
    known     INTEGER NOT NULL DEFAULT 0,
    entry_id  BIGINT NOT NULL,
    PRIMARY KEY (thread_id, akey)
) {{flat}};
CREATE INDEX thread_participants_akey ON thread_participants (akey);

-- Reports and machines' answers that nothing ties to a message of ours. akey is whom they claim to be about, or who
-- wrote them. Kept for thirty days, for an operator.
CREATE TABLE strays (
    id         {{id}} PRIMARY KEY,
    provider   TEXT NOT NULL,
    akey       TEXT NOT NULL DEFAULT '',
    kind       TEXT NOT NULL,
    reason     TEXT NOT NULL DEFAULT '',
    code       TEXT NOT NULL DEFAULT '',
    file_id    BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL
);
CREATE INDEX strays_akey ON strays (akey);

-- When a machine of ours last said something (kind) to an address by itself.
CREATE TABLE auto_answers (
    address_id  BIGINT NOT NULL,
    kind        TEXT NOT NULL,
    answered_at BIGINT NOT NULL,
    PRIMARY KEY (address_id, kind)
) {{flat}};

-- +goose Down
DROP TABLE auto_answers;
DROP TABLE strays;
DROP TABLE thread_participants;
ALTER TABLE receipts DROP COLUMN file_id;
ALTER TABLE receipts DROP COLUMN class;
