-- name: is_spread
-- Whether several slots of ingest share the devices' messages; one that keeps an order of its own shares nothing.
SELECT count(*) > 1 AS is_spread FROM ingest_slot WHERE NOT ordered;

-- name: claim_touched
-- Hold the rule state of devices of which something was stored some time before, longest waiting first, or under load
-- some never have a turn.
SELECT rule_state.device_id
FROM (SELECT device_id, min(id) AS first
      FROM (SELECT id, device_id, received_at FROM touched ORDER BY id LIMIT %(rows)s) AS oldest
      GROUP BY device_id HAVING min(received_at) <= %(before)s) AS waiting
JOIN rule_state ON rule_state.device_id = waiting.device_id
ORDER BY waiting.first LIMIT %(limit)s FOR UPDATE OF rule_state SKIP LOCKED;

-- name: claim_due
-- Hold the rule state of devices whose time has come although nothing was stored, longest due first.
SELECT device_id FROM rule_state WHERE wake_at <= %(vouched)s ORDER BY wake_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED;

-- name: take_touched
-- Take what is to be done for the held devices.
DELETE FROM touched WHERE device_id = ANY(%(ids)s) RETURNING device_id, oldest_ts, newest_ts, received_at;

-- name: devices
-- The held devices, with what rules know of them besides their readings.
SELECT device.id, device.product, device.customer_id, device.service_state, device.parameters,
       rule_state.evaluated_until, rule_state.evaluated_received, rule_state.newest_ts, rule_state.newest_received,
       rule_state.late_readings, rule_state.state::text AS state, rule_state.xmin::text AS version,
       (SELECT max(extract(epoch FROM subscription.cancel_window + subscription.lead_time) / 86400)::double precision
        FROM subscription WHERE subscription.device_id = device.id AND subscription.state = 'active') AS lead_days
FROM device JOIN rule_state ON rule_state.device_id = device.id
WHERE device.id = ANY(%(ids)s) ORDER BY device.id;

-- name: samples
-- What was stored of each device after the place where folding stopped, oldest first, so many of each kind at the most:
-- readings of the metrics that matter to rules, but for what was brought in as history.
SELECT asked.device_id, sample.kind, sample.name, sample.ts, sample.received_at, sample.value, sample.data
FROM (SELECT device_id, coalesce(until, '-infinity') AS until, coalesce(received, 'infinity') AS received,
             watched::text[] AS watched
      FROM unnest(%(ids)b::text[], %(untils)s::timestamptz[], %(receiveds)s::timestamptz[], %(watched)s::text[])
           AS given (device_id, until, received, watched)) AS asked
CROSS JOIN LATERAL (
    (SELECT 'reading' AS kind, found.* FROM unnest(asked.watched) AS one (metric)
     CROSS JOIN LATERAL (
         SELECT reading.metric AS name, ts, received_at, value, NULL::jsonb AS data FROM reading
         WHERE reading.device_id = asked.device_id AND reading.metric = one.metric AND ts >= asked.until
           AND NOT historic AND (ts, received_at) > (asked.until, asked.received)
         ORDER BY ts, received_at LIMIT %(limit)s) AS found
     ORDER BY ts, received_at LIMIT %(limit)s)
    UNION ALL
    (SELECT 'attribute', name, ts, received_at, NULL, value FROM attribute
     WHERE attribute.device_id = asked.device_id AND ts >= asked.until AND NOT historic
       AND (ts, received_at) > (asked.until, asked.received)
     ORDER BY ts, received_at LIMIT %(limit)s)
    UNION ALL
    (SELECT 'event', name, ts, received_at, NULL, data FROM device_event
     WHERE device_event.device_id = asked.device_id AND ts >= asked.until
       AND (ts, received_at) > (asked.until, asked.received)
     ORDER BY ts, received_at LIMIT %(limit)s)
) AS sample
ORDER BY asked.device_id, sample.ts, sample.received_at, sample.kind, sample.name;

-- name: last_readings
-- The last reading of each metric up to an instant.
SELECT one.metric, last.ts, last.value FROM unnest(%(metrics)s::text[]) AS one (metric)
CROSS JOIN LATERAL (
    SELECT ts, value FROM reading
    WHERE device_id = %(device_id)s AND reading.metric = one.metric AND ts <= %(until)s AND NOT historic
    ORDER BY ts DESC LIMIT 1) AS last;

-- name: late_readings
-- Readings that came for a time that had been judged: how many of them are new, and when the last of them came.
SELECT count(*) AS readings, max(received_at) AS heard FROM reading
WHERE device_id = %(device_id)s AND metric = ANY(%(watched)s) AND ts BETWEEN %(since)s AND %(until)s
  AND received_at > %(heard)s AND NOT historic
  AND (ts, received_at) <= (%(until)s, coalesce(%(received)s::timestamptz, 'infinity'));

-- name: supplies
-- What was supplied to each device: the newest row at or before the place where folding stopped, and all after it.
SELECT supply.device_id, supply.consumable, supply.at, supply.supplied
FROM unnest(%(ids)s::text[], %(untils)s::timestamptz[]) AS asked (device_id, until)
JOIN supply ON supply.device_id = asked.device_id
WHERE supply.at > coalesce(asked.until, '-infinity') OR supply.id = (
    SELECT newest.id FROM supply AS newest
    WHERE newest.device_id = supply.device_id AND newest.consumable = supply.consumable AND newest.at <= asked.until
    ORDER BY newest.at DESC, newest.id DESC LIMIT 1)
