-- By which channels a team is told, and how a restored database is noticed.
CREATE TABLE channel (                          -- what the notifier can send by, besides its log; written by the notifier
    name text PRIMARY KEY,
    since timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE care_team ALTER COLUMN channels SET DEFAULT '{}';  -- {}: every channel that the notifier has
UPDATE care_team SET channels = '{}' WHERE channels = '{log}';  -- nobody chose it: no command could

ALTER TABLE desk_epoch
    ADD COLUMN of_database text,                -- alerts.control.restored: the database that this epoch was made in
    ADD COLUMN reason text NOT NULL DEFAULT 'first start';
CREATE INDEX control_newest ON control (epoch, sequence);  -- the newest change of the desk that took effect
ALTER TABLE control_outbox ADD COLUMN epoch int8;  -- under which it was sent last; it took effect only under this one or a later one
