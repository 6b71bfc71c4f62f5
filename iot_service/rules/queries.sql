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
-- Hold the rule state of devices whose time has come although nothing was stored, longest due first; others than those
-- that are held already.
SELECT device_id FROM rule_state WHERE wake_at <= %(vouched)s AND device_id <> ALL(%(held)s::text[])
ORDER BY wake_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED;

-- name: take_touched
-- Take what is to be done for the held devices.
DELETE FROM touched WHERE device_id = ANY(%(ids)s) RETURNING device_id, oldest_ts, newest_ts, received_at;

-- name: devices
-- The held devices, with what rules know of them besides their readings; by site, since sites are held in that order.
SELECT device.id, device.product, device.customer_id, device.site_id, device.service_state, device.parameters,
       rule_state.evaluated_until, rule_state.evaluated_received, rule_state.newest_ts, rule_state.newest_received,
       rule_state.late_readings, rule_state.state::text AS state, rule_state.xmin::text AS version,
       (SELECT max(extract(epoch FROM subscription.cancel_window + subscription.lead_time) / 86400)::double precision
        FROM subscription WHERE subscription.device_id = device.id AND subscription.state = 'active') AS lead_days,
       coalesce(site.time_zone, customer.time_zone) AS time_zone, site.latitude, site.longitude,
       EXISTS (SELECT FROM consent WHERE consent.customer_id = device.customer_id AND consent.purpose = 'location'
               AND consent.revoked_at IS NULL) AS location,
       (SELECT jsonb_object_agg(area.name, area.circles) FROM area WHERE area.customer_id = device.customer_id) AS areas
FROM device JOIN customer ON customer.id = device.customer_id JOIN rule_state ON rule_state.device_id = device.id
LEFT JOIN site ON site.id = device.site_id
WHERE device.id = ANY(%(ids)s) ORDER BY device.site_id, device.id;

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

-- name: maintenance_of_devices
-- The windows of maintenance of each device, its site and its customer that are not over where folding stopped.
SELECT asked.device_id AS claimed_id, found.id, found.device_id, found.site_id, found.customer_id, found.starts_at,
       found.ends_at, found.reason, found.created_by, found.created_at, found.ended_at, found.ended_by
FROM (SELECT device_id, coalesce(until, '-infinity') AS until
      FROM unnest(%(ids)s::text[], %(untils)s::timestamptz[]) AS given (device_id, until)) AS asked
JOIN device ON device.id = asked.device_id
CROSS JOIN LATERAL (
    SELECT * FROM maintenance_window AS one WHERE one.device_id = device.id AND one.ends_at > asked.until
    UNION ALL
    SELECT * FROM maintenance_window AS one WHERE one.site_id = device.site_id AND one.ends_at > asked.until
    UNION ALL
    SELECT * FROM maintenance_window AS one WHERE one.customer_id = device.customer_id AND one.ends_at > asked.until
) AS found
ORDER BY asked.device_id, found.starts_at, found.id;

-- name: open_rules
-- The rules of each device that have an open need, or would have if they were not in shadow.
SELECT device_id, rule, false AS in_shadow FROM need WHERE device_id = ANY(%(ids)s) AND state = 'open'
UNION ALL
SELECT device_id, rule, true FROM shadow_need WHERE device_id = ANY(%(ids)s) AND state = 'open';

-- name: window_buckets
-- Metrics of devices in buckets of so many microseconds, aligned to absolute time, up to the place where folding of each
-- device stopped. Sums are taken in the order of time, as the fold takes them, so that both come to the very same numbers.
SELECT asked.place, built.*
FROM unnest(%(devices)s::text[], %(metrics)s::text[], %(widths)s::bigint[], %(sinces)s::timestamptz[],
            %(untils)s::timestamptz[], %(receiveds)s::timestamptz[], %(ranked)s::boolean[], %(timed)s::boolean[])
     WITH ORDINALITY AS asked (device_id, metric, width, since, until, received, ranked, timed, place)