ORDER BY supply.device_id, supply.at, supply.id;

-- name: open_rules
-- The rules of each device that have an open need.
SELECT device_id, rule FROM need WHERE device_id = ANY(%(ids)s) AND state = 'open';

-- name: window_buckets
-- One metric in buckets of so many microseconds, aligned to absolute time, up to the place where folding stopped.
SELECT bucket, count(*) AS count, sum(value ORDER BY ts) AS total, min(value) AS lowest, max(value) AS highest,
       (array_agg(value ORDER BY ts))[1] AS first, (array_agg(value ORDER BY ts DESC))[1] AS last,
       coalesce(sum(CASE WHEN value >= before THEN value - before WHEN before IS NOT NULL THEN value END
                    ORDER BY ts), 0) AS increase
FROM (SELECT bucket, ts, value, lag(value) OVER (PARTITION BY bucket ORDER BY ts) AS before
      FROM (SELECT (extract(epoch FROM ts) * 1000000)::bigint / %(width)s::bigint AS bucket, ts, value
            FROM reading
            WHERE device_id = %(device_id)s AND metric = %(metric)s AND ts >= %(since)s AND ts <= %(until)s
              AND NOT historic
              AND (ts, received_at) <= (%(until)s, coalesce(%(received)s::timestamptz, 'infinity'))) AS placed
     ) AS stepped
GROUP BY bucket ORDER BY bucket;

-- name: save
-- Where folding of each device stopped, and what it must remember.
UPDATE rule_state
SET evaluated_until = given.until, evaluated_received = given.received, newest_ts = given.newest_ts,
    newest_received = given.newest_received, wake_at = given.wake_at, late_readings = given.late_readings,
    state = given.state::jsonb, error = given.error
FROM unnest(%(ids)b::text[], %(untils)s::timestamptz[], %(receiveds)s::timestamptz[], %(newest_ts)s::timestamptz[],
            %(newest_received)s::timestamptz[], %(wakes)s::timestamptz[], %(late)s::bigint[], %(states)b::text[],
            %(errors)s::text[])
     AS given (device_id, until, received, newest_ts, newest_received, wake_at, late_readings, state, error)
WHERE rule_state.device_id = given.device_id
RETURNING rule_state.xmin::text AS version;

-- name: save_error
-- A device could not be judged: say why, and try again later.
UPDATE rule_state
SET error = %(error)s, wake_at = %(wake_at)s, newest_ts = %(newest_ts)s, newest_received = %(newest_received)s
WHERE device_id = %(device_id)s;

-- name: open_need
-- A need, unless the same one is open already.
INSERT INTO need (device_id, customer_id, product, rule, kind, severity, state, opened_at, created_at, reason, evidence)
VALUES (%(device_id)s, %(customer_id)s, %(product)s, %(rule)s, %(kind)s, %(severity)s, 'open', %(opened_at)s, %(now)s,
        %(reason)s, %(evidence)s)
ON CONFLICT (device_id, rule) WHERE state = 'open' DO NOTHING RETURNING id;

-- name: resolve_need
-- The readings say that it is over.
UPDATE need SET state = 'resolved', closed_at = %(closed_at)s
WHERE device_id = %(device_id)s AND rule = %(rule)s AND state = 'open' RETURNING id;

-- name: need
-- One need, held until the end of the transaction.
SELECT id, device_id, customer_id, rule, state, opened_at, acknowledged_at, acknowledged_by, snoozed_until
FROM need WHERE id = %(id)s FOR UPDATE;

-- name: acknowledge_need
-- An operator has seen it.
UPDATE need SET acknowledged_at = %(now)s, acknowledged_by = %(actor)s WHERE id = %(id)s;

-- name: snooze_need
-- Silent until then.
UPDATE need SET snoozed_until = %(until)s WHERE id = %(id)s;

-- name: withdraw_need
-- A person says that it is none; never closed before it opened, whatever the device's clock said.
UPDATE need SET state = 'withdrawn', closed_at = greatest(opened_at, %(now)s) WHERE id = %(id)s;

-- name: open_needs_of_device
-- The open needs of one device, oldest first.
SELECT id FROM need WHERE device_id = %(device_id)s AND state = 'open' ORDER BY id;

-- name: lock_rule_state
-- Hold the rule state of one device, so that no runner judges it meanwhile.
SELECT state FROM rule_state WHERE device_id = %(device_id)s FOR UPDATE;

-- name: device
-- One device, as it is now that its rule state is held.
SELECT id, product, customer_id, service_state FROM device WHERE id = %(device_id)s;

-- name: set_service_state
-- Where the device stands.
UPDATE device SET service_state = %(service_state)s WHERE id = %(device_id)s;

-- name: restart_rules
-- Begin the rules of one device anew, and have it judged.
UPDATE rule_state SET state = %(state)s, wake_at = least(coalesce(wake_at, %(now)s), %(now)s)
WHERE device_id = %(device_id)s;
