"""Vigil and other stream processors with the same job on the same topic in one run: ``make bench-peers``."""
