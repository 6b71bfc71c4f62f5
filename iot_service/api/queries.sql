-- name: try_lock
-- Takes a lock for the rest of the transaction, or says that another holds it.
SELECT pg_try_advisory_xact_lock(%(space)s, hashtext(%(key)s)) AS taken;

-- name: lock
-- Takes a lock for the rest of the transaction, and waits for it.
SELECT pg_advisory_xact_lock(%(space)s, hashtext(%(key)s));

-- name: kept_answer
-- The answer kept for a caller's idempotency key.
SELECT request_hash, status, body, content_type FROM idempotency WHERE caller = %(caller)s AND key = %(key)s;

-- name: keep_answer
-- Keeps the answer to a request with an idempotency key.
INSERT INTO idempotency (caller, key, request_hash, status, body, content_type, created_at)
VALUES (%(caller)s, %(key)s, %(request_hash)s, %(status)s, %(body)s, %(content_type)s, %(now)s);

-- name: forget_answers
-- Answers kept long enough.
DELETE FROM idempotency WHERE created_at < %(before)s;

-- name: add_operator
-- A new operator, or a new name and password for one who has the address; enabled again.
INSERT INTO operator (email, name, password_hash, created_at)
VALUES (%(email)s, %(name)s, %(password_hash)s, %(now)s)
ON CONFLICT (email) DO UPDATE SET name = EXCLUDED.name, password_hash = EXCLUDED.password_hash, disabled_at = NULL
RETURNING id;

-- name: operator_by_email
-- An operator who may log in.
SELECT id, name, password_hash FROM operator WHERE email = %(email)s AND disabled_at IS NULL;

-- name: change_password_hash
-- The same password, hashed with today's parameters.
UPDATE operator SET password_hash = %(password_hash)s WHERE id = %(id)s;

-- name: add_session
-- A new session of an operator.
INSERT INTO operator_session (token_hash, operator_id, csrf_token, created_at, expires_at)
VALUES (%(token_hash)s, %(operator_id)s, %(csrf_token)s, %(now)s, %(expires_at)s);

-- name: session
-- The session behind a cookie, while it lasts and its operator may log in.
SELECT operator.id, operator.name, operator_session.csrf_token
FROM operator_session JOIN operator ON operator.id = operator_session.operator_id
WHERE token_hash = %(token_hash)s AND expires_at > %(now)s AND disabled_at IS NULL;

-- name: end_session
-- Logs out.
DELETE FROM operator_session WHERE token_hash = %(token_hash)s;

-- name: end_sessions_of
-- Logs an operator out everywhere.
DELETE FROM operator_session WHERE operator_id = %(operator_id)s;

-- name: forget_sessions
-- Sessions that have expired.
DELETE FROM operator_session WHERE expires_at <= %(now)s;

-- name: attempts
-- How often a login was tried from one bucket since an instant, and when that began.
SELECT count(*) AS tried, min(at) AS since FROM login_attempt WHERE bucket = %(bucket)s AND at > %(since)s;

-- name: add_attempt
-- A login is tried.
INSERT INTO login_attempt (bucket, at) VALUES (%(bucket)s, %(now)s);

-- name: clear_attempts
-- A login succeeded: what was tried before no longer counts.
DELETE FROM login_attempt WHERE bucket = %(bucket)s;

-- name: forget_attempts
-- Attempts that no longer count.
DELETE FROM login_attempt WHERE at < %(before)s;

-- name: add_token
-- A new API token.
INSERT INTO api_token (name, role, token_hash, created_at, expires_at)
VALUES (%(name)s, %(role)s, %(token_hash)s, %(now)s, %(expires_at)s)
RETURNING id, name, role, created_at, expires_at, revoked_at;

-- name: token
-- The API token behind a hash, while it is in force (those of devices are no longer: a device has a secret of its own).
SELECT id, name, role FROM api_token
WHERE token_hash = %(token_hash)s AND role <> 'device' AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %(now)s);

-- name: tokens
-- A page of API tokens, newest first, without what they say.
SELECT id, name, role, created_at, expires_at, revoked_at FROM api_token
WHERE %(before)s::bigint IS NULL OR id < %(before)s ORDER BY id DESC LIMIT %(limit)s;

-- name: revoke_token
-- Ends an API token; ends it only once.
UPDATE api_token SET revoked_at = coalesce(revoked_at, %(now)s) WHERE id = %(id)s
RETURNING id, name, role, created_at, expires_at, revoked_at;

-- name: newest_reading
-- The newest reading of each of the metrics that a device may have.
SELECT newest.metric, newest.ts, newest.value FROM unnest(%(metrics)s::text[]) AS name
CROSS JOIN LATERAL (
    SELECT metric, ts, value FROM reading WHERE device_id = %(device_id)s AND metric = name ORDER BY ts DESC LIMIT 1
) AS newest ORDER BY newest.metric;

-- name: newest_attributes
-- The newest value of each attribute of a device.
SELECT DISTINCT ON (name) name, ts, value FROM attribute WHERE device_id = %(device_id)s ORDER BY name, ts DESC;

