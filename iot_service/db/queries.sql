-- name: record_event
-- One row of the log, with the to-do rows of its consumers, and a wake-up for who listens.
WITH written AS (
    INSERT INTO event (at, type, subject_id, device_id, customer_id, need_id, old, new, actor, reason, data)
    VALUES (%(at)s, %(type)s, %(subject_id)s, %(device_id)s, %(customer_id)s, %(need_id)s, %(old)s, %(new)s,
            %(actor)s, %(reason)s, %(data)s)
    RETURNING id
), todo AS (
    INSERT INTO event_todo (event_id, consumer)
    SELECT written.id, consumer FROM written, unnest(%(consumers)s::text[]) AS consumer
)
SELECT id, pg_notify('event', id::text) FROM written;

-- name: claim_todo
-- The oldest to-do rows of one consumer that nobody holds; held until the lease ends.
UPDATE event_todo SET claimed_until = %(until)s, attempts = attempts + 1
WHERE consumer = %(consumer)s AND event_id IN (
    SELECT event_id FROM event_todo
    WHERE consumer = %(consumer)s AND (claimed_until IS NULL OR claimed_until <= %(now)s)
    ORDER BY event_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING event_id;

-- name: todo_events
-- The events behind claimed to-do rows, in order.
SELECT id, at, type, subject_id, device_id, customer_id, need_id, old, new, actor, reason, data
FROM event WHERE id = ANY(%(ids)s) ORDER BY id;

-- name: finish_todo
-- The consumer is done with this event.
DELETE FROM event_todo WHERE consumer = %(consumer)s AND event_id = %(event_id)s;

-- name: fail_todo
-- The consumer could not do it: keep the row, say why, and let it be claimed again later.
UPDATE event_todo SET error = %(error)s, claimed_until = %(retry_at)s
WHERE consumer = %(consumer)s AND event_id = %(event_id)s;

-- name: server
-- Which server this is, and whether the schema is there.
SELECT version() AS version,
       (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS timescale,
       current_setting('timescaledb.license', true) AS license,
       to_regclass('public.event_todo') IS NOT NULL AS migrated;

-- name: service_health
-- For how many devices the rules fail.
SELECT count(*) AS failing_devices FROM rule_state WHERE error IS NOT NULL;

-- name: caught_up
-- The oldest instant up to which a slot of ingest vouches that everything is stored. A slot whose holder is gone stands
-- still, and so does this, until another process has emptied it: what waits in it may be anybody's.
SELECT min(coalesce(caught_up_at, seen_at)) AS caught_up_at FROM ingest_slot;

-- name: applied_migrations
-- The migrations that this database has had.
SELECT migration_id FROM _yoyo_migration;
