"""Columns: state of many series as numpy arrays."""
