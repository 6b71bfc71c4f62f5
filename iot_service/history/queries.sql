-- name: hold
-- The only row of the progress, held until the end of the transaction; no row while another holds it.
SELECT received_until, slots FROM rollup_progress FOR UPDATE SKIP LOCKED;

-- name: wait_and_hold
-- The only row of the progress, held until the end of the transaction.
SELECT received_until, slots FROM rollup_progress FOR UPDATE;

-- name: progress
-- Up to when what was received is in the rollups or due, for who only looks.
SELECT received_until FROM rollup_progress;

-- name: slots
-- What each ingest process vouches for.
SELECT client_id, coalesce(caught_up_at, seen_at) AS caught_up_at FROM ingest_slot;

-- name: oldest_received
-- When the first reading was received.
SELECT min(received_at) AS received_at FROM reading;

-- name: save_progress
-- Up to when what was received is in the rollups or due.
UPDATE rollup_progress SET received_until = %(until)s, slots = %(slots)s;

-- name: be_modest
-- For this transaction: read what was received by its index even where the planner knows nothing of a new chunk yet, and
-- take one core at the most.
SELECT set_config('enable_seqscan', 'off', true), set_config('max_parallel_workers_per_gather', '0', true);

-- name: make_touched
-- The hours of series that this transaction computes, and from when to when; in this session only.
CREATE TEMP TABLE IF NOT EXISTS rollup_touched (
    device_id text NOT NULL, metric text NOT NULL, hour timestamptz NOT NULL,
    since timestamptz NOT NULL, until timestamptz NOT NULL, by_minute boolean NOT NULL
) ON COMMIT DELETE ROWS;

-- name: touch_received
-- What was received within a span, hour by hour, but for hours that are no longer kept. What was measured and received
-- after the minute that is under way began is left to the next run. Where an hour has no other minutes yet it is
-- computed as a whole, so that its minutes are complete or none.
INSERT INTO rollup_touched (device_id, metric, hour, since, until, by_minute)
SELECT found.device_id, found.metric, found.hour,
       CASE WHEN EXISTS (SELECT FROM reading_minute AS other
                         WHERE other.device_id = found.device_id AND other.metric = found.metric
                           AND other.bucket >= found.hour AND other.bucket < found.since)
            THEN found.since ELSE found.hour END,
       CASE WHEN EXISTS (SELECT FROM reading_minute AS other
                         WHERE other.device_id = found.device_id AND other.metric = found.metric
                           AND other.bucket >= found.until AND other.bucket < found.hour + interval '1 hour')
            THEN found.until
            ELSE greatest(found.until, least(found.hour + interval '1 hour', %(minute)s)) END,
       coalesce(device.product <> ALL(%(no_minutes)s::text[]), true)
FROM (
    SELECT device_id, metric, date_bin(interval '1 hour', ts, timestamptz '2001-01-01 00:00+00') AS hour,
           date_bin(interval '1 minute', min(ts), timestamptz '2001-01-01 00:00+00') AS since,
           date_bin(interval '1 minute', max(ts), timestamptz '2001-01-01 00:00+00') + interval '1 minute' AS until
    FROM reading
    WHERE received_at > %(after)s AND received_at <= %(until)s AND (received_at <= %(minute)s OR ts < %(minute)s)
      AND NOT historic  -- an import says by itself what is due: it may be more than one transaction should hold
    GROUP BY 1, 2, 3
) AS found
LEFT JOIN device ON device.id = found.device_id
LEFT JOIN kept_since ON kept_since.product = device.product
WHERE kept_since.readings IS NULL OR found.hour >= kept_since.readings;

-- name: touch_measured
-- What was measured within a span of whole hours, of some devices or (null) of all, but for hours no longer kept.
INSERT INTO rollup_touched (device_id, metric, hour, since, until, by_minute)
SELECT found.device_id, found.metric, found.hour, found.hour, found.hour + interval '1 hour',
       coalesce(device.product <> ALL(%(no_minutes)s::text[]), true)
