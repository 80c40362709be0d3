"""The worker: partitions taken, rounds computed and stored."""
