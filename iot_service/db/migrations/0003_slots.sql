-- depends: 0002_timescale

-- An ingest slot is a session at the broker, leased by one process at a time: what waits in it is nobody else's. When
-- its holder is gone for good, another one takes it over, empties it, and removes the row. An ordered one is never shared.
ALTER TABLE ingest_slot ADD COLUMN holder text, ADD COLUMN leased_until timestamptz,
    ADD COLUMN ordered boolean NOT NULL DEFAULT false;
-- Null until the first marker has come back: until then nothing can have come for a new slot before seen_at.
ALTER TABLE ingest_slot ALTER COLUMN caught_up_at DROP NOT NULL;

-- Other names that devices are called by, in formats where they cannot choose their topic.
CREATE TABLE device_alias (
    alias     text PRIMARY KEY CHECK (length(alias) BETWEEN 1 AND 200),
    device_id text NOT NULL REFERENCES device
);
CREATE INDEX device_alias_device ON device_alias (device_id);
