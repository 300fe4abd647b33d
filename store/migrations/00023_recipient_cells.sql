-- The rows of an audience as their file had them, so that a person can mend those that are refused and bring them again.
-- seq 0 holds the names of the columns. Rows that were not refused go with the stage.

-- +goose Up
CREATE TABLE recipient_cells (
    campaign_id BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    cells       TEXT   NOT NULL,
    PRIMARY KEY (campaign_id, seq)
) {{flat}};

-- +goose Down
DROP TABLE recipient_cells;
