"""Alarms between the table ``alarm`` and the pure core: datetimes become milliseconds and back, nothing is decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from psycopg.rows import kwargs_row

from alerts.database import Tx, epoch_ms, to_datetime
from alerts.life.alarm import Alarm
from devices.wire.batch import PARTITIONS

_TIMES: Final = frozenset({"onset", "measured", "ended", "acknowledged", "shelved_until", "outcome_at", "due", "closed"})
_COLUMNS: Final = Alarm.__struct_fields__
_STORED: Final = [name for name in _COLUMNS if name != "alarm"]
SELECT_ALARM: Final = f"SELECT {', '.join(epoch_ms(name) if name in _TIMES else name for name in _COLUMNS)} FROM alarm"
"""Rows that :data:`alarm_row` makes alarms of; a WHERE clause may follow."""
# by id, whoever locks: worker, desk and notifier never wait for each other in a circle
_LOCK_OPEN: Final = f"""
{SELECT_ALARM} WHERE closed IS NULL AND (subject_kind, subject, rule, source) IN (
    SELECT x.kind, x.subject, x.rule, x.source
    FROM unnest(%s::text[], %s::int4[], %s::text[], %s::int4[]) AS x(kind, subject, rule, source))
ORDER BY alarm FOR UPDATE"""
_LOCK_ACTIVE: Final = f"""
{SELECT_ALARM}
WHERE closed IS NULL AND active AND CASE subject_kind WHEN 'patient' THEN subject %% %s ELSE subject END = ANY(%s)
ORDER BY alarm FOR UPDATE"""
_LOCK_ONE: Final = f"{SELECT_ALARM} WHERE alarm = %s FOR UPDATE"
_INSERT: Final = f"""
INSERT INTO alarm ({", ".join(_STORED)})
SELECT {", ".join(_STORED)} FROM jsonb_populate_recordset(NULL::alarm, %s::jsonb)
RETURNING alarm, subject_kind, subject, rule, source"""
_UPDATE: Final = f"""
UPDATE alarm a SET ({", ".join(_STORED)}) = ({", ".join(f"x.{name}" for name in _STORED)})
FROM jsonb_populate_recordset(NULL::alarm, %s::jsonb) x WHERE a.alarm = x.alarm"""

Key = tuple[str, int, str, int]
"""(subject_kind, subject, rule, source): one alarm while open."""


def _alarm(**columns: Any) -> Alarm:
    return msgspec.convert(columns, Alarm)


alarm_row: Final = kwargs_row(_alarm)
"""The row factory of :data:`SELECT_ALARM`: the one decoder of alarm rows."""


def key_of(alarm: Alarm) -> Key:
    return alarm.subject_kind, alarm.subject, alarm.rule, alarm.source


def lock_open(tx: Tx, keys: Sequence[Key]) -> dict[Key, Alarm]:
    """The open alarms of these keys, locked in order of their ids."""
    columns = [list(column) for column in zip(*keys, strict=True)]
    return {key_of(alarm): alarm for alarm in tx.cursor(row_factory=alarm_row).execute(_LOCK_OPEN, columns)}


def lock_active(tx: Tx, partitions: Sequence[int]) -> list[Alarm]:
    """The alarms of these partitions and their patients whose condition is true, locked in order of their ids."""
    return tx.cursor(row_factory=alarm_row).execute(_LOCK_ACTIVE, [PARTITIONS, list(partitions)]).fetchall()


def lock_one(tx: Tx, alarm: int) -> Alarm | None:
    """The alarm with this id, locked, open or closed."""
    return tx.cursor(row_factory=alarm_row).execute(_LOCK_ONE, [alarm]).fetchone()


def insert(tx: Tx, alarms: Sequence[Alarm]) -> dict[Key, int]:
    """Store new alarms; return their ids by key."""
    return {tuple(key): alarm for alarm, *key in tx.execute(_INSERT, [_json(alarms)])}


def update(tx: Tx, alarms: Sequence[Alarm]) -> None:
    """Store alarms that are locked."""
    tx.execute(_UPDATE, [_json(alarms)])


def json_text(rows: object) -> str:
    """JSON for a ``jsonb`` parameter; NaN becomes null, numpy's numbers plain ones."""
    return msgspec.json.encode(rows, enc_hook=lambda number: number.item()).decode()


def _json(alarms: Iterable[Alarm]) -> str:
    return json_text([{name: _stored(name, getattr(alarm, name)) for name in _COLUMNS} for alarm in alarms])


def _stored(name: str, value: Any) -> object:
    return to_datetime(value) if name in _TIMES and value is not None else value
