-- name: newest
-- Where the tables end now, so that a view can begin there.
SELECT (SELECT coalesce(max(id), 0) FROM event) AS event_id,
       (SELECT coalesce(max(id), 0) FROM delivery) AS delivery_id,
       (SELECT coalesce(max(id), 0) FROM dead_letter) AS dead_letter_id,
       (SELECT max(received_at) FROM device_event) AS received_at;

-- name: new_events
-- Events after one that is already shown, with the names that people know things by, oldest first.
SELECT e.id, e.at, e.type, e.old, e.new, e.reason, e.actor, e.device_id,
       coalesce(d.name, e.device_id) AS device_name, c.name AS customer_name,
       n.rule, n.kind, n.severity, n.product, n.reason AS need_reason, n.evidence
FROM event e
LEFT JOIN device d ON d.id = e.device_id
LEFT JOIN customer c ON c.id = e.customer_id
LEFT JOIN need n ON n.id = e.need_id
WHERE e.id > %(after)s
ORDER BY e.id LIMIT %(limit)s;

-- name: newest_deliveries
-- The newest messages that went out or failed, with who gets them and what they say.
SELECT y.id, y.channel, y.state, coalesce(y.sent_at, m.created_at) AS at, y.error, m.recipient_kind, m.short_text,
       coalesce(c.name, t.name, m.recipient_id) AS recipient_name, d.name AS device_name
FROM delivery y
JOIN notification m ON m.id = y.notification_id
JOIN event e ON e.id = m.event_id
LEFT JOIN customer c ON m.recipient_kind = 'customer' AND c.id = m.recipient_id
LEFT JOIN technician t ON m.recipient_kind = 'technician' AND t.id = m.recipient_id
LEFT JOIN device d ON d.id = e.device_id
WHERE y.state IN ('sent', 'failed') AND y.id > %(after)s
ORDER BY y.id DESC LIMIT %(limit)s;

-- name: new_device_events
-- What devices said by their own word, received after an instant, oldest first.
SELECT v.received_at AS at, v.ts, v.name, v.device_id, coalesce(d.name, v.device_id) AS device_name
FROM device_event v LEFT JOIN device d ON d.id = v.device_id
WHERE v.received_at > %(after)s
ORDER BY v.received_at, v.name LIMIT %(limit)s;

-- name: new_dead_letters
-- Messages nobody understood, after one that is already shown, oldest first.
SELECT l.id, l.received_at AS at, l.reason, l.detail, l.topic, l.device_id, coalesce(d.name, l.device_id) AS device_name
FROM dead_letter l LEFT JOIN device d ON d.id = l.device_id
WHERE l.id > %(after)s
ORDER BY l.id LIMIT %(limit)s;

-- name: devices
-- Each device with the newest values of its headline metric (the first one in rank that it reports), newest first.
SELECT d.id, d.name, d.product, d.service_state, x.online, worst.severity, h.metric, h.stamps, h.readings
FROM device d
LEFT JOIN connection x ON x.device_id = d.id
LEFT JOIN LATERAL (
    SELECT n.severity FROM need n WHERE n.device_id = d.id AND n.state = 'open'
    ORDER BY array_position(ARRAY['critical', 'high', 'normal', 'low'], n.severity) LIMIT 1
) worst ON true
LEFT JOIN LATERAL (
    SELECT w.metric, r.stamps, r.readings
    FROM unnest(%(products)s::text[], %(metrics)s::text[]) WITH ORDINALITY AS w(product, metric, rank)
    CROSS JOIN LATERAL (
        SELECT array_agg(q.ts) AS stamps, array_agg(q.value) AS readings
        FROM (SELECT ts, value FROM reading WHERE device_id = d.id AND metric = w.metric ORDER BY ts DESC
              LIMIT %(points)s) q
    ) r
    WHERE w.product = d.product AND r.stamps IS NOT NULL
    ORDER BY w.rank LIMIT 1
) h ON true
WHERE d.service_state <> 'retired'
ORDER BY array_position(ARRAY['critical', 'high', 'normal', 'low'], worst.severity) NULLS LAST, d.product, d.id
LIMIT %(limit)s;

-- name: totals
-- What has come in and what has come of it, counted from the tables.
SELECT (SELECT count(*) FROM reading) AS readings,
       (SELECT count(*) FROM dead_letter) AS kept,
       (SELECT coalesce(sum(dropped), 0)::bigint FROM dead_letter_count) AS dropped,
       (SELECT count(*) FROM need WHERE kind = 'service' AND parent_id IS NULL) AS service,
       (SELECT count(*) FROM need WHERE kind = 'fault' AND parent_id IS NULL) AS fault,
       (SELECT count(*) FROM need WHERE kind = 'refill' AND parent_id IS NULL) AS refill,
       (SELECT count(*) FROM need WHERE state = 'open' AND parent_id IS NULL) AS open_needs,
       (SELECT count(*) FROM appointment) AS appointments,
       (SELECT count(*) FROM job) AS jobs,
       (SELECT count(*) FROM supply_order) AS orders,
       (SELECT count(*) FROM delivery WHERE state = 'sent') AS sent,
       (SELECT count(*) FROM delivery WHERE state = 'failed') AS failed;
