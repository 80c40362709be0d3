-- The zone of a home, and readings whose time is that of their arrival (docs/decisions/0110, 0160).
ALTER TABLE gateway ADD COLUMN zone text NOT NULL DEFAULT '';  -- such as Europe/Berlin; '': nobody has set it
ALTER TABLE reading ADD COLUMN clock int2;      -- devices.wire.batch.ClockQuality, NULL: sure
CREATE INDEX event_fault ON event (time DESC) WHERE kind = 'fault';
CREATE INDEX reading_at_arrival ON reading (time DESC) WHERE clock = 2;
