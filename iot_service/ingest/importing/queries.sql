-- name: copy_readings
-- New readings, at full speed; fails as a whole when one of them is stored already.
COPY reading (device_id, metric, received_at, ts_assumed, historic, ts, value) FROM STDIN (FORMAT binary);

-- name: make_staging
-- Where readings wait that may be stored already, in this session only; their number keeps the order of the file.
CREATE TEMP TABLE IF NOT EXISTS import_staging (
    device_id text, metric text, received_at timestamptz, ts_assumed boolean, historic boolean, ts timestamptz,
    value double precision, number bigint GENERATED ALWAYS AS IDENTITY
) ON COMMIT DELETE ROWS;

-- name: copy_staging
-- Readings that may be stored already.
COPY import_staging (device_id, metric, received_at, ts_assumed, historic, ts, value) FROM STDIN (FORMAT binary);

-- name: insert_staged
-- The readings of the staging table that are not stored yet; of two with the same key, the first.
INSERT INTO reading (device_id, metric, received_at, ts_assumed, historic, ts, value)
SELECT device_id, metric, received_at, ts_assumed, historic, ts, value FROM import_staging ORDER BY number
ON CONFLICT DO NOTHING;

-- name: judge_staged
-- Those that were brought in as history before, and shall be judged now.
UPDATE reading SET historic = false FROM import_staging AS staged
WHERE reading.device_id = staged.device_id AND reading.metric = staged.metric AND reading.ts = staged.ts
    AND reading.historic AND reading.ts BETWEEN %(oldest)s AND %(newest)s;

-- name: staged_conflicts
-- The readings of the staging table for which another value is stored, in the order of the file.
SELECT staged.device_id, staged.metric, staged.ts, staged.value, stored.value AS kept
FROM import_staging AS staged
JOIN reading AS stored ON stored.device_id = staged.device_id AND stored.metric = staged.metric
    AND stored.ts = staged.ts AND stored.ts BETWEEN %(oldest)s AND %(newest)s
WHERE stored.value <> staged.value ORDER BY staged.number LIMIT %(limit)s;

-- name: insert_historic_attributes
-- Attributes that rules pass over, the stored ones left as they are.
INSERT INTO attribute (device_id, name, ts, value, received_at, historic)
SELECT *, true FROM unnest(%(devices)s::text[], %(names)s::text[], %(times)s::timestamptz[], %(values)s::jsonb[],
                           %(received)s::timestamptz[])
ON CONFLICT DO NOTHING;

-- name: attribute_conflicts
-- Attributes for which another value is stored.
SELECT sent.device_id, sent.name, sent.ts, sent.value::text AS refused, stored.value::text AS kept
FROM unnest(%(devices)s::text[], %(names)s::text[], %(times)s::timestamptz[], %(values)s::jsonb[])
     AS sent (device_id, name, ts, value)
JOIN attribute AS stored USING (device_id, name, ts)
WHERE stored.value <> sent.value;

-- name: judge_attributes
-- Attributes that were brought in as history before, and shall be judged now.
UPDATE attribute SET historic = false
FROM unnest(%(devices)s::text[], %(names)s::text[], %(times)s::timestamptz[]) AS sent (device_id, name, ts)
WHERE attribute.device_id = sent.device_id AND attribute.name = sent.name AND attribute.ts = sent.ts
    AND attribute.historic;

-- name: insert_due
-- The rollups that readings of the past make out of date, but for those whose readings are no longer kept.
INSERT INTO rollup_due (device_id, metric, level, bucket)
SELECT given.device_id, given.metric, 'minute', given.hour
FROM unnest(%(devices)s::text[], %(metrics)s::text[], %(hours)s::timestamptz[]) AS given (device_id, metric, hour)
JOIN device ON device.id = given.device_id
LEFT JOIN kept_since ON kept_since.product = device.product
WHERE kept_since.readings IS NULL OR given.hour >= kept_since.readings
ORDER BY given.device_id, given.metric, given.hour
-- Not DO NOTHING: the row is held, so that who is just computing that bucket does not take it before we are done.
ON CONFLICT (device_id, metric, level, bucket) DO UPDATE SET bucket = excluded.bucket;

-- name: name_historic_letters
-- Letters of history name their topic so, and replaying one brings in history.
UPDATE dead_letter SET topic = %(topic)s || substr(topic, length(%(instead_of)s) + 1)
WHERE device_id = ANY(%(devices)s) AND received_at = %(received_at)s AND starts_with(topic, %(instead_of)s);

-- name: begin_import
-- Where the import of a file stands: at the beginning where it is new, or shall begin anew.
INSERT INTO import AS known (id, name, judge, started_at, updated_at)
VALUES (%(id)s, %(name)s, %(judge)s, %(now)s, %(now)s)
ON CONFLICT (id) DO UPDATE SET
    updated_at = excluded.updated_at, name = excluded.name,
    position = CASE WHEN %(restart)s THEN 0 ELSE known.position END,
    readings = CASE WHEN %(restart)s THEN 0 ELSE known.readings END,
    faults = CASE WHEN %(restart)s THEN 0 ELSE known.faults END,
    finished_at = CASE WHEN %(restart)s THEN NULL ELSE known.finished_at END
RETURNING position, readings, faults, finished_at;

-- name: save_position
-- How far an import has come.
UPDATE import SET position = %(position)s, readings = readings + %(readings)s, faults = faults + %(faults)s,
    updated_at = %(now)s
WHERE id = %(id)s;

-- name: note_spans
-- What rules are to judge when the import is finished.
INSERT INTO import_span AS known (import_id, device_id, oldest_ts, newest_ts)
SELECT %(id)s, device_id, oldest, newest
FROM unnest(%(devices)s::text[], %(oldest)s::timestamptz[], %(newest)s::timestamptz[])
     AS given (device_id, oldest, newest)
ON CONFLICT (import_id, device_id) DO UPDATE
SET oldest_ts = least(known.oldest_ts, excluded.oldest_ts), newest_ts = greatest(known.newest_ts, excluded.newest_ts);

-- name: hand_over
-- Everything of the import is stored: rules may judge it.
WITH spans AS (DELETE FROM import_span WHERE import_id = %(id)s RETURNING device_id, oldest_ts, newest_ts)
INSERT INTO touched (device_id, oldest_ts, newest_ts, received_at)
SELECT device_id, oldest_ts, newest_ts, %(received_at)s FROM spans ORDER BY device_id;

-- name: finish_import
-- The end of the file is reached.
UPDATE import SET finished_at = %(now)s, updated_at = %(now)s WHERE id = %(id)s;

-- name: forget_import
-- A stream cannot be taken up again, so there is nothing to remember of it.
DELETE FROM import WHERE id = %(id)s;

-- name: wake
-- Tell the rule runner that there is something new.
SELECT pg_notify('touched', '');
