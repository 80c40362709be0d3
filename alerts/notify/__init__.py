"""Telling people: an outbox in the database, one module a channel, and the time that drives repeats and shelves."""
