-- depends: 0002_timescale

-- A command to a device. wake_at is when something is due with it; NULL while an earlier one of its device has the turn,
-- and when it has ended. expires_at is set when its turn comes. A runner holds it until claimed_until; claims tells one
-- attempt to publish from the next.
CREATE TABLE command (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id     text NOT NULL REFERENCES device,
    name          text NOT NULL,
    args          jsonb NOT NULL,
    state         text NOT NULL CHECK (state IN ('queued', 'sent', 'acknowledged', 'refused', 'expired', 'cancelled')),
    timeout       interval NOT NULL CHECK (timeout > interval '0'),
    retries       integer NOT NULL CHECK (retries >= 0),
    attempts      integer NOT NULL DEFAULT 0,
    claims        integer NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL,
    created_by    text NOT NULL,
    expires_at    timestamptz,
    wake_at       timestamptz,
    claimed_until timestamptz,
    sent_at       timestamptz,
    ended_at      timestamptz,
    answered_at   timestamptz,
    answer        jsonb,
    reason        text,
    CHECK ((ended_at IS NULL) = (state IN ('queued', 'sent'))),
    CHECK (wake_at IS NULL OR ended_at IS NULL)
);
CREATE INDEX command_wake ON command (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX command_device ON command (device_id, id);
CREATE INDEX command_open ON command (device_id, id) WHERE ended_at IS NULL;
-- One at a time has the turn, so a device is given its commands in order.
CREATE UNIQUE INDEX command_one_turn ON command (device_id) WHERE wake_at IS NOT NULL;

-- What the command runner has to look at: an answer of a device, or (answer is NULL) that it came online.
CREATE TABLE command_todo (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id text NOT NULL,
    at        timestamptz NOT NULL,
    answer    jsonb
);

-- Ingest stores what devices say and knows of no commands; where a device has some, a to-do row is left for them.
CREATE FUNCTION note_command_answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM command WHERE device_id = NEW.device_id) THEN
        INSERT INTO command_todo (device_id, at, answer) VALUES (NEW.device_id, NEW.received_at, NEW.data);
        PERFORM pg_notify('command', '');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER device_event_command_answer AFTER INSERT ON device_event
    FOR EACH ROW WHEN (NEW.name = 'command/ack') EXECUTE FUNCTION note_command_answer();

CREATE FUNCTION note_device_online() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM command WHERE device_id = NEW.device_id AND ended_at IS NULL) THEN
        INSERT INTO command_todo (device_id, at) VALUES (NEW.device_id, NEW.since);
        PERFORM pg_notify('command', '');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER connection_device_online AFTER INSERT OR UPDATE ON connection
    FOR EACH ROW WHEN (NEW.online) EXECUTE FUNCTION note_device_online();

-- When the newest status came, also one that changed nothing: an older one that another process stores later is void.
ALTER TABLE connection ADD COLUMN heard_at timestamptz;
