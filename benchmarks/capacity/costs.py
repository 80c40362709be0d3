"""Measured costs that the capacity model multiplies: which figures of ``python -m benchmarks`` they are, and their file."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks.errors import BenchmarkError

FILE: Final = Path(__file__).with_name("costs.json")
SOURCES: Final = {
    "worker_sparse": ("worker", "100k: worker's CPU"),
    "worker_dense": ("scale", "1 worker, 60 a batch: workers' CPU"),
    "database_sparse": ("worker", "100k: database's CPU"),
    "database_dense": ("scale", "1 worker, 60 a batch: database's CPU"),
    "brokers_sparse": ("scale", "1 worker, 1 a batch: brokers' CPU"),
    "brokers_dense": ("scale", "1 worker, 60 a batch: brokers' CPU"),
    "record_sparse": ("scale", "a record in the log, 1 a batch"),
    "record_dense": ("scale", "a record in the log, 60 a batch"),
    "wal_sparse": ("worker", "100k: write-ahead log"),
    "wal_dense": ("scale", "write-ahead log, 60 a batch"),
    "reading_row": ("worker", "100k: a row of reading"),
    "rollup_row": ("worker", "100k: a row of rollup_minute"),
    "memory": ("worker", "100k: memory, peak"),
    "connected": ("gateways", "1000 gateways: connected and acknowledged"),
    "connection": ("gateways", "1000 gateways: broker's CPU a connection"),
    "connection_memory": ("gateways", "1000 gateways: broker's memory a connection"),
    "request": ("gateways", "1000 gateways: broker's CPU a batch"),
    "reconnected": ("gateways", "1000 gateways: all acknowledged after kill"),
}
"""Cost -> (row, figure); the figure's median counts."""


class Cost(msgspec.Struct, frozen=True):
    """A median with its lowest and highest repetition, and when it was measured."""

    value: float
    low: float
    high: float
    unit: str
    at: str


class Costs(msgspec.Struct):
    """The costs by the names of :data:`SOURCES`, and the machine of the newest run."""

    machine: dict[str, Any]
    costs: dict[str, Cost]

    def __getitem__(self, name: str) -> float:
        return self.costs[name].value


def load(file: Path = FILE) -> Costs:
    """Raises BenchmarkError: one is missing, or the file is no such file."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=Costs)
    except (OSError, msgspec.MsgspecError) as error:
        raise BenchmarkError(f"{file} cannot be read ({error}): measure and --take the runs.") from None
    if missing := sorted(SOURCES.keys() - found.costs.keys()):
        raise BenchmarkError(f"{file} lacks {', '.join(missing)}: run {' and '.join(rows_of(missing))} and --take them.")
    return found


def rows_of(names: list[str]) -> list[str]:
    """The commands that measure these costs."""
    return [f"`python -m benchmarks {row}`" for row in dict.fromkeys(SOURCES[name][0] for name in names)]


def take(runs: list[Path], file: Path = FILE) -> None:
    """Put what ``runs`` (files of ``python -m benchmarks --json``) measured into ``file``; the rest of it stays.

    Raises:
        BenchmarkError: a run was a quick one, whose figures do not count, or has no figure of these.
    """
    old = msgspec.json.decode(file.read_bytes(), type=Costs) if file.exists() else Costs({}, {})
    for run in runs:
        found = json.loads(run.read_text())
        if found["quick"]:
            raise BenchmarkError(f"{run} is of a quick run: its figures do not count.")
        figures = {(one["row"], one["name"]): one for one in found["figures"]}
        new = {name: _cost(figures[source], found["at"]) for name, source in SOURCES.items() if source in figures}
        if not new:
            raise BenchmarkError(f"{run} has none of the figures that capacity is computed from.")
        old = Costs(found["machine"], {name: (old.costs | new)[name] for name in SOURCES if name in old.costs | new})
    file.write_bytes(msgspec.json.format(msgspec.json.encode(old), indent=2) + b"\n")


def _cost(figure: dict[str, Any], at: str) -> Cost:
    day = datetime.fromisoformat(at).date().isoformat()
    median, low, high = (float(f"{figure[name]:.4g}") for name in ("median", "low", "high"))
    return Cost(median, low, high, figure["unit"], day)
