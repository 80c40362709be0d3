-- The desk says when a channel last delivered anything: found without reading all notifications.
CREATE INDEX notification_sent ON notification (channel, sent DESC) WHERE sent IS NOT NULL;
