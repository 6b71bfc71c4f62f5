-- name: put_customer
-- Creates or changes a customer; no row comes back where nothing changed.
INSERT INTO customer (id, name, email, phone, locale, time_zone, created_at)
VALUES (%(id)s, %(name)s, %(email)s, %(phone)s, %(locale)s, %(time_zone)s, %(now)s)
ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, email = EXCLUDED.email, phone = EXCLUDED.phone,
    locale = EXCLUDED.locale, time_zone = EXCLUDED.time_zone
WHERE (customer.name, customer.email, customer.phone, customer.locale, customer.time_zone)
    IS DISTINCT FROM (EXCLUDED.name, EXCLUDED.email, EXCLUDED.phone, EXCLUDED.locale, EXCLUDED.time_zone)
RETURNING (xmax = 0) AS created;

-- name: customer
-- One customer.
SELECT id, name, email, phone, locale, time_zone FROM customer WHERE id = %(id)s;

-- name: customers
-- A page of customers, by id.
SELECT id, name, email, phone, locale, time_zone FROM customer
WHERE %(after)s::text IS NULL OR id > %(after)s ORDER BY id LIMIT %(limit)s;

-- name: put_site
-- Creates or changes a site; no row comes back where nothing changed.
INSERT INTO site (id, customer_id, name, address, latitude, longitude, time_zone)
VALUES (%(id)s, %(customer_id)s, %(name)s, %(address)s, %(latitude)s, %(longitude)s, %(time_zone)s)
ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, address = EXCLUDED.address, latitude = EXCLUDED.latitude,
    longitude = EXCLUDED.longitude, time_zone = EXCLUDED.time_zone
WHERE (site.name, site.address, site.latitude, site.longitude, site.time_zone)
    IS DISTINCT FROM (EXCLUDED.name, EXCLUDED.address, EXCLUDED.latitude, EXCLUDED.longitude, EXCLUDED.time_zone)
RETURNING (xmax = 0) AS created;

-- name: site
-- One site.
SELECT id, customer_id, name, address, latitude, longitude, time_zone FROM site WHERE id = %(id)s;

-- name: sites
-- A page of sites, by id, of one customer or of all.
SELECT id, customer_id, name, address, latitude, longitude, time_zone FROM site
WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
  AND (%(after)s::text IS NULL OR id > %(after)s) ORDER BY id LIMIT %(limit)s;

-- name: put_device
-- Creates or changes a device (its service state only when it is new); no row comes back where nothing changed.
INSERT INTO device (id, product, customer_id, site_id, name, service_state, parameters, created_at)
VALUES (%(id)s, %(product)s, %(customer_id)s, %(site_id)s, %(name)s, %(service_state)s, %(parameters)s, %(now)s)
ON CONFLICT (id) DO UPDATE SET site_id = EXCLUDED.site_id, name = EXCLUDED.name, parameters = EXCLUDED.parameters
WHERE (device.site_id, device.name, device.parameters)
    IS DISTINCT FROM (EXCLUDED.site_id, EXCLUDED.name, EXCLUDED.parameters)
RETURNING (xmax = 0) AS created;

-- name: add_rule_state
-- The row that the rule runner keeps its place in; each device has one from the start.
INSERT INTO rule_state (device_id) VALUES (%(device_id)s) ON CONFLICT (device_id) DO NOTHING;

-- name: wake_rules
-- Have the rules judge a device again, for what they know of it besides its readings is about to change.
UPDATE rule_state SET wake_at = least(coalesce(wake_at, %(now)s), %(now)s) WHERE device_id = %(device_id)s;

-- name: device
-- One device.
SELECT id, product, customer_id, site_id, name, service_state, parameters FROM device WHERE id = %(id)s;

-- name: devices
-- A page of devices, by id, of one customer or of all.
SELECT id, product, customer_id, site_id, name, service_state, parameters FROM device
WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
  AND (%(after)s::text IS NULL OR id > %(after)s) ORDER BY id LIMIT %(limit)s;

-- name: put_workshop
-- Creates or changes a workshop; no row comes back where nothing changed.
INSERT INTO workshop (id, name, address, phone, latitude, longitude, time_zone, products, opening_hours, closed_on)
VALUES (%(id)s, %(name)s, %(address)s, %(phone)s, %(latitude)s, %(longitude)s, %(time_zone)s, %(products)s,
        %(opening_hours)s, %(closed_on)s)
ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, address = EXCLUDED.address, phone = EXCLUDED.phone,
    latitude = EXCLUDED.latitude, longitude = EXCLUDED.longitude, time_zone = EXCLUDED.time_zone,
    products = EXCLUDED.products, opening_hours = EXCLUDED.opening_hours, closed_on = EXCLUDED.closed_on
WHERE (workshop.name, workshop.address, workshop.phone, workshop.latitude, workshop.longitude, workshop.time_zone,
       workshop.products, workshop.opening_hours, workshop.closed_on)
    IS DISTINCT FROM (EXCLUDED.name, EXCLUDED.address, EXCLUDED.phone, EXCLUDED.latitude, EXCLUDED.longitude,
       EXCLUDED.time_zone, EXCLUDED.products, EXCLUDED.opening_hours, EXCLUDED.closed_on)
