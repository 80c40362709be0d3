"""The uplink: readings go from the outbox to Kafka."""
