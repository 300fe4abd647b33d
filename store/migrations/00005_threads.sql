-- +goose Up
-- What agents see of a thread at once: is there something new, and since when does the customer wait (0: not).
ALTER TABLE threads ADD COLUMN unread SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE threads ADD COLUMN waiting_since BIGINT NOT NULL DEFAULT 0;
-- A merged thread keeps its row and its entries: the thread it was merged into shows them. So a merge is one
-- update however long the threads are, and can be undone for ever.
ALTER TABLE threads ADD COLUMN merged_into BIGINT NOT NULL DEFAULT 0;
CREATE INDEX threads_merged ON threads (merged_into) WHERE merged_into <> 0;
CREATE INDEX threads_status ON threads (status, last_entry_at, id);
CREATE INDEX threads_waiting ON threads (waiting_since, id) WHERE waiting_since <> 0;
-- Of an entry that was split off: the thread it was written in.
ALTER TABLE entries ADD COLUMN origin_thread BIGINT NOT NULL DEFAULT 0;
UPDATE threads SET waiting_since = last_entry_at WHERE status = 'open';

CREATE TABLE mentions (
    id       BIGINT PRIMARY KEY,
    entry_id BIGINT NOT NULL,
    agent    TEXT NOT NULL
);
CREATE UNIQUE INDEX mentions_agent ON mentions (agent, id);
CREATE INDEX mentions_entry ON mentions (entry_id);

CREATE TABLE drafts (
    thread_id  BIGINT NOT NULL REFERENCES threads (id),
    agent      TEXT NOT NULL,
    content    TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (thread_id, agent)
) {{flat}};

CREATE TABLE canned (
    key        TEXT PRIMARY KEY,
    title      TEXT NOT NULL,
    bodies     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
) {{flat}};

-- +goose Down
DROP TABLE canned;
DROP TABLE drafts;
DROP TABLE mentions;
DROP INDEX threads_waiting;
DROP INDEX threads_status;
DROP INDEX threads_merged;
ALTER TABLE entries DROP COLUMN origin_thread;
ALTER TABLE threads DROP COLUMN merged_into;
ALTER TABLE threads DROP COLUMN waiting_since;
ALTER TABLE threads DROP COLUMN unread;
