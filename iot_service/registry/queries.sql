-- name: wake_mirrors
-- Something in the registry changes.
SELECT pg_notify('registry', '');

-- name: taken_ids
-- Which of these ids are taken by a device, or are another name of one.
SELECT id FROM device WHERE id = ANY(%(ids)s)
UNION ALL SELECT alias FROM device_alias WHERE alias = ANY(%(ids)s);

-- name: known_customers
-- Which of these customers there are.
SELECT id FROM customer WHERE id = ANY(%(ids)s);

-- name: known_sites
-- Whose sites these are.
SELECT id, customer_id FROM site WHERE id = ANY(%(ids)s);

-- name: add_devices
-- New devices, with the rows that rules keep their place in; the ids that were free come back.
WITH asked AS (
    SELECT * FROM unnest(%(ids)s::text[], %(products)s::text[], %(customer_ids)s::text[], %(site_ids)s::text[],
                         %(names)s::text[], %(states)s::text[], %(parameters)s::text[])
        AS asked (id, product, customer_id, site_id, name, service_state, parameters)
), added AS (
    INSERT INTO device (id, product, customer_id, site_id, name, service_state, parameters, created_at)
    SELECT id, product, customer_id, site_id, name, service_state, parameters::jsonb, %(now)s FROM asked
    WHERE NOT EXISTS (SELECT 1 FROM device_alias WHERE alias = asked.id)
    ON CONFLICT (id) DO NOTHING RETURNING id
)
SELECT id FROM added;

-- name: add_rule_states
-- The rows that the rule runner keeps its place in; each device has one from the start.
INSERT INTO rule_state (device_id) SELECT unnest(%(ids)s::text[]);

-- name: add_secrets
-- The first secrets of new devices.
INSERT INTO device_credential (device_id, secret_hash, issued_at)
SELECT id, secret_hash, %(now)s FROM unnest(%(ids)s::text[], %(hashes)s::text[]) AS fresh (id, secret_hash);

-- name: log_registered
-- One event for each new device (no consumer has to-do rows for these); live pages are woken where it is a few.
WITH written AS (
    INSERT INTO event (at, type, subject_id, device_id, customer_id, new, actor, reason, data)
    SELECT %(now)s, 'device.' || device.service_state, device.id, device.id, device.customer_id, device.service_state,
           %(actor)s, %(reason)s, %(data)s
    FROM device WHERE device.id = ANY(%(ids)s) ORDER BY device.id
    RETURNING id
)
SELECT pg_notify('event', id::text) FROM written WHERE (SELECT count(*) FROM written) <= 100;

-- name: device_called
-- The device whose id is also this name.
SELECT id FROM device WHERE id = %(alias)s;

-- name: lock_rules
-- Before the device's row, in the order in which the rules hold the two: nobody waits for each other.
SELECT 1 AS held FROM rule_state WHERE device_id = %(device_id)s FOR UPDATE;

-- name: lock_device
-- One device, held against changes.
SELECT id, product, customer_id, site_id, name, service_state, disabled_at FROM device
WHERE id = %(device_id)s FOR UPDATE;

-- name: registration
-- What the registry knows of one device.
SELECT device.id, device.product, device.customer_id, device.site_id, device.name, device.service_state,
    device.created_at, device.disabled_at, device_credential.issued_at AS secret_issued_at,
    device_credential.secret_hash IS NOT NULL AS has_secret, rule_state.newest_ts AS heard_at,
    ARRAY(SELECT alias FROM device_alias WHERE device_alias.device_id = device.id ORDER BY alias) AS aliases
FROM device LEFT JOIN device_credential ON device_credential.device_id = device.id
LEFT JOIN rule_state ON rule_state.device_id = device.id
WHERE device.id = %(device_id)s;

-- name: registrations
-- A page of devices by id; each filter may be left out.
SELECT device.id, device.product, device.customer_id, device.site_id, device.name, device.service_state,
    device.created_at, device.disabled_at, device_credential.issued_at AS secret_issued_at,
    device_credential.secret_hash IS NOT NULL AS has_secret, rule_state.newest_ts AS heard_at,
    ARRAY(SELECT alias FROM device_alias WHERE device_alias.device_id = device.id ORDER BY alias) AS aliases
