"""Processes that are measured, and what they note of themselves while they work: one JSON line a step, in a file."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import msgspec
import numpy as np
import numpy.typing as npt

from benchmarks.errors import ContenderError
from deploy.stack.child import Child
from devices.wire.batch import PARTITIONS

ROOT: Final = Path(__file__).resolve().parents[2]
WORKER: Final = (sys.executable, "-m", "benchmarks.loads.observed_worker")
_SILENCE_S: Final = 60.0
Notes = npt.NDArray[np.int64]
"""[n, 4]: partition, offset, sent (ns), appended (ms) of each record."""


class Step(msgspec.Struct, frozen=True):
    """The wall clock and CPU of the process, in ns, after ``messages`` with ``samples`` since the last step."""

    at: int
    cpu: int
    messages: int
    samples: int
    moves: list[tuple[int, int, int]] = []  # partition, first offset, next offset


class Delivered:
    """The notes of records that a producer sends: ``rows``, and how many ``failed``."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, int, int]] = []
        self.failed = 0

    def noting(self, at: int) -> Callable[[Any, Any], None]:
        """The producer's callback for a record that is sent ``at`` (ns)."""

        def note(error: Any, message: Any) -> None:
            self.failed += error is not None
            if error is None and message.offset() is not None:  # docs/decisions/0010: a lost one has no offset
                self.rows.append((message.partition(), message.offset(), at, message.timestamp()[1]))

        return note

    def notes(self) -> Notes:
        return np.array(self.rows, np.int64).reshape(-1, 4)


class Observed:
    """A process, by default Vigil's worker, that notes its steps in a file, which is read here."""

    def __init__(
        self, name: str, folder: Path, environment: Mapping[str, str], command: Sequence[str | Path] = WORKER
    ) -> None:
        stamp = f"{name.replace(' ', '-').replace(',', '')}-{time.monotonic_ns()}"
        self.name, self._file = name, folder / f"{stamp}.jsonl"
        self._file.touch()
        settings = {
            "BENCH_OBSERVATION": str(self._file), "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **environment,
        }  # fmt: skip
        self.child = Child(name, command, folder / f"{stamp}.log", env=settings)

    def steps(self) -> list[Step]:
        return [msgspec.json.decode(line, type=Step) for line in self._lines() if b'"cpu"' in line]

    def found(self) -> dict[str, float] | None:
        """The result of a contender (:mod:`benchmarks.peers.notes`), once it has handled everything."""
        lines = [line for line in self._lines() if line.startswith(b'{"found"')]
        return msgspec.json.decode(lines[-1])["found"] if lines else None

    def wait_for_partitions(self, limit_s: float) -> None:
        """Wait until the clock records of every partition are committed.

        Raises:
            ServerNotReadyError: the worker ended, or ``limit_s`` are over.
        """
        self.child.wait_until(
            lambda: len({partition for step in self.steps() for partition, _, _ in step.moves}) == PARTITIONS, limit_s
        )

    def _lines(self) -> list[bytes]:
        text = self._file.read_bytes()
        return text[: text.rfind(b"\n") + 1].splitlines()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.stop(timeout=10)


def wait(observed: Sequence[Observed], messages: int) -> list[list[Step]]:
    """The steps of each process, once they have handled all ``messages`` between them.

    Raises:
        ContenderError: one ended, or nothing came for a minute.
    """
    seen, since = -1, time.monotonic()
    while True:
        steps = [one.steps() for one in observed]
        done = sum(step.messages for each in steps for step in each)
        if done >= messages and all(steps):
            return steps
        if done != seen:
            seen, since = done, time.monotonic()
        silent = time.monotonic() - since > _SILENCE_S
        for one in observed:
            if silent or not one.child.running:
                reason = f"{'stands still' if silent else 'ended'} after {done} of {messages} messages"
                raise ContenderError(one.name, reason, one.child.tail())
        time.sleep(0.05)


def cpu_a_message(steps: list[Step], total: int, skip: float) -> tuple[float, float]:
    """(ns of CPU a message, ns a sample) to the last step, from the one without messages by which a contender says that
    it begins, else from the first one after ``skip`` of ``total`` messages.
    """
    seen = itertools.accumulate(step.messages for step in steps)
    begun = (n for n, (step, done) in enumerate(zip(steps, seen, strict=True)) if not step.messages or done >= skip * total)
    start = max(min(next(begun, 0), len(steps) - 2), 0)
    after = steps[start + 1 :] or steps
    cpu = steps[-1].cpu - (steps[start].cpu if len(steps) > 1 else 0)
    return cpu / max(sum(s.messages for s in after), 1), cpu / max(sum(s.samples for s in after), 1)


def committed_at(steps: list[Step], notes: Notes) -> Notes:
    """ns at which the worker knew of the commit of each note; -1: not yet."""
    moves = np.array([(p, after, step.at) for step in steps for p, _, after in step.moves], np.int64)
    found = np.full(len(notes), -1, np.int64)
    for partition in range(PARTITIONS):
        mine, which = moves[moves[:, 0] == partition], np.flatnonzero(notes[:, 0] == partition)
        at = np.searchsorted(mine[:, 1], notes[which, 1], side="right")
        found[which[at < len(mine)]] = mine[at[at < len(mine)], 2]
    return found


def commit_times(one: Observed, notes: Notes, limit_s: float) -> tuple[Notes, int]:
    """The commit times once all is committed or ``limit_s`` over, and how many were not: those count as committed now."""
    end = time.monotonic() + limit_s
    while True:
        found = committed_at(one.steps(), notes)
        left = found < 0
        if not left.any() or time.monotonic() > end or not one.child.running:
            found[left] = time.time_ns()
            return found, int(left.sum())
        time.sleep(1)
