CREATE FUNCTION public.columnstore_statements() RETURNS SETOF text
    LANGUAGE sql IMMUTABLE
    AS $$
    VALUES ('ALTER TABLE reading SET (timescaledb.compress, timescaledb.compress_segmentby = ''device_id, metric'','
            ' timescaledb.compress_orderby = ''ts'')'),
           ('SELECT add_compression_policy(''reading'', INTERVAL ''7 days'', if_not_exists => true)')
$$;
CREATE FUNCTION public.drop_reading_chunks(before timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    AS $_$
DECLARE
    dropped integer := 0;
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        EXECUTE 'SELECT count(*) FROM drop_chunks(''reading'', older_than => $1)' INTO dropped USING before;
    END IF;
    RETURN dropped;
END $_$;
CREATE FUNCTION public.enable_columnstore(license text) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
DECLARE
    statement text;
BEGIN
    IF license IS DISTINCT FROM 'timescale' THEN
        RETURN false;
    END IF;
    FOR statement IN SELECT columnstore_statements() LOOP
        EXECUTE statement;
    END LOOP;
    RETURN true;
END $$;
CREATE FUNCTION public.note_command_answer() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM command WHERE device_id = NEW.device_id) THEN
        INSERT INTO command_todo (device_id, at, answer) VALUES (NEW.device_id, NEW.received_at, NEW.data);
        PERFORM pg_notify('command', '');
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION public.note_device_online() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM command WHERE device_id = NEW.device_id AND ended_at IS NULL) THEN
        INSERT INTO command_todo (device_id, at) VALUES (NEW.device_id, NEW.since);
        PERFORM pg_notify('command', '');
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION public.reading_storage(OUT chunk_span interval, OUT chunks bigint, OUT compressed boolean) RETURNS record
    LANGUAGE plpgsql
    AS $$
BEGIN
    compressed := false;
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        EXECUTE 'SELECT time_interval FROM timescaledb_information.dimensions WHERE hypertable_name = ''reading'''
            INTO chunk_span;
        EXECUTE 'SELECT num_chunks, compression_enabled FROM timescaledb_information.hypertables'
            ' WHERE hypertable_name = ''reading''' INTO chunks, compressed;
    END IF;
END $$;
CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'the event log is append-only';
END $$;
CREATE FUNCTION public.set_reading_chunk_span(span interval) RETURNS interval
    LANGUAGE plpgsql
    AS $_$
DECLARE
    was interval;
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        EXECUTE 'SELECT time_interval FROM timescaledb_information.dimensions WHERE hypertable_name = ''reading'''
            INTO was;
        IF was IS DISTINCT FROM span THEN
            EXECUTE 'SELECT set_chunk_time_interval(''reading'', $1)' USING span;
        END IF;
    END IF;
    RETURN was;
