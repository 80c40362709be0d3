"""Conditions become alarms: the fold over locked rows."""