FROM (
    SELECT device_id, metric, date_bin(interval '1 hour', ts, timestamptz '2001-01-01 00:00+00') AS hour
    FROM reading
    WHERE ts >= %(since)s AND ts < %(until)s
      AND (%(devices)s::text[] IS NULL OR device_id = ANY(%(devices)s::text[]))
    GROUP BY 1, 2, 3
) AS found
LEFT JOIN device ON device.id = found.device_id
LEFT JOIN kept_since ON kept_since.product = device.product
WHERE kept_since.readings IS NULL OR found.hour >= kept_since.readings;

-- name: touch_due
-- Buckets of one level that are due and begin before an instant, so many of the oldest; they are no longer due then.
-- Those that somebody is just writing are left to the next run.
WITH taken AS (
    DELETE FROM rollup_due
    WHERE (device_id, metric, level, bucket) IN (
        SELECT device_id, metric, level, bucket FROM rollup_due
        WHERE level = %(level)s AND bucket < %(before)s ORDER BY bucket, device_id, metric LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED)
    RETURNING device_id, metric, bucket
)
INSERT INTO rollup_touched (device_id, metric, hour, since, until, by_minute)
SELECT taken.device_id, taken.metric, taken.bucket, taken.bucket, taken.bucket + %(width)s::interval,
       coalesce(device.product <> ALL(%(no_minutes)s::text[]), true)
FROM taken
LEFT JOIN device ON device.id = taken.device_id
LEFT JOIN kept_since ON kept_since.product = device.product
WHERE kept_since.readings IS NULL OR taken.bucket >= kept_since.readings OR %(level)s <> 'minute';

-- name: touched_days
-- The days that what was touched lies in.
SELECT DISTINCT date_bin(interval '1 day', hour, timestamptz '2001-01-01 00:00+00') AS day FROM rollup_touched ORDER BY 1;

-- name: compute_minutes
-- The minutes of what was touched within a span, from readings. A sum of values beyond 1e290 would be beyond all bounds.
INSERT INTO reading_minute AS kept
    (device_id, metric, bucket, readings, total, lowest, highest, last, first_at, last_at)
SELECT touched.device_id, touched.metric, found.*
FROM rollup_touched AS touched
CROSS JOIN LATERAL (
    SELECT date_bin(interval '1 minute', ts, timestamptz '2001-01-01 00:00+00') AS bucket, count(*) AS readings,
           sum(greatest(least(value, 1e290), -1e290)) AS total, min(value) AS lowest, max(value) AS highest,
           (array_agg(value ORDER BY ts DESC))[1] AS last, min(ts) AS first_at, max(ts) AS last_at
    FROM reading
    WHERE reading.device_id = touched.device_id AND reading.metric = touched.metric
      AND ts >= touched.since AND ts < touched.until AND ts >= %(since)s AND ts < %(until)s
    GROUP BY 1
) AS found
WHERE touched.by_minute AND touched.hour >= %(since)s AND touched.hour < %(until)s
ON CONFLICT (device_id, metric, bucket) DO UPDATE SET
    readings = excluded.readings, total = excluded.total, lowest = excluded.lowest, highest = excluded.highest,
    last = excluded.last, first_at = excluded.first_at, last_at = excluded.last_at
WHERE (kept.readings, kept.total, kept.lowest, kept.highest, kept.last)
    IS DISTINCT FROM (excluded.readings, excluded.total, excluded.lowest, excluded.highest, excluded.last);

-- name: hours_become_due
-- The hours of what was touched are to be computed.
INSERT INTO rollup_due (device_id, metric, level, bucket)
SELECT device_id, metric, 'hour', hour FROM rollup_touched ON CONFLICT DO NOTHING;

-- name: compute_hours_by_reading
-- The hours of what was touched within a span, from readings, where a product has no minutes.
INSERT INTO reading_hour AS kept
    (device_id, metric, bucket, readings, total, lowest, highest, last, first_at, last_at)
