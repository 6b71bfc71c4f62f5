-- name: may_act
-- Whether the session that a page was opened with is still in force.
SELECT EXISTS (
    SELECT FROM operator o JOIN operator_session s ON s.operator_id = o.id
    WHERE s.csrf_token = %(csrf_token)s AND o.disabled_at IS NULL AND s.expires_at > %(now)s
) AS allowed;

-- name: totals
-- The figures of the front page that need a look at whole tables.
SELECT (SELECT count(*) FROM device WHERE service_state = 'in_service') AS in_service,
       (SELECT count(*) FROM device WHERE service_state = 'commissioning') AS commissioning,
       (SELECT count(*) FROM device WHERE service_state = 'out_of_service') AS out_of_service,
       (SELECT count(*) FROM connection WHERE NOT online) AS offline,
       (SELECT count(*) FROM reading WHERE received_at > %(minute_ago)s) AS readings_minute,
       (SELECT count(*) FROM reading WHERE received_at > %(hour_ago)s) AS readings_hour,
       (SELECT count(*) FROM appointment WHERE state = 'booked') AS appointments,
       (SELECT count(*) FROM job WHERE state NOT IN ('completed', 'cancelled')) AS jobs,
       (SELECT count(*) FROM supply_order WHERE state IN ('pending', 'placed', 'shipped')) AS orders,
       (SELECT count(*) FROM delivery WHERE state = 'sent' AND sent_at > %(day_ago)s) AS sent,
       (SELECT count(*) FROM delivery y JOIN notification m ON m.id = y.notification_id
        WHERE y.state = 'failed' AND m.created_at > %(day_ago)s) AS failed,
       (SELECT count(*) FROM delivery WHERE state IN ('queued', 'sending')) AS waiting,
       (SELECT count(*) FROM dead_letter WHERE received_at > %(day_ago)s)
       + (SELECT coalesce(sum(dropped), 0)::bigint FROM dead_letter_count WHERE hour > %(day_ago)s) AS dead_letters,
       (SELECT coalesce(sum(late_readings), 0)::bigint FROM rule_state) AS late_readings;

-- name: open_need_counts
-- Open needs by severity; one that the devices of a site share counts once.
SELECT severity, count(*) AS needs FROM need WHERE state = 'open' AND parent_id IS NULL GROUP BY severity;

-- name: open_needs
-- Open needs, the gravest and oldest first; those put aside for now come last. One that the devices of a site share
-- stands there once, with on how many others it is open.
SELECT n.id, n.device_id, n.customer_id, n.product, n.rule, n.kind, n.severity, n.opened_at, n.reason, n.evidence,
       n.acknowledged_at, coalesce(o.name, n.acknowledged_by) AS acknowledged_by, n.snoozed_until, n.strategy,
       d.name AS device_name, c.name AS customer_name, n.cleared_at,
       (SELECT count(*) FROM need child WHERE child.parent_id = n.id AND child.state = 'open') AS children
FROM need n JOIN device d ON d.id = n.device_id JOIN customer c ON c.id = n.customer_id
LEFT JOIN operator o ON 'operator:' || o.id = n.acknowledged_by
WHERE n.state = 'open' AND n.parent_id IS NULL
ORDER BY coalesce(n.snoozed_until > %(now)s, false), array_position(ARRAY['critical', 'high', 'normal', 'low'], n.severity), n.opened_at, n.id
LIMIT %(limit)s;

-- name: newest_events
-- The newest events after one that is already known, newest first.
SELECT e.id, e.at, e.type, e.subject_id, e.old, e.new, coalesce(o.name, e.actor) AS actor, e.reason, e.device_id, e.need_id,
       d.name AS device_name, c.name AS customer_name, coalesce(n.rule, e.data ->> 'rule') AS rule,
       coalesce(n.product, d.product) AS product, n.severity, n.kind, n.evidence
FROM event e
LEFT JOIN device d ON d.id = e.device_id
LEFT JOIN customer c ON c.id = e.customer_id
LEFT JOIN need n ON n.id = e.need_id
LEFT JOIN operator o ON 'operator:' || o.id = e.actor
WHERE e.id > %(after)s
ORDER BY e.id DESC LIMIT %(limit)s;

