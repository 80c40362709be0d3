-- The hand-over of a shift: one person offers what they have, the other confirms, and then it is theirs.
CREATE TABLE hand_over (
    hand_over int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    giver int4 NOT NULL REFERENCES person ON DELETE CASCADE,
    taker int4 NOT NULL REFERENCES person ON DELETE CASCADE,
    note text NOT NULL DEFAULT '',              -- what is no single patient's
    offered timestamptz NOT NULL DEFAULT clock_timestamp(),
    accepted timestamptz,
    withdrawn timestamptz,                      -- by the giver, or declined by the taker
    alarms int8[] NOT NULL DEFAULT '{}',        -- what changed hands
    CHECK (giver <> taker),
    CHECK (accepted IS NULL OR withdrawn IS NULL)
);
CREATE UNIQUE INDEX hand_over_open ON hand_over (giver) WHERE accepted IS NULL AND withdrawn IS NULL;
CREATE INDEX hand_over_to ON hand_over (taker) WHERE accepted IS NULL AND withdrawn IS NULL;
