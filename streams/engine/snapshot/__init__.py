"""The small state of a partition, saved and restored."""
