-- name: find_letters
-- Letters, newest first; each filter may be left out.
SELECT id, received_at, topic, device_id, substring(payload FOR %(shown)s) AS payload, reason, detail
FROM dead_letter
WHERE (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s))
    AND (%(device_id)s::text IS NULL OR device_id = %(device_id)s)
    AND (%(reason)s::text IS NULL OR reason = %(reason)s)
    AND (%(since)s::timestamptz IS NULL OR received_at >= %(since)s)
ORDER BY id DESC LIMIT %(limit)s;

-- name: count_letters
-- How many letters a search finds.
SELECT count(*) AS letters FROM dead_letter
WHERE (%(device_id)s::text IS NULL OR device_id = %(device_id)s)
    AND (%(reason)s::text IS NULL OR reason = %(reason)s)
    AND (%(since)s::timestamptz IS NULL OR received_at >= %(since)s);

-- name: letter_ids
-- Letters to be replayed, oldest first, after one that was; each filter may be left out.
SELECT id FROM dead_letter
WHERE id > %(after)s AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s))
    AND (%(device_id)s::text IS NULL OR device_id = %(device_id)s)
    AND (%(reason)s::text IS NULL OR reason = %(reason)s)
    AND (%(since)s::timestamptz IS NULL OR received_at >= %(since)s)
    AND id <= %(last)s
ORDER BY id LIMIT %(limit)s;

-- name: newest_letter
-- Where the letters end now.
SELECT coalesce(max(id), 0) AS id FROM dead_letter;

-- name: letter
-- One letter in full.
SELECT id, received_at, topic, device_id, payload, reason, detail FROM dead_letter WHERE id = %(id)s;

-- name: hold_letter
-- One letter in full, held until the end of the transaction, unless another holds it.
SELECT id, received_at, topic, device_id, payload, reason, detail FROM dead_letter
WHERE id = %(id)s FOR UPDATE SKIP LOCKED;

-- name: remove_letter
-- What it said is stored now.
DELETE FROM dead_letter WHERE id = %(id)s;

-- name: change_letter
-- What it said cannot be stored for another reason now, or only a part of it cannot.
UPDATE dead_letter SET payload = %(payload)s, reason = %(reason)s, detail = %(detail)s WHERE id = %(id)s;

-- name: add_letter
-- A further part of a letter that cannot be stored either.
INSERT INTO dead_letter (received_at, topic, device_id, payload, reason, detail)
VALUES (%(received_at)s, %(topic)s, %(device_id)s, %(payload)s, %(reason)s, %(detail)s);
