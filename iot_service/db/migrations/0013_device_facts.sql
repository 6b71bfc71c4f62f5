-- depends: 0010_rule_versions

-- Numbers about a device that come from elsewhere than its readings, and hold from an instant on: when a service was
-- done last and what a counter showed then, how it compares with the fleet. null: it is unknown from then on.
CREATE TABLE device_fact (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id text NOT NULL REFERENCES device,
    name      text NOT NULL,
    at        timestamptz NOT NULL,
    value     double precision,
    source    text NOT NULL,
    UNIQUE (device_id, name, at)
);
