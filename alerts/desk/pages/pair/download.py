"""Everything that was measured of one patient as CSV, sent row by row: it may be weeks of a value a second."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from devices.sample import Status
from devices.vitals import VITALS

_COLUMNS: Final = tuple(spec.column for spec in VITALS.values())
HEADER: Final = ("time", "device", *(f"{spec.column} [{spec.unit}]" for spec in VITALS.values()), "remark")
_QUERY: Final = (
    f"SELECT r.time, d.name, {', '.join(f'r.{one}' for one in (*_COLUMNS, *(f'{one}_status' for one in _COLUMNS)))} "
    "FROM reading r LEFT JOIN device d USING (device) WHERE r.patient = %s ORDER BY r.time"
)
_AT_ONCE: Final = 2000
_WORDS: Final = {int(one): one.name.lower().replace("_", " ") for one in Status}


def row_of(zone: ZoneInfo, row: tuple[Any, ...]) -> list[str]:
    """One reading: its local time, the device, each value in its unit, and what is said against a value."""
    at, device, *rest = row
    values, statuses = rest[: len(_COLUMNS)], rest[len(_COLUMNS) :]
    remarks = [
        f"{name.replace('_', ' ')}: {_WORDS.get(status, 'not usable')}"
        for name, status in zip(_COLUMNS, statuses, strict=True)
        if status
    ]
    shown = ["" if value is None else f"{value:.7g}" for value in values]
    when = at.astimezone(zone).isoformat(timespec="milliseconds") if isinstance(at, datetime) else ""
    return [when, device or "", *shown, "; ".join(remarks)]


async def lines(connection: AsyncConnection[Any], patient: int, zone: ZoneInfo) -> AsyncIterator[str]:
    """The lines of the file, some thousand at once."""
    yield _text([list(HEADER)])
    async with connection.cursor(name="download") as cursor:
        await cursor.execute(_QUERY.encode(), [patient])
        while rows := await cursor.fetchmany(_AT_ONCE):
            yield _text([row_of(zone, row) for row in rows])


def _text(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([[_plain(cell) for cell in row] for row in rows])
    return text.getvalue()


def _plain(cell: str) -> str:
    """A name that a spreadsheet would take for a formula is no formula."""
    return f"'{cell}" if cell[:1] in {"=", "@", "+"} else cell
