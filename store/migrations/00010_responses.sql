-- +goose Up
-- How long people waited for people: a row for each answer of an agent to words that waited, and for each resolution. Campaigns
-- and automatic answers write none. Times are in milliseconds, business_ms within the hours that held when it was written.
CREATE TABLE responses (
    id          BIGINT PRIMARY KEY,
    thread_id   BIGINT NOT NULL,
    entry_id    BIGINT NOT NULL,
    kind        TEXT NOT NULL,
    agent       TEXT NOT NULL,
    channel     TEXT NOT NULL,
    campaign_id BIGINT NOT NULL,
    waited_from BIGINT NOT NULL,
    waited_ms   BIGINT NOT NULL,
    business_ms BIGINT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX responses_thread ON responses (thread_id, id);
CREATE INDEX responses_created ON responses (created_at);

-- Who is there. seen_at is when the agent's program last said so; assigned_at orders the round.
CREATE TABLE presence (
    agent       TEXT PRIMARY KEY,
    status      TEXT NOT NULL,
    seen_at     BIGINT NOT NULL,
    assigned_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX threads_assignee ON threads (assignee, status);

-- +goose Down
DROP INDEX threads_assignee;
DROP TABLE presence;
DROP TABLE responses;
