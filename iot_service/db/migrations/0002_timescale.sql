-- depends: 0001_initial

-- Where the server has TimescaleDB, readings are a hypertable; elsewhere they stay a plain table.
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb') THEN
        CREATE EXTENSION IF NOT EXISTS timescaledb;
        PERFORM create_hypertable('reading', 'ts', chunk_time_interval => interval '7 days',
                                  create_default_indexes => false);
    END IF;
END $$;