FROM device LEFT JOIN device_credential ON device_credential.device_id = device.id
LEFT JOIN rule_state ON rule_state.device_id = device.id
WHERE (%(customer_id)s::text IS NULL OR device.customer_id = %(customer_id)s)
  AND (%(product)s::text IS NULL OR device.product = %(product)s)
  AND (%(state)s::text IS NULL OR device.service_state = %(state)s)
  AND (%(disabled)s::boolean IS NULL OR (device.disabled_at IS NOT NULL) = %(disabled)s)
  AND (%(after)s::text IS NULL OR device.id > %(after)s)
ORDER BY device.id LIMIT %(limit)s;

-- name: set_disabled
-- Disables a device, or enables it again (NULL).
UPDATE device SET disabled_at = %(disabled_at)s WHERE id = %(device_id)s;

-- name: touch_credential
-- What mirrors know of a device is out of date; a device without a secret gets a row that says so.
INSERT INTO device_credential (device_id, issued_at) VALUES (%(device_id)s, %(now)s)
ON CONFLICT (device_id) DO UPDATE SET changed_in = pg_current_xact_id();

-- name: put_secret
-- A new secret of a device; the one before is worth nothing from now on.
INSERT INTO device_credential (device_id, secret_hash, issued_at) VALUES (%(device_id)s, %(secret_hash)s, %(now)s)
ON CONFLICT (device_id) DO UPDATE SET secret_hash = EXCLUDED.secret_hash, issued_at = EXCLUDED.issued_at,
    changed_in = pg_current_xact_id();

-- name: move_device
-- Another customer, or another site.
UPDATE device SET customer_id = %(customer_id)s, site_id = %(site_id)s WHERE id = %(device_id)s;

-- name: wake_rules
-- Have the rules judge a device again: what they know of it besides its readings has changed.
UPDATE rule_state SET wake_at = least(coalesce(wake_at, %(now)s), %(now)s) WHERE device_id = %(device_id)s;

-- name: unfinished
-- What is still under way between a device and its customer, by kind.
SELECT kind, count(*) AS number FROM (
    SELECT 'open need' AS kind FROM need WHERE device_id = %(device_id)s AND state = 'open'
    UNION ALL SELECT 'booked appointment' FROM appointment WHERE device_id = %(device_id)s AND state = 'booked'
    UNION ALL SELECT 'open proposal' FROM proposal WHERE device_id = %(device_id)s AND state = 'open'
    UNION ALL SELECT 'job under way' FROM job
        WHERE device_id = %(device_id)s AND state NOT IN ('completed', 'cancelled')
    UNION ALL SELECT 'order under way' FROM supply_order
        WHERE device_id = %(device_id)s AND state IN ('pending', 'placed', 'shipped')
    UNION ALL SELECT 'subscription' FROM subscription WHERE device_id = %(device_id)s AND state <> 'ended'
) AS unfinished GROUP BY kind ORDER BY kind;

-- name: secret_of_device
-- What a device proves itself by, where it has a secret and is not disabled.
SELECT device_credential.secret_hash
FROM device_credential JOIN device ON device.id = device_credential.device_id
WHERE device_credential.device_id = %(device_id)s AND device.disabled_at IS NULL;

-- name: is_enabled
-- Whether there is such a device, and it is not disabled.
SELECT 1 AS yes FROM device WHERE id = %(device_id)s AND disabled_at IS NULL;

-- name: add_alias
-- Another name of a device; no row comes back where it is taken.
INSERT INTO device_alias (alias, device_id) VALUES (%(alias)s, %(device_id)s)
ON CONFLICT (alias) DO NOTHING RETURNING alias;

-- name: alias
-- Whose name it is.
SELECT alias, device_id FROM device_alias WHERE alias = %(alias)s;

-- name: remove_alias
-- A name that stands for nothing from now on.
DELETE FROM device_alias WHERE alias = %(alias)s AND device_id = %(device_id)s;

-- name: add_claim_key
-- A new claim key.
INSERT INTO claim_key (name, product, customer_id, site_id, key_hash, created_at, expires_at, max_uses)
VALUES (%(name)s, %(product)s, %(customer_id)s, %(site_id)s, %(key_hash)s, %(now)s, %(expires_at)s, %(max_uses)s)
RETURNING id, name, product, customer_id, site_id, created_at, expires_at, revoked_at, max_uses, uses;

