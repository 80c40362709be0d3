"""Readings: kept samples become wide rows, one a reading, each stored once however often it arrives."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import psycopg

from devices.sample import Status
from devices.vitals import VITALS
from streams.engine.columns.arrays import Rows
from streams.engine.writes import Writes
from streams.store.copying import Columns, copy_in, timestamps

_IDENTITY: Final = ("patient", "time", "device", "epoch", "sequence")
DIFFERS: Final = "differs from the first copy"
STAGED_S: Final = 30.0
_UNSURE: Final = int(Status.CLOCK_UNSURE)
_STAGED_ONLY: Final = frozenset({"partition", "reading"})


def wide_rows(writes: Writes) -> dict[str, npt.NDArray[np.generic]]:
    """The columns of kept readings, only those of vitals that occur (none: no reading); NaN and status 0 stand for NULL."""
    kept = np.flatnonzero(writes.accepted)
    if not len(kept):
        return {}
    samples, record, status = writes.round.samples[kept], writes.round.record[kept], writes.status[kept]
    reading = record.astype(np.int64) << 16 | samples["reading"]
    if (np.diff(reading) < 0).any():
        order = np.argsort(reading, kind="stable")
        samples, record, status, reading = samples[order], record[order], status[order], reading[order]
    begins = np.ones(len(reading), bool)
    begins[1:] = reading[1:] != reading[:-1]
    start, row = np.flatnonzero(begins), np.cumsum(begins) - 1
    of = writes.round.records[record[start]]
    nth = samples["reading"][start].astype(np.int64)
    columns: dict[str, npt.NDArray[np.generic]] = {
        **record_columns(of),
        "time": timestamps(samples["time"][start]),
        "sequence": of["first"].astype(np.int64) + nth,
        "reading": nth.astype(np.int32),
    }
    if of["clock"].any():
        columns["clock"] = of["clock"].astype(np.int16)
    for vital in np.unique(samples["vital"]).tolist():
        spec, of_vital = VITALS[vital], samples["vital"] == vital
        value = np.full(len(start), np.nan, np.float32)
        value[row[of_vital]] = samples["value"][of_vital]
        columns[spec.column] = value
        if (status[of_vital] != 0).any():
            code = np.zeros(len(start), np.int16)
            code[row[of_vital]] = status[of_vital]
            columns[f"{spec.column}_status"] = code
    return columns


def record_columns(of: Rows) -> dict[str, npt.NDArray[np.generic]]:
    """The columns a row has from its record, ``of`` RECORD [n]: its owner, and its place and time in the log."""
    return {
        "partition": of["partition"],
        "patient": of["patient"].astype(np.int32),
        "device": of["device"].astype(np.int32),
        "epoch": of["epoch"].astype(np.int64),
        "arrived": timestamps(of["append"]),
        "at_offset": of["offset"],
    }


class Readings:
    """Stores readings: straight into their table as long as each is new, else by way of staging.

    Straight is one COPY; it fails as a whole on the first identity that is stored already or stands twice in the round, and
    is undone to its savepoint.  Then, and for ``staged_s`` from then on (a gateway that sends again rarely sends one round),
    rows are staged and moved by a statement that passes over copies and compares them; and so until ``straight_from``
    (monotonic s).  Either way the same is stored and rejected: docs/decisions/0073-new-readings-go-straight.md.
    """

    def __init__(self, staged_s: float = STAGED_S, straight_from: float = 0.0) -> None:
        self._staged_s, self._straight_from = staged_s, straight_from

    def insert(self, tx: psycopg.Connection, rows: Columns, lost: frozenset[int]) -> tuple[int, list[tuple[int, int, int]]]:
        """Store :func:`wide_rows`, except of the ``lost`` partitions; ``tx`` holds the ledger's rows of the others, so
        nobody else writes theirs.

        How many rows were new, and which second copies differ from the first, as (partition, offset of the record, reading).
        """
        if rows and lost:
            rows = _where(~np.isin(rows["partition"], list(lost)), rows)
        if not rows or not len(rows["patient"]):
            return 0, []
        if time.monotonic() >= self._straight_from:
            try:
                with tx.transaction():
                    straight = {name: column for name, column in rows.items() if name not in _STAGED_ONLY}
                    return copy_in(tx, "reading", straight, _NULLABLE), []
            except psycopg.errors.UniqueViolation:
                self._straight_from = time.monotonic() + self._staged_s
        stage_readings(tx, rows)
        new = tx.execute(_insert_statement(tuple(rows))).rowcount
        return new, tx.execute(_DIFFERING).fetchall() if new < len(rows["patient"]) else []


def stage_readings(tx: psycopg.Connection, rows: Columns) -> None:
    """COPY :func:`wide_rows` into ``stage_reading``."""
    copy_in(tx, "stage_reading", rows)


def _where(these: npt.NDArray[np.bool_], rows: Columns) -> Columns:
    return {name: column[these] for name, column in rows.items()}


@lru_cache(256)
def _insert_statement(staged: tuple[str, ...]) -> bytes:
    """``staged``: :func:`wide_rows` names them, none of it from outside."""
    values = {name: name for name in (*_IDENTITY, "arrived", "at_offset")}
    values |= {name: f"nullif({name}, 'NaN')" for name in staged if name in _COLUMNS}
    values |= {name: f"nullif({name}, 0)" for name in staged if name in _NULLABLE - _COLUMNS}
    names, selected = ", ".join(values), ", ".join(values.values())
    return f"INSERT INTO reading ({names}) SELECT {selected} FROM stage_reading ON CONFLICT DO NOTHING".encode()


_COLUMNS: Final = frozenset(spec.column for spec in VITALS.values())
_NULLABLE: Final = _COLUMNS | {f"{name}_status" for name in _COLUMNS} | {"clock"}
# a status "clock unsure" is the engine's, by the time of arrival: the bytes may still be the same
_DIFFERS: Final = " OR ".join(
    f"r.{name} IS DISTINCT FROM nullif(s.{name}, 'NaN') OR coalesce(r.{name}_status, 0) <> coalesce(s.{name}_status, 0)"
    f" AND {_UNSURE} NOT IN (coalesce(r.{name}_status, 0), coalesce(s.{name}_status, 0))"
    for name in sorted(_COLUMNS)
)
_DIFFERING: Final = f"""
SELECT s.partition, s.at_offset, s.reading FROM stage_reading s JOIN reading r USING (patient, time, device, epoch, sequence)
WHERE r.at_offset <> s.at_offset AND ({_DIFFERS}) ORDER BY 1, 2, 3
""".encode()
