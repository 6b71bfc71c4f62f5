-- name: find_nodes
-- What is known of the edge nodes that are asked for.
SELECT group_id, node_id, bd_seq, seq, born_at, sent_at, awaited, births FROM sparkplug_node
JOIN unnest(%(groups)s::text[], %(nodes)s::text[]) AS asked (group_id, node_id) USING (group_id, node_id);

-- name: save_node
-- An edge node whose births have changed.
INSERT INTO sparkplug_node AS known (group_id, node_id, bd_seq, seq, born_at, sent_at, awaited, births, updated_at)
VALUES (%(group_id)s, %(node_id)s, %(bd_seq)s, %(seq)s, %(born_at)s, %(sent_at)s, %(awaited)s, %(births)s, %(now)s)
ON CONFLICT (group_id, node_id) DO UPDATE SET bd_seq = excluded.bd_seq, seq = excluded.seq,
    born_at = excluded.born_at, sent_at = excluded.sent_at, awaited = excluded.awaited, births = excluded.births,
    updated_at = excluded.updated_at;

-- name: save_progress
-- How far edge nodes have come whose births are as they were.
UPDATE sparkplug_node AS known SET seq = come.seq, sent_at = come.sent_at, updated_at = %(now)s
FROM unnest(%(groups)s::text[], %(nodes)s::text[], %(seqs)s::smallint[], %(sent)s::bigint[])
    AS come (group_id, node_id, seq, sent_at)
WHERE known.group_id = come.group_id AND known.node_id = come.node_id;