CROSS JOIN LATERAL (
    SELECT bucket, count(*) AS count, sum(value ORDER BY ts) AS total, min(value) AS lowest, max(value) AS highest,
           min(first) AS first, (array_agg(value ORDER BY ts DESC))[1] AS last,
           coalesce(sum(CASE WHEN value >= before THEN value - before WHEN before IS NOT NULL THEN value END
                        ORDER BY ts), 0) AS increase,
           count(*) FILTER (WHERE value <> before) AS changes,
           CASE WHEN asked.timed THEN min(seconds) END AS first_at,
           CASE WHEN asked.timed THEN max(seconds) END AS last_at,
           CASE WHEN asked.timed THEN sum((value - first) * (value - first) ORDER BY ts) END AS squares,
           CASE WHEN asked.timed THEN sum(seconds ORDER BY ts) END AS time,
           CASE WHEN asked.timed THEN sum(seconds * seconds ORDER BY ts) END AS time_squares,
           CASE WHEN asked.timed THEN sum(seconds * (value - first) ORDER BY ts) END AS products,
           CASE WHEN asked.ranked THEN array_agg(value ORDER BY ts) END AS values
    FROM (SELECT bucket, seconds, ts, value, lag(value) OVER (PARTITION BY bucket ORDER BY ts) AS before,
                 first_value(value) OVER (PARTITION BY bucket ORDER BY ts) AS first
          FROM (SELECT (extract(epoch FROM ts) * 1000000)::bigint / asked.width AS bucket,
                       ((extract(epoch FROM ts) * 1000000)::bigint %% asked.width)::double precision / 1000000
                       AS seconds, ts, value
                FROM reading
                WHERE device_id = asked.device_id AND metric = asked.metric
                  AND ts >= asked.since AND ts <= asked.until AND NOT historic
                  AND (ts, received_at) <= (asked.until, coalesce(asked.received, 'infinity'))) AS placed
         ) AS stepped
    GROUP BY bucket) AS built
ORDER BY asked.place, built.bucket;

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
INSERT INTO need (device_id, customer_id, product, rule, rule_version, kind, severity, state, opened_at, created_at,
                  reason, evidence, site_id, parent_id)
VALUES (%(device_id)s, %(customer_id)s, %(product)s, %(rule)s, %(rule_version)s, %(kind)s, %(severity)s, 'open',
        %(opened_at)s, %(now)s, %(reason)s, %(evidence)s, %(site_id)s, %(parent_id)s)
ON CONFLICT (device_id, rule) WHERE state = 'open' DO NOTHING RETURNING id;

-- name: open_needs
-- Needs of several devices with their events, in the order given; those that are open already are left out.
WITH given AS (
    SELECT * FROM unnest(%(devices)b::text[], %(customers)b::text[], %(products)b::text[], %(rules)b::text[],
                         %(versions)s::integer[], %(kinds)b::text[], %(severities)b::text[], %(opened)s::timestamptz[],
                         %(reasons)b::text[], %(data)b::text[])
         WITH ORDINALITY AS given (device_id, customer_id, product, rule, rule_version, kind, severity, opened_at,
                                   reason, data, place)
), opened AS (
    INSERT INTO need (device_id, customer_id, product, rule, rule_version, kind, severity, state, opened_at, created_at,
                      reason, evidence)
    SELECT device_id, customer_id, product, rule, rule_version, kind, severity, 'open', opened_at, %(now)s, reason,
           data::jsonb -> 'evidence'
    FROM given ORDER BY place
    ON CONFLICT (device_id, rule) WHERE state = 'open' DO NOTHING RETURNING id, device_id, rule
), written AS (
    INSERT INTO event (at, type, subject_id, device_id, customer_id, need_id, new, actor, reason, data)
    SELECT %(now)s, %(type)s, opened.id::text, device_id, customer_id, opened.id, 'open', 'service', reason, data::jsonb
    FROM opened JOIN given USING (device_id, rule) ORDER BY place
    RETURNING id, need_id
), todo AS (
    INSERT INTO event_todo (event_id, consumer)
    SELECT written.id, consumer FROM written, unnest(%(consumers)s::text[]) AS consumer
)
SELECT opened.device_id, opened.rule, pg_notify('event', written.id::text)
FROM written JOIN opened ON opened.id = written.need_id;

-- name: resolve_need
-- The readings say that it is over; of a need that is not shared with other devices.
UPDATE need SET state = 'resolved', closed_at = %(closed_at)s
WHERE device_id = %(device_id)s AND rule = %(rule)s AND state = 'open' AND site_id IS NULL RETURNING id, severity;

-- name: open_need_of_rule
-- The open need of one rule on one device.
SELECT id, device_id, customer_id, rule, severity, coalesce(own_severity, severity) AS own_severity, site_id,
       parent_id, cleared_at
FROM need
WHERE device_id = %(device_id)s AND rule = %(rule)s AND state = 'open';

