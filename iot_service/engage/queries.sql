-- name: need
-- A need with the site of its device.
SELECT need.id, need.device_id, need.customer_id, need.product, need.rule, need.kind, need.severity, need.state,
       need.opened_at, need.closed_at, need.reason, need.evidence, need.acknowledged_at, need.acknowledged_by,
       need.snoozed_until, need.strategy, need.answered_severity, need.created_at, device.site_id
FROM need JOIN device ON device.id = need.device_id WHERE need.id = %(need_id)s;

-- name: lock_need
-- Hold a need, so that what is done about it happens once and in order.
SELECT id FROM need WHERE id = %(need_id)s FOR NO KEY UPDATE;

-- name: set_strategy
-- How a need is met, and why; decided by how bad it is now.
UPDATE need SET strategy = %(strategy)s, strategy_reason = %(reason)s, answered_severity = severity
WHERE id = %(need_id)s;

-- name: set_answered
-- What was decided about a need holds for how bad it is now.
UPDATE need SET answered_severity = severity WHERE id = %(need_id)s;

-- name: waiting_needs
-- A customer's open needs that were engaged and that nothing is under way for.
SELECT need.id FROM need
WHERE need.customer_id = %(customer_id)s AND need.state = 'open' AND need.strategy IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM appointment WHERE appointment.need_id = need.id AND appointment.state = 'booked')
  AND NOT EXISTS (SELECT 1 FROM job
                  WHERE job.need_id = need.id AND job.state NOT IN ('completed', 'cancelled'))
  AND NOT EXISTS (SELECT 1 FROM supply_order
                  WHERE supply_order.need_id = need.id AND supply_order.state IN ('pending', 'placed', 'shipped'))
ORDER BY need.id;

-- name: low_stocks
-- Open refill needs of devices that are resupplied.
SELECT need.id FROM need
WHERE need.state = 'open' AND need.kind = 'refill' AND need.strategy IS NOT NULL
  AND EXISTS (SELECT 1 FROM subscription
              WHERE subscription.device_id = need.device_id AND subscription.state = 'active')
ORDER BY need.id;

-- name: order_that_settles
-- An order that a low stock still has to wait for, or that was cancelled since the need is there.
SELECT id FROM supply_order
WHERE device_id = %(device_id)s AND consumable = %(consumable)s
  AND (state IN ('pending', 'placed', 'shipped')
       OR state = 'delivered' AND updated_at > %(delivered_since)s
       OR state = 'cancelled' AND updated_at >= %(cancelled_since)s)
LIMIT 1;

-- name: pending_order
-- The order for a need that can still be cancelled.
SELECT id FROM supply_order WHERE need_id = %(need_id)s AND state = 'pending' AND cancel_until > %(now)s;

-- name: proposal
-- One proposal.
SELECT id, customer_id, device_id, need_id, services, starts_at, ends_at, workshop_id, price, currency, state,
       expires_at, appointment_id
FROM proposal WHERE id = %(id)s;

-- name: lock_proposal
-- Hold one proposal until the end of the transaction.
SELECT id FROM proposal WHERE id = %(id)s FOR NO KEY UPDATE;

-- name: claim_expired
-- Hold an open proposal whose time is over and that nobody else holds.
SELECT id FROM proposal WHERE state = 'open' AND expires_at <= %(now)s
ORDER BY expires_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;

-- name: open_proposal
-- The proposal for a need that is waiting for an answer.
SELECT id FROM proposal WHERE need_id = %(need_id)s AND state = 'open';

-- name: insert_proposal
-- A new proposal.
INSERT INTO proposal (customer_id, device_id, need_id, services, starts_at, ends_at, workshop_id, price, currency, state,
                      expires_at, created_at, updated_at)
VALUES (%(customer_id)s, %(device_id)s, %(need_id)s, %(services)s, %(starts_at)s, %(ends_at)s, %(workshop_id)s,
        %(price)s, %(currency)s, 'open', %(expires_at)s, %(now)s, %(now)s)
RETURNING id;

-- name: update_proposal
-- A proposal's next state.
UPDATE proposal SET state = %(state)s, appointment_id = %(appointment_id)s, updated_at = %(now)s WHERE id = %(id)s;