-- name: device_events
-- The newest events of one device, newest first.
SELECT e.id, e.at, e.type, e.subject_id, e.old, e.new, coalesce(o.name, e.actor) AS actor, e.reason, e.device_id, e.need_id,
       NULL AS device_name, NULL AS customer_name, coalesce(n.rule, e.data ->> 'rule') AS rule,
       coalesce(n.product, d.product) AS product, n.severity, n.kind, n.evidence
FROM event e
JOIN device d ON d.id = e.device_id
LEFT JOIN need n ON n.id = e.need_id
LEFT JOIN operator o ON 'operator:' || o.id = e.actor
WHERE e.device_id = %(device_id)s
ORDER BY e.id DESC LIMIT %(limit)s;

-- name: devices
-- One page of devices that match, with their newest reading and gravest open need; those in need first.
SELECT d.id, d.name, d.product, d.service_state, c.name AS customer_name, s.name AS site_name, x.online,
       worst.severity, worst.needs, t.newest_ts AS newest_at, count(*) OVER () AS matches
FROM device d
JOIN customer c ON c.id = d.customer_id
LEFT JOIN site s ON s.id = d.site_id
LEFT JOIN connection x ON x.device_id = d.id
LEFT JOIN LATERAL (
    SELECT (ARRAY['critical', 'high', 'normal', 'low'])[
               min(array_position(ARRAY['critical', 'high', 'normal', 'low'], n.severity))] AS severity,
           count(*) AS needs
    FROM need n WHERE n.device_id = d.id AND n.state = 'open'
) worst ON true
LEFT JOIN rule_state t ON t.device_id = d.id
WHERE (%(search)s::text = '' OR strpos(lower(d.name || ' ' || d.id || ' ' || c.name), lower(%(search)s::text)) > 0)
  AND (%(product)s::text = '' OR d.product = %(product)s::text)
  AND (%(state)s::text = '' OR d.service_state = %(state)s::text)
ORDER BY array_position(ARRAY['critical', 'high', 'normal', 'low'], worst.severity) NULLS LAST, d.name, d.id
LIMIT %(limit)s OFFSET %(offset)s;

-- name: device
-- One device with where it stands and whose it is.
SELECT d.id, d.name, d.product, d.service_state, d.parameters, d.customer_id, d.created_at, c.name AS customer_name,
       s.name AS site_name, s.address, x.online, x.since, t.evaluated_until, t.error AS rule_error
FROM device d
JOIN customer c ON c.id = d.customer_id
LEFT JOIN site s ON s.id = d.site_id
LEFT JOIN connection x ON x.device_id = d.id
LEFT JOIN rule_state t ON t.device_id = d.id
WHERE d.id = %(device_id)s;

-- name: twin
-- The newest value of each metric of a device; walks the index from metric to metric, however many readings there are.
WITH RECURSIVE metrics AS (
    (SELECT metric FROM reading WHERE device_id = %(device_id)s ORDER BY metric LIMIT 1)
    UNION ALL
    SELECT (SELECT r.metric FROM reading r WHERE r.device_id = %(device_id)s AND r.metric > m.metric
            ORDER BY r.metric LIMIT 1)
    FROM metrics m WHERE m.metric IS NOT NULL
)
SELECT m.metric, newest.ts, newest.value, newest.ts_assumed
FROM metrics m
CROSS JOIN LATERAL (
    SELECT r.ts, r.value, r.ts_assumed FROM reading r
    WHERE r.device_id = %(device_id)s AND r.metric = m.metric ORDER BY r.ts DESC LIMIT 1
) newest
ORDER BY m.metric;

-- name: attributes
-- The newest value of each attribute of a device.
SELECT DISTINCT ON (name) name, ts, value FROM attribute WHERE device_id = %(device_id)s ORDER BY name, ts DESC;

-- name: device_needs
-- The needs of a device that were open within a span, newest first.
SELECT id, rule, product, kind, severity, state, opened_at, closed_at, reason, acknowledged_at, acknowledged_by,
       snoozed_until, strategy, device_id, evidence