-- name: set_severity
-- A need became worse or better.
UPDATE need SET severity = %(severity)s WHERE id = %(id)s;

-- name: set_own_severity
-- How bad a shared need is at its own device.
UPDATE need SET own_severity = %(severity)s WHERE id = %(id)s;

-- name: lock_site
-- Hold a site, so that what its devices share changes in one transaction at a time; before any of their needs is held.
SELECT id FROM site WHERE id = %(site_id)s FOR NO KEY UPDATE;

-- name: lock_site_of_need
-- Hold the site whose devices share a need, if they do.
SELECT id FROM site WHERE id = (SELECT site_id FROM need WHERE id = %(need_id)s) FOR NO KEY UPDATE;

-- name: shared_need
-- The open need of one rule that the devices of a site share.
SELECT id, device_id, customer_id, rule, severity, coalesce(own_severity, severity) AS own_severity, site_id,
       parent_id, cleared_at
FROM need
WHERE site_id = %(site_id)s AND customer_id = %(customer_id)s AND product = %(product)s AND rule = %(rule)s
  AND state = 'open' AND parent_id IS NULL;

-- name: parent_need
-- The open need that stands for another one.
SELECT id, device_id, customer_id, rule, severity, coalesce(own_severity, severity) AS own_severity, site_id,
       parent_id, cleared_at
FROM need
WHERE id = %(id)s AND state = 'open';

-- name: open_children
-- How many other devices of the site still have a shared need, and how bad it is at each.
SELECT count(*) AS count, coalesce(array_agg(severity), '{}') AS severities FROM need
WHERE parent_id = %(id)s AND state = 'open';

-- name: count_devices
-- A shared need says how many devices it was found on.
UPDATE need SET
    reason = regexp_replace(reason, '; at [0-9]+ devices of this site$', '')
             || '; at ' || family.devices || ' devices of this site',
    evidence = evidence || jsonb_build_object('devices', jsonb_build_object('value', family.devices, 'ts', %(at)s::text))
FROM (SELECT count(DISTINCT device_id) AS devices FROM need WHERE id = %(id)s OR parent_id = %(id)s) AS family
WHERE id = %(id)s RETURNING family.devices;

-- name: set_cleared
-- The device of a shared need has recovered, though others have not; or it has it again (null).
UPDATE need
SET cleared_at = CASE WHEN %(cleared_at)s::timestamptz IS NOT NULL THEN greatest(opened_at, %(cleared_at)s) END
WHERE id = %(id)s;

-- name: close_need
-- A need is over, since the readings or a person say so; never before it opened, whatever the device's clock said.
UPDATE need SET state = %(state)s, closed_at = greatest(opened_at, cleared_at, %(closed_at)s) WHERE id = %(id)s;

-- name: withdraw_children
-- What other devices have of a shared need is over with it.
UPDATE need SET state = 'withdrawn', closed_at = greatest(opened_at, %(now)s)
WHERE parent_id = %(id)s AND state = 'open' RETURNING id, device_id, customer_id, rule;

-- name: need
-- One need, held until the end of the transaction.
SELECT id, device_id, customer_id, rule, state, opened_at, acknowledged_at, acknowledged_by, snoozed_until, parent_id,
       cleared_at
FROM need WHERE id = %(id)s FOR UPDATE;

-- name: acknowledge_need
-- An operator has seen it.
UPDATE need SET acknowledged_at = %(now)s, acknowledged_by = %(actor)s WHERE id = %(id)s;

-- name: snooze_need
-- Silent until then.
UPDATE need SET snoozed_until = %(until)s WHERE id = %(id)s;

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

-- name: messages_between
-- What one device sent after one place and up to an instant, what was brought in as history included, oldest first, so
-- many messages at the most: the readings of an instant in one row, attributes and events in a row each.
SELECT kind, ts, received_at, names, values, data
FROM (
    SELECT 'reading' AS kind, ts, received_at, array_agg(metric) AS names, array_agg(value) AS values, NULL::jsonb AS data
    FROM reading
    WHERE device_id = %(device_id)s AND metric = ANY(%(watched)s) AND ts BETWEEN %(after)s AND %(until)s
      AND (ts, received_at) > (%(after)s, %(received)s)
    GROUP BY ts, received_at
    UNION ALL
    SELECT 'attribute', ts, received_at, ARRAY[name], NULL, value FROM attribute
    WHERE device_id = %(device_id)s AND ts BETWEEN %(after)s AND %(until)s
      AND (ts, received_at) > (%(after)s, %(received)s)
    UNION ALL
    SELECT 'event', ts, received_at, ARRAY[name], NULL, data FROM device_event
    WHERE device_id = %(device_id)s AND ts BETWEEN %(after)s AND %(until)s
      AND (ts, received_at) > (%(after)s, %(received)s)
) AS message
ORDER BY ts, received_at, kind, names LIMIT %(limit)s;

