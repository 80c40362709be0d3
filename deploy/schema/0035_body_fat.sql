-- Body fat in percent, as body composition scales send it.  A worker that does not know the vital refuses its samples alone.
ALTER TABLE reading ADD COLUMN body_fat real, ADD COLUMN body_fat_status int2;

CREATE OR REPLACE VIEW grafana.vital (vital, name, short, label, unit, decimals, continuous, validity_s) AS
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
    (10::int2, 'glucose', 'Gluc', 'Glucose', 'mg/dL', 0, false, 28800),
    (11::int2, 'body_fat', 'Fat', 'Body fat', '%', 1, false, 259200);

CREATE OR REPLACE VIEW grafana.reading AS       -- wide: a status that is NULL says that the value beside it is good
SELECT patient, time, device, arrived,
    heart_rate, pulse_rate, spo2, respiratory_rate, systolic, diastolic, mean_arterial, temperature, weight, glucose,
    heart_rate_status, pulse_rate_status, spo2_status, respiratory_rate_status, systolic_status, diastolic_status,
    mean_arterial_status, temperature_status, weight_status, glucose_status, body_fat, body_fat_status
FROM public.reading;

CREATE OR REPLACE VIEW grafana.sample AS        -- long: a row a value; status 0 is good
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
    (10::int2, r.glucose, r.glucose_status),
    (11::int2, r.body_fat, r.body_fat_status)
) AS s (vital, value, status)
WHERE s.value IS NOT NULL OR s.status IS NOT NULL;
