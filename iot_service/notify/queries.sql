-- What a message is about ---------------------------------------------------------------------------------------------

-- name: customer
-- A customer with the ways to reach her.
SELECT id, name, email, phone, locale, time_zone FROM customer WHERE id = %(id)s;

-- name: technician
-- A technician with the ways to reach him.
SELECT id, name, email, phone, locale, time_zone FROM technician WHERE id = %(id)s;

-- name: operators
-- All operators who may log in.
SELECT id, name, email FROM operator WHERE disabled_at IS NULL ORDER BY id;

-- name: device
-- A device with the site where it stands.
SELECT device.id, device.name, device.product, device.customer_id, site.name AS site_name, site.address AS site_address,
       site.time_zone AS site_time_zone
FROM device LEFT JOIN site ON site.id = device.site_id WHERE device.id = %(id)s;

-- name: need
-- A need.
SELECT id, device_id, customer_id, product, rule, kind, severity, state, opened_at, closed_at, snoozed_until, strategy,
       parent_id, evidence
FROM need WHERE id = %(id)s;

-- name: appointment
-- An appointment with its workshop.
SELECT appointment.id, appointment.customer_id, appointment.device_id, appointment.need_id, services, starts_at, ends_at,
       state, price, currency, sequence, workshop.name AS workshop_name, workshop.address AS workshop_address,
       workshop.phone AS workshop_phone
FROM appointment JOIN workshop ON workshop.id = appointment.workshop_id WHERE appointment.id = %(id)s;

-- name: proposal
-- A proposal with its workshop.
SELECT proposal.id, proposal.customer_id, proposal.device_id, proposal.need_id, services, starts_at, ends_at, state,
       price, currency, expires_at, workshop.name AS workshop_name, workshop.address AS workshop_address,
       workshop.phone AS workshop_phone
FROM proposal JOIN workshop ON workshop.id = proposal.workshop_id WHERE proposal.id = %(id)s;

-- name: job
-- A job with its site; travel_minutes is how far away the technician was who was asked last.
SELECT job.id, job.need_id, job.device_id, job.customer_id, job.service, job.severity, job.state, job.technician_id,
       job.answer_by, site.name AS site_name, site.address AS site_address, site.time_zone AS site_time_zone,
       (SELECT (event.data->>'travel_minutes')::double precision FROM event
        WHERE event.need_id = job.need_id AND event.type = 'job.dispatched' AND event.subject_id = job.id::text
        ORDER BY event.id DESC LIMIT 1) AS travel_minutes
FROM job JOIN site ON site.id = job.site_id WHERE job.id = %(id)s;

-- name: order
-- An order.
SELECT id, customer_id, device_id, need_id, consumable, packs, quantity, price, currency, state, cancel_until, deliver_by
FROM supply_order WHERE id = %(id)s;

-- Writing messages ----------------------------------------------------------------------------------------------------

-- name: add_notification
-- One message to one person about one event; no row where it is there already.
INSERT INTO notification (event_id, recipient_kind, recipient_id, template, locale, subject, short_text, body, link,
                          calendar, created_at)
VALUES (%(event_id)s, %(recipient_kind)s, %(recipient_id)s, %(template)s, %(locale)s, %(subject)s, %(short_text)s,
        %(body)s, %(link)s, %(calendar)s, %(created_at)s)
ON CONFLICT (event_id, recipient_kind, recipient_id, template) DO NOTHING
RETURNING id;

-- name: add_delivery
-- One way that a message goes.
INSERT INTO delivery (notification_id, channel, address, state, wake_at, sent_at)
VALUES (%(notification_id)s, %(channel)s, %(address)s, %(state)s, %(wake_at)s, %(sent_at)s);

-- Sending -------------------------------------------------------------------------------------------------------------

-- name: claim_delivery
-- The delivery that has waited longest, or whose lease has ended; held until the new lease ends.
UPDATE delivery SET state = 'sending', attempts = attempts + 1, wake_at = %(until)s
FROM notification
WHERE notification.id = delivery.notification_id AND delivery.id = (
    SELECT id FROM delivery
    WHERE state IN ('queued', 'sending') AND channel = ANY(%(channels)s) AND wake_at <= %(now)s
    ORDER BY wake_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING delivery.id, channel, address, attempts, locale, subject, short_text, body, calendar,
          notification.created_at AS written_at;

-- name: finish_delivery
-- The result of one attempt; no row where another attempt has begun since.
UPDATE delivery SET state = %(state)s, wake_at = %(wake_at)s, sent_at = %(sent_at)s, provider_id = %(provider_id)s,
                    error = %(error)s
WHERE id = %(id)s AND state = 'sending' AND attempts = %(attempts)s;

-- The inbox -----------------------------------------------------------------------------------------------------------

-- name: inbox_before
-- The newest messages of one person that are older than a given one.
SELECT id, event_id, template, locale, subject, short_text, body, link, created_at, read_at FROM notification
WHERE recipient_kind = %(recipient_kind)s AND recipient_id = %(recipient_id)s AND id < %(before)s
ORDER BY id DESC LIMIT %(limit)s;

-- name: inbox_after
-- The messages of one person that came after a given one, oldest first.
SELECT id, event_id, template, locale, subject, short_text, body, link, created_at, read_at FROM notification
WHERE recipient_kind = %(recipient_kind)s AND recipient_id = %(recipient_id)s AND id > %(after_id)s
ORDER BY id LIMIT %(limit)s;

-- name: mark_read
-- One message of one person was read; the first time stands.
UPDATE notification SET read_at = coalesce(read_at, %(now)s)
WHERE id = %(id)s AND recipient_kind = %(recipient_kind)s AND recipient_id = %(recipient_id)s;
