"""Processes that are measured, and what they note of themselves while they work: one JSON line a step, in a file."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, Self, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from benchmarks.errors import BenchmarkError, ContenderError
from deploy.stack.child import Child
from devices.wire.batch import PARTITIONS

ROOT: Final = Path(__file__).resolve().parents[2]
_SILENCE_S: Final = 60.0
_APART_S: Final = 600
_Found = TypeVar("_Found")
Notes = npt.NDArray[np.int64]
"""[n, 4]: partition, offset, sent (ns), appended (ms) of each record."""


class Step(msgspec.Struct, frozen=True):
    """The wall clock and CPU of the process, in ns, after ``messages`` with ``samples`` since the last step."""

    at: int
    cpu: int
    messages: int
    samples: int
    moves: list[tuple[int, int, int]] = []  # partition, first offset, next offset


class Result(msgspec.Struct, frozen=True):
    """The result of a contender, compared with those of the others."""

    samples: int
    total: float  # sum of all values
    outside: int  # samples outside a limit


class Observer:
    """Writes steps; used inside the measured process."""

    def __init__(self, file: Path) -> None:
        self._file: IO[bytes] = file.open("ab", buffering=0)

    def step(self, messages: int, samples: int, moves: list[tuple[int, int, int]] | None = None) -> None:
        self._write(Step(time.time_ns(), time.process_time_ns(), messages, samples, moves or []))

    def result(self, found: Result) -> None:
        self._write(found)

    def _write(self, line: msgspec.Struct) -> None:
        self._file.write(msgspec.json.encode(line) + b"\n")


class Observed:
    """A process ``python -m module`` (or ``command``) that notes its steps in a file, which is read here."""

    def __init__(
        self, name: str, module: str, folder: Path, environment: Mapping[str, str],
        command: Sequence[str | Path] | None = None,
    ) -> None:  # fmt: skip
        stamp = f"{name.replace(' ', '-').replace(',', '')}-{time.monotonic_ns()}"
        self.name, self._file = name, folder / f"{stamp}.jsonl"
        self._file.touch()
        settings = {
            "BENCH_OBSERVATION": str(self._file), "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **environment,
        }  # fmt: skip
        command = command or [sys.executable, "-m", module]
        self.child = Child(name, command, folder / f"{stamp}.log", env=settings)

    def steps(self) -> list[Step]:
        return [msgspec.json.decode(line, type=Step) for line in self._lines() if b'"cpu"' in line]

    def result(self) -> Result | None:
        lines = [line for line in self._lines() if b'"total"' in line]
        return msgspec.json.decode(lines[-1], type=Result) if lines else None

    def found(self) -> dict[str, float] | None:
        """The result of a contender of :mod:`benchmarks.peers`, once it has handled everything."""
        lines = [line for line in self._lines() if line.startswith(b'{"found"')]
        return msgspec.json.decode(lines[-1])["found"] if lines else None

    def wait(self, messages: int, silence_s: float = _SILENCE_S) -> list[Step]:
        """The steps once all ``messages`` were handled.

        Raises:
            ContenderError: it ended, or nothing came for ``still_s`` seconds.
        """
        seen, since = -1, time.monotonic()
        while True:
            steps = self.steps()
            done = sum(step.messages for step in steps)
            if done >= messages:
                return steps
            if done != seen:
                seen, since = done, time.monotonic()
            if not self.child.running:
                raise ContenderError(self.name, f"ended after {done} of {messages} messages", self.child.tail())
            if time.monotonic() - since > silence_s:
                raise ContenderError(self.name, f"stands still after {done} of {messages} messages", self.child.tail())
            time.sleep(0.05)

    def wait_for_partitions(self, limit_s: float) -> None:
        """Wait until the clock records of every partition are committed.

        Raises:
            BenchmarkError: the worker ended, or ``limit_s`` are over.
        """
        end = time.monotonic() + limit_s
        while len({partition for step in self.steps() for partition, _, _ in step.moves}) < PARTITIONS:
            if time.monotonic() > end or not self.child.running:
                raise BenchmarkError(f"The worker did not take all partitions; the end of its log:\n{self.child.tail()}")
            time.sleep(0.2)

    def _lines(self) -> list[bytes]:
        text = self._file.read_bytes()
        return text[: text.rfind(b"\n") + 1].splitlines()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.stop(timeout=10)


def run_apart(module: str, spec: Any, found: type[_Found]) -> _Found:
    """Run ``python -m module SPEC``, SPEC as JSON, in a process of its own; its last line of output, decoded.

    Raises:
        ContenderError: it failed.
    """
    command = [sys.executable, "-m", module, msgspec.json.encode(spec).decode()]
    settings = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env=settings, capture_output=True, check=False, timeout=_APART_S, cwd=ROOT)
    if done.returncode:
        raise ContenderError(f"{module} with {spec}"[:200], f"ended with {done.returncode}", done.stderr.decode()[-2000:])
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=found)


def observer() -> Observer:
    """The observer that this process's parent asked for."""
    return Observer(Path(os.environ["BENCH_OBSERVATION"]))


def cpu_a_message(steps: list[Step], total: int, skip: float) -> tuple[float, float]:
    """(ns of CPU a message, ns a sample) to the last step, from the one without messages by which a contender says that
    it begins, else from the first one after ``skip`` of ``total`` messages.
    """
    seen, start = 0, 0
    for n, step in enumerate(steps):
        seen += step.messages
        if not step.messages or seen >= skip * total:
            start = n
            break
    start = min(start, len(steps) - 2) if len(steps) > 1 else 0
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
