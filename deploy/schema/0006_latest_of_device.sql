-- The newest of each series in a row a device instead of a row a vital: the vitals of a device come together, and moving five
-- rows forward was half of what a reading cost the database (docs/decisions/0102).  What reads `latest` reads what it did.
ALTER TABLE latest RENAME TO latest_before;
CREATE TABLE latest_of_device (
    patient int4 NOT NULL,
    device int4 NOT NULL,
    newest timestamptz NOT NULL,                -- of `time`
    vital int2[] NOT NULL,                      -- ascending; the others stand in its order
    time timestamptz[] NOT NULL,
    value real[] NOT NULL,                      -- NaN: none
    status int2[] NOT NULL,
    arrived timestamptz[] NOT NULL,
    PRIMARY KEY (patient, device)
) WITH (fillfactor = 70);
INSERT INTO latest_of_device
SELECT patient, device, max(time), array_agg(vital ORDER BY vital), array_agg(time ORDER BY vital),
    array_agg(coalesce(value, 'NaN') ORDER BY vital), array_agg(status ORDER BY vital), array_agg(arrived ORDER BY vital)
FROM latest_before GROUP BY patient, device;
CREATE INDEX latest_of_device_partition ON latest_of_device ((patient % 64));  -- whose readings a partition is restored from

CREATE VIEW latest AS
SELECT d.patient, v.vital, d.device, v.time, nullif(v.value, 'NaN') AS value, v.status, v.arrived
FROM latest_of_device d
CROSS JOIN LATERAL unnest(d.vital, d.time, d.value, d.status, d.arrived) AS v (vital, time, value, status, arrived);

CREATE OR REPLACE VIEW grafana.latest AS
SELECT l.patient, l.vital, l.device, l.time, l.value, l.status, l.arrived,
    extract(epoch FROM now() - l.time)::float8 AS age_s,
    extract(epoch FROM now() - l.arrived)::float8 AS arrived_age_s,
    l.status = 0 AND l.time > now() - make_interval(secs => v.validity_s) AS valid
FROM public.latest l JOIN grafana.vital v USING (vital);

CREATE OR REPLACE VIEW grafana.device AS
SELECT e.device, e.patient, e.gateway, d.source, d.interval_s, e.since, newest.measured, newest.arrived,
    extract(epoch FROM now() - newest.measured)::float8 AS measured_age_s,
    extract(epoch FROM now() - newest.arrived)::float8 AS arrived_age_s,
    d.interval_s > 0 AND coalesce(newest.measured, e.since) < now() - make_interval(
        secs => coalesce((rules.payload ->> 'no_data_factor')::float8, 2.0) * d.interval_s
              + coalesce((rules.payload ->> 'no_data_extra_s')::float8, 30)) AS silent
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

DROP TABLE latest_before;
