-- name: lock_device
-- A device, held until the end of the transaction: its commands take their turns one by one.
SELECT product, service_state FROM device WHERE id = %(device_id)s FOR NO KEY UPDATE;

-- name: open_commands
-- How many commands of a device are open.
SELECT count(*) AS waiting FROM command WHERE device_id = %(device_id)s AND ended_at IS NULL;

-- name: insert_command
-- A new command, without the turn yet; tells the runner.
WITH written AS (
    INSERT INTO command (device_id, name, args, state, timeout, retries, created_at, created_by)
    VALUES (%(device_id)s, %(name)s, %(args)s, 'queued', %(timeout)s, %(retries)s, %(now)s, %(actor)s)
    RETURNING id
)
SELECT id, pg_notify('command', '') FROM written;

-- name: next_in_line
-- The open command of a device that was made first, and whether it has the turn already.
SELECT id, timeout, retries, expires_at IS NOT NULL AS has_turn FROM command
WHERE device_id = %(device_id)s AND ended_at IS NULL ORDER BY id LIMIT 1;

-- name: give_turn
-- From now on it is sent, and it has until expires_at to be answered.
UPDATE command SET expires_at = %(expires_at)s, wake_at = %(now)s WHERE id = %(id)s;

-- name: lock_command
-- Holds one command until the end of the transaction.
SELECT id FROM command WHERE id = %(id)s FOR UPDATE;

-- name: command
-- One command, with whose device it is for.
SELECT command.id, device_id, customer_id, command.name, args, state, timeout, retries, attempts, claims,
       command.created_at, created_by, expires_at, wake_at, sent_at, ended_at, answered_at, answer, reason
FROM command JOIN device ON device.id = command.device_id WHERE command.id = %(id)s;

-- name: commands_of
-- A page of a device's commands, newest first, in one state or in all.
SELECT command.id, device_id, customer_id, command.name, args, state, timeout, retries, attempts, claims,
       command.created_at, created_by, expires_at, wake_at, sent_at, ended_at, answered_at, answer, reason
FROM command JOIN device ON device.id = command.device_id
WHERE device_id = %(device_id)s AND (%(before)s::bigint IS NULL OR command.id < %(before)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
ORDER BY command.id DESC LIMIT %(limit)s;

-- name: claim_due
-- The command that has been due longest and that nobody holds; held until the lease ends.
UPDATE command SET claimed_until = %(until)s, claims = claims + 1
WHERE id = (
    SELECT id FROM command WHERE wake_at <= %(now)s AND (claimed_until IS NULL OR claimed_until <= %(now)s)
    ORDER BY wake_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id;

-- name: is_away
-- Whether a device said it goes offline, and nothing has come from it since.
SELECT NOT online AND coalesce(newest_received, '-infinity') <= since AS away
FROM connection LEFT JOIN rule_state USING (device_id) WHERE device_id = %(device_id)s;

-- name: postpone
-- Look at a claimed command again at wake_at; no row where somebody else has it by now.
UPDATE command SET wake_at = least(%(wake_at)s, expires_at), claimed_until = NULL
WHERE id = %(id)s AND claims = %(claims)s AND ended_at IS NULL;

-- name: mark_sent
-- The broker has taken a claimed command; no row where it was answered or called off meanwhile.
UPDATE command SET state = 'sent', attempts = attempts + 1, sent_at = %(now)s, claimed_until = NULL,
                   wake_at = least(%(wake_at)s, expires_at)
WHERE id = %(id)s AND claims = %(claims)s AND ended_at IS NULL;

-- name: end_command
-- A command has ended. An answer may overtake our knowledge that it was sent.
UPDATE command SET state = %(state)s, ended_at = %(now)s, wake_at = NULL, claimed_until = NULL,
                   reason = %(reason)s, answer = %(answer)s, answered_at = %(answered_at)s,
                   attempts = CASE WHEN %(answered_at)s::timestamptz IS NULL THEN attempts ELSE greatest(attempts, 1) END,
                   sent_at = CASE WHEN %(answered_at)s::timestamptz IS NULL THEN sent_at
                                  ELSE coalesce(sent_at, %(answered_at)s) END
WHERE id = %(id)s;

-- name: keep_answer
-- What the device said about a command that had ended before.
UPDATE command SET answer = %(answer)s, answered_at = %(answered_at)s WHERE id = %(id)s AND answered_at IS NULL;

-- name: claim_todo
-- The oldest thing to look at that nobody holds; it is gone when the transaction is committed.
DELETE FROM command_todo WHERE id = (SELECT id FROM command_todo ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING device_id, at, answer;

-- name: wake_device
-- The device is there: what waits for it is due.
UPDATE command SET wake_at = %(now)s WHERE device_id = %(device_id)s AND state = 'queued' AND wake_at > %(now)s;