FROM need
WHERE device_id = %(device_id)s AND opened_at < %(until)s AND coalesce(closed_at, %(until)s) >= %(since)s
ORDER BY opened_at DESC, id DESC LIMIT %(limit)s;

-- name: device_open_needs
-- The open needs of a device, the gravest and oldest first.
SELECT n.id, n.rule, n.product, n.kind, n.severity, n.state, n.opened_at, n.closed_at, n.reason, n.acknowledged_at,
       coalesce(o.name, n.acknowledged_by) AS acknowledged_by, n.snoozed_until, n.strategy, n.device_id,
       n.evidence, n.rule_version, n.cleared_at, parent.device_id AS parent_device_id,
       parent_device.name AS parent_device_name,
       (SELECT count(*) FROM need child WHERE child.parent_id = n.id AND child.state = 'open') AS children
FROM need n LEFT JOIN operator o ON 'operator:' || o.id = n.acknowledged_by
LEFT JOIN need parent ON parent.id = n.parent_id
LEFT JOIN device parent_device ON parent_device.id = parent.device_id
WHERE n.device_id = %(device_id)s AND n.state = 'open'
ORDER BY array_position(ARRAY['critical', 'high', 'normal', 'low'], n.severity), n.opened_at, n.id;

-- name: device_maintenance
-- The maintenance of a device, its site and its customer that is not over, the next first.
SELECT w.id, w.starts_at, w.ends_at, w.reason, coalesce(o.name, w.created_by) AS planned_by
FROM device d JOIN maintenance_window w ON w.device_id = d.id OR w.site_id = d.site_id OR w.customer_id = d.customer_id
LEFT JOIN operator o ON 'operator:' || o.id = w.created_by
WHERE d.id = %(device_id)s AND w.ends_at > greatest(%(now)s, w.starts_at)
ORDER BY w.starts_at, w.id LIMIT 10;

-- name: curve_ends
-- When a device first and last reported a metric.
SELECT min(ts) AS oldest, max(ts) AS newest FROM reading WHERE device_id = %(device_id)s AND metric = %(metric)s;

-- name: curve
-- A curve in steps: of each its first, last, lowest and highest reading. Arrays compare element by element, so the
-- least [value, time] is the lowest reading with its time, in one pass and without sorting.
SELECT count(*) AS readings,
       min(ARRAY[at, value]) AS first, max(ARRAY[at, value]) AS last,
       min(ARRAY[value, at]) AS low, max(ARRAY[value, at]) AS high
FROM (
    SELECT extract(epoch FROM ts)::double precision AS at, value
    FROM reading
    WHERE device_id = %(device_id)s AND metric = %(metric)s AND ts >= %(since)s AND ts <= %(until)s
) sample
GROUP BY floor((at - extract(epoch FROM %(since)s::timestamptz)::double precision) / %(step)s::double precision)
ORDER BY min(at);

-- name: dead_letters
-- One page of dead letters, newest first, each cut to what can be shown.
SELECT l.id, l.received_at, l.topic, l.device_id, d.name AS device_name, l.reason, l.detail,
       substring(l.payload FROM 1 FOR %(shown)s) AS payload, octet_length(l.payload) AS size
FROM dead_letter l LEFT JOIN device d ON d.id = l.device_id
WHERE l.id < %(before)s AND (%(reason)s::text = '' OR l.reason = %(reason)s::text)
ORDER BY l.id DESC LIMIT %(limit)s;

-- name: dead_letter_reasons
-- How many dead letters there are for each reason: kept in full, and counted only.
SELECT reason, sum(kept)::bigint AS kept, sum(dropped)::bigint AS dropped
FROM (
    SELECT reason, count(*) AS kept, 0 AS dropped FROM dead_letter GROUP BY reason
    UNION ALL
    SELECT reason, 0, sum(dropped) FROM dead_letter_count GROUP BY reason
) counted
GROUP BY reason ORDER BY sum(kept) + sum(dropped) DESC, reason;
