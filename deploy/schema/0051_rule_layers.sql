-- Sets of rules that stand over the installation's: of a programme, a ward (a care team) or a patient (docs/decisions/0221).
CREATE TABLE rule_layer (
    layer int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme text,                             -- one of these three says whose it is
    team int4 REFERENCES care_team,
    patient int4 REFERENCES patient ON DELETE CASCADE,
    version int4 NOT NULL,                      -- 1, 2 … of the same owner
    source text NOT NULL,                       -- the rule file; empty: it was taken back
    by_person int4 NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    reason text NOT NULL,
    CHECK (num_nonnulls(programme, team, patient) = 1)
);
CREATE UNIQUE INDEX rule_layer_of ON rule_layer (programme, team, patient, version) NULLS NOT DISTINCT;

ALTER TABLE patient ADD COLUMN programme text;  -- NULL: none