END $_$;
CREATE TABLE public.api_token (
    id bigint NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    device_id text,
    token_hash bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT api_token_check CHECK (((role = 'device'::text) = (device_id IS NOT NULL))),
    CONSTRAINT api_token_role_check CHECK ((role = ANY (ARRAY['operator'::text, 'integration'::text, 'device'::text])))
);
ALTER TABLE public.api_token ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.api_token_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.appointment (
    id bigint NOT NULL,
    customer_id text NOT NULL,
    device_id text NOT NULL,
    need_id bigint,
    workshop_id text NOT NULL,
    services text[] NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    state text NOT NULL,
    price bigint NOT NULL,
    currency text NOT NULL,
    sequence integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT appointment_check CHECK ((ends_at > starts_at)),
    CONSTRAINT appointment_price_check CHECK ((price >= 0)),
    CONSTRAINT appointment_services_check CHECK ((cardinality(services) > 0)),
    CONSTRAINT appointment_state_check CHECK ((state = ANY (ARRAY['booked'::text, 'completed'::text, 'cancelled'::text])))
);
ALTER TABLE public.appointment ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.appointment_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.area (
    customer_id text NOT NULL,
    name text NOT NULL,
    circles jsonb NOT NULL,
    CONSTRAINT area_name_check CHECK ((name ~ '^[A-Za-z][A-Za-z0-9_]{0,63}$'::text))
);
CREATE TABLE public.attribute (
    device_id text NOT NULL,
    name text NOT NULL,
    ts timestamp with time zone NOT NULL,
    value jsonb NOT NULL,
    received_at timestamp with time zone NOT NULL,
    historic boolean DEFAULT false NOT NULL
);
CREATE TABLE public.claim_key (
    id bigint NOT NULL,
    name text NOT NULL,
    product text NOT NULL,
    customer_id text NOT NULL,
    site_id text,
    key_hash bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    max_uses integer,
    uses integer DEFAULT 0 NOT NULL,
    CONSTRAINT claim_key_check CHECK ((uses <= max_uses)),
    CONSTRAINT claim_key_max_uses_check CHECK ((max_uses > 0))
);
ALTER TABLE public.claim_key ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.claim_key_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.command (
    id bigint NOT NULL,
    device_id text NOT NULL,
    name text NOT NULL,
    args jsonb NOT NULL,
    state text NOT NULL,
    timeout interval NOT NULL,
    retries integer NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    claims integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    created_by text NOT NULL,
    expires_at timestamp with time zone,
    wake_at timestamp with time zone,
    claimed_until timestamp with time zone,
    sent_at timestamp with time zone,
    ended_at timestamp with time zone,
    answered_at timestamp with time zone,
    answer jsonb,
    reason text,
    CONSTRAINT command_check CHECK (((ended_at IS NULL) = (state = ANY (ARRAY['queued'::text, 'sent'::text])))),
    CONSTRAINT command_check1 CHECK (((wake_at IS NULL) OR (ended_at IS NULL))),
    CONSTRAINT command_retries_check CHECK ((retries >= 0)),
    CONSTRAINT command_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'sent'::text, 'acknowledged'::text, 'refused'::text, 'expired'::text, 'cancelled'::text]))),
    CONSTRAINT command_timeout_check CHECK ((timeout > '00:00:00'::interval))
);
ALTER TABLE public.command ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.command_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.command_todo (
    id bigint NOT NULL,
    device_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    answer jsonb
);
ALTER TABLE public.command_todo ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.command_todo_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.connection (
    device_id text NOT NULL,
    online boolean NOT NULL,
    since timestamp with time zone NOT NULL,
    heard_at timestamp with time zone
);
CREATE TABLE public.consent (
    id bigint NOT NULL,
    customer_id text NOT NULL,
    purpose text NOT NULL,
    granted_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    wording text NOT NULL,
    source text NOT NULL,
    CONSTRAINT consent_check CHECK ((revoked_at >= granted_at)),
    CONSTRAINT consent_purpose_check CHECK ((purpose = ANY (ARRAY['service_data'::text, 'location'::text, 'marketing'::text])))
);
ALTER TABLE public.consent ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.consent_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.customer (
    id text NOT NULL,
    name text NOT NULL,
    email text,
    phone text,
    locale text NOT NULL,
    time_zone text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT customer_id_check CHECK ((id ~ '^[A-Za-z0-9_-]{1,64}$'::text)),
    CONSTRAINT customer_locale_check CHECK ((locale = ANY (ARRAY['nb'::text, 'en'::text]))),
    CONSTRAINT customer_phone_check CHECK ((phone ~ '^\+[0-9]{6,15}$'::text))
);
CREATE TABLE public.dead_letter (
    id bigint NOT NULL,
    received_at timestamp with time zone NOT NULL,
    topic text NOT NULL,
    device_id text,
    payload bytea NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL
);
CREATE TABLE public.dead_letter_count (
    device_id text NOT NULL,
    reason text NOT NULL,
    hour timestamp with time zone NOT NULL,
    kept bigint DEFAULT 0 NOT NULL,
    dropped bigint DEFAULT 0 NOT NULL
);
ALTER TABLE public.dead_letter ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.dead_letter_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.delivery (
    id bigint NOT NULL,
    notification_id bigint NOT NULL,
    channel text NOT NULL,
    address text NOT NULL,
    state text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    wake_at timestamp with time zone,
    sent_at timestamp with time zone,
    provider_id text,
    error text,
    CONSTRAINT delivery_channel_check CHECK ((channel = ANY (ARRAY['app'::text, 'sms'::text, 'email'::text]))),
    CONSTRAINT delivery_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'sending'::text, 'sent'::text, 'failed'::text])))
);
ALTER TABLE public.delivery ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.delivery_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.device (
    id text NOT NULL,
    product text NOT NULL,
    customer_id text NOT NULL,
    site_id text,
    name text NOT NULL,
    service_state text NOT NULL,
    parameters jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    disabled_at timestamp with time zone,
    CONSTRAINT device_id_check CHECK ((id ~ '^[A-Za-z0-9_-]{1,64}$'::text)),
    CONSTRAINT device_is_not_the_service CHECK ((id <> 'iot-service'::text)),
    CONSTRAINT device_service_state_check CHECK ((service_state = ANY (ARRAY['commissioning'::text, 'in_service'::text, 'out_of_service'::text, 'retired'::text])))
);
CREATE TABLE public.device_alias (
    alias text NOT NULL,
    device_id text NOT NULL,
    CONSTRAINT device_alias_alias_check CHECK (((length(alias) >= 1) AND (length(alias) <= 200)))
);
CREATE TABLE public.device_credential (
    device_id text NOT NULL,
    secret_hash text,
    issued_at timestamp with time zone NOT NULL,
    changed_in xid8 DEFAULT pg_current_xact_id() NOT NULL,
    CONSTRAINT device_credential_secret_hash_check CHECK ((secret_hash ~~ '$7$%'::text))
);
CREATE TABLE public.device_event (
    device_id text NOT NULL,
    name text NOT NULL,
    ts timestamp with time zone NOT NULL,
    data jsonb NOT NULL,
    received_at timestamp with time zone NOT NULL
);
CREATE TABLE public.device_fact (
    id bigint NOT NULL,
    device_id text NOT NULL,
    name text NOT NULL,
    at timestamp with time zone NOT NULL,
    value double precision,
    source text NOT NULL
);
ALTER TABLE public.device_fact ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.device_fact_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.device_group (
    id text NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT device_group_id_check CHECK ((id ~ '^[A-Za-z0-9_-]{1,64}$'::text))
);
CREATE TABLE public.device_group_member (
    group_id text NOT NULL,
    device_id text NOT NULL
);
CREATE TABLE public.event (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    type text NOT NULL,
    subject_id text NOT NULL,
    device_id text,
    customer_id text,
    need_id bigint,
    old text,
    new text,
    actor text NOT NULL,
    reason text NOT NULL,
    data jsonb DEFAULT '{}'::jsonb NOT NULL
);
ALTER TABLE public.event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.event_todo (
    event_id bigint NOT NULL,
    consumer text NOT NULL,
    claimed_until timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    error text
);
CREATE TABLE public.gateway (
    id text NOT NULL,
    secret_hash text NOT NULL,
    write_topics text[] NOT NULL,
    read_topics text[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    disabled_at timestamp with time zone,
    CONSTRAINT gateway_id_check CHECK ((id ~ '^[A-Za-z0-9_-]{1,64}$'::text)),
    CONSTRAINT gateway_secret_hash_check CHECK ((secret_hash ~~ '$7$%'::text))
);
CREATE TABLE public.idempotency (
    caller text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    status integer,
    body bytea,
    content_type text,
    created_at timestamp with time zone NOT NULL
);
CREATE TABLE public.import (
    id text NOT NULL,
    name text NOT NULL,
    judge boolean NOT NULL,
    "position" bigint DEFAULT 0 NOT NULL,
    readings bigint DEFAULT 0 NOT NULL,
    faults bigint DEFAULT 0 NOT NULL,
    started_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT import_position_check CHECK (("position" >= 0))
);
CREATE TABLE public.import_span (
    import_id text NOT NULL,
    device_id text NOT NULL,
    oldest_ts timestamp with time zone NOT NULL,
    newest_ts timestamp with time zone NOT NULL
);
CREATE TABLE public.ingest_slot (
    client_id text NOT NULL,
    caught_up_at timestamp with time zone,
    seen_at timestamp with time zone NOT NULL,
    holder text,
    leased_until timestamp with time zone,
    ordered boolean DEFAULT false NOT NULL
);
CREATE TABLE public.job (
    id bigint NOT NULL,
    need_id bigint NOT NULL,
    device_id text NOT NULL,
    customer_id text NOT NULL,
    site_id text NOT NULL,
    service text NOT NULL,
    skill text NOT NULL,
    severity text NOT NULL,
    state text NOT NULL,
    technician_id text,
    answer_by timestamp with time zone,
    wake_at timestamp with time zone,
    round integer DEFAULT 1 NOT NULL,
    duration interval DEFAULT '01:00:00'::interval NOT NULL,
    answer_within interval DEFAULT '00:03:00'::interval NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT job_check CHECK ((((technician_id IS NULL) = (state = 'planned'::text)) OR (state = 'cancelled'::text))),
    CONSTRAINT job_severity_check CHECK ((severity = ANY (ARRAY['low'::text, 'normal'::text, 'high'::text, 'critical'::text]))),
    CONSTRAINT job_state_check CHECK ((state = ANY (ARRAY['planned'::text, 'dispatched'::text, 'accepted'::text, 'en_route'::text, 'on_site'::text, 'completed'::text, 'cancelled'::text])))
);
ALTER TABLE public.job ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.job_request (
    id bigint NOT NULL,
    job_id bigint NOT NULL,
    technician_id text NOT NULL,
    round integer NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    answer_by timestamp with time zone NOT NULL,
    answered_at timestamp with time zone,
    answer text,
    CONSTRAINT job_request_answer_check CHECK ((answer = ANY (ARRAY['accepted'::text, 'declined'::text, 'no_answer'::text, 'withdrawn'::text])))
);
ALTER TABLE public.job_request ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.job_request_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.kept_since (
    product text NOT NULL,
    readings timestamp with time zone NOT NULL,
    minutes timestamp with time zone,
    hours timestamp with time zone,
    days timestamp with time zone
);
CREATE TABLE public.login_attempt (
    id bigint NOT NULL,
    bucket text NOT NULL,
    at timestamp with time zone NOT NULL
);
ALTER TABLE public.login_attempt ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.login_attempt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.maintenance_window (
    id bigint NOT NULL,
    device_id text,
    site_id text,
    customer_id text,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ended_by text,
    CONSTRAINT maintenance_window_check CHECK ((ends_at >= starts_at)),
    CONSTRAINT maintenance_window_check1 CHECK ((num_nonnulls(device_id, site_id, customer_id) = 1)),
    CONSTRAINT maintenance_window_check2 CHECK ((num_nonnulls(ended_at, ended_by) = ANY (ARRAY[0, 2])))
);
ALTER TABLE public.maintenance_window ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.maintenance_window_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.mandate (
    id bigint NOT NULL,
    customer_id text NOT NULL,
    kind text NOT NULL,
    max_price bigint,
    cancel_window interval NOT NULL,
    granted_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT mandate_check CHECK ((revoked_at >= granted_at)),
    CONSTRAINT mandate_kind_check CHECK ((kind = ANY (ARRAY['service'::text, 'fault'::text, 'refill'::text, 'opportunity'::text]))),
    CONSTRAINT mandate_max_price_check CHECK ((max_price >= 0))
);
ALTER TABLE public.mandate ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.mandate_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.need (
    id bigint NOT NULL,
    device_id text NOT NULL,
    customer_id text NOT NULL,
    product text NOT NULL,
    rule text NOT NULL,
    kind text NOT NULL,
    severity text NOT NULL,
    state text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    evidence jsonb NOT NULL,
    acknowledged_at timestamp with time zone,
    acknowledged_by text,
    snoozed_until timestamp with time zone,
    strategy text,
    strategy_reason text,
    rule_version integer,
    site_id text,
    parent_id bigint,
    cleared_at timestamp with time zone,
    own_severity text,
    answered_severity text,
    CONSTRAINT need_answered_severity_check CHECK ((answered_severity = ANY (ARRAY['low'::text, 'normal'::text, 'high'::text, 'critical'::text]))),
    CONSTRAINT need_child_is_shared CHECK (((parent_id IS NULL) OR (site_id IS NOT NULL))),
    CONSTRAINT need_kind_check CHECK ((kind = ANY (ARRAY['service'::text, 'fault'::text, 'refill'::text, 'opportunity'::text]))),
    CONSTRAINT need_own_severity_check CHECK ((own_severity = ANY (ARRAY['low'::text, 'normal'::text, 'high'::text, 'critical'::text]))),
    CONSTRAINT need_severity_check CHECK ((severity = ANY (ARRAY['low'::text, 'normal'::text, 'high'::text, 'critical'::text]))),
    CONSTRAINT need_state_check CHECK ((state = ANY (ARRAY['open'::text, 'resolved'::text, 'withdrawn'::text]))),
    CONSTRAINT need_strategy_check CHECK ((strategy = ANY (ARRAY['respond'::text, 'curate'::text, 'coach'::text, 'automate'::text])))
);
ALTER TABLE public.need ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.need_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.notification (
    id bigint NOT NULL,
    event_id bigint NOT NULL,
    recipient_kind text NOT NULL,
    recipient_id text NOT NULL,
    template text NOT NULL,
    locale text NOT NULL,
    subject text NOT NULL,
    short_text text NOT NULL,
    body text NOT NULL,
    link text,
    calendar text,
    created_at timestamp with time zone NOT NULL,
    read_at timestamp with time zone,
    CONSTRAINT notification_locale_check CHECK ((locale = ANY (ARRAY['nb'::text, 'en'::text]))),
    CONSTRAINT notification_recipient_kind_check CHECK ((recipient_kind = ANY (ARRAY['customer'::text, 'technician'::text, 'operator'::text])))
);
ALTER TABLE public.notification ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.notification_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.operator (
    id bigint NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    disabled_at timestamp with time zone,
    CONSTRAINT operator_email_check CHECK ((email = lower(email)))
);
ALTER TABLE public.operator ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.operator_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.operator_session (
    token_hash bytea NOT NULL,
    operator_id bigint NOT NULL,
    csrf_token text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE public.proposal (
    id bigint NOT NULL,
    customer_id text NOT NULL,
    device_id text NOT NULL,
    need_id bigint NOT NULL,
    services text[] NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    workshop_id text NOT NULL,
    price bigint NOT NULL,
    currency text NOT NULL,
    state text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    appointment_id bigint,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT proposal_check CHECK ((ends_at > starts_at)),
    CONSTRAINT proposal_price_check CHECK ((price >= 0)),
    CONSTRAINT proposal_services_check CHECK ((cardinality(services) > 0)),
    CONSTRAINT proposal_state_check CHECK ((state = ANY (ARRAY['open'::text, 'accepted'::text, 'declined'::text, 'expired'::text, 'withdrawn'::text])))
);
ALTER TABLE public.proposal ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.proposal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.reading (
    device_id text NOT NULL,
    metric text NOT NULL,
    ts timestamp with time zone NOT NULL,
    value double precision NOT NULL,
    received_at timestamp with time zone NOT NULL,
    ts_assumed boolean DEFAULT false NOT NULL,
    historic boolean DEFAULT false NOT NULL
);
CREATE TABLE public.reading_day (
    device_id text NOT NULL,
    metric text NOT NULL,
    bucket timestamp with time zone NOT NULL,
    readings integer NOT NULL,
    total double precision NOT NULL,
    lowest double precision NOT NULL,
    highest double precision NOT NULL,
    last double precision NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    CONSTRAINT reading_day_readings_check CHECK ((readings > 0))
);
CREATE TABLE public.reading_hour (
    device_id text NOT NULL,
    metric text NOT NULL,
    bucket timestamp with time zone NOT NULL,
    readings integer NOT NULL,
    total double precision NOT NULL,
    lowest double precision NOT NULL,
    highest double precision NOT NULL,
    last double precision NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    CONSTRAINT reading_hour_readings_check CHECK ((readings > 0))
);
CREATE TABLE public.reading_minute (
    device_id text NOT NULL,
    metric text NOT NULL,
    bucket timestamp with time zone NOT NULL,
    readings integer NOT NULL,
    total double precision NOT NULL,
    lowest double precision NOT NULL,
    highest double precision NOT NULL,
    last double precision NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    CONSTRAINT reading_minute_readings_check CHECK ((readings > 0))
);
CREATE TABLE public.resource (
    id integer NOT NULL,
    kind text NOT NULL,
    workshop_id text,
    name text NOT NULL,
    active boolean DEFAULT true NOT NULL,
    CONSTRAINT resource_kind_check CHECK ((kind = ANY (ARRAY['technician'::text, 'bay'::text, 'loan_car'::text, 'van'::text])))
);
CREATE TABLE public.resource_booking (
    id bigint NOT NULL,
    resource_id integer NOT NULL,
    period tstzrange NOT NULL,
    appointment_id bigint,
    job_id bigint,
    CONSTRAINT resource_booking_check CHECK ((num_nonnulls(appointment_id, job_id) = 1)),
    CONSTRAINT resource_booking_period_check CHECK ((NOT isempty(period)))
);
ALTER TABLE public.resource_booking ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.resource_booking_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE public.resource ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.resource_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.rollup_due (
    device_id text NOT NULL,
    metric text NOT NULL,
    level text NOT NULL,
    bucket timestamp with time zone NOT NULL,
    CONSTRAINT rollup_due_level_check CHECK ((level = ANY (ARRAY['minute'::text, 'hour'::text, 'day'::text])))
);
CREATE TABLE public.rollup_progress (
    only_one boolean DEFAULT true NOT NULL,
    received_until timestamp with time zone,
    slots jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT rollup_progress_only_one_check CHECK (only_one)
);
CREATE TABLE public.rule_override (
    id bigint NOT NULL,
    scope text NOT NULL,
    scope_id text NOT NULL,
    product text NOT NULL,
    rule text,
    "values" jsonb NOT NULL,
    author text NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT rule_override_check CHECK (((scope <> 'product'::text) OR (scope_id = product))),
    CONSTRAINT rule_override_scope_check CHECK ((scope = ANY (ARRAY['product'::text, 'group'::text, 'customer'::text, 'device'::text])))
);
ALTER TABLE public.rule_override ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rule_override_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.rule_state (
    device_id text NOT NULL,
    evaluated_until timestamp with time zone,
    evaluated_received timestamp with time zone,
    newest_ts timestamp with time zone,
    newest_received timestamp with time zone,
    wake_at timestamp with time zone,
    late_readings bigint DEFAULT 0 NOT NULL,
    state jsonb DEFAULT '{}'::jsonb NOT NULL,
    error text
);
CREATE TABLE public.rule_version (
    id bigint NOT NULL,
    product text NOT NULL,
    rule text NOT NULL,
    version integer NOT NULL,
    change text NOT NULL,
    source text NOT NULL,
    mode text NOT NULL,
    digest text NOT NULL,
    text text NOT NULL,
    author text NOT NULL,
    place text,
    at timestamp with time zone NOT NULL,
    CONSTRAINT rule_version_change_check CHECK ((change = ANY (ARRAY['added'::text, 'changed'::text, 'removed'::text, 'mode'::text]))),
    CONSTRAINT rule_version_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'shadow'::text, 'off'::text]))),
    CONSTRAINT rule_version_source_check CHECK ((source = ANY (ARRAY['file'::text, 'api'::text]))),
    CONSTRAINT rule_version_version_check CHECK ((version > 0))
);
ALTER TABLE public.rule_version ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rule_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.rule_wake (
    product text NOT NULL,
    reached text NOT NULL
);
CREATE TABLE public.shadow_need (
    id bigint NOT NULL,
    device_id text NOT NULL,
    product text NOT NULL,
    rule text NOT NULL,
    rule_version integer NOT NULL,
    kind text NOT NULL,
    severity text NOT NULL,
    state text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    evidence jsonb NOT NULL,
    closed_reason text,
    CONSTRAINT shadow_need_kind_check CHECK ((kind = ANY (ARRAY['service'::text, 'fault'::text, 'refill'::text, 'opportunity'::text]))),
    CONSTRAINT shadow_need_severity_check CHECK ((severity = ANY (ARRAY['low'::text, 'normal'::text, 'high'::text, 'critical'::text]))),
    CONSTRAINT shadow_need_state_check CHECK ((state = ANY (ARRAY['open'::text, 'resolved'::text, 'ended'::text])))
);
ALTER TABLE public.shadow_need ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.shadow_need_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.site (
    id text NOT NULL,
    customer_id text NOT NULL,
    name text NOT NULL,
    address text NOT NULL,
    latitude double precision NOT NULL,
    longitude double precision NOT NULL,
    time_zone text NOT NULL,
    CONSTRAINT site_id_check CHECK ((id ~ '^[A-Za-z0-9_-]{1,64}$'::text)),
    CONSTRAINT site_latitude_check CHECK (((latitude >= ('-90'::integer)::double precision) AND (latitude <= (90)::double precision))),
    CONSTRAINT site_longitude_check CHECK (((longitude >= ('-180'::integer)::double precision) AND (longitude <= (180)::double precision)))
);
CREATE TABLE public.sparkplug_node (
    group_id text NOT NULL,
    node_id text NOT NULL,
    bd_seq bigint,
    seq smallint,
    born_at bigint,
    sent_at bigint,
    awaited text[] NOT NULL,
    births jsonb NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
CREATE TABLE public.strategy_choice (
    customer_id text NOT NULL,
    kind text NOT NULL,
    strategy text NOT NULL,
    chosen_at timestamp with time zone NOT NULL,
    CONSTRAINT strategy_choice_kind_check CHECK ((kind = ANY (ARRAY['service'::text, 'fault'::text, 'refill'::text, 'opportunity'::text]))),
    CONSTRAINT strategy_choice_strategy_check CHECK ((strategy = ANY (ARRAY['respond'::text, 'curate'::text, 'coach'::text, 'automate'::text])))
);
CREATE TABLE public.subscription (
    id text NOT NULL,
    customer_id text NOT NULL,
    device_id text NOT NULL,
    consumable text NOT NULL,
    pack_size integer NOT NULL,
    target_level integer NOT NULL,
    cancel_window interval NOT NULL,
    lead_time interval NOT NULL,
    price bigint NOT NULL,
    currency text NOT NULL,
    state text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT subscription_check CHECK ((target_level >= pack_size)),
    CONSTRAINT subscription_id_check CHECK ((id ~ '^[A-Za-z0-9_-]{1,64}$'::text)),
    CONSTRAINT subscription_pack_size_check CHECK ((pack_size > 0)),
    CONSTRAINT subscription_price_check CHECK ((price >= 0)),
    CONSTRAINT subscription_state_check CHECK ((state = ANY (ARRAY['active'::text, 'paused'::text, 'ended'::text])))
);
CREATE TABLE public.supply (
    id bigint NOT NULL,
    device_id text NOT NULL,
    consumable text NOT NULL,
    at timestamp with time zone NOT NULL,
    supplied double precision NOT NULL,
    reason text NOT NULL,
    order_id bigint,
    CONSTRAINT supply_reason_check CHECK ((reason = ANY (ARRAY['initial'::text, 'delivered'::text, 'corrected'::text])))
);
ALTER TABLE public.supply ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.supply_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.supply_order (
    id bigint NOT NULL,
    subscription_id text NOT NULL,
    customer_id text NOT NULL,
    device_id text NOT NULL,
    need_id bigint,
    consumable text NOT NULL,
    packs integer NOT NULL,
    quantity integer NOT NULL,
    price bigint NOT NULL,
    currency text NOT NULL,
    state text NOT NULL,
    cancel_until timestamp with time zone NOT NULL,
    deliver_by timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    wake_at timestamp with time zone,
    CONSTRAINT supply_order_packs_check CHECK ((packs > 0)),
    CONSTRAINT supply_order_price_check CHECK ((price >= 0)),
    CONSTRAINT supply_order_quantity_check CHECK ((quantity > 0)),
    CONSTRAINT supply_order_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'placed'::text, 'shipped'::text, 'delivered'::text, 'cancelled'::text])))
);
ALTER TABLE public.supply_order ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.supply_order_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.supply_waiting (
    device_id text NOT NULL,
    consumable text NOT NULL,
    quantity double precision NOT NULL,
    since timestamp with time zone NOT NULL,
    order_id bigint,
    CONSTRAINT supply_waiting_quantity_check CHECK ((quantity >= (0)::double precision))
);
CREATE TABLE public.technician (
    id text NOT NULL,
    resource_id integer NOT NULL,
    name text NOT NULL,
    email text,
    phone text,
    locale text NOT NULL,
    time_zone text NOT NULL,
    skills text[] NOT NULL,
    latitude double precision NOT NULL,
    longitude double precision NOT NULL,
    CONSTRAINT technician_id_check CHECK ((id ~ '^[A-Za-z0-9_-]{1,64}$'::text)),
    CONSTRAINT technician_latitude_check CHECK (((latitude >= ('-90'::integer)::double precision) AND (latitude <= (90)::double precision))),
    CONSTRAINT technician_locale_check CHECK ((locale = ANY (ARRAY['nb'::text, 'en'::text]))),
    CONSTRAINT technician_longitude_check CHECK (((longitude >= ('-180'::integer)::double precision) AND (longitude <= (180)::double precision))),
    CONSTRAINT technician_phone_check CHECK ((phone ~ '^\+[0-9]{6,15}$'::text))
);
CREATE TABLE public.touched (
    id bigint NOT NULL,
    device_id text NOT NULL,
    oldest_ts timestamp with time zone NOT NULL,
    newest_ts timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL
);
ALTER TABLE public.touched ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.touched_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.workshop (
    id text NOT NULL,
    name text NOT NULL,
    address text NOT NULL,
    phone text,
    latitude double precision NOT NULL,
    longitude double precision NOT NULL,
    time_zone text NOT NULL,
    products text[] NOT NULL,
    opening_hours jsonb NOT NULL,
    closed_on date[] DEFAULT '{}'::date[] NOT NULL,
    CONSTRAINT workshop_id_check CHECK ((id ~ '^[A-Za-z0-9_-]{1,64}$'::text)),
    CONSTRAINT workshop_latitude_check CHECK (((latitude >= ('-90'::integer)::double precision) AND (latitude <= (90)::double precision))),
    CONSTRAINT workshop_longitude_check CHECK (((longitude >= ('-180'::integer)::double precision) AND (longitude <= (180)::double precision)))
);
ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_token_hash_key UNIQUE (token_hash);
ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.area
    ADD CONSTRAINT area_pkey PRIMARY KEY (customer_id, name);
