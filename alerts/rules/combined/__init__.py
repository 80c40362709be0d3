"""Combinations of other rules."""
