"""Sealed records become rounds."""
