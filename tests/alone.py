"""A test that compares times has the machine to itself: the processes of a run wait until it is done, and it for theirs."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

GATE_AND_ROOM = Path(__file__), Path(__file__).with_name("conftest.py")
"""Locked as they are: nothing is left behind, whoever ends how."""


@contextmanager
def turn(*, alone: bool, files: tuple[Path, Path] = GATE_AND_ROOM) -> Iterator[None]:
    """A test's turn.  A test that runs alone holds the gate while it waits, so that no other test begins."""
    with files[0].open() as gate, files[1].open() as room:
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield
