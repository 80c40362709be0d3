"""Rule sets as files: the format, the sets that Vigil brings, and their description."""
