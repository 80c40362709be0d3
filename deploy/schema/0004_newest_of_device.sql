-- The desk asks for each device's newest battery and link every five seconds.  Nearly all events are heartbeats, and without
-- this two days of them were gone through for a device that said nothing of its battery (400 devices: 530 ms; with it, 4).
CREATE INDEX event_newest ON event (patient, device, kind, time DESC) WHERE kind IN ('battery', 'link');
