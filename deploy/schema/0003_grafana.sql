-- What Grafana may see: views of numbers under the patient's number, never a name, an address or a word that people wrote.
-- Whoever can look at a dashboard can send any query to its data source, so the role's rights are the boundary, not the
-- dashboards.  The views run with their owner's rights; the role has none on the tables beneath.
CREATE SCHEMA grafana;

CREATE VIEW grafana.vital (vital, name, short, label, unit, decimals, continuous, validity_s) AS
VALUES                                          -- as devices.vitals says; a test compares
    (1::int2, 'heart_rate', 'HR', 'Heart rate', '/min', 0, true, 900),
    (2::int2, 'pulse_rate', 'PR', 'Pulse rate', '/min', 0, true, 900),
    (3::int2, 'spo2', 'SpO₂', 'Oxygen saturation', '%', 0, true, 900),
    (4::int2, 'respiratory_rate', 'RR', 'Respiration', '/min', 0, true, 900),
    (5::int2, 'systolic', 'SBP', 'Systolic pressure', 'mm[Hg]', 0, false, 28800),
    (6::int2, 'diastolic', 'DBP', 'Diastolic pressure', 'mm[Hg]', 0, false, 28800),
    (7::int2, 'mean_arterial', 'MAP', 'Mean arterial pressure', 'mm[Hg]', 0, false, 28800),
    (8::int2, 'temperature', 'Temp', 'Temperature', 'Cel', 1, false, 28800),
    (9::int2, 'weight', 'Weight', 'Weight', 'kg', 1, false, 259200),
    (10::int2, 'glucose', 'Gluc', 'Glucose', 'mg/dL', 0, false, 28800);

CREATE VIEW grafana.patient AS
SELECT p.patient, p.team, t.name AS care_team, p.discharged IS NULL AS in_care
FROM public.patient p JOIN public.care_team t USING (team);

-- Values --------------------------------------------------------------------------------------------------------------
CREATE VIEW grafana.reading AS                  -- wide: a status that is NULL says that the value beside it is good
SELECT patient, time, device, arrived,
    heart_rate, pulse_rate, spo2, respiratory_rate, systolic, diastolic, mean_arterial, temperature, weight, glucose,
    heart_rate_status, pulse_rate_status, spo2_status, respiratory_rate_status, systolic_status, diastolic_status,
    mean_arterial_status, temperature_status, weight_status, glucose_status
FROM public.reading;

CREATE VIEW grafana.sample AS                   -- long: a row a value; status 0 is good
SELECT r.patient, r.time, r.device, r.arrived, s.vital, s.value, coalesce(s.status, 0::int2) AS status
FROM public.reading r
CROSS JOIN LATERAL (VALUES
    (1::int2, r.heart_rate, r.heart_rate_status),
    (2::int2, r.pulse_rate, r.pulse_rate_status),
    (3::int2, r.spo2, r.spo2_status),
    (4::int2, r.respiratory_rate, r.respiratory_rate_status),
    (5::int2, r.systolic, r.systolic_status),
    (6::int2, r.diastolic, r.diastolic_status),
    (7::int2, r.mean_arterial, r.mean_arterial_status),
    (8::int2, r.temperature, r.temperature_status),
    (9::int2, r.weight, r.weight_status),
    (10::int2, r.glucose, r.glucose_status)
) AS s (vital, value, status)
WHERE s.value IS NOT NULL OR s.status IS NOT NULL;

CREATE VIEW grafana.rollup_minute AS
SELECT patient, vital, device, time, n, mean, min, max, first, last, std, slope, poor FROM public.rollup_minute;

CREATE VIEW grafana.rollup_hour AS
SELECT patient, vital, device, time, n, mean, min, max, first, last, std, slope, poor FROM public.rollup_hour;

CREATE VIEW grafana.latest AS                   -- the newest of each series; last measured and last arrived kept apart
SELECT l.patient, l.vital, l.device, l.time, l.value, l.status, l.arrived,
    extract(epoch FROM now() - l.time)::float8 AS age_s,
    extract(epoch FROM now() - l.arrived)::float8 AS arrived_age_s,
    l.status = 0 AND l.time > now() - make_interval(secs => v.validity_s) AS valid
FROM public.latest l JOIN grafana.vital v USING (vital);

-- Limits --------------------------------------------------------------------------------------------------------------
-- What took effect, as it changed: a patient's own limit of a vital and side comes before the rule set's, and one without
-- levels switches it off (devices.wire.control.Limits).
CREATE VIEW grafana.limits AS
SELECT p.patient, said.vital, said.side, level.priority, level.limit_value, change.since, change.until
FROM public.patient p
CROSS JOIN LATERAL (
    SELECT c.at_offset, c.took_effect AS since, lead(c.took_effect) OVER (ORDER BY c.at_offset) AS until
    FROM public.control c
    WHERE (c.patient = p.patient AND c.kind = 'limits')
       OR (c.patient = 0 AND c.kind = 'rule_set' AND c.partition = p.patient % 64)
) AS change
LEFT JOIN LATERAL (
    SELECT c.payload -> 'limits' AS limits FROM public.control c
    WHERE c.patient = p.patient AND c.kind = 'limits' AND c.at_offset <= change.at_offset
    ORDER BY c.at_offset DESC LIMIT 1
) AS own ON true
LEFT JOIN LATERAL (
    SELECT c.payload -> 'limits' AS limits FROM public.control c
    WHERE c.patient = 0 AND c.kind = 'rule_set' AND c.partition = p.patient % 64 AND c.at_offset <= change.at_offset
    ORDER BY c.at_offset DESC LIMIT 1
) AS rules ON true
CROSS JOIN LATERAL (
    SELECT (l ->> 'vital')::int2 AS vital, l ->> 'side' AS side, l AS levels
    FROM jsonb_array_elements(own.limits) l
    UNION ALL
    SELECT (l ->> 'vital')::int2, l ->> 'side', l
    FROM jsonb_array_elements(rules.limits) l
    WHERE NOT EXISTS (
        SELECT FROM jsonb_array_elements(own.limits) o WHERE o -> 'vital' = l -> 'vital' AND o -> 'side' = l -> 'side')
) AS said
CROSS JOIN LATERAL (VALUES
    (2::int2, (said.levels -> 'medium' ->> 'limit')::float8),
    (3::int2, (said.levels -> 'high' ->> 'limit')::float8)
) AS level (priority, limit_value)
WHERE level.limit_value IS NOT NULL;

