-- One item a patient: an episode is all open alarms of one subject; it calls people (docs/decisions/0190).
CREATE TABLE episode (
    episode int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject_kind text NOT NULL CHECK (subject_kind IN ('patient', 'partition')),
    subject int4 NOT NULL,
    opened timestamptz NOT NULL,
    step int4 NOT NULL DEFAULT 0,               -- number of the next call
    called jsonb,                               -- the level of the last call: priority, parameters at high, score
    called_at timestamptz,
    taken jsonb,                                -- the level at which somebody took it, while they have it
    due timestamptz,                            -- when it calls next, if nothing changes
    closed timestamptz,
    version int4 NOT NULL DEFAULT 1
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX episode_open ON episode (subject_kind, subject) WHERE closed IS NULL;
CREATE INDEX episode_due ON episode (due) WHERE closed IS NULL AND due IS NOT NULL;

ALTER TABLE alarm ADD COLUMN episode int8, ADD COLUMN worst_score real;
ALTER TABLE notification ADD COLUMN episode int8;

-- What is open belongs to an episode from now on, which goes on with the calls where its alarms were.
INSERT INTO episode (subject_kind, subject, opened, step, due)
SELECT subject_kind, subject, min(onset), max(step) + 1, min(due) FILTER (WHERE life = 'unacknowledged')
FROM alarm WHERE closed IS NULL GROUP BY subject_kind, subject;
UPDATE alarm a SET episode = e.episode, due = CASE WHEN a.life = 'unacknowledged' AND (a.active OR a.worst = 3) THEN NULL ELSE a.due END
FROM episode e WHERE a.closed IS NULL AND (e.subject_kind, e.subject) = (a.subject_kind, a.subject);
UPDATE notification n SET episode = a.episode FROM alarm a WHERE a.alarm = n.alarm AND a.episode IS NOT NULL;
CREATE INDEX alarm_episode ON alarm (episode) WHERE closed IS NULL;
CREATE INDEX notification_episode ON notification (episode, recipient, channel, step);
ALTER TABLE alarm DROP COLUMN step;             -- of the episode now
