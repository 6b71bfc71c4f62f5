-- depends: 0009_fewer_indexes

-- Every change of a rule, never edited. The id counts through all rules in the order in which the changes were made
-- (whoever makes one holds a lock), so the highest one names what is in force as a whole. version counts within the rule.
-- text is the whole rule as JSON, of one that was removed as it was last; a column of the type json would do, but jsonb
-- would lose the order of its lets.
CREATE TABLE rule_version (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product text NOT NULL,
    rule    text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    change  text NOT NULL CHECK (change IN ('added', 'changed', 'removed', 'mode')),
    source  text NOT NULL CHECK (source IN ('file', 'api')),
    mode    text NOT NULL CHECK (mode IN ('live', 'shadow', 'off')),
    digest  text NOT NULL,
    text    text NOT NULL,
    author  text NOT NULL,
    place   text,
    at      timestamptz NOT NULL,
    UNIQUE (product, rule, version)
);
CREATE INDEX rule_version_newest ON rule_version (product, rule, source, id);

-- Products whose devices are to be judged anew because a rule changed: those up to this device id have been woken.
CREATE TABLE rule_wake (
    product text PRIMARY KEY,
    reached text NOT NULL
);

-- Which version of its rule opened a need; not known of older ones.
ALTER TABLE need ADD COLUMN rule_version integer;

-- What rules in shadow would have done. Nothing follows from these rows.
CREATE TABLE shadow_need (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id     text NOT NULL REFERENCES device,
    product       text NOT NULL,
    rule          text NOT NULL,
    rule_version  integer NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('service', 'fault', 'refill', 'opportunity')),
    severity      text NOT NULL CHECK (severity IN ('low', 'normal', 'high', 'critical')),
    state         text NOT NULL CHECK (state IN ('open', 'resolved', 'ended')),
    opened_at     timestamptz NOT NULL,
    closed_at     timestamptz,
    created_at    timestamptz NOT NULL,
    reason        text NOT NULL,
    evidence      jsonb NOT NULL,
    closed_reason text
);
CREATE UNIQUE INDEX shadow_need_one_open ON shadow_need (device_id, rule) WHERE state = 'open';
CREATE INDEX shadow_need_rule ON shadow_need (product, rule, id);