SELECT touched.device_id, touched.metric, touched.hour, found.*
FROM rollup_touched AS touched
CROSS JOIN LATERAL (
    SELECT count(*) AS readings, sum(greatest(least(value, 1e290), -1e290)) AS total, min(value) AS lowest,
           max(value) AS highest, (array_agg(value ORDER BY ts DESC))[1] AS last, min(ts) AS first_at, max(ts) AS last_at
    FROM reading
    WHERE reading.device_id = touched.device_id AND reading.metric = touched.metric
      AND ts >= touched.since AND ts < touched.until AND ts >= %(since)s AND ts < %(until)s
) AS found
WHERE NOT touched.by_minute AND touched.hour >= %(since)s AND touched.hour < %(until)s AND found.readings > 0
ON CONFLICT (device_id, metric, bucket) DO UPDATE SET
    readings = excluded.readings, total = excluded.total, lowest = excluded.lowest, highest = excluded.highest,
    last = excluded.last, first_at = excluded.first_at, last_at = excluded.last_at;

-- name: compute_hours_by_minute
-- The hours of what was touched, from their minutes.
INSERT INTO reading_hour AS kept
    (device_id, metric, bucket, readings, total, lowest, highest, last, first_at, last_at)
SELECT touched.device_id, touched.metric, touched.hour, found.*
FROM rollup_touched AS touched
CROSS JOIN LATERAL (
    SELECT sum(readings) AS readings, sum(total) AS total, min(lowest) AS lowest, max(highest) AS highest,
           (array_agg(last ORDER BY bucket DESC))[1] AS last, min(first_at) AS first_at, max(last_at) AS last_at
    FROM reading_minute AS part
    WHERE part.device_id = touched.device_id AND part.metric = touched.metric
      AND part.bucket >= touched.since AND part.bucket < touched.until
) AS found
WHERE touched.by_minute AND found.readings > 0
ON CONFLICT (device_id, metric, bucket) DO UPDATE SET
    readings = excluded.readings, total = excluded.total, lowest = excluded.lowest, highest = excluded.highest,
    last = excluded.last, first_at = excluded.first_at, last_at = excluded.last_at;

-- name: days_become_due
-- The days of what was touched are to be computed.
INSERT INTO rollup_due (device_id, metric, level, bucket)
SELECT DISTINCT device_id, metric, 'day', date_bin(interval '1 day', hour, timestamptz '2001-01-01 00:00+00')
FROM rollup_touched ON CONFLICT DO NOTHING;

-- name: compute_days
-- The days that were touched, from their hours.
INSERT INTO reading_day AS kept
    (device_id, metric, bucket, readings, total, lowest, highest, last, first_at, last_at)
SELECT touched.device_id, touched.metric, touched.hour, found.*
FROM rollup_touched AS touched
CROSS JOIN LATERAL (
    SELECT sum(readings) AS readings, sum(total) AS total, min(lowest) AS lowest, max(highest) AS highest,
           (array_agg(last ORDER BY bucket DESC))[1] AS last, min(first_at) AS first_at, max(last_at) AS last_at
    FROM reading_hour AS part
    WHERE part.device_id = touched.device_id AND part.metric = touched.metric
      AND part.bucket >= touched.since AND part.bucket < touched.until
) AS found
WHERE found.readings > 0
ON CONFLICT (device_id, metric, bucket) DO UPDATE SET
    readings = excluded.readings, total = excluded.total, lowest = excluded.lowest, highest = excluded.highest,
    last = excluded.last, first_at = excluded.first_at, last_at = excluded.last_at;

-- name: readings
-- Readings of one metric within a span, oldest first, so many at the most.
SELECT ts, value FROM reading
WHERE device_id = %(device_id)s AND metric = %(metric)s AND ts >= %(since)s AND ts < %(until)s
ORDER BY ts LIMIT %(limit)s;

-- name: readings_after
-- Readings of one metric after an instant and before another, oldest first, so many at the most.
SELECT ts, value FROM reading
WHERE device_id = %(device_id)s AND metric = %(metric)s AND ts > %(after)s AND ts < %(until)s
ORDER BY ts LIMIT %(limit)s;

