"""Checks of a gateway by itself, each with what to do."""
