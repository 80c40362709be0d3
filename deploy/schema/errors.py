"""Faults of a database's schema."""

from __future__ import annotations


class SchemaError(Exception):
    """The schema is not what this program needs."""


class SchemaTooNewError(SchemaError):
    """The database knows a migration that this program does not."""

    def __init__(self, number: int) -> None:
        super().__init__(f"The database is at schema {number:04}, made by a newer Vigil: update this one, then start again.")
        self.number = number
