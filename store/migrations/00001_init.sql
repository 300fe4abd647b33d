-- +goose Up
-- One source for both engines. {{json}} is JSONB on PostgreSQL and TEXT on SQLite; {{blob}} is BYTEA and
-- BLOB; {{id}} is BIGINT and INTEGER, which makes the key SQLite's own rowid instead of a second tree, and
-- {{flat}} does the same for natural keys. Times are milliseconds since 1970 UTC, written by the program, never by the database.

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO meta (key, value) VALUES ('ping', '');

-- One row a process. node is the part of its ids; beats is a counter, not a clock.
CREATE TABLE workers (
    id         BIGINT PRIMARY KEY,
    node       INTEGER NOT NULL,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    beats      BIGINT NOT NULL DEFAULT 0,
    dead       INTEGER NOT NULL DEFAULT 0,
    started_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX workers_node ON workers (node) WHERE dead = 0;

CREATE TABLE customers (
    id            {{id}} PRIMARY KEY,
    external_id   TEXT,
    audience      TEXT NOT NULL DEFAULT 'customer',
    name          TEXT NOT NULL DEFAULT '',
    locale        TEXT NOT NULL DEFAULT '',
    timezone      TEXT NOT NULL DEFAULT '',
    attributes    TEXT NOT NULL DEFAULT '{}',
    channel_order TEXT NOT NULL DEFAULT '',
    quiet_from    INTEGER,
    quiet_until   INTEGER,
    cap_max       INTEGER,
    cap_per       BIGINT,
    track         INTEGER NOT NULL DEFAULT 1,
    merged_into   BIGINT,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX customers_external ON customers (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX customers_merged ON customers (merged_into) WHERE merged_into IS NOT NULL;

-- akey is the address as it is compared (emails without regard to case).
CREATE TABLE addresses (
    id          {{id}} PRIMARY KEY,
    customer_id BIGINT NOT NULL REFERENCES customers (id),
    channel     TEXT NOT NULL,
    akey        TEXT NOT NULL,
    address     TEXT NOT NULL,
    is_primary  INTEGER NOT NULL DEFAULT 0,
    epoch       BIGINT NOT NULL DEFAULT 0,
    off_reason  TEXT NOT NULL DEFAULT '',
    created_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX addresses_key ON addresses (channel, akey);
CREATE INDEX addresses_customer ON addresses (customer_id);

CREATE TABLE preferences (
    customer_id BIGINT NOT NULL REFERENCES customers (id),
    topic       TEXT NOT NULL,
    channel     TEXT NOT NULL,
    enabled     INTEGER NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (customer_id, topic, channel)
);

-- Append-only; the current state is derived from the newest matching row.
CREATE TABLE consents (
    id           {{id}} PRIMARY KEY,
    customer_id  BIGINT NOT NULL,
    channel      TEXT NOT NULL,
    purpose      TEXT NOT NULL,
    topic        TEXT NOT NULL DEFAULT '',
    granted      INTEGER NOT NULL,
    source       TEXT NOT NULL,
    text_version TEXT NOT NULL DEFAULT '',
    proof        TEXT NOT NULL DEFAULT '',
    ip           TEXT NOT NULL DEFAULT '',
    message_id   BIGINT NOT NULL DEFAULT 0,
    created_at   BIGINT NOT NULL
);
CREATE INDEX consents_customer ON consents (customer_id, id);

-- Keyed by a keyed hash, so that it survives an erasure without holding the address.
CREATE TABLE suppressions (
    channel    TEXT NOT NULL,
    hash       TEXT NOT NULL,
    address    TEXT NOT NULL DEFAULT '',
    reason     TEXT NOT NULL,
    scope      TEXT NOT NULL,
    source     TEXT NOT NULL DEFAULT '',
    message_id BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (channel, hash)
);

CREATE TABLE topics (
    key          TEXT PRIMARY KEY,
    policy       TEXT NOT NULL,
    title        TEXT NOT NULL DEFAULT '{}',
    track_opens  INTEGER NOT NULL DEFAULT 0,
    track_clicks INTEGER NOT NULL DEFAULT 0,
    implicit     INTEGER NOT NULL DEFAULT 0,
    updated_at   BIGINT NOT NULL
);

CREATE TABLE templates (
    id         BIGINT PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    current    BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
-- source is what the author wrote, compiled what was made of it at saving (CSS inlined, text derived).
CREATE TABLE template_versions (
    id          BIGINT PRIMARY KEY,
    template_id BIGINT NOT NULL REFERENCES templates (id),
    version     INTEGER NOT NULL,
    source      TEXT NOT NULL,
    compiled    TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    UNIQUE (template_id, version)
);

-- spec holds what only planning and rendering read; what the claim reads has columns.
CREATE TABLE campaigns (
    id               {{id}} PRIMARY KEY,
    kind             TEXT NOT NULL,
    name             TEXT NOT NULL DEFAULT '',
    purpose          TEXT NOT NULL,
    topic            TEXT NOT NULL DEFAULT '',
    template_id      BIGINT NOT NULL DEFAULT 0,
    status           TEXT NOT NULL,
    paused_from      TEXT NOT NULL DEFAULT '',
    sandbox          INTEGER NOT NULL DEFAULT 0,
    dry_run          INTEGER NOT NULL DEFAULT 0,
    everyone         INTEGER NOT NULL DEFAULT 0,
    spec             TEXT NOT NULL,
    send_at          BIGINT NOT NULL DEFAULT 0,
    expires_at       BIGINT NOT NULL DEFAULT 0,
    cancellation_key TEXT NOT NULL DEFAULT '',
    thread_id        BIGINT NOT NULL DEFAULT 0,
    key_id           BIGINT NOT NULL DEFAULT 0,
    audience         BIGINT NOT NULL DEFAULT 0,
    planned          BIGINT NOT NULL DEFAULT 0,
    refused          BIGINT NOT NULL DEFAULT 0,
    cursor           BIGINT NOT NULL DEFAULT 0,
    created_at       BIGINT NOT NULL,
    launched_at      BIGINT NOT NULL DEFAULT 0,
    finished_at      BIGINT NOT NULL DEFAULT 0,
    result           TEXT NOT NULL DEFAULT '',
    owner            BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX campaigns_open ON campaigns (status) WHERE status NOT IN ('finished', 'cancelled', 'draft');
CREATE INDEX campaigns_dry ON campaigns (id) WHERE dry_run = 1;
CREATE INDEX campaigns_cancellation ON campaigns (cancellation_key) WHERE cancellation_key <> '';

-- The stage: each recipient as it was sent to us. Rows with a seq above the campaign's audience belong
-- to a request that has not ended. dedupe is 64 bits of a hash of who a recipient names.
CREATE TABLE recipients (
    campaign_id BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    line        BIGINT NOT NULL DEFAULT 0,
    payload     TEXT NOT NULL,
    refusal     TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (campaign_id, seq)
);
CREATE INDEX recipients_refused ON recipients (campaign_id, seq) WHERE refusal <> '';
CREATE TABLE recipient_keys (
    campaign_id BIGINT NOT NULL,
    dedupe      BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, dedupe)
) {{flat}};

-- At most 500 message rows of one campaign (0: single messages), lane, channel and due minute. what is
-- send, settle (rows in doubt) or escalate (rows that failed or stayed undelivered). provider, when not
-- empty, is the only one that may carry them: they are sent again after a doubt.
CREATE TABLE batches (
    id          {{id}} PRIMARY KEY,
    campaign_id BIGINT NOT NULL,
    what        TEXT NOT NULL DEFAULT 'send',
    lane        SMALLINT NOT NULL,
    channel     TEXT NOT NULL,
    provider    TEXT NOT NULL DEFAULT '',
    sandbox     INTEGER NOT NULL DEFAULT 0,
    due_at      BIGINT NOT NULL,
    owner       BIGINT NOT NULL DEFAULT 0,
    size        INTEGER NOT NULL
);
CREATE INDEX batches_due ON batches (due_at);
CREATE INDEX batches_owner ON batches (owner) WHERE owner <> 0;
CREATE INDEX batches_campaign ON batches (campaign_id);

-- The hot table. No index mentions a column that claim or record changes, so that PostgreSQL updates in place (HOT).
CREATE TABLE messages (
    id          {{id}} PRIMARY KEY,
    campaign_id BIGINT NOT NULL,
    customer_id BIGINT NOT NULL,
    address_id  BIGINT NOT NULL,
    batch_id    BIGINT NOT NULL,
    epoch       BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    window_end  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    owner       BIGINT NOT NULL DEFAULT 0,
    sent_at     BIGINT NOT NULL DEFAULT 0,
    updated_at  BIGINT NOT NULL,
    state       SMALLINT NOT NULL,
    attempt     SMALLINT NOT NULL DEFAULT 0,
    misses      SMALLINT NOT NULL DEFAULT 0,
    seq         BIGINT NOT NULL DEFAULT 0,
    channel     TEXT NOT NULL,
    provider    TEXT NOT NULL DEFAULT '',
    reason      TEXT NOT NULL DEFAULT ''
) {{hot}};
CREATE UNIQUE INDEX messages_once ON messages (campaign_id, customer_id, channel);
CREATE INDEX messages_batch ON messages (batch_id, id);
CREATE INDEX messages_customer ON messages (customer_id, id);

-- What a message was rendered with. Deleted by an erasure; the row of the ledger stays.
CREATE TABLE message_vars (message_id {{id}} PRIMARY KEY, vars TEXT NOT NULL);

-- Every attempt that did not simply succeed, and what it said.
CREATE TABLE attempts (
    message_id BIGINT NOT NULL,
    attempt    SMALLINT NOT NULL,
    provider   TEXT NOT NULL,
    verdict    TEXT NOT NULL,
    reason     TEXT NOT NULL,
    code       TEXT NOT NULL DEFAULT '',
    detail     TEXT NOT NULL DEFAULT '',
    at         BIGINT NOT NULL,
    PRIMARY KEY (message_id, attempt, verdict)
);

CREATE TABLE provider_refs (
    provider    TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    message_id  BIGINT NOT NULL,
    PRIMARY KEY (provider, provider_id)
) {{flat}};
CREATE INDEX provider_refs_message ON provider_refs (message_id);

CREATE TABLE receipts (
    id         BIGINT PRIMARY KEY,
    message_id BIGINT NOT NULL,
    provider   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    reason     TEXT NOT NULL DEFAULT '',
    code       TEXT NOT NULL DEFAULT '',
    detail     TEXT NOT NULL DEFAULT '',
    at         BIGINT NOT NULL
);
CREATE INDEX receipts_message ON receipts (message_id);

CREATE TABLE engagements (
    message_id  BIGINT NOT NULL,
    kind        TEXT NOT NULL,
    campaign_id BIGINT NOT NULL,
    first_at    BIGINT NOT NULL,
    n           BIGINT NOT NULL DEFAULT 0,
    machine     BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (message_id, kind)
);

-- Counter rows, one a worker, so that no two processes wait for each other.
CREATE TABLE campaign_counts (
    campaign_id BIGINT NOT NULL,
    worker      BIGINT NOT NULL,
    what        TEXT NOT NULL,
    n           BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, what, worker)
) {{flat}};
-- SMS segments and money, by channel.
CREATE TABLE campaign_costs (
    campaign_id BIGINT NOT NULL,
    worker      BIGINT NOT NULL,
    channel     TEXT NOT NULL,
    segments    BIGINT NOT NULL,
    micros      BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, channel, worker)
);

-- The theoretical arrival time (GCRA) of a provider, in microseconds.
CREATE TABLE rates (provider TEXT PRIMARY KEY, tat BIGINT NOT NULL);
CREATE TABLE pauses (
    scope  TEXT NOT NULL,
    key    TEXT NOT NULL,
    until  BIGINT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (scope, key)
);

-- What came in, each event once.
CREATE TABLE inbound (
    provider   TEXT NOT NULL,
    event_id   TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (provider, event_id)
);
CREATE TABLE cursors (provider TEXT PRIMARY KEY, cursor TEXT NOT NULL, owner BIGINT NOT NULL DEFAULT 0, updated_at BIGINT NOT NULL);
-- One-time /start tokens, and tokens of confirmation pages.
CREATE TABLE links (
    token       TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    customer_id BIGINT NOT NULL,
    message_id  BIGINT NOT NULL DEFAULT 0,
    payload     TEXT NOT NULL DEFAULT '',
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX links_customer ON links (customer_id);

CREATE TABLE threads (
    id            BIGINT PRIMARY KEY,
    customer_id   BIGINT NOT NULL,
    address_id    BIGINT NOT NULL,
    channel       TEXT NOT NULL,
    subject       TEXT NOT NULL DEFAULT '',
    status        TEXT NOT NULL,
    assignee      TEXT NOT NULL DEFAULT '',
    labels        TEXT NOT NULL DEFAULT '[]',
    priority      TEXT NOT NULL DEFAULT 'normal',
    snoozed_until BIGINT NOT NULL DEFAULT 0,
    campaign_id   BIGINT NOT NULL DEFAULT 0,
    last_entry_at BIGINT NOT NULL,
    preview       TEXT NOT NULL DEFAULT '',
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX threads_address ON threads (address_id, id);
CREATE INDEX threads_customer ON threads (customer_id, id);
CREATE INDEX threads_last ON threads (last_entry_at, id);
CREATE INDEX threads_snoozed ON threads (snoozed_until) WHERE status = 'snoozed';

CREATE TABLE entries (
    id               BIGINT PRIMARY KEY,
    thread_id        BIGINT NOT NULL REFERENCES threads (id),
    customer_id      BIGINT NOT NULL,
    kind             TEXT NOT NULL,
    channel          TEXT NOT NULL,
    text             TEXT NOT NULL DEFAULT '',
    html             TEXT NOT NULL DEFAULT '',
    author           TEXT NOT NULL DEFAULT '',
    address_id       BIGINT NOT NULL DEFAULT 0,
    message_id       BIGINT NOT NULL DEFAULT 0,
    answers_message  BIGINT NOT NULL DEFAULT 0,
    answers_campaign BIGINT NOT NULL DEFAULT 0,
    answers_template BIGINT NOT NULL DEFAULT 0,
    matched_by       TEXT NOT NULL DEFAULT '',
    provider         TEXT NOT NULL DEFAULT '',
    provider_id      TEXT NOT NULL DEFAULT '',
    meta             TEXT NOT NULL DEFAULT '{}',
    created_at       BIGINT NOT NULL
);
CREATE INDEX entries_thread ON entries (thread_id, id);
CREATE INDEX entries_customer ON entries (customer_id, id);
CREATE INDEX entries_campaign ON entries (answers_campaign, id) WHERE answers_campaign <> 0;
CREATE INDEX entries_provider ON entries (provider, provider_id) WHERE provider_id <> '';

-- Orders and other things that happened to a customer elsewhere.
CREATE TABLE events (
    id          BIGINT PRIMARY KEY,
    external_id TEXT NOT NULL UNIQUE,
    customer_id BIGINT NOT NULL,
    type        TEXT NOT NULL,
    occurred_at BIGINT NOT NULL,
    properties  TEXT NOT NULL DEFAULT '{}',
    created_at  BIGINT NOT NULL
);
CREATE INDEX events_customer ON events (customer_id, occurred_at);

CREATE TABLE files (
    id           BIGINT PRIMARY KEY,
    name         TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size         BIGINT NOT NULL,
    sha256       TEXT NOT NULL,
    complete     INTEGER NOT NULL DEFAULT 0,
    created_at   BIGINT NOT NULL
);
CREATE TABLE file_chunks (
    file_id BIGINT NOT NULL,
    seq     INTEGER NOT NULL,
    data    {{blob}} NOT NULL,
    PRIMARY KEY (file_id, seq)
);

CREATE TABLE jobs (
    id         BIGINT PRIMARY KEY,
    kind       TEXT NOT NULL,
    status     TEXT NOT NULL,
    file_id    BIGINT NOT NULL DEFAULT 0,
    spec       TEXT NOT NULL DEFAULT '{}',
    cursor     BIGINT NOT NULL DEFAULT 0,
    total      BIGINT NOT NULL DEFAULT 0,
    done       BIGINT NOT NULL DEFAULT 0,
    rejected   BIGINT NOT NULL DEFAULT 0,
    error      TEXT NOT NULL DEFAULT '',
    owner      BIGINT NOT NULL DEFAULT 0,
    key_id     BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX jobs_open ON jobs (status) WHERE status IN ('queued', 'running');
CREATE TABLE job_rejects (
    job_id BIGINT NOT NULL,
    line   BIGINT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (job_id, line)
);

CREATE TABLE keys (
    id         BIGINT PRIMARY KEY,
    name       TEXT NOT NULL,
    hash       TEXT NOT NULL UNIQUE,
    hint       TEXT NOT NULL,
    scopes     TEXT NOT NULL,
    expires_at BIGINT NOT NULL DEFAULT 0,
    revoked_at BIGINT NOT NULL DEFAULT 0,
    used_at    BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL
);

-- status 0: still running. Only 2xx stay.
CREATE TABLE idempotency (
    key_id     BIGINT NOT NULL,
    scope      TEXT NOT NULL,
    body_hash  TEXT NOT NULL,
    status     INTEGER NOT NULL,
    response   TEXT NOT NULL DEFAULT '',
    owner      BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (key_id, scope)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE providers (
    name       TEXT PRIMARY KEY,
    driver     TEXT NOT NULL,
    channel    TEXT NOT NULL,
    priority   INTEGER NOT NULL,
    rate       DOUBLE PRECISION NOT NULL,
    settings   TEXT NOT NULL,
    version    BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE sandbox_outbox (
    id         BIGINT PRIMARY KEY,
    channel    TEXT NOT NULL,
    akey       TEXT NOT NULL,
    message_id BIGINT NOT NULL,
    campaign_id BIGINT NOT NULL,
    content    TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX sandbox_outbox_address ON sandbox_outbox (channel, akey, id);
CREATE INDEX sandbox_outbox_campaign ON sandbox_outbox (campaign_id, id);
CREATE INDEX sandbox_outbox_message ON sandbox_outbox (message_id);
CREATE TABLE sandbox_behaviour (
    channel  TEXT NOT NULL,
    akey     TEXT NOT NULL,
    mode     TEXT NOT NULL,
    delay_ms INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (channel, akey)
);

CREATE TABLE audit (
    id         BIGINT PRIMARY KEY,
    key_id     BIGINT NOT NULL,
    action     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    detail     TEXT NOT NULL DEFAULT '{}',
    created_at BIGINT NOT NULL
);