RETURNING (xmax = 0) AS created;

-- name: put_bay
-- Creates a bay of a workshop, or puts it back in use; no row comes back where nothing changed.
INSERT INTO resource (kind, workshop_id, name) VALUES ('bay', %(workshop_id)s, %(name)s)
ON CONFLICT (workshop_id, name) WHERE kind = 'bay' DO UPDATE SET active = true WHERE NOT resource.active
RETURNING id;

-- name: retire_bays
-- Takes the bays out of use that a workshop no longer has; what is booked in them stays booked.
UPDATE resource SET active = false
WHERE kind = 'bay' AND workshop_id = %(workshop_id)s AND active AND name <> ALL(%(names)s);

-- name: workshop
-- One workshop with the names of its bays in use.
SELECT id, name, address, phone, latitude, longitude, time_zone, products, opening_hours, closed_on,
    ARRAY(SELECT resource.name FROM resource
          WHERE kind = 'bay' AND workshop_id = workshop.id AND active ORDER BY resource.name) AS bays
FROM workshop WHERE id = %(id)s;

-- name: workshops
-- A page of workshops, by id, with the names of their bays in use.
SELECT id, name, address, phone, latitude, longitude, time_zone, products, opening_hours, closed_on,
    ARRAY(SELECT resource.name FROM resource
          WHERE kind = 'bay' AND workshop_id = workshop.id AND active ORDER BY resource.name) AS bays
FROM workshop WHERE %(after)s::text IS NULL OR id > %(after)s ORDER BY id LIMIT %(limit)s;

-- name: add_technician_resource
-- What bookings hold of a technician.
INSERT INTO resource (kind, workshop_id, name) VALUES ('technician', %(workshop_id)s, %(name)s) RETURNING id;

-- name: change_technician_resource
-- The technician's name or workshop changed; no row where it did not.
UPDATE resource SET workshop_id = %(workshop_id)s, name = %(name)s
WHERE id = %(id)s AND (workshop_id, name) IS DISTINCT FROM (%(workshop_id)s::text, %(name)s::text);

-- name: put_technician
-- Creates or changes a technician; no row comes back where nothing changed.
INSERT INTO technician (id, resource_id, name, email, phone, locale, time_zone, skills, latitude, longitude)
VALUES (%(id)s, %(resource_id)s, %(name)s, %(email)s, %(phone)s, %(locale)s, %(time_zone)s, %(skills)s,
        %(latitude)s, %(longitude)s)
ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, email = EXCLUDED.email, phone = EXCLUDED.phone,
    locale = EXCLUDED.locale, time_zone = EXCLUDED.time_zone, skills = EXCLUDED.skills,
    latitude = EXCLUDED.latitude, longitude = EXCLUDED.longitude
WHERE (technician.name, technician.email, technician.phone, technician.locale, technician.time_zone, technician.skills,
       technician.latitude, technician.longitude)
    IS DISTINCT FROM (EXCLUDED.name, EXCLUDED.email, EXCLUDED.phone, EXCLUDED.locale, EXCLUDED.time_zone,
       EXCLUDED.skills, EXCLUDED.latitude, EXCLUDED.longitude)
RETURNING (xmax = 0) AS created;

-- name: technician
-- One technician, with the workshop where he works in one.
SELECT t.id, t.resource_id, r.workshop_id, t.name, t.email, t.phone, t.locale, t.time_zone, t.skills, t.latitude,
    t.longitude
FROM technician t JOIN resource r ON r.id = t.resource_id WHERE t.id = %(id)s;

-- name: technicians
-- A page of technicians, by id.
SELECT t.id, t.resource_id, r.workshop_id, t.name, t.email, t.phone, t.locale, t.time_zone, t.skills, t.latitude,
    t.longitude
FROM technician t JOIN resource r ON r.id = t.resource_id
WHERE %(after)s::text IS NULL OR t.id > %(after)s ORDER BY t.id LIMIT %(limit)s;

-- name: put_subscription
-- Creates or changes a subscription; no row comes back where nothing changed.
INSERT INTO subscription (id, customer_id, device_id, consumable, pack_size, target_level, cancel_window, lead_time,
    price, currency, state, created_at)
VALUES (%(id)s, %(customer_id)s, %(device_id)s, %(consumable)s, %(pack_size)s, %(target_level)s, %(cancel_window)s,
    %(lead_time)s, %(price)s, %(currency)s, %(state)s, %(now)s)
ON CONFLICT (id) DO UPDATE SET pack_size = EXCLUDED.pack_size, target_level = EXCLUDED.target_level,
    cancel_window = EXCLUDED.cancel_window, lead_time = EXCLUDED.lead_time, price = EXCLUDED.price,
    currency = EXCLUDED.currency, state = EXCLUDED.state
