-- +goose Up
-- What an inbound entry is taken to mean: value, confidence in hundredths, and who says so (guess, model, person). A
-- person's word stands over every later guess.
CREATE TABLE readings (
    entry_id             {{id}} PRIMARY KEY,
    language             TEXT NOT NULL,
    language_confidence  SMALLINT NOT NULL,
    language_source      TEXT NOT NULL,
    intent               TEXT NOT NULL,
    intent_confidence    SMALLINT NOT NULL,
    intent_source        TEXT NOT NULL,
    sentiment            TEXT NOT NULL,
    sentiment_confidence SMALLINT NOT NULL,
    sentiment_source     TEXT NOT NULL,
    corrected_by         TEXT NOT NULL DEFAULT '',
    corrected_at         BIGINT NOT NULL DEFAULT 0
);

-- Two customers that a person, or an explicit rule, found to be one. detail holds what the survivor was and was made, and
-- what changed its owner: what an undo needs, and nothing else reads.
CREATE TABLE merges (
    id          {{id}} PRIMARY KEY,
    customer_id BIGINT NOT NULL,
    into_id     BIGINT NOT NULL,
    rule        TEXT NOT NULL DEFAULT '',
    actor       TEXT NOT NULL DEFAULT '',
    key_id      BIGINT NOT NULL DEFAULT 0,
    detail      TEXT NOT NULL,
    undone_by   TEXT NOT NULL DEFAULT '',
    undone_at   BIGINT NOT NULL DEFAULT 0,
    created_at  BIGINT NOT NULL
);
CREATE INDEX merges_customer ON merges (customer_id, id);
CREATE INDEX merges_into ON merges (into_id, id);
-- Who may be one person: most customers have no zone, and cost nothing here.
CREATE INDEX customers_alike ON customers (name, timezone) WHERE name <> '' AND timezone <> '' AND merged_into IS NULL;

-- +goose Down
DROP INDEX customers_alike;
DROP TABLE merges;
DROP TABLE readings;
