-- depends: 0002_timescale

-- A disabled device is refused at every door: by the broker, by HTTP, and by ingest.
ALTER TABLE device ADD COLUMN disabled_at timestamptz;
-- The service's own user name at the broker.
ALTER TABLE device ADD CONSTRAINT device_is_not_the_service CHECK (id <> 'iot-service');
CREATE INDEX device_product ON device (product, id);

-- The secret that a device proves itself by, as a salted hash; none where only a client certificate speaks for it.
-- changed_in names the transaction, so that who mirrors this table reads only what is new: a row's transaction is
-- at or above the horizon of every snapshot that did not show it yet.
CREATE TABLE device_credential (
    device_id   text PRIMARY KEY REFERENCES device,
    secret_hash text CHECK (secret_hash LIKE '$7$%'),
    issued_at   timestamptz NOT NULL,
    changed_in  xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX device_credential_changed ON device_credential (changed_in);

-- MQTT clients that speak for several devices, each with the topics it may write to and read.
CREATE TABLE gateway (
    id           text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    secret_hash  text NOT NULL CHECK (secret_hash LIKE '$7$%'),
    write_topics text[] NOT NULL,
    read_topics  text[] NOT NULL,
    created_at   timestamptz NOT NULL,
    disabled_at  timestamptz
);

-- With a claim key, devices of one product register themselves, each once.
CREATE TABLE claim_key (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL,
    product     text NOT NULL,
    customer_id text NOT NULL REFERENCES customer,
    site_id     text REFERENCES site,
    key_hash    bytea NOT NULL UNIQUE,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz,
    revoked_at  timestamptz,
    max_uses    integer CHECK (max_uses > 0),
    uses        integer NOT NULL DEFAULT 0,
    CHECK (uses <= max_uses)
);
