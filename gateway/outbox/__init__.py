"""The outbox: every reading is on disk before it is acknowledged."""
