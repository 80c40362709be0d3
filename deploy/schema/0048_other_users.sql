-- Whose a user of a shared cuff or scale is not, as the patient said: nobody is asked twice (docs/decisions/0212).
CREATE TABLE other_user (
    patient int4 NOT NULL REFERENCES patient ON DELETE CASCADE,
    address text NOT NULL,
    device_user int2 NOT NULL CHECK (device_user BETWEEN 0 AND 254),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (patient, address, device_user)
);
