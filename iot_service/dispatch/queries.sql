-- name: job
-- One job with the place it is at.
SELECT job.id, job.need_id, job.device_id, job.customer_id, job.site_id, job.service, job.skill, job.severity,
       job.state, job.technician_id, job.answer_by, job.wake_at, job.round, job.duration, job.answer_within,
       site.latitude, site.longitude
FROM job JOIN site ON site.id = job.site_id WHERE job.id = %(id)s;

-- name: lock_job
-- Hold one job until the end of the transaction.
SELECT id FROM job WHERE id = %(id)s FOR NO KEY UPDATE;

-- name: claim_due
-- Hold the job that has been due longest and that nobody else holds.
SELECT id FROM job
WHERE state IN ('planned', 'dispatched') AND wake_at <= %(now)s AND id <> ALL(%(skipped)s::bigint[])
ORDER BY wake_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;

-- name: live_job_of_need
-- The job that is under way for a need.
SELECT id FROM job WHERE need_id = %(need_id)s AND state NOT IN ('completed', 'cancelled');

-- name: insert_job
-- A new job, unless one is under way for the need.
INSERT INTO job (need_id, device_id, customer_id, site_id, service, skill, severity, state, duration, answer_within,
                 wake_at, created_at, updated_at)
VALUES (%(need_id)s, %(device_id)s, %(customer_id)s, %(site_id)s, %(service)s, %(skill)s, %(severity)s, 'planned',
        %(duration)s, %(answer_within)s, %(now)s, %(now)s, %(now)s)
ON CONFLICT (need_id) WHERE state NOT IN ('completed', 'cancelled') DO NOTHING
RETURNING id;

-- name: update_job
-- A job's next state.
UPDATE job SET state = %(state)s, technician_id = %(technician_id)s, answer_by = %(answer_by)s, wake_at = %(wake_at)s,
       round = %(round)s, updated_at = %(now)s
WHERE id = %(id)s;

-- name: set_severity
-- The need of a job became worse.
UPDATE job SET severity = %(severity)s, updated_at = %(now)s WHERE id = %(id)s;

-- name: technicians
-- Technicians with a skill: where they start from, and when they are held next by a booking or by a job under way.
SELECT technician.id, technician.resource_id, technician.latitude, technician.longitude, technician.skills,
       least(
           (SELECT min(lower(held.period)) FROM resource_booking AS held
            WHERE held.resource_id = technician.resource_id AND upper(held.period) > %(now)s),
           (SELECT min(job.created_at) FROM job
            WHERE job.technician_id = technician.id AND job.state NOT IN ('planned', 'completed', 'cancelled'))
       ) AS busy_from
FROM technician JOIN resource ON resource.id = technician.resource_id
WHERE resource.active AND %(skill)s::text = ANY(technician.skills);

-- name: asked_in_round
-- Who was asked for a job in one round.
SELECT technician_id FROM job_request WHERE job_id = %(job_id)s AND round = %(round)s;

-- name: newest_request
-- The last time that one technician was asked for a job.
SELECT asked_at, answer_by, answer FROM job_request
WHERE job_id = %(job_id)s AND technician_id = %(technician_id)s ORDER BY id DESC LIMIT 1;

-- name: insert_request
-- A technician is asked.
INSERT INTO job_request (job_id, technician_id, round, asked_at, answer_by)
VALUES (%(job_id)s, %(technician_id)s, %(round)s, %(now)s, %(answer_by)s);

-- name: answer_request
-- What the technician said to the newest request of this round, or that he said nothing.
UPDATE job_request SET answer = %(answer)s, answered_at = %(now)s
WHERE job_id = %(job_id)s AND technician_id = %(technician_id)s AND round = %(round)s;

-- name: lock_resource
-- Hold a resource, so that those who want the same one queue up instead of deadlocking.
SELECT id FROM resource WHERE id = %(id)s FOR NO KEY UPDATE;

-- name: hold
-- A job holds its technician; the exclusion constraint refuses one who is held already.
INSERT INTO resource_booking (resource_id, period, job_id)
VALUES (%(resource_id)s, tstzrange(%(starts_at)s, %(ends_at)s), %(job_id)s);

-- name: release
-- A job holds nobody any more.
DELETE FROM resource_booking WHERE job_id = %(job_id)s;
