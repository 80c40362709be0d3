"""Notifications: an outbox in the database, one module for each channel, and the timer of repeats and shelves."""