-- name: bins_of_readings
-- One metric within a span in bins of a width, from readings.
SELECT date_bin(%(width)s::interval, ts, timestamptz '2001-01-01 00:00+00') AS at, count(*) AS readings,
       sum(greatest(least(value, 1e290), -1e290)) AS total, min(value) AS lowest, max(value) AS highest,
       (array_agg(value ORDER BY ts DESC))[1] AS last, min(ts) AS first_at, max(ts) AS last_at
FROM reading
WHERE device_id = %(device_id)s AND metric = %(metric)s AND ts >= %(since)s AND ts < %(until)s
GROUP BY 1 ORDER BY 1;

-- name: bins_of_minutes
-- One metric within a span in bins of a width, from minutes, but for some hours.
SELECT date_bin(%(width)s::interval, bucket, timestamptz '2001-01-01 00:00+00') AS at, sum(readings) AS readings,
       sum(total) AS total, min(lowest) AS lowest, max(highest) AS highest,
       (array_agg(last ORDER BY bucket DESC))[1] AS last, min(first_at) AS first_at, max(last_at) AS last_at
FROM reading_minute
WHERE device_id = %(device_id)s AND metric = %(metric)s AND bucket >= %(since)s AND bucket < %(until)s
  AND date_bin(interval '1 hour', bucket, timestamptz '2001-01-01 00:00+00') <> ALL(%(but)s::timestamptz[])
GROUP BY 1 ORDER BY 1;

-- name: bins_of_hours
-- One metric within a span in bins of a width, from hours, but for some.
SELECT date_bin(%(width)s::interval, bucket, timestamptz '2001-01-01 00:00+00') AS at, sum(readings) AS readings,
       sum(total) AS total, min(lowest) AS lowest, max(highest) AS highest,
       (array_agg(last ORDER BY bucket DESC))[1] AS last, min(first_at) AS first_at, max(last_at) AS last_at
FROM reading_hour
WHERE device_id = %(device_id)s AND metric = %(metric)s AND bucket >= %(since)s AND bucket < %(until)s
  AND bucket <> ALL(%(but)s::timestamptz[])
GROUP BY 1 ORDER BY 1;

-- name: bins_of_days
-- One metric within a span in bins of a width, from days, but for some.
SELECT date_bin(%(width)s::interval, bucket, timestamptz '2001-01-01 00:00+00') AS at, sum(readings) AS readings,
       sum(total) AS total, min(lowest) AS lowest, max(highest) AS highest,
       (array_agg(last ORDER BY bucket DESC))[1] AS last, min(first_at) AS first_at, max(last_at) AS last_at
FROM reading_day
WHERE device_id = %(device_id)s AND metric = %(metric)s AND bucket >= %(since)s AND bucket < %(until)s
  AND bucket <> ALL(%(but)s::timestamptz[])
GROUP BY 1 ORDER BY 1;

-- name: due_of
-- What of one metric is to be computed within a span.
SELECT level, bucket FROM rollup_due
WHERE device_id = %(device_id)s AND metric = %(metric)s AND bucket >= %(since)s AND bucket < %(until)s;

-- name: oldest_of
-- Where a metric begins, to the day; null where nothing is stored. What is not rolled up yet lies after an instant.
SELECT least(
    (SELECT min(bucket) FROM reading_day WHERE device_id = %(device_id)s AND metric = %(metric)s),
    (SELECT min(bucket) FROM reading_hour WHERE device_id = %(device_id)s AND metric = %(metric)s),
    (SELECT min(bucket) FROM rollup_due WHERE device_id = %(device_id)s AND metric = %(metric)s),
    (SELECT ts FROM reading WHERE device_id = %(device_id)s AND metric = %(metric)s AND ts >= %(tail)s
     ORDER BY ts LIMIT 1)) AS at;

