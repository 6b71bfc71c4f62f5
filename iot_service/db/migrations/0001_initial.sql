-- depends:

-- People and products ------------------------------------------------------------------------------------------------

CREATE TABLE customer (
    id          text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    name        text NOT NULL,
    email       text,
    phone       text CHECK (phone ~ '^\+[0-9]{6,15}$'),
    locale      text NOT NULL CHECK (locale IN ('nb', 'en')),
    time_zone   text NOT NULL,
    created_at  timestamptz NOT NULL
);

CREATE TABLE site (
    id          text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    customer_id text NOT NULL REFERENCES customer,
    name        text NOT NULL,
    address     text NOT NULL,
    latitude    double precision NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    longitude   double precision NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    time_zone   text NOT NULL
);
CREATE INDEX site_customer ON site (customer_id);

CREATE TABLE device (
    id            text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    product       text NOT NULL,
    customer_id   text NOT NULL REFERENCES customer,
    site_id       text REFERENCES site,
    name          text NOT NULL,
    service_state text NOT NULL CHECK (service_state IN ('commissioning', 'in_service', 'out_of_service', 'retired')),
    parameters    jsonb NOT NULL DEFAULT '{}',
    created_at    timestamptz NOT NULL
);
CREATE INDEX device_customer ON device (customer_id);

CREATE TABLE consent (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    purpose     text NOT NULL CHECK (purpose IN ('service_data', 'location', 'marketing')),
    granted_at  timestamptz NOT NULL,
    revoked_at  timestamptz CHECK (revoked_at >= granted_at),
    wording     text NOT NULL,
    source      text NOT NULL
);
CREATE UNIQUE INDEX consent_one_in_force ON consent (customer_id, purpose) WHERE revoked_at IS NULL;

CREATE TABLE strategy_choice (
    customer_id text NOT NULL REFERENCES customer,
    kind        text NOT NULL CHECK (kind IN ('service', 'fault', 'refill', 'opportunity')),
    strategy    text NOT NULL CHECK (strategy IN ('respond', 'curate', 'coach', 'automate')),
    chosen_at   timestamptz NOT NULL,
    PRIMARY KEY (customer_id, kind)
);

CREATE TABLE mandate (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id   text NOT NULL REFERENCES customer,
    kind          text NOT NULL CHECK (kind IN ('service', 'fault', 'refill', 'opportunity')),
    max_price     bigint CHECK (max_price >= 0),
    cancel_window interval NOT NULL,
    granted_at    timestamptz NOT NULL,
    revoked_at    timestamptz CHECK (revoked_at >= granted_at)
);
CREATE UNIQUE INDEX mandate_one_in_force ON mandate (customer_id, kind) WHERE revoked_at IS NULL;

CREATE TABLE workshop (
    id            text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    name          text NOT NULL,
    address       text NOT NULL,
    phone         text,
    latitude      double precision NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    longitude     double precision NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    time_zone     text NOT NULL,
    products      text[] NOT NULL,
    opening_hours jsonb NOT NULL,
    closed_on     date[] NOT NULL DEFAULT '{}'
);

-- The number is what the exclusion constraint of resource_booking compares.
CREATE TABLE resource (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('technician', 'bay', 'loan_car', 'van')),
    workshop_id text REFERENCES workshop,
    name        text NOT NULL,
    active      boolean NOT NULL DEFAULT true
);
CREATE UNIQUE INDEX resource_bay_name ON resource (workshop_id, name) WHERE kind = 'bay';

CREATE TABLE technician (
    id          text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    resource_id integer NOT NULL UNIQUE REFERENCES resource,
    name        text NOT NULL,
    email       text,
    phone       text CHECK (phone ~ '^\+[0-9]{6,15}$'),
    locale      text NOT NULL CHECK (locale IN ('nb', 'en')),
    time_zone   text NOT NULL,
    skills      text[] NOT NULL,
    latitude    double precision NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    longitude   double precision NOT NULL CHECK (longitude BETWEEN -180 AND 180)
);

-- Telemetry ----------------------------------------------------------------------------------------------------------

