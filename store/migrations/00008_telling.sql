-- +goose Up
-- What is to be told, written in the transaction of its cause. The relay moves it on.
CREATE TABLE outbox (
    id          BIGINT PRIMARY KEY,
    type        TEXT NOT NULL,
    customer_id BIGINT NOT NULL DEFAULT 0,
    data        TEXT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX outbox_customer ON outbox (customer_id) WHERE customer_id <> 0;

-- What was told. Ids are given by one relay after the commit: 1, 2, 3 and so on, and never one before another
-- that can already be read. The last one given stands in cursors.
CREATE TABLE stream (
    id          {{id}} PRIMARY KEY,
    type        TEXT NOT NULL,
    customer_id BIGINT NOT NULL DEFAULT 0,
    data        TEXT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX stream_customer ON stream (customer_id, id) WHERE customer_id <> 0;

CREATE TABLE endpoints (
    id            BIGINT PRIMARY KEY,
    url           TEXT NOT NULL,
    events        TEXT NOT NULL,
    secret        TEXT NOT NULL,
    old_secret    TEXT NOT NULL DEFAULT '',
    old_until     BIGINT NOT NULL DEFAULT 0,
    disabled      TEXT NOT NULL DEFAULT '',
    disabled_at   BIGINT NOT NULL DEFAULT 0,
    failing_since BIGINT NOT NULL DEFAULT 0,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);

-- One notice of the stream on its way to one endpoint. tries is a JSON array of what came of the attempts.
CREATE TABLE deliveries (
    id          {{id}} PRIMARY KEY,
    endpoint_id BIGINT NOT NULL,
    notice_id   BIGINT NOT NULL,
    type        TEXT NOT NULL,
    state       TEXT NOT NULL,
    attempt     INTEGER NOT NULL DEFAULT 0,
    base        INTEGER NOT NULL DEFAULT 0,
    owner       BIGINT NOT NULL DEFAULT 0,
    due_at      BIGINT NOT NULL,
    tries       TEXT NOT NULL DEFAULT '[]',
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX deliveries_once ON deliveries (notice_id, endpoint_id);
CREATE INDEX deliveries_endpoint ON deliveries (endpoint_id, id);
CREATE INDEX deliveries_due ON deliveries (endpoint_id, due_at) WHERE state = 'pending';
CREATE INDEX deliveries_owner ON deliveries (owner) WHERE state = 'sending';
CREATE INDEX deliveries_open ON deliveries (notice_id) WHERE state IN ('pending', 'sending');

-- Telephone calls as a PBX reports them. number is the other side's; customer_id 0: nobody has it, or it was hidden.
CREATE TABLE calls (
    id          BIGINT PRIMARY KEY,
    door        TEXT NOT NULL,
    call_id     TEXT NOT NULL,
    direction   TEXT NOT NULL,
    number      TEXT NOT NULL,
    line        TEXT NOT NULL DEFAULT '',
    customer_id BIGINT NOT NULL DEFAULT 0,
    agent       TEXT NOT NULL DEFAULT '',
    answered_by TEXT NOT NULL DEFAULT '',
    cause       TEXT NOT NULL DEFAULT '',
    started_at  BIGINT NOT NULL,
    answered_at BIGINT NOT NULL DEFAULT 0,
    ended_at    BIGINT NOT NULL DEFAULT 0,
    thread_id   BIGINT NOT NULL DEFAULT 0,
    entry_id    BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX calls_once ON calls (door, call_id);
CREATE INDEX calls_customer ON calls (customer_id, id) WHERE customer_id <> 0;
CREATE INDEX calls_number ON calls (number, id) WHERE customer_id = 0;

-- +goose Down
DROP TABLE calls;
DROP TABLE deliveries;
DROP TABLE endpoints;
DROP TABLE stream;
DROP TABLE outbox;
