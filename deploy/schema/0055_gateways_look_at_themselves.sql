-- What gateways find wrong with themselves (docs/decisions/0235).
CREATE INDEX event_self_check ON event (gateway, time DESC) WHERE kind = 'self_check';