-- name: values_before
-- The last reading of each metric, and the last of each attribute, that a device sent before an instant.
SELECT 'reading' AS kind, one.metric AS name, last.ts, last.value, NULL::jsonb AS data
FROM unnest(%(watched)s::text[]) AS one (metric)
CROSS JOIN LATERAL (
    SELECT ts, value FROM reading
    WHERE device_id = %(device_id)s AND reading.metric = one.metric AND ts < %(before)s
    ORDER BY ts DESC LIMIT 1) AS last
UNION ALL
(SELECT DISTINCT ON (name) 'attribute', name, ts, NULL, value FROM attribute
 WHERE device_id = %(device_id)s AND ts < %(before)s ORDER BY name, ts DESC);

-- name: device_place
-- What a device is, and the time zone that people see its times in.
SELECT device.product, coalesce(site.time_zone, customer.time_zone) AS time_zone
FROM device
JOIN customer ON customer.id = device.customer_id
LEFT JOIN site ON site.id = device.site_id
WHERE device.id = %(device_id)s;

-- name: service_state_changes
-- When a device came into service and went out of it, by its own time, oldest first.
SELECT coalesce((data ->> 'at')::timestamptz, at) AS at, old, new FROM event
WHERE device_id = %(device_id)s AND type = ANY(%(types)s)
ORDER BY 1, id;

-- name: device_facts
-- What is known of each device besides its readings: the newest row of each name at or before the place where folding
-- stopped, and all after it.
SELECT fact.device_id, fact.name, fact.at, fact.value
FROM unnest(%(ids)s::text[], %(untils)s::timestamptz[]) AS asked (device_id, until)
JOIN device_fact AS fact ON fact.device_id = asked.device_id
WHERE fact.at > coalesce(asked.until, '-infinity') OR fact.at = (
    SELECT max(newest.at) FROM device_fact AS newest
    WHERE newest.device_id = fact.device_id AND newest.name = fact.name AND newest.at <= asked.until)
ORDER BY fact.device_id, fact.at, fact.id;

-- name: put_fact
-- A fact about a device holds from an instant on; said again for that instant, it is corrected.
INSERT INTO device_fact AS kept (device_id, name, at, value, source)
VALUES (%(device_id)s, %(name)s, %(at)s, %(value)s, %(source)s)
ON CONFLICT (device_id, name, at) DO UPDATE SET value = excluded.value, source = excluded.source
WHERE kept.value IS DISTINCT FROM excluded.value;

-- name: newest_facts
-- The newest value of each fact of a device.
SELECT DISTINCT ON (name) name, at, value FROM device_fact WHERE device_id = %(device_id)s ORDER BY name, at DESC;

-- name: wake_device
-- Have the rules judge a device, no later than they meant to.
UPDATE rule_state SET wake_at = least(coalesce(wake_at, %(now)s), %(now)s) WHERE device_id = %(device_id)s;

-- name: readings_about
-- What metrics of a device showed at an instant: the last reading up to it, or else the first one after it.
SELECT one.metric, coalesce(before.value, after.value) AS value FROM unnest(%(metrics)s::text[]) AS one (metric)
LEFT JOIN LATERAL (
    SELECT value FROM reading
    WHERE device_id = %(device_id)s AND reading.metric = one.metric AND ts <= %(at)s
    ORDER BY ts DESC LIMIT 1) AS before ON true
LEFT JOIN LATERAL (
    SELECT value FROM reading
    WHERE device_id = %(device_id)s AND reading.metric = one.metric AND ts > %(at)s AND before.value IS NULL
    ORDER BY ts LIMIT 1) AS after ON true
WHERE coalesce(before.value, after.value) IS NOT NULL;

-- name: maintenance_target
-- Whether what is to be maintained is there.
SELECT EXISTS (SELECT FROM device WHERE id = %(device_id)s::text) AS device_id,
       EXISTS (SELECT FROM site WHERE id = %(site_id)s::text) AS site_id,
       EXISTS (SELECT FROM customer WHERE id = %(customer_id)s::text) AS customer_id;