-- name: device_connection
-- Whether a device is connected, where it has ever said so.
SELECT online, since FROM connection WHERE device_id = %(device_id)s;

-- name: dead_letters
-- A page of messages that were not understood, newest first; each filter may be left out.
SELECT id, received_at, topic, device_id, convert_from(substring(payload FOR 2000), 'LATIN1') AS payload, reason, detail
FROM dead_letter
WHERE (%(device_id)s::text IS NULL OR device_id = %(device_id)s) AND (%(before)s::bigint IS NULL OR id < %(before)s)
    AND (%(reason)s::text IS NULL OR reason = %(reason)s)
ORDER BY id DESC LIMIT %(limit)s;

-- name: needs
-- A page of needs, newest first; each filter may be left out.
SELECT id, device_id, customer_id, product, rule, rule_version, kind, severity, state, opened_at, closed_at, reason,
    evidence, acknowledged_at, acknowledged_by, snoozed_until, strategy, strategy_reason, parent_id, cleared_at,
    (SELECT count(*) FROM need child WHERE child.parent_id = need.id AND child.state = 'open') AS children,
    (SELECT count(DISTINCT member.device_id) FROM need member WHERE member.parent_id = need.id OR member.id = need.id)
    AS devices
FROM need
WHERE (%(device_id)s::text IS NULL OR device_id = %(device_id)s)
  AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(kind)s::text IS NULL OR kind = %(kind)s)
  AND (%(parent_id)s::bigint IS NULL OR parent_id = %(parent_id)s)
  AND (%(joined)s::boolean IS NULL OR (parent_id IS NOT NULL) = %(joined)s)
  AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(limit)s;

-- name: need
-- One need.
SELECT id, device_id, customer_id, product, rule, rule_version, kind, severity, state, opened_at, closed_at, reason,
    evidence, acknowledged_at, acknowledged_by, snoozed_until, strategy, strategy_reason, parent_id, cleared_at,
    (SELECT count(*) FROM need child WHERE child.parent_id = need.id AND child.state = 'open') AS children,
    (SELECT count(DISTINCT member.device_id) FROM need member WHERE member.parent_id = need.id OR member.id = need.id)
    AS devices
FROM need WHERE id = %(id)s;

-- name: events
-- A page of the event log, newest first; each filter may be left out.
SELECT id, at, type, subject_id, device_id, customer_id, need_id, old, new, actor, reason, data FROM event
WHERE (%(device_id)s::text IS NULL OR device_id = %(device_id)s)
  AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
  AND (%(need_id)s::bigint IS NULL OR need_id = %(need_id)s)
  AND (%(type)s::text IS NULL OR type = %(type)s)
  AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(limit)s;

-- name: event
-- One event.
SELECT id, at, type, subject_id, device_id, customer_id, need_id, old, new, actor, reason, data FROM event
WHERE id = %(id)s;

-- name: events_after
-- The events after one, oldest first, for who was away: so many at a time.
SELECT id, at, type, subject_id, device_id, customer_id, need_id, old, new, actor, reason, data FROM event
WHERE id > %(after)s ORDER BY id LIMIT %(limit)s;

-- name: appointments
-- A page of appointments, newest first; each filter may be left out.
SELECT id, customer_id, device_id, need_id, workshop_id, services, starts_at, ends_at, state, price, currency FROM appointment
WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
  AND (%(device_id)s::text IS NULL OR device_id = %(device_id)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(limit)s;

-- name: proposals
-- A page of proposals, newest first; each filter may be left out.
SELECT id, customer_id, device_id, need_id, services, starts_at, ends_at, workshop_id, price, currency, state, expires_at,
    appointment_id
FROM proposal
WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
  AND (%(device_id)s::text IS NULL OR device_id = %(device_id)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(limit)s;

-- name: jobs
-- A page of jobs, newest first; each filter may be left out.
SELECT id, need_id, device_id, customer_id, site_id, service, skill, severity, state, technician_id, answer_by, created_at,
    updated_at
FROM job
WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
  AND (%(device_id)s::text IS NULL OR device_id = %(device_id)s)
  AND (%(technician_id)s::text IS NULL OR technician_id = %(technician_id)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(limit)s;

-- name: orders
-- A page of orders, newest first; each filter may be left out.
SELECT id, subscription_id, customer_id, device_id, need_id, consumable, packs, quantity, price, currency, state,
    cancel_until, deliver_by, created_at, updated_at
FROM supply_order
WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
  AND (%(device_id)s::text IS NULL OR device_id = %(device_id)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(limit)s;

-- name: proposal
-- One proposal.
SELECT id, customer_id, device_id, need_id, services, starts_at, ends_at, workshop_id, price, currency, state, expires_at,
    appointment_id
FROM proposal WHERE id = %(id)s;

-- name: job
-- One job.
SELECT id, need_id, device_id, customer_id, site_id, service, skill, severity, state, technician_id, answer_by, created_at,
    updated_at
FROM job WHERE id = %(id)s;
