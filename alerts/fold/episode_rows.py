"""Episodes between the table ``episode`` and the pure core."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from psycopg.rows import kwargs_row

from alerts.database import Tx, epoch_ms, to_datetime
from alerts.fold.alarm_rows import json_text
from alerts.life.episode import Episode, Level

Subject = tuple[str, int]
"""(subject_kind, subject): one episode while open."""
_TIMES: Final = frozenset({"opened", "called_at", "due", "closed"})
_LEVELS: Final = ("called", "taken")
_COLUMNS: Final = Episode.__struct_fields__
_STORED: Final = [name for name in _COLUMNS if name != "episode"]


def _selected(name: str) -> str:
    return epoch_ms(name) if name in _TIMES else f"{name}::text AS {name}" if name in _LEVELS else name


SELECT_EPISODE: Final = f"SELECT {', '.join(map(_selected, _COLUMNS))} FROM episode"
"""Rows that :data:`episode_row` makes episodes of; a WHERE clause may follow."""
# before any alarm, and by id, whoever locks
_LOCK_OPEN: Final = f"""
{SELECT_EPISODE} WHERE closed IS NULL AND (subject_kind, subject) IN (
    SELECT x.kind, x.subject FROM unnest(%s::text[], %s::int4[]) AS x(kind, subject))
ORDER BY episode FOR UPDATE"""
_LOCK: Final = f"{SELECT_EPISODE} WHERE episode = ANY(%s) ORDER BY episode FOR UPDATE"
_INSERT: Final = f"""
INSERT INTO episode ({", ".join(_STORED)})
SELECT {", ".join(_STORED)} FROM jsonb_populate_recordset(NULL::episode, %s::jsonb)
RETURNING subject_kind, subject, episode"""
_UPDATE: Final = f"""
UPDATE episode e SET ({", ".join(_STORED)}) = ({", ".join(f"x.{name}" for name in _STORED)})
FROM jsonb_populate_recordset(NULL::episode, %s::jsonb) x WHERE e.episode = x.episode"""
_LEVEL: Final = msgspec.json.Decoder(Level | None)


def _episode(**columns: Any) -> Episode:
    """A damaged row still makes an episode: what cannot be read of its calls has never been, so that it calls again."""
    for name in _LEVELS:
        try:
            columns[name] = _LEVEL.decode(columns[name] or "null")
        except (msgspec.DecodeError, RecursionError):
            columns[name] = None
    columns["opened"] = columns["opened"] or 0
    if columns["called"] is None:
        columns["called_at"] = None
    return msgspec.convert(columns, Episode)


episode_row: Final = kwargs_row(_episode)
"""The row factory of :data:`SELECT_EPISODE`."""


def lock_open_episodes(tx: Tx, subjects: Sequence[Subject]) -> dict[Subject, Episode]:
    """The open episodes of these subjects, locked in order of their ids."""
    columns = [list(column) for column in zip(*subjects, strict=True)]
    rows = tx.cursor(row_factory=episode_row).execute(_LOCK_OPEN, columns)
    return {(one.subject_kind, one.subject): one for one in rows}


def lock_episodes(tx: Tx, episodes: Iterable[int]) -> dict[int, Episode]:
    """These episodes, open or closed, locked in order of their ids."""
    rows = tx.cursor(row_factory=episode_row).execute(_LOCK, [list(episodes)])
    return {one.episode: one for one in rows}


def insert_episodes(tx: Tx, episodes: Iterable[Episode]) -> dict[Subject, int]:
    """Store new episodes; return their ids by subject."""
    rows = tx.execute(_INSERT, [json_text([_json(one) for one in episodes])])
    return {(kind, subject): episode for kind, subject, episode in rows}


def update_episodes(tx: Tx, episodes: Iterable[Episode]) -> None:
    """Store episodes that are locked."""
    tx.execute(_UPDATE, [json_text([_json(one) for one in episodes])])


def _json(episode: Episode) -> dict[str, object]:
    values = {name: getattr(episode, name) for name in _COLUMNS}
    return {name: to_datetime(value) if name in _TIMES and value is not None else value for name, value in values.items()}