-- No foreign key to device: ingest knows the registry, and a check per row would cost more than the row.
CREATE TABLE reading (
    device_id   text NOT NULL,
    metric      text NOT NULL,
    ts          timestamptz NOT NULL,
    value       double precision NOT NULL,
    received_at timestamptz NOT NULL,
    ts_assumed  boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX reading_key ON reading (device_id, metric, ts);
CREATE INDEX reading_device_ts ON reading (device_id, ts);
-- Rows come in order of receipt, so this stays tiny; it counts what came in lately.
CREATE INDEX reading_received ON reading USING brin (received_at) WITH (autosummarize = on);

CREATE TABLE attribute (
    device_id   text NOT NULL,
    name        text NOT NULL,
    ts          timestamptz NOT NULL,
    value       jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (device_id, name, ts)
);

CREATE TABLE device_event (
    device_id   text NOT NULL,
    name        text NOT NULL,
    ts          timestamptz NOT NULL,
    data        jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (device_id, name, ts)
);

CREATE TABLE connection (
    device_id text PRIMARY KEY REFERENCES device,
    online    boolean NOT NULL,
    since     timestamptz NOT NULL
);

CREATE TABLE dead_letter (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL,
    topic       text NOT NULL,
    device_id   text,
    payload     bytea NOT NULL,
    reason      text NOT NULL,
    detail      text NOT NULL
);
CREATE INDEX dead_letter_device ON dead_letter (device_id, reason, received_at);

-- Beyond so many letters in full per device, reason and hour, the rest is only counted here.
CREATE TABLE dead_letter_count (
    device_id text NOT NULL,
    reason    text NOT NULL,
    hour      timestamptz NOT NULL,
    kept      bigint NOT NULL DEFAULT 0,
    dropped   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (device_id, reason, hour)
);

-- One row per batch and device that it touched: the to-do list of the rule runner, written with the readings.
CREATE TABLE touched (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id   text NOT NULL,
    oldest_ts   timestamptz NOT NULL,
    newest_ts   timestamptz NOT NULL,
    received_at timestamptz NOT NULL
);
CREATE INDEX touched_device ON touched (device_id);

-- What ingest vouches for: everything that the broker had before caught_up_at is stored.
CREATE TABLE ingest_slot (
    client_id    text PRIMARY KEY,
    caught_up_at timestamptz NOT NULL,
    seen_at      timestamptz NOT NULL
);

-- Needs --------------------------------------------------------------------------------------------------------------

-- What cannot be computed again from readings: timers, levels, where folding stopped.
CREATE TABLE rule_state (
    device_id          text PRIMARY KEY REFERENCES device,
    evaluated_until    timestamptz,
    evaluated_received timestamptz,
    newest_ts          timestamptz,
    newest_received    timestamptz,
    wake_at            timestamptz,
    late_readings      bigint NOT NULL DEFAULT 0,
    state              jsonb NOT NULL DEFAULT '{}',
    error              text
);
CREATE INDEX rule_state_wake ON rule_state (wake_at);

CREATE TABLE need (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id       text NOT NULL REFERENCES device,
    customer_id     text NOT NULL REFERENCES customer,
    product         text NOT NULL,
    rule            text NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('service', 'fault', 'refill', 'opportunity')),
    severity        text NOT NULL CHECK (severity IN ('low', 'normal', 'high', 'critical')),
    state           text NOT NULL CHECK (state IN ('open', 'resolved', 'withdrawn')),
    opened_at       timestamptz NOT NULL,
    closed_at       timestamptz,
    created_at      timestamptz NOT NULL,
    reason          text NOT NULL,
    evidence        jsonb NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by text,
    snoozed_until   timestamptz,
    strategy        text CHECK (strategy IN ('respond', 'curate', 'coach', 'automate')),
    strategy_reason text
);
CREATE UNIQUE INDEX need_one_open ON need (device_id, rule) WHERE state = 'open';
CREATE INDEX need_customer ON need (customer_id, id);

-- The event log ------------------------------------------------------------------------------------------------------

