-- depends: 0006_rollups

-- Brought in as history, for the record: kept and shown like any other, but rules pass it over.
ALTER TABLE reading ADD COLUMN historic boolean NOT NULL DEFAULT false;
ALTER TABLE attribute ADD COLUMN historic boolean NOT NULL DEFAULT false;

-- How far the import of a file has come, written with what it stored. The id is a digest of the file and of what it is
-- read as; position counts bytes, or rows where a file is read by rows.
CREATE TABLE import (
    id          text PRIMARY KEY,
    name        text NOT NULL,
    judge       boolean NOT NULL,
    position    bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    readings    bigint NOT NULL DEFAULT 0,
    faults      bigint NOT NULL DEFAULT 0,
    started_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    finished_at timestamptz
);

-- What rules are to judge when an import is finished, and not before, so that its order does not matter.
CREATE TABLE import_span (
    import_id text NOT NULL REFERENCES import ON DELETE CASCADE,
    device_id text NOT NULL,
    oldest_ts timestamptz NOT NULL,
    newest_ts timestamptz NOT NULL,
    PRIMARY KEY (import_id, device_id)
);
