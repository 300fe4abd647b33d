-- +goose Up
-- People who sign in. mention_key is rapport.MentionName of the name, email_key the address in lower case. password is
-- Argon2id in PHC form; empty: invited. totp and totp_next are sealed; totp_step is the last time step whose code was used.
CREATE TABLE agents (
    id          BIGINT PRIMARY KEY,
    name        TEXT NOT NULL,
    mention_key TEXT NOT NULL UNIQUE,
    email       TEXT NOT NULL,
    email_key   TEXT NOT NULL UNIQUE,
    role        TEXT NOT NULL,
    locale      TEXT NOT NULL DEFAULT '',
    preferences TEXT NOT NULL DEFAULT '{}',
    password    TEXT NOT NULL DEFAULT '',
    totp        TEXT NOT NULL DEFAULT '',
    totp_next   TEXT NOT NULL DEFAULT '',
    totp_step   BIGINT NOT NULL DEFAULT 0,
    disabled_at BIGINT NOT NULL DEFAULT 0,
    seen_at     BIGINT NOT NULL DEFAULT 0,
    created_at  BIGINT NOT NULL
);
CREATE TABLE recovery_codes (
    agent_id BIGINT NOT NULL,
    hash     TEXT NOT NULL,
    PRIMARY KEY (agent_id, hash)
);

CREATE TABLE sessions (
    id         BIGINT PRIMARY KEY,
    agent_id   BIGINT NOT NULL,
    hash       TEXT NOT NULL UNIQUE,
    browser    TEXT NOT NULL,
    address    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_agent ON sessions (agent_id, id);

-- One-time links: setup, invitation, reset.
CREATE TABLE passes (
    hash       TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    agent_id   BIGINT NOT NULL,
    clear_totp INTEGER NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX passes_agent ON passes (agent_id);

-- How often somebody guessed, by account, address or browser.
CREATE TABLE throttles (
    key        TEXT PRIMARY KEY,
    failures   INTEGER NOT NULL,
    until      BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX throttles_age ON throttles (updated_at);

-- +goose Down
DROP TABLE throttles;
DROP TABLE passes;
DROP TABLE sessions;
DROP TABLE recovery_codes;
DROP TABLE agents;