-- Alarms: without the words people add, and without who ------------------------------------------------------------------
CREATE VIEW grafana.alarm_history AS
SELECT a.alarm,
    CASE WHEN a.subject_kind = 'patient' THEN a.subject END AS patient,
    CASE WHEN a.subject_kind = 'partition' THEN a.subject END AS partition,
    a.rule, a.source, a.category, a.active, a.priority,
    CASE a.priority WHEN 3 THEN 'high' WHEN 2 THEN 'medium' ELSE 'low' END AS priority_name,
    a.vital, a.value, a.limit_value, a.onset, a.measured, a.ended, a.onsets, a.life, a.acknowledged, a.shelved_until,
    a.closed,
    CASE
        WHEN v.vital IS NOT NULL AND a.rule LIKE '%.%' THEN v.label || ' ' || split_part(a.rule, '.', 2)
        WHEN a.rule = 'news2' THEN 'NEWS2'
        ELSE replace(a.rule, '_', ' ')
    END
    || coalesce(' ' || round(a.value::numeric, coalesce(v.decimals, 0)), '')
    || coalesce(' (limit ' || round(a.limit_value::numeric, coalesce(v.decimals, 0)) || ')', '') AS text
FROM public.alarm a LEFT JOIN grafana.vital v USING (vital);

CREATE VIEW grafana.alarm_open AS
SELECT *, extract(epoch FROM now() - onset)::float8 AS age_s FROM grafana.alarm_history WHERE closed IS NULL;

-- Devices and the path ------------------------------------------------------------------------------------------------
CREATE VIEW grafana.device_event AS
SELECT patient, time, device, gateway, kind, arrived,
    (value ->> 'up')::bool AS link_up,
    (value ->> 'on')::bool AS contact_on,
    (value ->> 'percent')::float8 AS battery_percent,
    (value ->> 'offset_ms')::float8 AS clock_offset_ms,
    (value ->> 'waiting')::float8 AS waiting_readings
FROM public.event;

CREATE VIEW grafana.device AS                   -- what is worn now, and whether it should have spoken (RuleSet.no_data_*)
SELECT e.device, e.patient, e.gateway, d.source, d.interval_s, e.since, newest.measured, newest.arrived,
    extract(epoch FROM now() - newest.measured)::float8 AS measured_age_s,
    extract(epoch FROM now() - newest.arrived)::float8 AS arrived_age_s,
    d.interval_s > 0 AND coalesce(newest.measured, e.since) < now() - make_interval(
        secs => coalesce((rules.payload ->> 'no_data_factor')::float8, 2.0) * d.interval_s
              + coalesce((rules.payload ->> 'no_data_extra_s')::float8, 30)) AS silent
FROM public.enrolment e
JOIN public.device d USING (device)
LEFT JOIN LATERAL (
    SELECT max(l.time) AS measured, max(l.arrived) AS arrived
    FROM public.latest l WHERE l.patient = e.patient AND l.device = e.device
) AS newest ON true
LEFT JOIN LATERAL (
    SELECT c.payload FROM public.control c
    WHERE c.patient = 0 AND c.kind = 'rule_set' AND c.partition = e.patient % 64
    ORDER BY c.at_offset DESC LIMIT 1
) AS rules ON true
WHERE e.until IS NULL;

CREATE VIEW grafana.ledger AS                   -- how far the database is behind the log, by the log's own time
SELECT topic, partition, next_offset, last_append, extract(epoch FROM now() - last_append)::float8 AS behind_s
FROM public.ledger;

CREATE VIEW grafana.refused AS
SELECT 'rejected' AS kind, partition, at, reason, retried AS settled FROM public.rejected
UNION ALL
SELECT 'quarantined', partition, at, reason, released FROM public.quarantine;

-- The role ------------------------------------------------------------------------------------------------------------
-- Roles belong to the whole cluster: it may exist already, or this migrator may not be allowed to create one; then
-- `vigil grafana` says what is missing.  It cannot sign in before it is given a password there.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vigil_grafana') THEN
        CREATE ROLE vigil_grafana NOLOGIN CONNECTION LIMIT 20;
        ALTER ROLE vigil_grafana SET default_transaction_read_only = on;
        ALTER ROLE vigil_grafana SET statement_timeout = '30s';
        ALTER ROLE vigil_grafana SET search_path = grafana;
    END IF;
EXCEPTION WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN
    RAISE NOTICE 'the role vigil_grafana was not created here: %', SQLERRM;
END
$$;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'vigil_grafana') THEN
        GRANT USAGE ON SCHEMA grafana TO vigil_grafana;
        GRANT SELECT ON ALL TABLES IN SCHEMA grafana TO vigil_grafana;
    END IF;
END
$$;
