-- A view is read for many: one damaged row must not end it for all.  What is stored as JSON is read through these, which give
-- NULL (or no rows) for anything that is not what its place asks for.
CREATE FUNCTION grafana.number_of(j jsonb) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT CASE WHEN jsonb_typeof(j) = 'number' THEN CASE WHEN abs(j::numeric) < 1e15 THEN j::float8 END END $$;
CREATE FUNCTION grafana.truth_of(j jsonb) RETURNS bool LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT CASE WHEN jsonb_typeof(j) = 'boolean' THEN j::bool END $$;
CREATE FUNCTION grafana.list_of(j jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT CASE WHEN jsonb_typeof(j) = 'array' THEN j END $$;
CREATE FUNCTION grafana.vital_of(j jsonb) RETURNS int2 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT CASE WHEN grafana.number_of(j) BETWEEN 1 AND 255 THEN grafana.number_of(j)::int2 END $$;

CREATE OR REPLACE VIEW grafana.device_event AS
SELECT patient, time, device, gateway, kind, arrived,
    grafana.truth_of(value -> 'up') AS link_up,
    grafana.truth_of(value -> 'on') AS contact_on,
    grafana.number_of(value -> 'percent') AS battery_percent,
    grafana.number_of(value -> 'offset_ms') AS clock_offset_ms,
    grafana.number_of(value -> 'waiting') AS waiting_readings
FROM public.event;

CREATE OR REPLACE VIEW grafana.limits AS
SELECT p.patient, said.vital, said.side, level.priority, level.limit_value, change.since, change.until
FROM public.patient p
CROSS JOIN LATERAL (
    SELECT c.at_offset, c.took_effect AS since, lead(c.took_effect) OVER (ORDER BY c.at_offset) AS until
    FROM public.control c
    WHERE (c.patient = p.patient AND c.kind = 'limits')
       OR (c.patient = 0 AND c.kind = 'rule_set' AND c.partition = p.patient % 64)
) AS change
LEFT JOIN LATERAL (
    SELECT grafana.list_of(c.payload -> 'limits') AS limits FROM public.control c
    WHERE c.patient = p.patient AND c.kind = 'limits' AND c.at_offset <= change.at_offset
    ORDER BY c.at_offset DESC LIMIT 1
) AS own ON true
LEFT JOIN LATERAL (
    SELECT grafana.list_of(c.payload -> 'limits') AS limits FROM public.control c
    WHERE c.patient = 0 AND c.kind = 'rule_set' AND c.partition = p.patient % 64 AND c.at_offset <= change.at_offset
    ORDER BY c.at_offset DESC LIMIT 1
) AS rules ON true
CROSS JOIN LATERAL (
    SELECT grafana.vital_of(l -> 'vital') AS vital, l ->> 'side' AS side, l AS levels
    FROM jsonb_array_elements(own.limits) l
    UNION ALL
    SELECT grafana.vital_of(l -> 'vital'), l ->> 'side', l
    FROM jsonb_array_elements(rules.limits) l
    WHERE NOT EXISTS (
        SELECT FROM jsonb_array_elements(own.limits) o WHERE o -> 'vital' = l -> 'vital' AND o -> 'side' = l -> 'side')
) AS said
CROSS JOIN LATERAL (VALUES
    (2::int2, grafana.number_of(said.levels -> 'medium' -> 'limit')),
    (3::int2, grafana.number_of(said.levels -> 'high' -> 'limit'))
) AS level (priority, limit_value)
WHERE level.limit_value IS NOT NULL AND said.vital IS NOT NULL;

CREATE OR REPLACE VIEW grafana.device AS
SELECT e.device, e.patient, e.gateway, d.source, d.interval_s, e.since, newest.measured, newest.arrived,
    extract(epoch FROM now() - newest.measured)::float8 AS measured_age_s,
    extract(epoch FROM now() - newest.arrived)::float8 AS arrived_age_s,
    d.interval_s > 0 AND coalesce(newest.measured, e.since) < now() - make_interval(
        secs => greatest(0, least(31622400,  -- a year: beyond it no calendar holds
            coalesce(grafana.number_of(rules.payload -> 'no_data_factor'), 2.0) * d.interval_s
            + coalesce(grafana.number_of(rules.payload -> 'no_data_extra_s'), 30)))) AS silent
FROM public.enrolment e
JOIN public.device d USING (device)
LEFT JOIN LATERAL (
    SELECT l.newest AS measured, (SELECT max(a) FROM unnest(l.arrived) a) AS arrived
    FROM public.latest_of_device l WHERE l.patient = e.patient AND l.device = e.device
) AS newest ON true
LEFT JOIN LATERAL (
    SELECT c.payload FROM public.control c
    WHERE c.patient = 0 AND c.kind = 'rule_set' AND c.partition = e.patient % 64
    ORDER BY c.at_offset DESC LIMIT 1
) AS rules ON true
WHERE e.until IS NULL;
