"""Control records: what the desk says to the log, in order."""
