-- What people measured by hand.  The relay appends each to the log as a reading of the desk itself (device 0, gateway 0).
CREATE TABLE observation (
    observation int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- the reading's sequence
    patient int4 NOT NULL REFERENCES patient ON DELETE CASCADE,
    time timestamptz NOT NULL,                  -- measured
    content jsonb NOT NULL,                     -- by the column of a vital: {"respiratory_rate": 24}
    by_person int4 NOT NULL,
    sent timestamptz,
    epoch int8,                                 -- the desk's, under which it was sent
    UNIQUE (patient, time)
);
CREATE INDEX observation_waiting ON observation (observation) WHERE sent IS NULL;
