"""Limits on rolling figures."""
