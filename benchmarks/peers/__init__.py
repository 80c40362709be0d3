"""Vigil beside others that do the same job on the same topic in one run: ``make bench-peers``."""