-- name: readings_by_day
-- How many readings of one metric the days within a span have, as far as they are rolled up.
SELECT coalesce(sum(readings), 0)::bigint AS readings FROM reading_day
WHERE device_id = %(device_id)s AND metric = %(metric)s AND bucket >= %(since)s AND bucket < %(until)s;

-- name: kept_since
-- Since when a product's readings and rollups are kept.
SELECT readings, minutes, hours, days FROM kept_since WHERE product = %(product)s;

-- name: is_due
-- Whether anything before an instant is still to be computed from readings.
SELECT EXISTS (SELECT FROM rollup_due WHERE level IN ('minute', 'hour') AND bucket < %(before)s) AS due;

-- name: move_kept_since
-- Since when a product is kept; a row comes back only where that moves on for one level or another.
INSERT INTO kept_since AS kept (product, readings, minutes, hours, days)
VALUES (%(product)s, %(readings)s, %(minutes)s, %(hours)s, %(days)s)
ON CONFLICT (product) DO UPDATE SET
    readings = greatest(kept.readings, excluded.readings), minutes = greatest(kept.minutes, excluded.minutes),
    hours = greatest(kept.hours, excluded.hours), days = greatest(kept.days, excluded.days)
WHERE excluded.readings > kept.readings OR excluded.minutes > coalesce(kept.minutes, '-infinity')
   OR excluded.hours > coalesce(kept.hours, '-infinity') OR excluded.days > coalesce(kept.days, '-infinity')
RETURNING product;

-- name: oldest_kept
-- Since when readings of any of these products are kept.
SELECT min(readings) AS readings FROM kept_since WHERE product = ANY(%(products)s);

-- name: drop_chunks
-- Drop chunks of readings that lie before an instant as a whole.
SELECT drop_reading_chunks(%(before)s) AS dropped;

-- name: storage
-- How the server keeps readings: its extension and licence, the time that a chunk spans (null without), how many there
-- are, and whether old ones are compressed.
SELECT (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS version,
       current_setting('timescaledb.license', true) AS license, chunk_span, chunks, compressed
FROM reading_storage();

-- name: enable_columnstore
-- Compress readings from now on, where the licence allows it.
SELECT enable_columnstore(current_setting('timescaledb.license', true)) AS enabled;

-- name: devices_of
-- Devices of a product after one, by id.
SELECT id FROM device WHERE product = %(product)s AND id > %(after)s ORDER BY id LIMIT %(limit)s;

-- name: metrics_of
-- The metrics that a device ever reported; walks the index from metric to metric.
WITH RECURSIVE metrics AS (
    (SELECT metric FROM reading_hour WHERE device_id = %(device_id)s ORDER BY metric LIMIT 1)
    UNION ALL
    SELECT (SELECT other.metric FROM reading_hour AS other
            WHERE other.device_id = %(device_id)s AND other.metric > metrics.metric ORDER BY other.metric LIMIT 1)
    FROM metrics WHERE metrics.metric IS NOT NULL
)
SELECT metric FROM metrics WHERE metric IS NOT NULL;

-- name: remove_readings
-- Readings of one metric of a device from before an instant, about so many of the oldest.
DELETE FROM reading
WHERE device_id = %(device_id)s AND metric = %(metric)s AND ts < %(before)s AND ts < coalesce(
    (SELECT next.ts FROM reading AS next
     WHERE next.device_id = %(device_id)s AND next.metric = %(metric)s AND next.ts < %(before)s
     ORDER BY next.ts OFFSET %(limit)s LIMIT 1), %(before)s);

-- name: metrics_of_readings
-- The metrics of which a device has readings; walks the index from metric to metric.
WITH RECURSIVE metrics AS (
    (SELECT metric FROM reading WHERE device_id = %(device_id)s ORDER BY metric LIMIT 1)
    UNION ALL
    SELECT (SELECT other.metric FROM reading AS other
            WHERE other.device_id = %(device_id)s AND other.metric > metrics.metric ORDER BY other.metric LIMIT 1)
    FROM metrics WHERE metrics.metric IS NOT NULL
)
SELECT metric FROM metrics WHERE metric IS NOT NULL;

-- name: remove_minutes
-- Minutes of one device from before an instant.
DELETE FROM reading_minute WHERE device_id = %(device_id)s AND metric = ANY(%(metrics)s) AND bucket < %(before)s;

-- name: remove_hours
-- Hours of one device from before an instant.
DELETE FROM reading_hour WHERE device_id = %(device_id)s AND metric = ANY(%(metrics)s) AND bucket < %(before)s;

-- name: remove_days
-- Days of one device from before an instant.
DELETE FROM reading_day WHERE device_id = %(device_id)s AND metric = ANY(%(metrics)s) AND bucket < %(before)s;

-- name: received_within
-- How many readings were received within a span.
SELECT count(*) AS readings FROM reading WHERE received_at > %(after)s AND received_at <= %(until)s;

-- name: memory
-- How many bytes the server keeps in memory.
SELECT pg_size_bytes(current_setting('shared_buffers')) AS bytes;

-- name: set_chunk_span
-- How much time new chunks of readings span; gives what it was, null without chunks.
SELECT set_reading_chunk_span(%(span)s) AS was;

-- name: compared_cells
-- The hourly means of a metric of the devices of a product that are in service, by device and condition: the step, of
-- each metric's width, in which the mean of that metric lay in the same hour. Hours that lack one of them are left out.
SELECT compared.device_id, condition.steps, avg(compared.total / compared.readings) AS mean, count(*) AS hours
FROM device
JOIN reading_hour AS compared ON compared.device_id = device.id AND compared.metric = %(metric)s
     AND compared.bucket >= %(since)s AND compared.bucket < %(until)s
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(round(hour.total / hour.readings / one.width)::bigint ORDER BY one.place), '{}') AS steps
    FROM unnest(%(alike)s::text[], %(widths)s::double precision[]) WITH ORDINALITY AS one (metric, width, place)
    JOIN reading_hour AS hour ON hour.device_id = compared.device_id AND hour.metric = one.metric
         AND hour.bucket = compared.bucket) AS condition
