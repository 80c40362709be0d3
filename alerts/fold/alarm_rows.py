"""Alarms between the table ``alarm`` and the pure core: datetimes become milliseconds and back, nothing is decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, get_args

import msgspec
from psycopg.rows import kwargs_row

from alerts.database import Tx, epoch_ms, to_datetime
from alerts.life.alarm import Alarm, Outcome
from devices.vitals import Vital
from devices.wire.batch import PARTITIONS
from streams.engine.condition import Priority

_TIMES: Final = frozenset({"onset", "measured", "ended", "acknowledged", "shelved_until", "outcome_at", "due", "closed"})
_COLUMNS: Final = Alarm.__struct_fields__
_STORED: Final = [name for name in _COLUMNS if name != "alarm"]


_DUE: Final = f"CASE WHEN due IS NOT NULL THEN coalesce({epoch_ms('due').removesuffix(' AS due')}, 0) END AS due"
"""A time that no calendar holds is damage: the alarm is due at once."""


def _selected(name: str) -> str:
    if name == "due":
        return _DUE
    return epoch_ms(name) if name in _TIMES else f"{name}::text AS {name}" if name == "detail" else name


SELECT_ALARM: Final = f"SELECT {', '.join(map(_selected, _COLUMNS))} FROM alarm"
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

UNREADABLE: Final = "unreadable"
"""In an alarm's detail: the columns of its row that could not be read."""

Key = tuple[str, int, str, int]
"""(subject_kind, subject, rule, source): one alarm while open."""


def _is_number(value: float | None) -> bool:
    return value is None or -_LARGEST < value < _LARGEST


_LARGEST: Final = 1e9
_PRIORITIES: Final = frozenset(Priority)
_VITALS: Final = frozenset(Vital)
_OUTCOMES: Final = frozenset(get_args(Outcome))
_SOUND: Final[dict[str, tuple[Callable[[Any], bool], object]]] = {
    "priority": (_PRIORITIES.__contains__, Priority.HIGH),
    "worst": (_PRIORITIES.__contains__, Priority.HIGH),
    "vital": (lambda vital: vital is None or vital in _VITALS, None),
    "value": (_is_number, None),
    "limit_value": (_is_number, None),
    "outcome": (lambda outcome: outcome is None or outcome in _OUTCOMES, None),
    "onset": (lambda onset: onset is not None, 0),
}
"""By column: the test of its value, and what stands in for one that fails it: the more urgent, or nothing."""
_DETAIL: Final = msgspec.json.Decoder(dict[str, object])


def _alarm(**columns: Any) -> Alarm:
    unreadable = []
    try:
        detail = _DETAIL.decode(columns["detail"])
    except (msgspec.DecodeError, RecursionError):
        detail, unreadable = {}, ["detail"]
    for name, (is_sound, instead) in _SOUND.items():
        if not is_sound(columns[name]):
            columns[name] = instead
            unreadable.append(name)
    columns["detail"] = {**detail, UNREADABLE: unreadable} if unreadable else detail
    return msgspec.convert(columns, Alarm)


alarm_row: Final = kwargs_row(_alarm)
"""The row factory of :data:`SELECT_ALARM`: the one decoder of alarm rows.

A damaged row still makes an alarm, never an error: it is read for many, and an alarm must not be lost.  Its columns that
cannot be read are named in ``detail`` under :data:`UNREADABLE`.
"""


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
