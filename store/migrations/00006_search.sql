-- +goose Up
-- The words of each entry, folded by store/search.go, under the entry's id. Those of entries of before follow the migration.
{{words}}
INSERT INTO meta (key, value) VALUES ('unindexed', '0');

-- +goose Down
DROP TABLE entry_words;
DELETE FROM meta WHERE key = 'unindexed';
