-- name: find_devices
-- Those devices that are registered under one of the names, as id or as alias; ids last.
SELECT found.*, EXISTS (
    SELECT FROM consent
    WHERE consent.customer_id = found.customer_id AND purpose = 'location' AND revoked_at IS NULL) AS location
FROM (SELECT alias AS address, id, product, customer_id, disabled_at IS NOT NULL AS disabled, 1 AS place
      FROM device_alias JOIN device ON device.id = device_id WHERE alias = ANY(%(ids)s)
      UNION ALL
      SELECT id, id, product, customer_id, disabled_at IS NOT NULL, 2 FROM device WHERE id = ANY(%(ids)s)) AS found
ORDER BY place;

-- name: copy_readings
-- New readings, at full speed; fails as a whole when one of them is stored already.
COPY reading (device_id, metric, ts, value, received_at, ts_assumed) FROM STDIN (FORMAT binary);

-- name: make_staging
-- Where readings wait that may be stored already, in this session only.
CREATE TEMP TABLE IF NOT EXISTS reading_staging (LIKE reading INCLUDING DEFAULTS) ON COMMIT DELETE ROWS;

-- name: copy_staging
-- Readings that may be stored already.
COPY reading_staging (device_id, metric, ts, value, received_at, ts_assumed) FROM STDIN (FORMAT binary);

-- name: insert_staged
-- The readings of the staging table that are not stored yet.
INSERT INTO reading (device_id, metric, ts, value, received_at, ts_assumed)
SELECT device_id, metric, ts, value, received_at, ts_assumed FROM reading_staging
ON CONFLICT DO NOTHING;

-- name: staged_conflicts
-- The readings of the staging table for which another value is stored; the bounds let whole chunks be passed over.
SELECT staged.device_id, staged.metric, staged.ts, staged.value, stored.value AS kept, staged.received_at
FROM reading_staging AS staged
JOIN reading AS stored ON stored.device_id = staged.device_id AND stored.metric = staged.metric
    AND stored.ts = staged.ts AND stored.ts BETWEEN %(oldest)s AND %(newest)s
WHERE stored.value <> staged.value;

-- name: insert_attributes
-- Attributes, the stored ones left as they are.
INSERT INTO attribute (device_id, name, ts, value, received_at)
SELECT * FROM unnest(%(devices)s::text[], %(names)s::text[], %(times)s::timestamptz[], %(values)s::jsonb[],
                     %(received)s::timestamptz[])
ON CONFLICT DO NOTHING;

-- name: attribute_conflicts
-- Attributes for which another value is stored.
SELECT sent.device_id, sent.name, sent.ts, sent.value::text AS refused, stored.value::text AS kept, sent.received_at
FROM unnest(%(devices)s::text[], %(names)s::text[], %(times)s::timestamptz[], %(values)s::jsonb[],
            %(received)s::timestamptz[]) AS sent (device_id, name, ts, value, received_at)
JOIN attribute AS stored USING (device_id, name, ts)
WHERE stored.value <> sent.value;

-- name: insert_events
-- Device events, the stored ones left as they are.
INSERT INTO device_event (device_id, name, ts, data, received_at)
SELECT * FROM unnest(%(devices)s::text[], %(names)s::text[], %(times)s::timestamptz[], %(values)s::jsonb[],
                     %(received)s::timestamptz[])
ON CONFLICT DO NOTHING;

-- name: event_conflicts
-- Device events for which other data is stored.
SELECT sent.device_id, sent.name, sent.ts, sent.value::text AS refused, stored.data::text AS kept, sent.received_at
FROM unnest(%(devices)s::text[], %(names)s::text[], %(times)s::timestamptz[], %(values)s::jsonb[],
            %(received)s::timestamptz[]) AS sent (device_id, name, ts, value, received_at)
JOIN device_event AS stored USING (device_id, name, ts)
WHERE stored.data <> sent.value;

-- name: change_connection
-- Whether a device is online, and since when. No row comes back for a status that is older than one already stored (by
-- another process); is_new tells a change from a repetition.
INSERT INTO connection AS kept (device_id, online, since, heard_at)
VALUES (%(device_id)s, %(online)s, %(at)s, %(at)s)
ON CONFLICT (device_id) DO UPDATE
SET online = excluded.online, heard_at = excluded.heard_at,
    since = CASE WHEN kept.online = excluded.online THEN kept.since ELSE excluded.since END
WHERE coalesce(kept.heard_at, kept.since) <= excluded.heard_at
RETURNING since = %(at)s AS is_new;

-- name: letters_kept
-- How many dead letters of each device, reason and hour are kept already.
SELECT device_id, reason, hour, kept
FROM dead_letter_count
JOIN unnest(%(devices)s::text[], %(reasons)s::text[], %(hours)s::timestamptz[]) AS asked (device_id, reason, hour)
    USING (device_id, reason, hour);

-- name: insert_letter
-- One dead letter in full.
INSERT INTO dead_letter (received_at, topic, device_id, payload, reason, detail)
VALUES (%(received_at)s, %(topic)s, %(device_id)s, %(payload)s, %(reason)s, %(detail)s);

-- name: count_letters
-- How many dead letters were kept, and how many only counted.
INSERT INTO dead_letter_count AS counted (device_id, reason, hour, kept, dropped)
VALUES (%(device_id)s, %(reason)s, %(hour)s, %(kept)s, %(dropped)s)
ON CONFLICT (device_id, reason, hour)
DO UPDATE SET kept = counted.kept + excluded.kept, dropped = counted.dropped + excluded.dropped;

-- name: copy_touched
-- The to-do list of the rule runner.
COPY touched (device_id, oldest_ts, newest_ts, received_at) FROM STDIN (FORMAT binary);

-- name: vouch
-- Everything that the broker had for this slot before caught_up_at is stored. A slot that was given up stays so.
UPDATE ingest_slot SET caught_up_at = greatest(caught_up_at, %(caught_up_at)s), seen_at = %(now)s
WHERE client_id = %(client_id)s;

-- name: slots
-- All slots.
SELECT client_id, coalesce(caught_up_at, seen_at) AS caught_up_at, holder, leased_until FROM ingest_slot ORDER BY client_id;

-- name: lease_slot
-- Hold a slot, or go on holding it; a row comes back if that worked. A new slot has nothing waiting in it, so all that
-- the broker had for it before now is stored.
INSERT INTO ingest_slot AS kept (client_id, caught_up_at, seen_at, holder, leased_until, ordered)
VALUES (%(client_id)s, NULL, %(now)s, %(holder)s, %(until)s, %(ordered)s)
ON CONFLICT (client_id) DO UPDATE SET holder = excluded.holder, leased_until = excluded.leased_until
WHERE kept.holder = excluded.holder OR kept.holder IS NULL OR kept.leased_until <= %(now)s
   OR kept.holder = ANY(%(dead)s::text[])
RETURNING client_id, coalesce(caught_up_at, seen_at) AS caught_up_at;

-- name: release_slot
-- Hold a slot no longer; what waits in it waits for the next holder.
UPDATE ingest_slot SET leased_until = %(now)s, holder = NULL WHERE client_id = %(client_id)s AND holder = %(holder)s;

-- name: remove_slot
-- The slot is empty, and the broker has forgotten it.
DELETE FROM ingest_slot WHERE client_id = %(client_id)s AND holder = %(holder)s;

-- name: wake
-- Tell the rule runner that there is something new.
SELECT pg_notify('touched', '');
