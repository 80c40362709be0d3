-- Where TimescaleDB is present the big tables become hypertables.  Nothing else depends on it.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        PERFORM create_hypertable('reading', 'time', chunk_time_interval => interval '1 day', if_not_exists => true);
        PERFORM create_hypertable('event', 'time', chunk_time_interval => interval '1 day', if_not_exists => true);
        PERFORM create_hypertable('rollup_minute', 'time', chunk_time_interval => interval '7 days', if_not_exists => true);
        PERFORM create_hypertable('rollup_hour', 'time', chunk_time_interval => interval '90 days', if_not_exists => true);
    END IF;
END
$$;
