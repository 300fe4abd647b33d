-- +goose Up
-- The list of threads in each of its orders, by status. A page takes as many rows as it shows, however many threads there are.
CREATE INDEX threads_created ON threads (status, id);
CREATE INDEX threads_priority ON threads (status, (CASE priority WHEN 'urgent' THEN 3 WHEN 'high' THEN 2 WHEN 'low' THEN 0 ELSE 1 END), last_entry_at, id);
-- Whose they are. It covers what the counts ask, and is in the place of a shorter one.
DROP INDEX threads_assignee;
CREATE INDEX threads_assignee ON threads (assignee, status, merged_into, last_entry_at, id);
CREATE INDEX threads_campaign ON threads (campaign_id, last_entry_at, id) WHERE campaign_id <> 0;
-- Sets of labels are few, and most threads have none.
CREATE INDEX threads_labels ON threads (labels) WHERE labels <> '[]' AND merged_into = 0;

-- How a label is shown. key is the label as it is compared.
CREATE TABLE labels (
    key        TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    colour     TEXT NOT NULL,
    updated_at BIGINT NOT NULL
) {{flat}};

-- Filters of the list of threads, under a name. agent is whose it is, '' everybody's.
CREATE TABLE views (
    id         BIGINT PRIMARY KEY,
    agent      TEXT NOT NULL DEFAULT '',
    name       TEXT NOT NULL,
    filter     TEXT NOT NULL,
    position   INTEGER NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX views_agent ON views (agent, position, id);

-- Filters of customers. version rises with each change of the filter.
CREATE TABLE segments (
    id         BIGINT PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    filter     TEXT NOT NULL,
    version    INTEGER NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
ALTER TABLE campaigns ADD COLUMN segment_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE templates ADD COLUMN archived_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX engagements_campaign ON engagements (campaign_id, kind, first_at);

-- +goose Down
DROP INDEX engagements_campaign;
ALTER TABLE templates DROP COLUMN archived_at;
ALTER TABLE campaigns DROP COLUMN segment_id;
DROP TABLE segments;
DROP TABLE views;
DROP TABLE labels;
DROP INDEX threads_labels;
DROP INDEX threads_campaign;
DROP INDEX threads_assignee;
CREATE INDEX threads_assignee ON threads (assignee, status);
DROP INDEX threads_priority;
DROP INDEX threads_created;
