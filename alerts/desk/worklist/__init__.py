"""The worklist: read from the database by one reader a process, shown by all pages."""
