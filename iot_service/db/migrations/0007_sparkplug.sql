-- depends: 0002_timescale

-- What the host knows of each Sparkplug edge node, written with its readings: data that names metrics by alias can be
-- read after a restart, and what was missed in between shows in the sequence numbers.
-- born_at and sent_at are the node's own times, in milliseconds since 1970 as it sent them, which may be no dates.
CREATE TABLE sparkplug_node (
    group_id   text NOT NULL,
    node_id    text NOT NULL,
    bd_seq     bigint,
    seq        smallint,
    born_at    bigint,
    sent_at    bigint,
    awaited    text[] NOT NULL,
    births     jsonb NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (group_id, node_id)
);
