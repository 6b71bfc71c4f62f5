-- name: lock_rules
-- One change of rules at a time, so that the ids of versions come in the order of their commits.
SELECT pg_advisory_xact_lock(%(space)s::bigint);

-- name: look
-- The newest change of any rule, and whether devices wait to be woken because of one.
SELECT (SELECT coalesce(max(id), 0) FROM rule_version) AS revision,
       EXISTS (SELECT FROM rule_wake) AS waking;

-- name: standings
-- The newest version of each source of each rule, of one product or of all.
SELECT DISTINCT ON (product, rule, source)
       id, product, rule, version, change, source, mode, digest, text, author, place, at
FROM rule_version WHERE %(product)s::text IS NULL OR product = %(product)s
ORDER BY product, rule, source, id DESC;

-- name: standing
-- The newest version of each source of one rule.
SELECT DISTINCT ON (source) id, product, rule, version, change, source, mode, digest, text, author, place, at
FROM rule_version WHERE product = %(product)s AND rule = %(rule)s
ORDER BY source, id DESC;

-- name: add_version
-- The next version of a rule.
INSERT INTO rule_version (product, rule, version, change, source, mode, digest, text, author, place, at)
SELECT %(product)s, %(rule)s, coalesce(max(version), 0) + 1, %(change)s, %(source)s, %(mode)s, %(digest)s, %(text)s,
       %(author)s, %(place)s, %(now)s
FROM rule_version WHERE product = %(product)s AND rule = %(rule)s;

-- name: versions
-- A page of the history of one rule, newest first.
SELECT id, product, rule, version, change, source, mode, digest, text, author, place, at
FROM rule_version
WHERE product = %(product)s AND rule = %(rule)s
  AND (%(before)s::bigint IS NULL OR version < %(before)s)
ORDER BY version DESC LIMIT %(limit)s;

-- name: wake_product
-- Have all devices of a product judged anew, from the first one on.
INSERT INTO rule_wake (product, reached) VALUES (%(product)s, '')
ON CONFLICT (product) DO UPDATE SET reached = '';

-- name: take_wake
-- A product whose devices are to be woken, held; one that another runner holds is passed over.
SELECT product, reached FROM rule_wake ORDER BY product LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: wake_devices
-- Let the next devices of a product be due now; how many there were, and the last of them.
WITH bite AS (
    SELECT id FROM device WHERE product = %(product)s AND id > %(reached)s ORDER BY id LIMIT %(limit)s
), woken AS (
    UPDATE rule_state SET wake_at = least(coalesce(wake_at, %(at)s), %(at)s)
    FROM bite WHERE rule_state.device_id = bite.id
)
SELECT count(*) AS devices, max(id) AS last FROM bite;

-- name: move_wake
-- They are woken up to here.
UPDATE rule_wake SET reached = %(reached)s WHERE product = %(product)s;

-- name: finish_wake
-- All of them are.
DELETE FROM rule_wake WHERE product = %(product)s;

-- name: open_need_of_rule
-- The open need of a device's rule.
SELECT id FROM need WHERE device_id = %(device_id)s AND rule = %(rule)s AND state = 'open';

-- name: open_shadow_need
-- What a rule in shadow found, unless the same is open already.
INSERT INTO shadow_need (device_id, product, rule, rule_version, kind, severity, state, opened_at, created_at, reason,
                         evidence)
VALUES (%(device_id)s, %(product)s, %(rule)s, %(rule_version)s, %(kind)s, %(severity)s, 'open', %(opened_at)s, %(now)s,
        %(reason)s, %(evidence)s)
ON CONFLICT (device_id, rule) WHERE state = 'open' DO NOTHING;

-- name: set_shadow_severity
-- It would have become worse or better.
UPDATE shadow_need SET severity = %(severity)s
WHERE device_id = %(device_id)s AND rule = %(rule)s AND state = 'open';

-- name: close_shadow_need
-- It is over, or the rule is no longer in shadow; never closed before it opened.
UPDATE shadow_need
SET state = %(state)s, closed_at = greatest(opened_at, %(closed_at)s), closed_reason = %(closed_reason)s
WHERE device_id = %(device_id)s AND rule = %(rule)s AND state = 'open';

-- name: shadow_needs
-- A page of what a rule in shadow found, newest first.
SELECT id, device_id, product, rule, rule_version, kind, severity, state, opened_at, closed_at, reason, evidence,
       closed_reason
FROM shadow_need
WHERE product = %(product)s AND rule = %(rule)s AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(limit)s;
