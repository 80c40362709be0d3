"""Positions in a partition of the log: how far it reaches, and which record stands where."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Extent:
    """Offsets that a partition of the log holds: ``begin`` to ``end`` - 1."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Appended:
    """The identity of a record at its offset: ``append`` (LogAppendTime, ms) and ``crc`` of its value."""

    append: int
    crc: int
