-- Faults of one that must not stop or fill up everybody (docs/decisions/0130).
-- Data keys that cannot be opened: whose records are refused because of it, since when.
CREATE TABLE damaged_key (
    partition int4 NOT NULL,
    patient int4 NOT NULL,                      -- 0: the partition itself
    gateway int4 NOT NULL,                      -- 0: the desk
    key int8 NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partition, patient, gateway)
);
-- How many bytes of refused records are kept of each sender, as their headers say (patient and gateway -1: of the whole
-- partition), and how many records were not kept since there were too many.
CREATE TABLE refused_tally (
    partition int4 NOT NULL,
    patient int8 NOT NULL,
    gateway int8 NOT NULL,
    kept int8 NOT NULL,                         -- bytes
    dropped int8 NOT NULL DEFAULT 0,            -- records
    said int8 NOT NULL DEFAULT 0,               -- of those dropped, as many were reported by vigil maintain
    PRIMARY KEY (partition, patient, gateway)
);
ALTER TABLE rejected ADD COLUMN patient int8, ADD COLUMN gateway int8;   -- NULL in rows from before
CREATE INDEX rejected_at ON rejected (at);
CREATE INDEX quarantine_at ON quarantine (at);
