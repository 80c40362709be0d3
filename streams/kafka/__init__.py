"""The log in Kafka: fetching, positions, clock records."""