ALTER TABLE ONLY public.attribute
    ADD CONSTRAINT attribute_pkey PRIMARY KEY (device_id, name, ts);
ALTER TABLE ONLY public.claim_key
    ADD CONSTRAINT claim_key_key_hash_key UNIQUE (key_hash);
ALTER TABLE ONLY public.claim_key
    ADD CONSTRAINT claim_key_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.command
    ADD CONSTRAINT command_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.command_todo
    ADD CONSTRAINT command_todo_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.connection
    ADD CONSTRAINT connection_pkey PRIMARY KEY (device_id);
ALTER TABLE ONLY public.consent
    ADD CONSTRAINT consent_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.customer
    ADD CONSTRAINT customer_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.dead_letter_count
    ADD CONSTRAINT dead_letter_count_pkey PRIMARY KEY (device_id, reason, hour);
ALTER TABLE ONLY public.dead_letter
    ADD CONSTRAINT dead_letter_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.delivery
    ADD CONSTRAINT delivery_notification_id_channel_key UNIQUE (notification_id, channel);
ALTER TABLE ONLY public.delivery
    ADD CONSTRAINT delivery_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.device_alias
    ADD CONSTRAINT device_alias_pkey PRIMARY KEY (alias);
ALTER TABLE ONLY public.device_credential
    ADD CONSTRAINT device_credential_pkey PRIMARY KEY (device_id);
