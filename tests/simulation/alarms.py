"""The tables ``alarm``, ``alarm_event``, ``episode`` and ``notification``: what :mod:`alerts.fold.fold` writes there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace

from alerts.fold.alarm_rows import json_text
from alerts.fold.episode_rows import Subject
from alerts.fold.fold import OPERATORS, entry_row
from alerts.life.alarm import Alarm
from alerts.life.case import Case, Changed, Key, key_of, key_of_condition
from alerts.life.conflict import first_conflict
from alerts.life.episode import Episode
from alerts.life.events import Act, Tick
from streams.engine.condition import Condition

TEAM = "team:1"
"""Everybody's."""
_CHANNEL = "log"


@dataclass(slots=True)
class Alarms:
    """``rows`` and ``episodes`` by id; ``open`` by key, ``episode`` by subject; ``events_of``: what was folded into each
    subject, in the order of the commits, so that it can be folded again; acts with the key of their alarm and its number
    among those of its key.
    """

    rows: dict[int, Alarm] = field(default_factory=dict)
    open: dict[Key, int] = field(default_factory=dict)
    episodes: dict[int, Episode] = field(default_factory=dict)
    episode: dict[Subject, int] = field(default_factory=dict)
    events: dict[tuple[int, int], tuple[Any, ...]] = field(default_factory=dict)
    notifications: dict[tuple[int, str, str, int], dict[str, Any]] = field(default_factory=dict)
    events_of: dict[Subject, list[Condition | tuple[Act | Tick, Key, int]]] = field(default_factory=dict)

    def fold(self, conditions: Sequence[Condition]) -> None:
        """A round's conditions."""
        of: dict[Subject, list[Condition]] = defaultdict(list)
        for one in conditions:
            subject = key_of_condition(one)[:2]
            of[subject].append(one)
            self.events_of.setdefault(subject, []).append(one)
        cases = [(self._case(subject), some) for subject, some in of.items()]
        for case, some in cases:
            case.take_conditions(some)
        self._write([case for case, _ in cases])

    def ids_of(self, conditions: Iterable[Condition]) -> list[int]:
        """The open episodes that a round's conditions lock, in order."""
        subjects = {key_of_condition(one)[:2] for one in conditions}
        return sorted(self.episode[subject] for subject in subjects if subject in self.episode)

    def of(self, key: Key) -> list[int]:
        """All alarms of a key, in order."""
        return [number for number, row in self.rows.items() if key_of(row) == key]

    def apply(self, alarm: int, event: Act | Tick, expected_version: int | None = None) -> bool:
        """What a person does, or time to its episode; False where it is in the way of somebody else's act."""
        row = self.rows[alarm]
        if expected_version is not None and not isinstance(event, Tick):
            later = [row for (of, version), row in self.events.items() if of == alarm and version > expected_version]
            since = [(kind, actor) for _, kind, actor, _ in later]
            if first_conflict(since, event.by) is not None:
                return False
        key = key_of(row)
        case = self._case(key[:2]) if row.life != "closed" else Case(None, [row])
        if isinstance(event, Tick):
            if row.life == "closed":
                return True
            case.take_tick(event.at)
        else:
            case.take_acts({alarm: event}, event.at)
        self.events_of.setdefault(key[:2], []).append((event, key, self.of(key).index(alarm)))
        self._write([case])
        return True

    def _case(self, subject: Subject) -> Case:
        number = self.episode.get(subject)
        rows = [self.rows[alarm] for key, alarm in self.open.items() if key[:2] == subject]
        return Case(None if number is None else self.episodes[number], sorted(rows, key=lambda one: one.alarm))

    def _write(self, cases: Sequence[Case]) -> None:
        for case in cases:
            if case.episode is not None and case.episode != case.stored and case.stored is None:
                case.episode = replace(case.episode, episode=len(self.episodes) + 1)
            if (one := case.episode) is not None:
                self.episodes[one.episode] = one
                subject = one.subject_kind, one.subject
                if one.closed is None:
                    self.episode[subject] = one.episode
                else:
                    del self.episode[subject]
        for case in cases:
            for changed in case.changes:
                self._keep(case, changed)
        for case in cases:
            if case.stop and case.stored is not None:
                mine = {number for number, row in self.rows.items() if row.episode == case.stored.episode}
                for (alarm, *_), message in self.notifications.items():
                    if alarm in mine:
                        message["stopped"] = True
            for call in case.calls:
                lead = case.alarms[call.lead].alarm
                message = {"due": call.at, "stopped": False}
                to = TEAM if lead.subject_kind == "patient" else OPERATORS
                self.notifications.setdefault((lead.alarm, to, _CHANNEL, call.step), message)

    def _keep(self, case: Case, one: Changed) -> None:
        if not one.stored:
            assert case.episode is not None
            one.alarm = replace(one.alarm, alarm=len(self.rows) + 1, episode=case.episode.episode)
        row = _as_stored(one.alarm)
        key = key_of(row)
        if row.life == "closed":
            if self.open.get(key) == row.alarm:
                del self.open[key]
        else:
            assert self.open.setdefault(key, row.alarm) == row.alarm, f"two open alarms {key}"
        self.rows[row.alarm] = row
        for version, entry in one.history:
            content = msgspec.json.decode(json_text(entry_row(entry, one.before)["content"]))
            assert (row.alarm, version) not in self.events, f"alarm {row.alarm} changed twice to version {version}"
            self.events[row.alarm, version] = (entry.at, entry.kind, entry.actor, content)


def _as_stored(alarm: Alarm) -> Alarm:
    """As the row gives it back: ``real`` columns, JSON."""
    detail = msgspec.json.decode(json_text(alarm.detail))
    value, limit, score = (_real(one) for one in (alarm.value, alarm.limit_value, alarm.worst_score))
    return replace(alarm, value=value, limit_value=limit, worst_score=score, detail=detail)


def _real(value: float | None) -> float | None:
    return None if value is None or value != value else float(np.float32(value))
