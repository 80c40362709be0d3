-- What gateways follow, and what comes back to them (docs/decisions/0230, 0231).
CREATE INDEX enrolment_of_gateway ON enrolment (gateway);
-- A gateway whose credential was replaced is told so; one whom this database never knew is not (it may be the wrong one).
CREATE TABLE ended_credential (
    hash bytea PRIMARY KEY,                     -- SHA-256, as in gateway.credential_hash
    gateway int4 NOT NULL REFERENCES gateway ON DELETE CASCADE,
    ended timestamptz NOT NULL DEFAULT now()
);
-- Consent and enrolments change a gateway's configuration when they have taken effect.
CREATE FUNCTION hint_configuration() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added WHERE kind IN ('consent', 'enrolment')) THEN
        PERFORM pg_notify('vigil_config', '');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER control_hints AFTER INSERT ON control
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION hint_configuration();
-- Which readings were refused: NULL in rows from before, and where the record could not be read.
ALTER TABLE rejected ADD COLUMN device int8, ADD COLUMN epoch int8, ADD COLUMN sequence int8, ADD COLUMN readings int4,
    ADD COLUMN returned timestamptz;            -- when the gateway had it
-- Refused for good: not what an enrolment, a key or a mended worker may let in, nor what consent keeps out.
CREATE INDEX rejected_to_return ON rejected (gateway, at) WHERE returned IS NULL AND retried IS NULL AND gateway > 0
    AND reason NOT IN ('sender not enrolled', 'consent withdrawn', 'measured while consent was withdrawn',
        'the data key cannot be opened', 'unknown key', 'the engine failed', 'the store failed');
CREATE INDEX rejected_not_enrolled ON rejected (patient) WHERE reason = 'sender not enrolled' AND retried IS NULL;