ALTER TABLE ONLY public.device_event
    ADD CONSTRAINT device_event_pkey PRIMARY KEY (device_id, name, ts);
ALTER TABLE ONLY public.device_fact
    ADD CONSTRAINT device_fact_device_id_name_at_key UNIQUE (device_id, name, at);
ALTER TABLE ONLY public.device_fact
    ADD CONSTRAINT device_fact_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.device_group_member
    ADD CONSTRAINT device_group_member_pkey PRIMARY KEY (group_id, device_id);
ALTER TABLE ONLY public.device_group
    ADD CONSTRAINT device_group_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.event_todo
    ADD CONSTRAINT event_todo_pkey PRIMARY KEY (consumer, event_id);
ALTER TABLE ONLY public.gateway
    ADD CONSTRAINT gateway_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (caller, key);
ALTER TABLE ONLY public.import
    ADD CONSTRAINT import_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.import_span
    ADD CONSTRAINT import_span_pkey PRIMARY KEY (import_id, device_id);
ALTER TABLE ONLY public.ingest_slot
    ADD CONSTRAINT ingest_slot_pkey PRIMARY KEY (client_id);
ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.job_request
    ADD CONSTRAINT job_request_job_id_technician_id_round_key UNIQUE (job_id, technician_id, round);
ALTER TABLE ONLY public.job_request
    ADD CONSTRAINT job_request_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.kept_since
    ADD CONSTRAINT kept_since_pkey PRIMARY KEY (product);
