"""The worklist: one reader a process reads it from the database, all pages show it."""
