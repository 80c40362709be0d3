"""Loads: what the rows of the table put on the system."""