ALTER TABLE ONLY public.login_attempt
    ADD CONSTRAINT login_attempt_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.maintenance_window
    ADD CONSTRAINT maintenance_window_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.mandate
    ADD CONSTRAINT mandate_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.need
    ADD CONSTRAINT need_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.notification
    ADD CONSTRAINT notification_event_id_recipient_kind_recipient_id_template_key UNIQUE (event_id, recipient_kind, recipient_id, template);
ALTER TABLE ONLY public.notification
    ADD CONSTRAINT notification_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.operator
    ADD CONSTRAINT operator_email_key UNIQUE (email);
ALTER TABLE ONLY public.operator
    ADD CONSTRAINT operator_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.operator_session
    ADD CONSTRAINT operator_session_pkey PRIMARY KEY (token_hash);
ALTER TABLE ONLY public.proposal
    ADD CONSTRAINT proposal_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.reading_day
    ADD CONSTRAINT reading_day_pkey PRIMARY KEY (device_id, metric, bucket);
ALTER TABLE ONLY public.reading_hour
    ADD CONSTRAINT reading_hour_pkey PRIMARY KEY (device_id, metric, bucket);
ALTER TABLE ONLY public.reading_minute
    ADD CONSTRAINT reading_minute_pkey PRIMARY KEY (device_id, metric, bucket);
