-- name: overrides_of_devices
-- All overrides that concern some devices; where nothing is overridden at all, they are not even looked up.
SELECT device.id AS device_id, scope, scope_id, rule_override.product, rule, values, author, reason, at
FROM device
JOIN rule_override ON scope = 'product' AND scope_id = device.product AND rule_override.product = device.product
WHERE device.id = ANY(%(ids)s) AND (SELECT EXISTS (SELECT FROM rule_override))
UNION ALL
SELECT device.id, scope, scope_id, rule_override.product, rule, values, author, reason, at
FROM device
JOIN device_group_member ON device_group_member.device_id = device.id
JOIN rule_override ON scope = 'group' AND scope_id = group_id AND rule_override.product = device.product
WHERE device.id = ANY(%(ids)s) AND (SELECT EXISTS (SELECT FROM rule_override))
UNION ALL
SELECT device.id, scope, scope_id, rule_override.product, rule, values, author, reason, at
FROM device
JOIN rule_override ON scope = 'customer' AND scope_id = device.customer_id AND rule_override.product = device.product
WHERE device.id = ANY(%(ids)s) AND (SELECT EXISTS (SELECT FROM rule_override))
UNION ALL
SELECT device.id, scope, scope_id, rule_override.product, rule, values, author, reason, at
FROM device
JOIN rule_override ON scope = 'device' AND scope_id = device.id AND rule_override.product = device.product
WHERE device.id = ANY(%(ids)s) AND (SELECT EXISTS (SELECT FROM rule_override));

-- name: overrides
-- Overrides by product, rule and scope, of one product or of all, so many after one.
SELECT id, scope, scope_id, product, rule, values, author, reason, at FROM rule_override
WHERE (%(product)s::text IS NULL OR product = %(product)s) AND id > %(after)s
ORDER BY id LIMIT %(limit)s;

-- name: override
-- One override, held until the end of the transaction.
SELECT id, scope, scope_id, product, rule, values, author, reason, at FROM rule_override
WHERE scope = %(scope)s AND scope_id = %(scope_id)s AND product = %(product)s
  AND rule IS NOT DISTINCT FROM %(rule)s FOR UPDATE;

-- name: set_override
-- An override, in the place of the one that there was.
INSERT INTO rule_override (scope, scope_id, product, rule, values, author, reason, at)
VALUES (%(scope)s, %(scope_id)s, %(product)s, %(rule)s, %(values)s, %(author)s, %(reason)s, %(at)s)
ON CONFLICT (scope, scope_id, product, rule)
DO UPDATE SET values = excluded.values, author = excluded.author, reason = excluded.reason, at = excluded.at
RETURNING id, scope, scope_id, product, rule, values, author, reason, at;

-- name: remove_override
-- One override less.
DELETE FROM rule_override WHERE id = %(id)s;

-- name: device_to_override
-- A device, and whose it is.
SELECT id, product, customer_id, parameters FROM device WHERE id = %(id)s;

-- name: has_customer
-- Whether there is such a customer.
SELECT EXISTS (SELECT FROM customer WHERE id = %(id)s) AS found;

-- name: wake_in_scope
-- Have the devices of a product judged that are in a group, of a customer, or one device.
UPDATE rule_state SET wake_at = least(coalesce(wake_at, %(now)s), %(now)s)
FROM device
WHERE device.id = rule_state.device_id AND device.product = %(product)s
  AND ((%(scope)s::text = 'device' AND device.id = %(scope_id)s)
       OR (%(scope)s::text = 'customer' AND device.customer_id = %(scope_id)s)
       OR (%(scope)s::text = 'group'
           AND device.id IN (SELECT device_id FROM device_group_member WHERE group_id = %(scope_id)s)));

-- name: wake_devices
-- Have some devices judged.
UPDATE rule_state SET wake_at = least(coalesce(wake_at, %(now)s), %(now)s) WHERE device_id = ANY(%(ids)s);

-- name: group
-- One group of devices.
SELECT id, name, created_at,
       coalesce((SELECT array_agg(device_id ORDER BY device_id) FROM device_group_member WHERE group_id = id),
                '{}'::text[]) AS devices
FROM device_group WHERE id = %(id)s;

-- name: groups
-- Groups by id, so many after one.
SELECT id, name, created_at,
       coalesce((SELECT array_agg(device_id ORDER BY device_id) FROM device_group_member WHERE group_id = id),
                '{}'::text[]) AS devices
FROM device_group WHERE id > %(after)s ORDER BY id LIMIT %(limit)s;

-- name: put_group
-- A group, or another name for it.
INSERT INTO device_group (id, name, created_at) VALUES (%(id)s, %(name)s, %(now)s)
ON CONFLICT (id) DO UPDATE SET name = excluded.name;

-- name: unknown_devices
-- Which of some ids no device has.
SELECT id FROM unnest(%(ids)s::text[]) AS given (id) WHERE NOT EXISTS (SELECT FROM device WHERE device.id = given.id);

-- name: add_members
-- Put devices into a group.
INSERT INTO device_group_member (group_id, device_id) SELECT %(id)s, unnest(%(ids)s::text[])
ON CONFLICT DO NOTHING;

-- name: remove_members
-- Take devices out of a group.
DELETE FROM device_group_member WHERE group_id = %(id)s AND device_id = ANY(%(ids)s);

-- name: group_overrides
-- How many overrides a group has.
SELECT count(*) AS overrides FROM rule_override WHERE scope = 'group' AND scope_id = %(id)s;

-- name: delete_group
-- A group without members or overrides less.
DELETE FROM device_group WHERE id = %(id)s;
