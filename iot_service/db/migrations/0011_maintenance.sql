-- depends: 0010_rule_versions

-- Planned maintenance of one device, of all at a site, or of all of a customer; times are device time. ends_at is moved
-- to the front when somebody ends it early (a window that ends where it starts never was).
CREATE TABLE maintenance_window (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id   text REFERENCES device,
    site_id     text REFERENCES site,
    customer_id text REFERENCES customer,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL CHECK (ends_at >= starts_at),
    reason      text NOT NULL,
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    ended_by    text,
    CHECK (num_nonnulls(device_id, site_id, customer_id) = 1),
    CHECK (num_nonnulls(ended_at, ended_by) IN (0, 2))
);
CREATE INDEX maintenance_window_device ON maintenance_window (device_id, ends_at) WHERE device_id IS NOT NULL;
CREATE INDEX maintenance_window_site ON maintenance_window (site_id, ends_at) WHERE site_id IS NOT NULL;
CREATE INDEX maintenance_window_customer ON maintenance_window (customer_id, ends_at) WHERE customer_id IS NOT NULL;
