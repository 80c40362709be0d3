"""Shared parts of all pages: sign-in, access, audit, templates."""