ALTER TABLE ONLY public.resource_booking
    ADD CONSTRAINT resource_booking_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.resource_booking
    ADD CONSTRAINT resource_not_double_booked EXCLUDE USING gist (int8range((resource_id)::bigint, (resource_id)::bigint, '[]'::text) WITH &&, period WITH &&);
ALTER TABLE ONLY public.resource
    ADD CONSTRAINT resource_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.rollup_due
    ADD CONSTRAINT rollup_due_pkey PRIMARY KEY (device_id, metric, level, bucket);
ALTER TABLE ONLY public.rollup_progress
    ADD CONSTRAINT rollup_progress_pkey PRIMARY KEY (only_one);
ALTER TABLE ONLY public.rule_override
    ADD CONSTRAINT rule_override_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.rule_state
    ADD CONSTRAINT rule_state_pkey PRIMARY KEY (device_id);
ALTER TABLE ONLY public.rule_version
    ADD CONSTRAINT rule_version_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.rule_version
    ADD CONSTRAINT rule_version_product_rule_version_key UNIQUE (product, rule, version);
ALTER TABLE ONLY public.rule_wake
    ADD CONSTRAINT rule_wake_pkey PRIMARY KEY (product);
ALTER TABLE ONLY public.shadow_need
    ADD CONSTRAINT shadow_need_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.site
    ADD CONSTRAINT site_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.sparkplug_node
    ADD CONSTRAINT sparkplug_node_pkey PRIMARY KEY (group_id, node_id);
ALTER TABLE ONLY public.strategy_choice
    ADD CONSTRAINT strategy_choice_pkey PRIMARY KEY (customer_id, kind);
ALTER TABLE ONLY public.subscription
    ADD CONSTRAINT subscription_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.supply
    ADD CONSTRAINT supply_order_id_key UNIQUE (order_id);
