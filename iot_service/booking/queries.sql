-- name: lock_device
-- A device with its place, held so that two bookings for it cannot be made at once.
SELECT device.id, device.product, device.customer_id, site.latitude, site.longitude
FROM device LEFT JOIN site ON site.id = device.site_id
WHERE device.id = %(device_id)s FOR NO KEY UPDATE OF device;

-- name: device
-- A device with its place, to look only.
SELECT device.id, device.product, device.customer_id, site.latitude, site.longitude
FROM device LEFT JOIN site ON site.id = device.site_id WHERE device.id = %(device_id)s;

-- name: workshops
-- The workshops that serve a product, or the one that is asked for.
SELECT id, latitude, longitude, time_zone, opening_hours, closed_on FROM workshop
WHERE %(product)s::text = ANY(products) AND (%(workshop_id)s::text IS NULL OR id = %(workshop_id)s) ORDER BY id;

-- name: workshop_resources
-- Bays and technicians of workshops, with the technicians' skills.
SELECT resource.id, resource.kind, resource.workshop_id, coalesce(technician.skills, '{}') AS skills
FROM resource LEFT JOIN technician ON technician.resource_id = resource.id
WHERE resource.active AND resource.workshop_id = ANY(%(workshop_ids)s::text[])
  AND resource.kind IN ('bay', 'technician')
ORDER BY resource.id;

-- name: busy
-- When the resources of workshops are held, from an instant on, apart from what one appointment holds.
SELECT held.resource_id, lower(held.period) AS starts_at, upper(held.period) AS ends_at
FROM resource_booking AS held JOIN resource ON resource.id = held.resource_id
WHERE resource.workshop_id = ANY(%(workshop_ids)s::text[]) AND upper(held.period) > %(earliest)s
  AND held.appointment_id IS DISTINCT FROM %(ignoring)s::bigint;

-- name: device_taken
-- When a device is booked elsewhere, apart from one appointment.
SELECT starts_at, ends_at FROM appointment
WHERE device_id = %(device_id)s AND state = 'booked' AND ends_at > %(earliest)s
  AND id IS DISTINCT FROM %(ignoring)s::bigint;

-- name: appointment
-- One appointment.
SELECT appointment.id, appointment.customer_id, appointment.device_id, appointment.need_id, appointment.workshop_id,
       appointment.services, appointment.starts_at, appointment.ends_at, appointment.state, appointment.price,
       appointment.currency, appointment.sequence, workshop.time_zone
FROM appointment JOIN workshop ON workshop.id = appointment.workshop_id WHERE appointment.id = %(id)s;

-- name: lock_appointment
-- Hold one appointment until the end of the transaction.
SELECT id FROM appointment WHERE id = %(id)s FOR NO KEY UPDATE;

-- name: booked_for_need
-- The appointment that is booked for a need.
SELECT id FROM appointment WHERE need_id = %(need_id)s AND state = 'booked';

-- name: insert_appointment
-- A new appointment, booked.
INSERT INTO appointment (customer_id, device_id, need_id, workshop_id, services, starts_at, ends_at, state, price,
                         currency, created_at, updated_at)
VALUES (%(customer_id)s, %(device_id)s, %(need_id)s, %(workshop_id)s, %(services)s, %(starts_at)s, %(ends_at)s,
        'booked', %(price)s, %(currency)s, %(now)s, %(now)s)
RETURNING id;

-- name: update_appointment
-- A change of state or time; each one raises the sequence that calendars compare.
UPDATE appointment SET state = %(state)s, starts_at = %(starts_at)s, ends_at = %(ends_at)s, sequence = sequence + 1,
       updated_at = %(now)s
WHERE id = %(id)s;

-- name: lock_resources
-- Hold resources in the order of their ids, so that those who want the same ones queue up instead of deadlocking.
SELECT id FROM resource WHERE id = ANY(%(ids)s::integer[]) ORDER BY id FOR NO KEY UPDATE;

-- name: hold
-- An appointment holds its resources for its time; the exclusion constraint refuses what is held already.
INSERT INTO resource_booking (resource_id, period, appointment_id)
SELECT id, tstzrange(%(starts_at)s, %(ends_at)s), %(appointment_id)s FROM unnest(%(ids)s::integer[]) AS id;

-- name: release
-- An appointment holds nothing any more.
DELETE FROM resource_booking WHERE appointment_id = %(appointment_id)s;