-- name: plan_maintenance
-- A window of maintenance.
INSERT INTO maintenance_window (device_id, site_id, customer_id, starts_at, ends_at, reason, created_by, created_at)
VALUES (%(device_id)s, %(site_id)s, %(customer_id)s, %(starts_at)s, %(ends_at)s, %(reason)s, %(actor)s, %(now)s)
RETURNING id, device_id, site_id, customer_id, starts_at, ends_at, reason, created_by, created_at, ended_at, ended_by;

-- name: wake_for_maintenance
-- Let the devices be looked at whose maintenance was planned or ended: their rules are to know of it. In the order of
-- their ids, so that two who do so wait for one another instead of deadlocking.
UPDATE rule_state SET wake_at = least(coalesce(wake_at, %(now)s), %(now)s)
WHERE device_id IN (
    SELECT rule_state.device_id FROM rule_state JOIN device ON device.id = rule_state.device_id
    WHERE device.id = %(device_id)s::text OR device.site_id = %(site_id)s::text
       OR device.customer_id = %(customer_id)s::text
    ORDER BY rule_state.device_id FOR UPDATE OF rule_state);

-- name: lock_maintenance
-- One window of maintenance, held until the end of the transaction.
SELECT id, device_id, site_id, customer_id, starts_at, ends_at, reason, created_by, created_at, ended_at, ended_by
FROM maintenance_window WHERE id = %(id)s FOR UPDATE;

-- name: end_maintenance
-- Maintenance is over before its time; before its start, it never was.
UPDATE maintenance_window SET ends_at = greatest(starts_at, %(now)s), ended_at = %(now)s, ended_by = %(actor)s
WHERE id = %(id)s
RETURNING id, device_id, site_id, customer_id, starts_at, ends_at, reason, created_by, created_at, ended_at, ended_by;

-- name: maintenance_by_id
-- One window of maintenance.
SELECT id, device_id, site_id, customer_id, starts_at, ends_at, reason, created_by, created_at, ended_at, ended_by
FROM maintenance_window WHERE id = %(id)s;

-- name: maintenance
-- A page of windows of maintenance, newest first; each filter may be left out.
SELECT id, device_id, site_id, customer_id, starts_at, ends_at, reason, created_by, created_at, ended_at, ended_by
FROM maintenance_window
WHERE (%(device_id)s::text IS NULL OR device_id = %(device_id)s
       OR site_id = (SELECT device.site_id FROM device WHERE device.id = %(device_id)s)
       OR customer_id = (SELECT device.customer_id FROM device WHERE device.id = %(device_id)s))
  AND (%(site_id)s::text IS NULL OR site_id = %(site_id)s)
  AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
  AND (%(ahead_of)s::timestamptz IS NULL OR ends_at > greatest(%(ahead_of)s, starts_at))
  AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(limit)s;

-- name: unknown_rules
-- Rules that could not be judged the last time, by device: of one device or of all, with one reason or any.
SELECT rule_state.device_id, device.product, unknown.rule, unknown.found ->> 0 AS why, unknown.found ->> 1 AS what,
       rule_state.evaluated_until AS at
FROM rule_state JOIN device ON device.id = rule_state.device_id
CROSS JOIN LATERAL jsonb_each(rule_state.state -> 'unknown') AS unknown (rule, found)
WHERE device.service_state IN ('commissioning', 'in_service')
  AND (%(device_id)s::text IS NULL OR rule_state.device_id = %(device_id)s)
  AND (%(why)s::text IS NULL OR unknown.found ->> 0 = %(why)s)
ORDER BY rule_state.device_id, unknown.rule LIMIT %(limit)s;

-- name: failing_devices
-- Devices whose rules cannot be computed, or that could not be judged at all.
SELECT device_id, error FROM rule_state WHERE error IS NOT NULL ORDER BY device_id LIMIT %(limit)s;

-- name: recorded_needs
-- The needs of one device and of these rules that were open at some time in a span, as they were recorded.
SELECT rule, severity, state, opened_at, closed_at, reason, evidence FROM need
WHERE device_id = %(device_id)s AND rule = ANY(%(rules)s) AND opened_at <= %(until)s
  AND (closed_at IS NULL OR closed_at >= %(since)s)
ORDER BY opened_at, id;

-- name: late_readings_so_far
-- How many readings of one device came too late to be judged.
SELECT late_readings FROM rule_state WHERE device_id = %(device_id)s;
