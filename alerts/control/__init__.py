"""Control records: the changes that the desk sends to the log, in order."""
