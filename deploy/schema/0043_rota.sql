-- Who is called: rotas, people's own channels, and where an escalation is (docs/decisions/0200).
CREATE TABLE rota (                             -- every version of a team's rota file; care_team.rota is the one that counts
    team int4 NOT NULL REFERENCES care_team ON DELETE CASCADE,
    version int4 NOT NULL,
    source text NOT NULL,                       -- the file: alerts.rota.rota_file
    by_person int4 NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team, version)
);
ALTER TABLE care_team ADD COLUMN rota int4;     -- NULL: all of the team is called by the team's channels
CREATE TABLE rota_override (                    -- somebody takes a layer for a time; a swap is two of them
    override int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team int4 NOT NULL REFERENCES care_team ON DELETE CASCADE,
    layer text NOT NULL,
    person int4 NOT NULL REFERENCES person,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    by_person int4 NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    withdrawn timestamptz,
    CHECK (since < until)
);
CREATE INDEX rota_override_team ON rota_override (team, until) WHERE withdrawn IS NULL;
CREATE TABLE rota_hole (                        -- holes of which the manager was told, each once
    team int4 NOT NULL REFERENCES care_team ON DELETE CASCADE,
    layer text NOT NULL,
    since timestamptz NOT NULL,
    reported timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team, layer, since)
);
CREATE TABLE person_channel (                   -- how a person is reached, in order
    person int4 NOT NULL REFERENCES person ON DELETE CASCADE,
    channel text NOT NULL,
    place int4 NOT NULL,
    address bytea NOT NULL,                     -- sealed under the master key; empty where the channel needs none
    after_s int4 NOT NULL DEFAULT 0,
    quiet_since time,
    quiet_until time,
    PRIMARY KEY (person, channel),
    CHECK ((quiet_since IS NULL) = (quiet_until IS NULL))
);
CREATE TABLE escalation (                       -- of an episode that calls, until somebody has acted
    episode int8 PRIMARY KEY REFERENCES episode ON DELETE CASCADE,
    team int4 NOT NULL,
    priority int2 NOT NULL,
    step int4 NOT NULL,
    round int4 NOT NULL,
    since timestamptz NOT NULL,
    due timestamptz,                            -- NULL: it sleeps until the episode calls again
    people text[] NOT NULL,
    declined text[] NOT NULL,
    looking text[] NOT NULL
);
CREATE INDEX escalation_due ON escalation (due) WHERE due IS NOT NULL;
-- A message about a rota is about no alarm and has words of its own.
ALTER TABLE notification ALTER COLUMN alarm DROP NOT NULL,
    ADD COLUMN words text,
    ADD COLUMN together int4,                   -- how many rows its message was for
    ADD COLUMN delivered timestamptz,           -- as the provider reports
    ADD COLUMN seen timestamptz,
    ADD COLUMN declined timestamptz,
    ADD COLUMN acknowledged timestamptz;
ALTER TABLE channel ADD COLUMN personal bool NOT NULL DEFAULT false;  -- needs a person's address: no team is told by it