-- name: claim_keys
-- A page of claim keys, newest first, without what they say.
SELECT id, name, product, customer_id, site_id, created_at, expires_at, revoked_at, max_uses, uses FROM claim_key
WHERE %(before)s::bigint IS NULL OR id < %(before)s ORDER BY id DESC LIMIT %(limit)s;

-- name: revoke_claim_key
-- Ends a claim key; no row comes back where there is none in force.
UPDATE claim_key SET revoked_at = %(now)s WHERE id = %(id)s AND revoked_at IS NULL
RETURNING id, name, product, customer_id, site_id, created_at, expires_at, revoked_at, max_uses, uses;

-- name: claim_key
-- A claim key, revoked or not.
SELECT id, name, product, customer_id, site_id, created_at, expires_at, revoked_at, max_uses, uses FROM claim_key
WHERE id = %(id)s;

-- name: lock_claim_key
-- The claim key behind a hash, while it is in force for this product; held until its use is counted.
SELECT id, product, customer_id, site_id FROM claim_key
WHERE key_hash = %(key_hash)s AND product = %(product)s AND revoked_at IS NULL
  AND (expires_at IS NULL OR expires_at > %(now)s) AND (max_uses IS NULL OR uses < max_uses)
FOR UPDATE;

-- name: count_claim
-- One more device has claimed its place.
UPDATE claim_key SET uses = uses + 1 WHERE id = %(id)s;

-- name: add_gateway
-- A new gateway; no row comes back where the id is taken.
INSERT INTO gateway (id, secret_hash, write_topics, read_topics, created_at)
VALUES (%(id)s, %(secret_hash)s, %(write_topics)s, %(read_topics)s, %(now)s)
ON CONFLICT (id) DO NOTHING RETURNING id, write_topics, read_topics, created_at, disabled_at;

-- name: gateway
-- One gateway.
SELECT id, write_topics, read_topics, created_at, disabled_at FROM gateway WHERE id = %(id)s;

-- name: lock_gateway
-- One gateway, held against changes.
SELECT id, write_topics, read_topics, created_at, disabled_at FROM gateway WHERE id = %(id)s FOR UPDATE;

-- name: gateways
-- A page of gateways, by id.
SELECT id, write_topics, read_topics, created_at, disabled_at FROM gateway
WHERE %(after)s::text IS NULL OR id > %(after)s ORDER BY id LIMIT %(limit)s;

-- name: set_gateway_topics
-- Other topics for a gateway.
UPDATE gateway SET write_topics = %(write_topics)s, read_topics = %(read_topics)s WHERE id = %(id)s;

-- name: set_gateway_secret
-- Another secret for a gateway.
UPDATE gateway SET secret_hash = %(secret_hash)s WHERE id = %(id)s;

-- name: set_gateway_disabled
-- Disables a gateway, or enables it again (NULL).
UPDATE gateway SET disabled_at = %(disabled_at)s WHERE id = %(id)s;

-- name: enabled_gateway
-- What a gateway proves itself by, and what it may do.
SELECT secret_hash, write_topics, read_topics FROM gateway WHERE id = %(id)s AND disabled_at IS NULL;

-- name: enabled_gateways
-- All gateways that are not disabled.
SELECT id, secret_hash, write_topics, read_topics FROM gateway WHERE disabled_at IS NULL ORDER BY id;

-- name: horizon
-- Transactions below this number have ended: what they wrote, everybody sees. Asked before the rows are read.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS horizon;

-- name: changed_credentials
-- The secrets of devices that were changed by transactions from the horizon on; NULL where none shall work.
SELECT device_credential.device_id, device.disabled_at IS NOT NULL AS disabled,
    CASE WHEN device.disabled_at IS NULL THEN device_credential.secret_hash END AS secret_hash
FROM device_credential JOIN device ON device.id = device_credential.device_id
WHERE device_credential.changed_in >= %(horizon)s::text::xid8 ORDER BY device_credential.device_id;

-- name: count_secrets
-- How many devices and gateways have one.
SELECT (SELECT count(*) FROM device_credential WHERE secret_hash IS NOT NULL) + (SELECT count(*) FROM gateway) AS secrets;
