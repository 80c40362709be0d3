"""The engine: the log folded.  Nothing here does I/O."""
