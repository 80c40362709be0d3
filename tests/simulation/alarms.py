"""The tables ``alarm``, ``alarm_event`` and ``notification``: what :mod:`alerts.fold.fold` writes there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace

from alerts.fold.alarm_rows import Key, json_text, key_of
from alerts.fold.fold import OPERATORS, Folded, folded, key_of_condition
from alerts.life.alarm import Alarm
from alerts.life.conflict import first_conflict
from alerts.life.events import Act, Tick
from alerts.life.transition import transition
from streams.engine.condition import Condition

TEAM = "team:1"
"""Everybody's."""
_CHANNEL = "log"


@dataclass(slots=True)
class Alarms:
    """``rows`` by id; ``open`` by key; ``happened``: what was folded into each key, in the order of the commits, so that it
    can be folded again; acts with the number of their alarm among those of its key.
    """

    rows: dict[int, Alarm] = field(default_factory=dict)
    open: dict[Key, int] = field(default_factory=dict)
    events: dict[tuple[int, int], tuple[Any, ...]] = field(default_factory=dict)
    notifications: dict[tuple[int, str, str, int], dict[str, Any]] = field(default_factory=dict)
    events_of: dict[Key, list[Condition | tuple[Act | Tick, int]]] = field(default_factory=dict)

    def fold(self, conditions: Sequence[Condition]) -> None:
        """A round's conditions."""
        keys = sorted({key_of_condition(one) for one in conditions})
        standing = {key: self.rows[self.open[key]] for key in keys if key in self.open}
        for one in conditions:
            self.events_of.setdefault(key_of_condition(one), []).append(one)
        self._write(folded(standing, conditions))

    def ids_of(self, conditions: Iterable[Condition]) -> list[int]:
        """The open alarms that a round's conditions lock, in order."""
        keys = {key_of_condition(one) for one in conditions}
        return sorted(self.open[key] for key in keys if key in self.open)

    def of(self, key: Key) -> list[int]:
        """All alarms of a key, in order."""
        return [number for number, row in self.rows.items() if key_of(row) == key]

    def apply(self, alarm: int, event: Act | Tick, expected_version: int | None = None) -> bool:
        """What a person or time does; False where it is in the way of somebody else's act."""
        row = self.rows[alarm]
        if expected_version is not None and not isinstance(event, Tick):
            later = [row for (of, version), row in self.events.items() if of == alarm and version > expected_version]
            since = [(kind, actor) for _, kind, actor, _ in later]
            if first_conflict(since, event.by) is not None:
                return False
        one = Folded(row, stored=True)
        one.take(*transition(row, event))
        self.events_of.setdefault(key_of(row), []).append((event, self.of(key_of(row)).index(alarm)))
        self._write([one])
        return True

    def _write(self, found: Sequence[Folded]) -> None:
        for one in found:
            if not one.history:
                continue
            if not one.stored:
                one.alarm = replace(one.alarm, alarm=len(self.rows) + 1)
            row = _as_stored(one.alarm)
            key = key_of(row)
            if row.life == "closed":
                if self.open.get(key) == row.alarm:
                    del self.open[key]
            else:
                assert self.open.setdefault(key, row.alarm) == row.alarm, f"two open alarms {key}"
            self.rows[row.alarm] = row
            for version, entry in one.history:
                content = msgspec.json.decode(json_text(entry.content))
                assert (row.alarm, version) not in self.events, f"alarm {row.alarm} changed twice to version {version}"
                self.events[row.alarm, version] = (entry.at, entry.kind, entry.actor, content)
            if one.stop and one.stored:
                for (alarm, *_), message in self.notifications.items():
                    if alarm == row.alarm:
                        message["stopped"] = True
            for notify in one.notify:
                message = {"due": notify.at, "stopped": False}
                to = TEAM if row.subject_kind == "patient" else OPERATORS
                self.notifications.setdefault((row.alarm, to, _CHANNEL, notify.step), message)


def _as_stored(alarm: Alarm) -> Alarm:
    """As the row gives it back: ``real`` columns, JSON."""
    detail = msgspec.json.decode(json_text(alarm.detail))
    return replace(alarm, value=_real(alarm.value), limit_value=_real(alarm.limit_value), detail=detail)


def _real(value: float | None) -> float | None:
    return None if value is None or value != value else float(np.float32(value))
