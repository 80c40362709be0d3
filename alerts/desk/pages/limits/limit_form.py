"""The limits editor, pure: what stands in it, and what a filled-in form makes of a patient's own limits."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from alerts.desk.errors import BadFormError
from alerts.desk.worklist.words import limit_number, unit_of
from devices.vitals import VITALS, Vital
from devices.wire.control import Level, Limit, Limits, PriorityWord, Side

FIELDS: Final[tuple[tuple[Side, PriorityWord, str], ...]] = (
    ("low", "high", "high below"),
    ("low", "medium", "medium below"),
    ("high", "medium", "medium above"),
    ("high", "high", "high above"),
)
"""The columns of the editor, from the lowest limit to the highest."""
_ALWAYS: Final = (
    Vital.HEART_RATE,
    Vital.PULSE_RATE,
    Vital.SPO2,
    Vital.RESPIRATORY_RATE,
    Vital.SYSTOLIC,
    Vital.DIASTOLIC,
    Vital.TEMPERATURE,
)
_SIDES: Final[tuple[Side, Side]] = ("low", "high")
_LONGEST_HOLD_S: Final = 3600
REASONS: Final = (
    "Known baseline of this patient", "New treatment", "Too many alarms without action", "Deterioration expected",
)  # fmt: skip

BySide = Mapping[tuple[int, str], Limit]


@dataclass(frozen=True, slots=True)
class EditorRow:
    """One vital: texts of its four limits (``None``: nothing is watched on that side by default) and of its hold."""

    vital: Vital
    name: str
    unit: str
    column: str
    own: bool
    limits: tuple[str, ...]
    hold: str


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a form changes, in words: "HR high above", "130", "120"."""

    what: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.what} {self.before} → {self.after}"


def by_side(limits: tuple[Limit, ...]) -> dict[tuple[int, str], Limit]:
    return {(limit.vital, limit.side): limit for limit in limits}


def rows(defaults: BySide, own: BySide) -> list[EditorRow]:
    """What stands in the editor: the patient's own limits on top of the rule set's."""
    both = {**defaults, **own}
    vitals = [v for v in Vital if v in _ALWAYS or any((v, side) in both for side in ("low", "high"))]
    found = []
    for vital in vitals:
        spec = VITALS[vital]
        texts = tuple(_text(both, vital, side, level) for side, level, _ in FIELDS)
        personal = any((vital, side) in own for side in ("low", "high"))
        found.append(EditorRow(vital, spec.label, unit_of(vital), spec.column, personal, texts, _hold(both, vital)))
    return found


def edited(defaults: BySide, own: BySide, form: Mapping[str, str]) -> tuple[Limits, list[Change]]:
    """The patient's own limits after a form, and what changed.

    The form names each field ``column.side.level`` and ``column.hold``; a missing one stays as it is, an empty one switches
    that limit off.  Sides that nobody touched keep following the rule set.

    Raises:
        BadFormError: a field holds no number, an implausible one, or limits that cross.
    """
    both, after, changes = {**defaults, **own}, dict(own), list[Change]()
    problems: dict[str, str] = {}
    for row in rows(defaults, own):
        spec = VITALS[row.vital]
        before = {(side, level): _level(both, row.vital, side, level) for side, level, _ in FIELDS}
        now = dict(before)
        for index, (side, level, words) in enumerate(FIELDS):
            name = f"{row.column}.{side}.{level}"
            text = form.get(name)
            if text is None or text.strip() == row.limits[index]:
                continue
            value = _number(text)
            if text.strip() and (value is None or not spec.plausible[0] <= value <= spec.plausible[1]):
                low, high = spec.plausible
                problems[name] = f"{spec.short} {words}: a number from {limit_number(low)} to {limit_number(high)}"
                continue
            hold = next((b.hold_s for b in (before[side, level], *before.values()) if b), 0)
            now[side, level] = None if value is None else Level(value, hold)
            changes.append(
                Change(
                    f"{spec.short} {words}",
                    row.limits[index] or "none",
                    limit_number(value) if value is not None else "none",
                )
            )
        hold_text = form.get(f"{row.column}.hold")
        if hold_text is not None and hold_text.strip() != row.hold:
            held = _number(hold_text)
            if held is None or not 0 <= held <= _LONGEST_HOLD_S or held != int(held):
                problems[f"{row.column}.hold"] = f"{spec.short} hold: whole seconds from 0 to {_LONGEST_HOLD_S}"
            else:
                now = {key: level and Level(level.limit, int(held)) for key, level in now.items()}
                changes.append(Change(f"{spec.short} hold", f"{row.hold or 'varies'} s", f"{int(held)} s"))
        if now == before:
            continue
        ordered = [(words, now[side, level]) for side, level, words in FIELDS]
        if not _rising([level for _, level in ordered]):
            problems[f"{row.column}.order"] = (
                f"{spec.short}: from high below to high above each limit must be greater than the one before it"
            )
            continue
        for side in _SIDES:
            if any(now[side, level] != before[side, level] for level in ("medium", "high")):
                known = both.get((row.vital, side))
                after[row.vital, side] = Limit(
                    int(row.vital), side, now[side, "medium"], now[side, "high"], known.hysteresis if known else 0.0
                )
    if problems:
        raise BadFormError(problems)
    return Limits(tuple(after[key] for key in sorted(after))), changes


def _level(limits: BySide, vital: int, side: str, level: str) -> Level | None:
    found = limits.get((vital, side))
    return None if found is None else found.high if level == "high" else found.medium


def _text(limits: BySide, vital: int, side: str, level: str) -> str:
    found = _level(limits, vital, side, level)
    return limit_number(round(found.limit, 4)) if found else ""


def _hold(limits: BySide, vital: int) -> str:
    holds = {found.hold_s for side, level, _ in FIELDS if (found := _level(limits, vital, side, level))}
    return str(holds.pop()) if len(holds) == 1 else ""


def _number(text: str) -> float | None:
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if value - value == 0 else None


def _rising(levels: list[Level | None]) -> bool:
    known = [level.limit for level in levels if level is not None]
    return all(a < b for a, b in itertools.pairwise(known))