CREATE TABLE event (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL,
    type        text NOT NULL,
    subject_id  text NOT NULL,
    device_id   text,
    customer_id text,
    need_id     bigint REFERENCES need,
    old         text,
    new         text,
    actor       text NOT NULL,
    reason      text NOT NULL,
    data        jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX event_device ON event (device_id, id);
CREATE INDEX event_customer ON event (customer_id, id);
CREATE INDEX event_need ON event (need_id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the event log is append-only';
END $$;
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE ON event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE event_todo (
    event_id      bigint NOT NULL REFERENCES event,
    consumer      text NOT NULL,
    claimed_until timestamptz,
    attempts      integer NOT NULL DEFAULT 0,
    error         text,
    PRIMARY KEY (consumer, event_id)
);

-- Booking ------------------------------------------------------------------------------------------------------------

CREATE TABLE appointment (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    device_id   text NOT NULL REFERENCES device,
    need_id     bigint REFERENCES need,
    workshop_id text NOT NULL REFERENCES workshop,
    services    text[] NOT NULL CHECK (cardinality(services) > 0),
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL CHECK (ends_at > starts_at),
    state       text NOT NULL CHECK (state IN ('booked', 'completed', 'cancelled')),
    price       bigint NOT NULL CHECK (price >= 0),
    currency    text NOT NULL,
    sequence    integer NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);
CREATE UNIQUE INDEX appointment_one_per_need ON appointment (need_id) WHERE state = 'booked';
CREATE INDEX appointment_customer ON appointment (customer_id, id);

CREATE TABLE proposal (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id    text NOT NULL REFERENCES customer,
    device_id      text NOT NULL REFERENCES device,
    need_id        bigint NOT NULL REFERENCES need,
    services       text[] NOT NULL CHECK (cardinality(services) > 0),
    starts_at      timestamptz NOT NULL,
    ends_at        timestamptz NOT NULL CHECK (ends_at > starts_at),
    workshop_id    text NOT NULL REFERENCES workshop,
    price          bigint NOT NULL CHECK (price >= 0),
    currency       text NOT NULL,
    state          text NOT NULL CHECK (state IN ('open', 'accepted', 'declined', 'expired', 'withdrawn')),
    expires_at     timestamptz NOT NULL,
    appointment_id bigint REFERENCES appointment,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);
CREATE UNIQUE INDEX proposal_one_open ON proposal (need_id) WHERE state = 'open';

-- Dispatch -----------------------------------------------------------------------------------------------------------

CREATE TABLE job (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    need_id       bigint NOT NULL REFERENCES need,
    device_id     text NOT NULL REFERENCES device,
    customer_id   text NOT NULL REFERENCES customer,
    site_id       text NOT NULL REFERENCES site,
    service       text NOT NULL,
    skill         text NOT NULL,
    severity      text NOT NULL CHECK (severity IN ('low', 'normal', 'high', 'critical')),
    state         text NOT NULL CHECK (state IN ('planned', 'dispatched', 'accepted', 'en_route', 'on_site', 'completed', 'cancelled')),
    technician_id text REFERENCES technician,
    answer_by     timestamptz,
    wake_at       timestamptz,
    round         integer NOT NULL DEFAULT 1,
    duration      interval NOT NULL DEFAULT '1 hour',
    answer_within interval NOT NULL DEFAULT '3 minutes',
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    CHECK ((technician_id IS NULL) = (state = 'planned') OR state = 'cancelled')
);
CREATE UNIQUE INDEX job_one_per_need ON job (need_id) WHERE state NOT IN ('completed', 'cancelled');
CREATE INDEX job_wake ON job (wake_at);

CREATE TABLE job_request (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id        bigint NOT NULL REFERENCES job,
    technician_id text NOT NULL REFERENCES technician,
    round         integer NOT NULL,
    asked_at      timestamptz NOT NULL,
    answer_by     timestamptz NOT NULL,
    answered_at   timestamptz,
    answer        text CHECK (answer IN ('accepted', 'declined', 'no_answer', 'withdrawn')),
    UNIQUE (job_id, technician_id, round)
);

-- A resource is held by an appointment or a job. int8range stands in for btree_gist, which not every engine has.
CREATE TABLE resource_booking (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    resource_id    integer NOT NULL REFERENCES resource,
    period         tstzrange NOT NULL CHECK (NOT isempty(period)),
    appointment_id bigint REFERENCES appointment,
    job_id         bigint REFERENCES job,
    CHECK (num_nonnulls(appointment_id, job_id) = 1),
    CONSTRAINT resource_not_double_booked
        EXCLUDE USING gist (int8range(resource_id, resource_id, '[]') WITH &&, period WITH &&)
);
CREATE INDEX resource_booking_appointment ON resource_booking (appointment_id);
CREATE INDEX resource_booking_job ON resource_booking (job_id);

-- Commerce -----------------------------------------------------------------------------------------------------------

CREATE TABLE subscription (
    id            text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    customer_id   text NOT NULL REFERENCES customer,
    device_id     text NOT NULL REFERENCES device,
    consumable    text NOT NULL,
    pack_size     integer NOT NULL CHECK (pack_size > 0),
    target_level  integer NOT NULL CHECK (target_level >= pack_size),
    cancel_window interval NOT NULL,
    lead_time     interval NOT NULL,
    price         bigint NOT NULL CHECK (price >= 0),
    currency      text NOT NULL,
    state         text NOT NULL CHECK (state IN ('active', 'paused', 'ended')),
    created_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX subscription_one_active ON subscription (device_id, consumable) WHERE state <> 'ended';

CREATE TABLE supply_order (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscription_id text NOT NULL REFERENCES subscription,
    customer_id     text NOT NULL REFERENCES customer,
    device_id       text NOT NULL REFERENCES device,
    need_id         bigint REFERENCES need,
    consumable      text NOT NULL,
    packs           integer NOT NULL CHECK (packs > 0),
    quantity        integer NOT NULL CHECK (quantity > 0),
    price           bigint NOT NULL CHECK (price >= 0),
    currency        text NOT NULL,
    state           text NOT NULL CHECK (state IN ('pending', 'placed', 'shipped', 'delivered', 'cancelled')),
    cancel_until    timestamptz NOT NULL,
    deliver_by      timestamptz NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    wake_at         timestamptz
);
CREATE UNIQUE INDEX supply_order_one_open ON supply_order (device_id, consumable) WHERE state IN ('pending', 'placed', 'shipped');
CREATE INDEX supply_order_wake ON supply_order (wake_at);
CREATE INDEX supply_order_customer ON supply_order (customer_id, id);

-- The supply counter of a device: what has been supplied in all, in the coordinate of its usage counter, so that
-- stock = supplied - counter. Each delivery or correction adds a row; the newest at or before an instant stands.
CREATE TABLE supply (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id  text NOT NULL REFERENCES device,
    consumable text NOT NULL,
    at         timestamptz NOT NULL,
    supplied   double precision NOT NULL,
    reason     text NOT NULL CHECK (reason IN ('initial', 'delivered', 'corrected')),
    order_id   bigint UNIQUE REFERENCES supply_order
);
CREATE INDEX supply_device ON supply (device_id, consumable, at);

-- A stock that was named before the device ever reported its counter: it becomes a supply row with the first report.
CREATE TABLE supply_waiting (
    device_id  text NOT NULL REFERENCES device,
    consumable text NOT NULL,
    quantity   double precision NOT NULL CHECK (quantity >= 0),
    since      timestamptz NOT NULL,
    order_id   bigint REFERENCES supply_order,
    PRIMARY KEY (device_id, consumable)
);

-- Messages -----------------------------------------------------------------------------------------------------------

CREATE TABLE notification (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id       bigint NOT NULL REFERENCES event,
    recipient_kind text NOT NULL CHECK (recipient_kind IN ('customer', 'technician', 'operator')),
    recipient_id   text NOT NULL,
    template       text NOT NULL,
    locale         text NOT NULL CHECK (locale IN ('nb', 'en')),
    subject        text NOT NULL,
    short_text     text NOT NULL,
    body           text NOT NULL,
    link           text,
    calendar       text,
    created_at     timestamptz NOT NULL,
    read_at        timestamptz,
    UNIQUE (event_id, recipient_kind, recipient_id, template)
);
CREATE INDEX notification_recipient ON notification (recipient_kind, recipient_id, id);

CREATE TABLE delivery (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notification_id bigint NOT NULL REFERENCES notification,
    channel         text NOT NULL CHECK (channel IN ('app', 'sms', 'email')),
    address         text NOT NULL,
    state           text NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'failed')),
    attempts        integer NOT NULL DEFAULT 0,
    wake_at         timestamptz,
    sent_at         timestamptz,
    provider_id     text,
    error           text,
    UNIQUE (notification_id, channel)
);
CREATE INDEX delivery_wake ON delivery (wake_at);

-- Who may act --------------------------------------------------------------------------------------------------------

CREATE TABLE operator (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email         text NOT NULL UNIQUE CHECK (email = lower(email)),
    name          text NOT NULL,
    password_hash text NOT NULL,
    created_at    timestamptz NOT NULL,
    disabled_at   timestamptz
);

CREATE TABLE operator_session (
    token_hash  bytea PRIMARY KEY,
    operator_id bigint NOT NULL REFERENCES operator,
    csrf_token  text NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL
);

CREATE TABLE login_attempt (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bucket text NOT NULL,
    at     timestamptz NOT NULL
);
CREATE INDEX login_attempt_bucket ON login_attempt (bucket, at);

CREATE TABLE api_token (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL,
    role       text NOT NULL CHECK (role IN ('operator', 'integration', 'device')),
    device_id  text REFERENCES device,
    token_hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    CHECK ((role = 'device') = (device_id IS NOT NULL))
);

CREATE TABLE idempotency (
    caller       text NOT NULL,
    key          text NOT NULL,
    request_hash bytea NOT NULL,
    status       integer,
    body         bytea,
    content_type text,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (caller, key)
);