ALTER TABLE ONLY public.supply_order
    ADD CONSTRAINT supply_order_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.supply
    ADD CONSTRAINT supply_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.supply_waiting
    ADD CONSTRAINT supply_waiting_pkey PRIMARY KEY (device_id, consumable);
ALTER TABLE ONLY public.technician
    ADD CONSTRAINT technician_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.technician
    ADD CONSTRAINT technician_resource_id_key UNIQUE (resource_id);
ALTER TABLE ONLY public.touched
    ADD CONSTRAINT touched_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.workshop
    ADD CONSTRAINT workshop_pkey PRIMARY KEY (id);
CREATE INDEX appointment_customer ON public.appointment USING btree (customer_id, id);
CREATE UNIQUE INDEX appointment_one_per_need ON public.appointment USING btree (need_id) WHERE (state = 'booked'::text);
CREATE INDEX command_device ON public.command USING btree (device_id, id);
CREATE UNIQUE INDEX command_one_turn ON public.command USING btree (device_id) WHERE (wake_at IS NOT NULL);
CREATE INDEX command_open ON public.command USING btree (device_id, id) WHERE (ended_at IS NULL);
CREATE INDEX command_wake ON public.command USING btree (wake_at) WHERE (wake_at IS NOT NULL);
CREATE UNIQUE INDEX consent_one_in_force ON public.consent USING btree (customer_id, purpose) WHERE (revoked_at IS NULL);
CREATE INDEX dead_letter_device ON public.dead_letter USING btree (device_id, reason, received_at);
CREATE INDEX delivery_wake ON public.delivery USING btree (wake_at);
CREATE INDEX device_alias_device ON public.device_alias USING btree (device_id);
CREATE INDEX device_credential_changed ON public.device_credential USING btree (changed_in);
CREATE INDEX device_customer ON public.device USING btree (customer_id);
CREATE INDEX device_group_member_device ON public.device_group_member USING btree (device_id);
CREATE INDEX device_product ON public.device USING btree (product, id);
CREATE INDEX event_customer ON public.event USING btree (customer_id, id);
CREATE INDEX event_device ON public.event USING btree (device_id, id);
CREATE INDEX event_need ON public.event USING btree (need_id);
CREATE UNIQUE INDEX job_one_per_need ON public.job USING btree (need_id) WHERE (state <> ALL (ARRAY['completed'::text, 'cancelled'::text]));
CREATE INDEX job_wake ON public.job USING btree (wake_at);
CREATE INDEX login_attempt_bucket ON public.login_attempt USING btree (bucket, at);
CREATE INDEX maintenance_window_customer ON public.maintenance_window USING btree (customer_id, ends_at) WHERE (customer_id IS NOT NULL);
CREATE INDEX maintenance_window_device ON public.maintenance_window USING btree (device_id, ends_at) WHERE (device_id IS NOT NULL);
CREATE INDEX maintenance_window_site ON public.maintenance_window USING btree (site_id, ends_at) WHERE (site_id IS NOT NULL);
CREATE UNIQUE INDEX mandate_one_in_force ON public.mandate USING btree (customer_id, kind) WHERE (revoked_at IS NULL);
CREATE INDEX need_child ON public.need USING btree (parent_id) WHERE (parent_id IS NOT NULL);
CREATE INDEX need_customer ON public.need USING btree (customer_id, id);
CREATE UNIQUE INDEX need_one_open ON public.need USING btree (device_id, rule) WHERE (state = 'open'::text);
CREATE UNIQUE INDEX need_one_open_at_site ON public.need USING btree (site_id, customer_id, product, rule) WHERE ((state = 'open'::text) AND (parent_id IS NULL) AND (site_id IS NOT NULL));
CREATE INDEX notification_recipient ON public.notification USING btree (recipient_kind, recipient_id, id);
CREATE UNIQUE INDEX proposal_one_open ON public.proposal USING btree (need_id) WHERE (state = 'open'::text);
CREATE UNIQUE INDEX reading_key ON public.reading USING btree (device_id, metric, ts);
CREATE INDEX reading_received ON public.reading USING brin (received_at) WITH (autosummarize='on');
CREATE UNIQUE INDEX resource_bay_name ON public.resource USING btree (workshop_id, name) WHERE (kind = 'bay'::text);
CREATE INDEX resource_booking_appointment ON public.resource_booking USING btree (appointment_id);
CREATE INDEX resource_booking_job ON public.resource_booking USING btree (job_id);
CREATE INDEX rollup_due_bucket ON public.rollup_due USING btree (level, bucket);
CREATE UNIQUE INDEX rule_override_one ON public.rule_override USING btree (scope, scope_id, product, rule) NULLS NOT DISTINCT;
CREATE INDEX rule_state_wake ON public.rule_state USING btree (wake_at);
CREATE INDEX rule_version_newest ON public.rule_version USING btree (product, rule, source, id);
CREATE UNIQUE INDEX shadow_need_one_open ON public.shadow_need USING btree (device_id, rule) WHERE (state = 'open'::text);
CREATE INDEX shadow_need_rule ON public.shadow_need USING btree (product, rule, id);
CREATE INDEX site_customer ON public.site USING btree (customer_id);
CREATE UNIQUE INDEX subscription_one_active ON public.subscription USING btree (device_id, consumable) WHERE (state <> 'ended'::text);
CREATE INDEX supply_device ON public.supply USING btree (device_id, consumable, at);
CREATE INDEX supply_order_customer ON public.supply_order USING btree (customer_id, id);
CREATE UNIQUE INDEX supply_order_one_open ON public.supply_order USING btree (device_id, consumable) WHERE (state = ANY (ARRAY['pending'::text, 'placed'::text, 'shipped'::text]));
CREATE INDEX supply_order_wake ON public.supply_order USING btree (wake_at);
CREATE INDEX touched_device ON public.touched USING btree (device_id);
CREATE TRIGGER connection_device_online AFTER INSERT OR UPDATE ON public.connection FOR EACH ROW WHEN (new.online) EXECUTE FUNCTION public.note_device_online();
CREATE TRIGGER device_event_command_answer AFTER INSERT ON public.device_event FOR EACH ROW WHEN ((new.name = 'command/ack'::text)) EXECUTE FUNCTION public.note_command_answer();
CREATE TRIGGER event_append_only BEFORE DELETE OR UPDATE ON public.event FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);
ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_need_id_fkey FOREIGN KEY (need_id) REFERENCES public.need(id);
ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_workshop_id_fkey FOREIGN KEY (workshop_id) REFERENCES public.workshop(id);
ALTER TABLE ONLY public.area
    ADD CONSTRAINT area_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);
