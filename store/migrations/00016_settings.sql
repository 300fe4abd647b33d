-- +goose Up
-- What providers made of what they were handed, in slots of ten seconds, one row a process: kept for two hours, for people.
CREATE TABLE provider_slots (
    provider TEXT NOT NULL,
    slot     BIGINT NOT NULL,
    worker   BIGINT NOT NULL,
    sent     BIGINT NOT NULL,
    failed   BIGINT NOT NULL,
    PRIMARY KEY (provider, slot, worker)
) {{flat}};
-- How a provider looks from one process. state is the gateway's JSON.
CREATE TABLE provider_states (
    provider   TEXT NOT NULL,
    worker     BIGINT NOT NULL,
    state      TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (provider, worker)
) {{flat}};
CREATE INDEX audit_subject ON audit (subject, id);

-- +goose Down
DROP INDEX audit_subject;
DROP TABLE provider_states;
DROP TABLE provider_slots;
