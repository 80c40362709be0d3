"""Readings: kept samples become wide rows, one a reading, each stored once however often it arrives."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg import sql

from devices.sample import Status
from devices.vitals import VITALS
from streams.store.copying import Columns, copy_in, timestamps
from streams.writes import Writes

_IDENTITY: Final = ("patient", "time", "device", "epoch", "sequence")
DIFFERS: Final = "differs from the first copy"
_UNSURE: Final = int(Status.CLOCK_UNSURE)


def wide_rows(writes: Writes) -> dict[str, npt.NDArray[np.generic]]:
    """The columns of staged readings, only those of vitals that occur; NaN and status 0 stand for NULL."""
    kept = np.flatnonzero(writes.keep)
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
        "partition": of["partition"],
        "patient": of["patient"].astype(np.int32),
        "time": timestamps(samples["time"][start]),
        "device": of["device"].astype(np.int32),
        "epoch": of["epoch"].astype(np.int64),
        "sequence": of["first"].astype(np.int64) + nth,
        "arrived": timestamps(of["append"]),
        "at_offset": of["offset"],
        "reading": nth.astype(np.int32),
    }
    for vital in np.unique(samples["vital"]).tolist():
        spec, of_vital = VITALS[vital], samples["vital"] == vital
        value = np.full(len(start), np.nan, np.float32)
        value[row[of_vital]] = samples["value"][of_vital]
        columns[spec.column] = value
        if (status[of_vital] != 0).any():
            why = np.zeros(len(start), np.int16)
            why[row[of_vital]] = status[of_vital]
            columns[f"{spec.column}_status"] = why
    return columns


def stage_readings(tx: psycopg.Connection, writes: Writes) -> Columns:
    """COPY the kept readings into ``stage_reading``; the columns staged (empty: none)."""
    if not writes.keep.any():
        return {}
    columns = wide_rows(writes)
    copy_in(tx, "stage_reading", columns)
    return columns


def insert_readings(tx: psycopg.Connection, staged: Columns, lost: list[int]) -> tuple[int, list[tuple[int, int, int]]]:
    """Move what is staged, except of the ``lost`` partitions, into ``reading``.

    How many rows were new, and which second copies differ from the first, as (partition, offset of the record, reading).
    """
    if not staged:
        return 0, []
    new = tx.execute(_insert_statement(tuple(staged)), [lost]).rowcount
    offered = int((~np.isin(staged["partition"], lost)).sum())
    return new, _differing(tx, lost) if new < offered else []


@lru_cache(256)
def _insert_statement(staged: tuple[str, ...]) -> bytes:
    vitals = [name for name in staged if name in _COLUMNS]
    statuses = [name for name in staged if name.removesuffix("_status") in _COLUMNS and name not in _COLUMNS]
    keys = [*_IDENTITY, "arrived", "at_offset"]
    names = sql.SQL(", ").join(map(sql.Identifier, [*keys, *vitals, *statuses]))
    values = sql.SQL(", ").join(
        [
            *map(sql.Identifier, keys),
            *(sql.SQL("nullif({}, 'NaN')").format(sql.Identifier(name)) for name in vitals),
            *(sql.SQL("nullif({}, 0)").format(sql.Identifier(name)) for name in statuses),
        ]
    )
    insert = sql.SQL(
        "INSERT INTO reading ({}) SELECT {} FROM stage_reading WHERE partition <> ALL(%s) ON CONFLICT DO NOTHING"
    )
    return insert.format(names, values).as_bytes()


def _differing(tx: psycopg.Connection, lost: list[int]) -> list[tuple[int, int, int]]:
    # a status "clock unsure" is the engine's, by the time of arrival: the bytes may still be the same
    value = sql.SQL("r.{0} IS DISTINCT FROM nullif(s.{0}, 'NaN')")
    status = sql.SQL("(coalesce(r.{0}, 0) <> coalesce(s.{0}, 0) AND {1} NOT IN (coalesce(r.{0}, 0), coalesce(s.{0}, 0)))")
    differs = sql.SQL(" OR ").join(
        [
            *(value.format(sql.Identifier(name)) for name in _COLUMNS),
            *(status.format(sql.Identifier(f"{name}_status"), _UNSURE) for name in _COLUMNS),
        ]
    )
    query = sql.SQL(
        "SELECT s.partition, s.at_offset, s.reading FROM stage_reading s JOIN reading r"
        " USING (patient, time, device, epoch, sequence)"
        " WHERE s.partition <> ALL(%s) AND r.at_offset <> s.at_offset AND ({}) ORDER BY 1, 2, 3"
    )
    return tx.execute(query.format(differs), [lost]).fetchall()


_COLUMNS: Final = frozenset(spec.column for spec in VITALS.values())