WHERE (subscription.pack_size, subscription.target_level, subscription.cancel_window, subscription.lead_time,
       subscription.price, subscription.currency, subscription.state)
    IS DISTINCT FROM (EXCLUDED.pack_size, EXCLUDED.target_level, EXCLUDED.cancel_window, EXCLUDED.lead_time,
       EXCLUDED.price, EXCLUDED.currency, EXCLUDED.state)
RETURNING (xmax = 0) AS created;

-- name: subscription
-- One subscription.
SELECT id, customer_id, device_id, consumable, pack_size, target_level, cancel_window, lead_time, price, currency, state
FROM subscription WHERE id = %(id)s;

-- name: subscription_of_device
-- The subscription in force of a device and consumable, other than the one named.
SELECT id FROM subscription
WHERE device_id = %(device_id)s AND consumable = %(consumable)s AND state <> 'ended' AND id <> %(id)s;

-- name: subscriptions
-- A page of subscriptions, by id, of one customer or of all.
SELECT id, customer_id, device_id, consumable, pack_size, target_level, cancel_window, lead_time, price, currency, state
FROM subscription
WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
  AND (%(after)s::text IS NULL OR id > %(after)s) ORDER BY id LIMIT %(limit)s;

-- name: stock_is_known
-- Whether a device's stock of a consumable has ever been stated, also where it waits for the first report.
SELECT EXISTS (SELECT 1 FROM supply WHERE device_id = %(device_id)s AND consumable = %(consumable)s)
    OR EXISTS (SELECT 1 FROM supply_waiting WHERE device_id = %(device_id)s AND consumable = %(consumable)s) AS known;

-- name: consents_in_force
-- The consents of a customer that are not revoked.
SELECT customer_id, purpose, granted_at, revoked_at, wording, source FROM consent
WHERE customer_id = %(customer_id)s AND revoked_at IS NULL ORDER BY purpose;

-- name: consents
-- Every consent that a customer ever gave, newest first.
SELECT customer_id, purpose, granted_at, revoked_at, wording, source FROM consent
WHERE customer_id = %(customer_id)s ORDER BY id DESC;

-- name: grant_consent
-- A new consent; no row comes back where one is in force already.
INSERT INTO consent (customer_id, purpose, granted_at, wording, source)
VALUES (%(customer_id)s, %(purpose)s, %(now)s, %(wording)s, %(source)s)
ON CONFLICT (customer_id, purpose) WHERE revoked_at IS NULL DO NOTHING RETURNING id;

-- name: revoke_consent
-- The consent in force ends now.
UPDATE consent SET revoked_at = greatest(%(now)s, granted_at)
WHERE customer_id = %(customer_id)s AND purpose = %(purpose)s AND revoked_at IS NULL RETURNING id;

-- name: strategies
-- What a customer chose, per kind of need.
SELECT kind, strategy FROM strategy_choice WHERE customer_id = %(customer_id)s ORDER BY kind;

-- name: choose_strategy
-- Her choice for one kind of need; no row comes back where it stands already.
INSERT INTO strategy_choice (customer_id, kind, strategy, chosen_at)
VALUES (%(customer_id)s, %(kind)s, %(strategy)s, %(now)s)
ON CONFLICT (customer_id, kind) DO UPDATE SET strategy = EXCLUDED.strategy, chosen_at = EXCLUDED.chosen_at
WHERE strategy_choice.strategy <> EXCLUDED.strategy RETURNING kind;

-- name: mandates_in_force
-- The mandates of a customer that are not revoked.
SELECT kind, max_price, cancel_window FROM mandate
WHERE customer_id = %(customer_id)s AND revoked_at IS NULL ORDER BY kind;

-- name: grant_mandate
-- A new mandate; no row comes back where one is in force already.
INSERT INTO mandate (customer_id, kind, max_price, cancel_window, granted_at)
VALUES (%(customer_id)s, %(kind)s, %(max_price)s, %(cancel_window)s, %(now)s)
ON CONFLICT (customer_id, kind) WHERE revoked_at IS NULL DO NOTHING RETURNING id;

-- name: revoke_mandate
-- The mandate in force ends now.
UPDATE mandate SET revoked_at = greatest(%(now)s, granted_at)
WHERE customer_id = %(customer_id)s AND kind = %(kind)s AND revoked_at IS NULL RETURNING id;

-- name: last_say
-- Who last changed one thing that a customer agreed to (types of event, and the purpose or kind they were about).
SELECT actor FROM event
WHERE customer_id = %(customer_id)s AND type = ANY(%(types)s) AND coalesce(data->>'purpose', data->>'kind') = %(about)s
ORDER BY id DESC LIMIT 1;

-- name: set_area
-- An area of a customer, in the place of the one of that name.
INSERT INTO area (customer_id, name, circles) VALUES (%(customer_id)s, %(name)s, %(circles)s)
ON CONFLICT (customer_id, name) DO UPDATE SET circles = EXCLUDED.circles;

-- name: remove_area
-- An area of a customer is gone.
DELETE FROM area WHERE customer_id = %(customer_id)s AND name = %(name)s RETURNING name;

-- name: areas
-- The areas of a customer.
SELECT name, circles FROM area WHERE customer_id = %(customer_id)s ORDER BY name;
