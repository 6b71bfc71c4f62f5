-- depends: 0010_rule_versions

-- Devices that are treated alike, whoever owns them.
CREATE TABLE device_group (
    id         text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    name       text NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE device_group_member (
    group_id  text NOT NULL REFERENCES device_group,
    device_id text NOT NULL REFERENCES device,
    PRIMARY KEY (group_id, device_id)
);
CREATE INDEX device_group_member_device ON device_group_member (device_id);

-- What a product model, group, customer or device has otherwise than a rule says (rule null: parameters of the product).
-- One row an override: what it was before stands in the event log.
CREATE TABLE rule_override (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope    text NOT NULL CHECK (scope IN ('product', 'group', 'customer', 'device')),
    scope_id text NOT NULL,
    product  text NOT NULL,
    rule     text,
    values   jsonb NOT NULL,
    author   text NOT NULL,
    reason   text NOT NULL,
    at       timestamptz NOT NULL,
    CHECK (scope <> 'product' OR scope_id = product)
);
CREATE UNIQUE INDEX rule_override_one ON rule_override (scope, scope_id, product, rule) NULLS NOT DISTINCT;
