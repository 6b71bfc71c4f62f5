-- name: subscription
-- The subscription of a device for a consumable that has not ended.
SELECT id, customer_id, device_id, consumable, pack_size, target_level, cancel_window, lead_time, price, currency, state
FROM subscription WHERE device_id = %(device_id)s AND consumable = %(consumable)s AND state <> 'ended';

-- name: order
-- One order with its customer's time zone.
SELECT supply_order.id, supply_order.subscription_id, supply_order.customer_id, supply_order.device_id,
       supply_order.need_id, supply_order.consumable, supply_order.packs, supply_order.quantity, supply_order.price,
       supply_order.currency, supply_order.state, supply_order.cancel_until, supply_order.deliver_by,
       supply_order.wake_at, customer.time_zone
FROM supply_order JOIN customer ON customer.id = supply_order.customer_id WHERE supply_order.id = %(id)s;

-- name: lock_order
-- Hold one order until the end of the transaction.
SELECT id FROM supply_order WHERE id = %(id)s FOR NO KEY UPDATE;

-- name: claim_due
-- Hold the order that has been due longest and that nobody else holds.
SELECT id FROM supply_order
WHERE state IN ('pending', 'placed', 'shipped') AND wake_at <= %(now)s AND id <> ALL(%(skipped)s::bigint[])
ORDER BY wake_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;

-- name: open_order
-- The order of a device for a consumable that is under way.
SELECT id FROM supply_order
WHERE device_id = %(device_id)s AND consumable = %(consumable)s AND state IN ('pending', 'placed', 'shipped');

-- name: insert_order
-- A new order, unless one is under way.
INSERT INTO supply_order (subscription_id, customer_id, device_id, need_id, consumable, packs, quantity, price, currency,
                          state, cancel_until, deliver_by, created_at, updated_at, wake_at)
VALUES (%(subscription_id)s, %(customer_id)s, %(device_id)s, %(need_id)s, %(consumable)s, %(packs)s, %(quantity)s,
        %(price)s, %(currency)s, 'pending', %(cancel_until)s, %(deliver_by)s, %(now)s, %(now)s, %(cancel_until)s)
ON CONFLICT (device_id, consumable) WHERE state IN ('pending', 'placed', 'shipped') DO NOTHING
RETURNING id;

-- name: update_order
-- An order's next state.
UPDATE supply_order SET state = %(state)s, wake_at = %(wake_at)s, updated_at = %(now)s WHERE id = %(id)s;

-- name: device_product
-- Of which product a device is, and whose.
SELECT product, customer_id FROM device WHERE id = %(device_id)s;

-- name: counters
-- The newest reading of each counter, as of an instant.
SELECT DISTINCT ON (metric) metric, ts, value FROM reading
WHERE device_id = %(device_id)s AND metric = ANY(%(metrics)s::text[]) AND ts <= %(now)s
ORDER BY metric, ts DESC;

-- name: counters_since
-- Each counter as it stood at an instant: its newest reading up to then, or else its first one after.
SELECT DISTINCT ON (metric) metric, ts, value FROM reading
WHERE device_id = %(device_id)s AND metric = ANY(%(metrics)s::text[])
ORDER BY metric, ts <= %(since)s DESC, CASE WHEN ts <= %(since)s THEN ts END DESC, ts;

-- name: newest_supply
-- The supply counter that stands at an instant.
SELECT supplied FROM supply WHERE device_id = %(device_id)s AND consumable = %(consumable)s AND at <= %(now)s
ORDER BY at DESC, id DESC LIMIT 1;

-- name: insert_supply
-- The supply counter stands anew; a delivery counts once.
INSERT INTO supply (device_id, consumable, at, supplied, reason, order_id)
VALUES (%(device_id)s, %(consumable)s, %(at)s, %(supplied)s, %(reason)s, %(order_id)s)
ON CONFLICT (order_id) DO NOTHING;

-- name: wake_rules
-- Let the rule runner judge a device again, no later than it meant to.
UPDATE rule_state SET wake_at = least(coalesce(wake_at, %(at)s), %(at)s) WHERE device_id = %(device_id)s;

-- name: lock_supply
-- Hold a device's supplies, so that two changes of one supply counter cannot overlook each other.
SELECT pg_advisory_xact_lock(7243004, hashtext(%(device_id)s::text || ' ' || %(consumable)s::text));

-- name: add_waiting
-- A stock, or a delivery on top of it, that waits for the device's first report.
INSERT INTO supply_waiting (device_id, consumable, quantity, since, order_id)
VALUES (%(device_id)s, %(consumable)s, %(quantity)s, %(now)s, %(order_id)s)
ON CONFLICT (device_id, consumable) DO UPDATE
SET quantity = supply_waiting.quantity + excluded.quantity, order_id = excluded.order_id;

-- name: waiting
-- The stock of a device that waits for its first report.
SELECT quantity, since, order_id FROM supply_waiting WHERE device_id = %(device_id)s AND consumable = %(consumable)s;

-- name: all_waiting
-- Devices that reported since a stock was named for them.
SELECT waiting.device_id, waiting.consumable, device.product FROM supply_waiting AS waiting
JOIN device ON device.id = waiting.device_id
WHERE EXISTS (SELECT 1 FROM reading WHERE reading.device_id = waiting.device_id);

-- name: drop_waiting
-- The stock waits no longer.
DELETE FROM supply_waiting WHERE device_id = %(device_id)s AND consumable = %(consumable)s;
