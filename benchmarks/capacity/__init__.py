"""The capacity page, computed from measured costs."""