WHERE device.product = %(product)s AND device.service_state = 'in_service'
  AND cardinality(condition.steps) = cardinality(%(alike)s::text[])
GROUP BY compared.device_id, condition.steps
ORDER BY compared.device_id, condition.steps;

-- name: compared_before
-- The newest value of a fact of every device of a product.
SELECT device.id AS device_id, newest.value FROM device
CROSS JOIN LATERAL (
    SELECT value FROM device_fact WHERE device_fact.device_id = device.id AND name = %(name)s
    ORDER BY at DESC LIMIT 1) AS newest
WHERE device.product = %(product)s;

-- name: put_compared
-- Facts about devices that hold from an instant on.
INSERT INTO device_fact AS kept (device_id, name, at, value, source)
SELECT given.device_id, given.name, %(at)s, given.value, %(source)s
FROM unnest(%(devices)s::text[], %(names)s::text[], %(values)s::double precision[]) AS given (device_id, name, value)
ON CONFLICT (device_id, name, at) DO UPDATE SET value = excluded.value, source = excluded.source
WHERE kept.value IS DISTINCT FROM excluded.value;

-- name: wake_compared
-- Have the rules judge devices, no later than they meant to.
UPDATE rule_state SET wake_at = least(coalesce(wake_at, %(now)s), %(now)s)
WHERE device_id IN (SELECT device_id FROM rule_state WHERE device_id = ANY(%(devices)s) ORDER BY device_id FOR UPDATE);

-- name: forget_compared
-- Facts from one source that lie back so far, but for the newest of each name, of the devices of a product.
DELETE FROM device_fact USING device
WHERE device.id = device_fact.device_id AND device.product = %(product)s
  AND device_fact.source = %(source)s AND device_fact.at < %(before)s
  AND EXISTS (SELECT FROM device_fact AS newer
              WHERE newer.device_id = device_fact.device_id AND newer.name = device_fact.name
                AND newer.at > device_fact.at AND newer.at <= %(before)s);
