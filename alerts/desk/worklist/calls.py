"""The alarms that call a person to a screen: unacknowledged, and the condition stands or was high (it latches).

A page rings and says each of them once it is new or worse, whatever row it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable

from alerts.desk.worklist.lines import Line
from alerts.desk.worklist.words import devices_of, kind_of, plain
from alerts.fold.fold import GROUPED_RULE
from alerts.life.alarm import Alarm

Call = list[object]
"""[identity, priority 1 to 3, kind, onsets, text, line]: a greater priority is worse, a greater number of onsets is new."""


def calls_of(lines: Iterable[Line]) -> list[Call]:
    """The calls of these lines, the most urgent first; a line for several patients calls once, one in hand does not."""
    found: dict[str, Call] = {}
    for line in lines:
        for alarm in line.alarms:
            if line.held or not calling(alarm):
                continue
            name = _identity(line, alarm)
            before = found.get(name)
            if before is None or int(alarm.priority) > int(str(before[1])):
                found[name] = [name, int(alarm.priority), kind_of(alarm), alarm.onsets, _text(line, alarm), line.key]
    return sorted(found.values(), key=lambda call: -int(str(call[1])))


def calling(alarm: Alarm) -> bool:
    """True while nobody has acted on an alarm that is not over, or over but high."""
    return alarm.life == "unacknowledged" and (alarm.active or alarm.latched)


def _identity(line: Line, alarm: Alarm) -> str:
    if line.cause and not line.key.startswith("g"):
        return line.key
    if alarm.rule == GROUPED_RULE:
        return f"g{alarm.source}"  # on one patient's line or on the gateway's own: the same call
    return str(alarm.alarm) if line.patient else line.key


def _text(line: Line, alarm: Alarm) -> str:
    names = ", ".join(p.name for p in line.patients) or "the system"
    return f"{plain(alarm, devices_of(line.patient))}, {names}"
