-- depends: 0002_timescale

-- Rollups: what a metric did in each minute, hour and day (UTC). Plain tables on every engine; they outlive readings.
CREATE TABLE reading_minute (
    device_id text NOT NULL,
    metric    text NOT NULL,
    bucket    timestamptz NOT NULL,
    readings  integer NOT NULL CHECK (readings > 0),
    total     double precision NOT NULL,
    lowest    double precision NOT NULL,
    highest   double precision NOT NULL,
    last      double precision NOT NULL,
    first_at  timestamptz NOT NULL,
    last_at   timestamptz NOT NULL,
    PRIMARY KEY (device_id, metric, bucket)
);

CREATE TABLE reading_hour (
    device_id text NOT NULL,
    metric    text NOT NULL,
    bucket    timestamptz NOT NULL,
    readings  integer NOT NULL CHECK (readings > 0),
    total     double precision NOT NULL,
    lowest    double precision NOT NULL,
    highest   double precision NOT NULL,
    last      double precision NOT NULL,
    first_at  timestamptz NOT NULL,
    last_at   timestamptz NOT NULL,
    PRIMARY KEY (device_id, metric, bucket)
);

CREATE TABLE reading_day (
    device_id text NOT NULL,
    metric    text NOT NULL,
    bucket    timestamptz NOT NULL,
    readings  integer NOT NULL CHECK (readings > 0),
    total     double precision NOT NULL,
    lowest    double precision NOT NULL,
    highest   double precision NOT NULL,
    last      double precision NOT NULL,
    first_at  timestamptz NOT NULL,
    last_at   timestamptz NOT NULL,
    PRIMARY KEY (device_id, metric, bucket)
);

-- Buckets that are to be computed (again). 'minute': the minutes of the hour that begins at bucket, from readings; who
-- stores readings with a time of receipt that lies back adds such a row for each hour. 'hour' and 'day': that bucket.
CREATE TABLE rollup_due (
    device_id text NOT NULL,
    metric    text NOT NULL,
    level     text NOT NULL CHECK (level IN ('minute', 'hour', 'day')),
    bucket    timestamptz NOT NULL,
    PRIMARY KEY (device_id, metric, level, bucket)
);
CREATE INDEX rollup_due_bucket ON rollup_due (level, bucket);

-- Everything received up to received_until is in the rollups or in rollup_due; slots are what each ingest process
-- vouched for by then. Whoever changes rollups holds this one row.
CREATE TABLE rollup_progress (
    only_one       boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    received_until timestamptz,
    slots          jsonb NOT NULL DEFAULT '{}'
);
INSERT INTO rollup_progress DEFAULT VALUES;

-- Since when readings and rollups of a product model are kept: what is older was removed. It never moves back, for a
-- bucket whose readings are gone must not be computed again.
CREATE TABLE kept_since (
    product  text PRIMARY KEY,
    readings timestamptz NOT NULL,
    minutes  timestamptz,
    hours    timestamptz,
    days     timestamptz
);

-- Removes whole chunks of readings measured before an instant, where there are chunks; gives how many.
CREATE FUNCTION drop_reading_chunks(before timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    dropped integer := 0;
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        EXECUTE 'SELECT count(*) FROM drop_chunks(''reading'', older_than => $1)' INTO dropped USING before;
    END IF;
    RETURN dropped;
END $$;

-- Sets how much time the chunks made from now on span, where there are chunks; gives what it was, else null.
CREATE FUNCTION set_reading_chunk_span(span interval) RETURNS interval LANGUAGE plpgsql AS $$
DECLARE
    was interval;
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        EXECUTE 'SELECT time_interval FROM timescaledb_information.dimensions WHERE hypertable_name = ''reading'''
            INTO was;
        IF was IS DISTINCT FROM span THEN
            EXECUTE 'SELECT set_chunk_time_interval(''reading'', $1)' USING span;
        END IF;
    END IF;
    RETURN was;
END $$;

-- How the server keeps readings: how much time a chunk spans, how many there are (null without chunks), and whether old
-- ones are compressed.
CREATE FUNCTION reading_storage(OUT chunk_span interval, OUT chunks bigint, OUT compressed boolean) LANGUAGE plpgsql AS $$
BEGIN
    compressed := false;
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        EXECUTE 'SELECT time_interval FROM timescaledb_information.dimensions WHERE hypertable_name = ''reading'''
            INTO chunk_span;
        EXECUTE 'SELECT num_chunks, compression_enabled FROM timescaledb_information.hypertables'
            ' WHERE hypertable_name = ''reading''' INTO chunks, compressed;
    END IF;
END $$;

-- How readings are compressed where the server's licence allows it: chunks older than a week become columns.
CREATE FUNCTION columnstore_statements() RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
    VALUES ('ALTER TABLE reading SET (timescaledb.compress, timescaledb.compress_segmentby = ''device_id, metric'','
            ' timescaledb.compress_orderby = ''ts'')'),
           ('SELECT add_compression_policy(''reading'', INTERVAL ''7 days'', if_not_exists => true)')
$$;

-- Compresses readings from now on where the licence is the one given; gives whether it is. Run again after a change.
CREATE FUNCTION enable_columnstore(license text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    statement text;
BEGIN
    IF license IS DISTINCT FROM 'timescale' THEN
        RETURN false;
    END IF;
    FOR statement IN SELECT columnstore_statements() LOOP
        EXECUTE statement;
    END LOOP;
    RETURN true;
END $$;

DO $$
BEGIN
    PERFORM enable_columnstore(current_setting('timescaledb.license', true));
END $$;
