"""The life of an alarm: one pure function."""
