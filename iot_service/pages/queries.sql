-- name: customer_person
-- The customer whose link it is.
SELECT id, name, locale, time_zone FROM customer WHERE id = %(id)s;

-- name: technician_person
-- The technician whose link it is.
SELECT id, name, locale, time_zone FROM technician WHERE id = %(id)s;

-- name: workshop
-- Where an appointment is.
SELECT name, address, phone FROM workshop WHERE id = %(id)s;

-- name: device
-- What something is about.
SELECT id, name, product FROM device WHERE id = %(id)s;

-- name: devices
-- A customer's devices, and whether they are connected.
SELECT device.id, device.name, device.product, device.service_state, connection.online
FROM device LEFT JOIN connection ON connection.device_id = device.id
WHERE customer_id = %(customer_id)s AND service_state <> 'retired' ORDER BY device.name, device.id LIMIT 200;

-- name: open_needs
-- A customer's open needs.
SELECT id, device_id, product, rule, severity, evidence FROM need
WHERE customer_id = %(customer_id)s AND state = 'open' ORDER BY id LIMIT 200;

-- name: need
-- Why something was proposed, ordered or sent out for.
SELECT id, product, rule, reason, opened_at, evidence FROM need WHERE id = %(id)s;

-- name: appointments
-- A customer's appointments that lie ahead.
SELECT id FROM appointment
WHERE customer_id = %(customer_id)s AND state = 'booked' AND ends_at > %(now)s ORDER BY starts_at, id LIMIT 50;

-- name: proposals
-- What a customer has not answered yet.
SELECT id FROM proposal
WHERE customer_id = %(customer_id)s AND state = 'open' AND expires_at > %(now)s ORDER BY id LIMIT 50;

-- name: orders
-- A customer's orders that are under way.
SELECT id FROM supply_order
WHERE customer_id = %(customer_id)s AND state IN ('pending', 'placed', 'shipped') ORDER BY id DESC LIMIT 50;

-- name: job_place
-- Where a technician is asked to go.
SELECT site.name AS site, site.address, site.latitude, site.longitude, customer.name AS customer
FROM site JOIN customer ON customer.id = site.customer_id WHERE site.id = %(site_id)s;

-- name: newest_readings
-- The newest reading of each of the metrics that a device may have.
SELECT newest.metric, newest.ts, newest.value FROM unnest(%(metrics)s::text[]) WITH ORDINALITY AS wanted (name, place)
CROSS JOIN LATERAL (
    SELECT metric, ts, value FROM reading WHERE device_id = %(device_id)s AND metric = name ORDER BY ts DESC LIMIT 1
) AS newest ORDER BY wanted.place;
