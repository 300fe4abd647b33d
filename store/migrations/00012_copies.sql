-- +goose Up
-- A row for each entry that somebody wrote or was named in, so that they go where the entry goes. aside is 1 where the customer
-- does not see that they take part: a forward, a blind copy.
CREATE TABLE thread_people (
    thread_id BIGINT NOT NULL,
    akey      TEXT NOT NULL,
    entry_id  BIGINT NOT NULL,
    address   TEXT NOT NULL,
    name      TEXT NOT NULL DEFAULT '',
    known     INTEGER NOT NULL DEFAULT 0,
    aside     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (thread_id, akey, entry_id)
) {{flat}};
INSERT INTO thread_people (thread_id, akey, entry_id, address, name, known) SELECT thread_id, akey, entry_id, address, name, known FROM thread_participants;
DROP TABLE thread_participants;
ALTER TABLE thread_people RENAME TO thread_participants;
CREATE INDEX thread_participants_akey ON thread_participants (akey);

-- How a name of an agent, or a label (kind), is spelled: as it was first. skey is the name without regard to case.
CREATE TABLE spellings (
    kind     TEXT NOT NULL,
    skey     TEXT NOT NULL,
    spelling TEXT NOT NULL,
    PRIMARY KEY (kind, skey)
) {{flat}};
INSERT INTO spellings (kind, skey, spelling) SELECT 'agent', lower(agent), min(agent) FROM presence GROUP BY lower(agent);
INSERT INTO spellings (kind, skey, spelling) SELECT 'agent', lower(assignee), min(assignee) FROM threads WHERE assignee <> '' GROUP BY lower(assignee) ON CONFLICT DO NOTHING;

-- +goose Down
DROP TABLE spellings;
CREATE TABLE thread_people (
    thread_id BIGINT NOT NULL,
    akey      TEXT NOT NULL,
    address   TEXT NOT NULL,
    name      TEXT NOT NULL DEFAULT '',
    known     INTEGER NOT NULL DEFAULT 0,
    entry_id  BIGINT NOT NULL,
    PRIMARY KEY (thread_id, akey)
) {{flat}};
INSERT INTO thread_people (thread_id, akey, address, name, known, entry_id) SELECT thread_id, akey, min(address), max(name), max(known), min(entry_id) FROM thread_participants GROUP BY thread_id, akey;
DROP TABLE thread_participants;
ALTER TABLE thread_people RENAME TO thread_participants;
CREATE INDEX thread_participants_akey ON thread_participants (akey);