ALTER TABLE ONLY public.claim_key
    ADD CONSTRAINT claim_key_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);
ALTER TABLE ONLY public.claim_key
    ADD CONSTRAINT claim_key_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);
ALTER TABLE ONLY public.command
    ADD CONSTRAINT command_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.connection
    ADD CONSTRAINT connection_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.consent
    ADD CONSTRAINT consent_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);
ALTER TABLE ONLY public.delivery
    ADD CONSTRAINT delivery_notification_id_fkey FOREIGN KEY (notification_id) REFERENCES public.notification(id);
ALTER TABLE ONLY public.device_alias
    ADD CONSTRAINT device_alias_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.device_credential
    ADD CONSTRAINT device_credential_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);
ALTER TABLE ONLY public.device_fact
    ADD CONSTRAINT device_fact_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.device_group_member
    ADD CONSTRAINT device_group_member_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.device_group_member
    ADD CONSTRAINT device_group_member_group_id_fkey FOREIGN KEY (group_id) REFERENCES public.device_group(id);
ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);
ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_need_id_fkey FOREIGN KEY (need_id) REFERENCES public.need(id);
ALTER TABLE ONLY public.event_todo
    ADD CONSTRAINT event_todo_event_id_fkey FOREIGN KEY (event_id) REFERENCES public.event(id);
ALTER TABLE ONLY public.import_span
    ADD CONSTRAINT import_span_import_id_fkey FOREIGN KEY (import_id) REFERENCES public.import(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);
ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_need_id_fkey FOREIGN KEY (need_id) REFERENCES public.need(id);
ALTER TABLE ONLY public.job_request
    ADD CONSTRAINT job_request_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.job(id);
ALTER TABLE ONLY public.job_request
    ADD CONSTRAINT job_request_technician_id_fkey FOREIGN KEY (technician_id) REFERENCES public.technician(id);
ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);
ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_technician_id_fkey FOREIGN KEY (technician_id) REFERENCES public.technician(id);
ALTER TABLE ONLY public.maintenance_window
    ADD CONSTRAINT maintenance_window_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);
ALTER TABLE ONLY public.maintenance_window
    ADD CONSTRAINT maintenance_window_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.maintenance_window
    ADD CONSTRAINT maintenance_window_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);
ALTER TABLE ONLY public.mandate
    ADD CONSTRAINT mandate_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);
ALTER TABLE ONLY public.need
    ADD CONSTRAINT need_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);
ALTER TABLE ONLY public.need
    ADD CONSTRAINT need_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.need
    ADD CONSTRAINT need_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES public.need(id);
ALTER TABLE ONLY public.need
    ADD CONSTRAINT need_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);
ALTER TABLE ONLY public.notification
    ADD CONSTRAINT notification_event_id_fkey FOREIGN KEY (event_id) REFERENCES public.event(id);
ALTER TABLE ONLY public.operator_session
    ADD CONSTRAINT operator_session_operator_id_fkey FOREIGN KEY (operator_id) REFERENCES public.operator(id);
ALTER TABLE ONLY public.proposal
    ADD CONSTRAINT proposal_appointment_id_fkey FOREIGN KEY (appointment_id) REFERENCES public.appointment(id);
ALTER TABLE ONLY public.proposal
    ADD CONSTRAINT proposal_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);
ALTER TABLE ONLY public.proposal
    ADD CONSTRAINT proposal_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.proposal
    ADD CONSTRAINT proposal_need_id_fkey FOREIGN KEY (need_id) REFERENCES public.need(id);
ALTER TABLE ONLY public.proposal
    ADD CONSTRAINT proposal_workshop_id_fkey FOREIGN KEY (workshop_id) REFERENCES public.workshop(id);
ALTER TABLE ONLY public.resource_booking
    ADD CONSTRAINT resource_booking_appointment_id_fkey FOREIGN KEY (appointment_id) REFERENCES public.appointment(id);
ALTER TABLE ONLY public.resource_booking
    ADD CONSTRAINT resource_booking_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.job(id);
ALTER TABLE ONLY public.resource_booking
    ADD CONSTRAINT resource_booking_resource_id_fkey FOREIGN KEY (resource_id) REFERENCES public.resource(id);
ALTER TABLE ONLY public.resource
    ADD CONSTRAINT resource_workshop_id_fkey FOREIGN KEY (workshop_id) REFERENCES public.workshop(id);
ALTER TABLE ONLY public.rule_state
    ADD CONSTRAINT rule_state_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.shadow_need
    ADD CONSTRAINT shadow_need_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.site
    ADD CONSTRAINT site_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);
ALTER TABLE ONLY public.strategy_choice
    ADD CONSTRAINT strategy_choice_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);
ALTER TABLE ONLY public.subscription
    ADD CONSTRAINT subscription_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);
ALTER TABLE ONLY public.subscription
    ADD CONSTRAINT subscription_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.supply
    ADD CONSTRAINT supply_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.supply_order
    ADD CONSTRAINT supply_order_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customer(id);
ALTER TABLE ONLY public.supply_order
    ADD CONSTRAINT supply_order_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.supply
    ADD CONSTRAINT supply_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.supply_order(id);
ALTER TABLE ONLY public.supply_order
    ADD CONSTRAINT supply_order_need_id_fkey FOREIGN KEY (need_id) REFERENCES public.need(id);
ALTER TABLE ONLY public.supply_order
    ADD CONSTRAINT supply_order_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES public.subscription(id);
ALTER TABLE ONLY public.supply_waiting
    ADD CONSTRAINT supply_waiting_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);
ALTER TABLE ONLY public.supply_waiting
    ADD CONSTRAINT supply_waiting_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.supply_order(id);
ALTER TABLE ONLY public.technician
    ADD CONSTRAINT technician_resource_id_fkey FOREIGN KEY (resource_id) REFERENCES public.resource(id);
