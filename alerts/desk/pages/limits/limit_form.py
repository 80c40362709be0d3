"""The limits editor, pure: its rows, and a patient's own limits after a filled-in form."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from alerts.care.limits import BySide, level_at
from alerts.care.limits_check import LONGEST_HOLD_S
from alerts.desk.errors import BadFormError
from alerts.desk.worklist.words import limit_number, unit_of
from alerts.life.typed_number import decimal_number, whole_number
from alerts.rules.parameters import parameter_of
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
    Vital.SPO2,
    Vital.RESPIRATORY_RATE,
    Vital.SYSTOLIC,
    Vital.DIASTOLIC,
    Vital.TEMPERATURE,
)
_SIDES: Final[tuple[Side, Side]] = ("low", "high")
REASONS: Final = (
    "Known baseline of this patient", "New treatment", "Too many alarms without action", "Deterioration expected",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EditorRow:
    """One vital: the texts of its four limits (empty: none) and of its hold (empty: the holds differ)."""

    vital: Vital
    name: str
    unit: str
    column: str
    own: bool
    limits: tuple[str, ...]
    hold: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a limit or a hold, in words: "Heart rate high above", "130", "120"."""

    name: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.name} {self.before} → {self.after}"


def rows(defaults: BySide, own: BySide) -> list[EditorRow]:
    """The rows of the editor: the patient's own limits over those of the rule set."""
    both = {**defaults, **own}
    vitals = [v for v in Vital if v in _ALWAYS or any((v, side) in both for side in ("low", "high"))]
    vitals = [v for v in vitals if parameter_of(v) == v]  # a limit of the heart rate is the pulse's
    found = []
    for vital in vitals:
        spec = VITALS[vital]
        texts = tuple(_text(both, vital, side, level) for side, level, _ in FIELDS)
        personal = any((vital, side) in own for side in ("low", "high"))
        found.append(EditorRow(vital, spec.label, unit_of(vital), spec.column, personal, texts, _hold(both, vital)))
    return found


def edited(defaults: BySide, own: BySide, form: Mapping[str, str]) -> tuple[Limits, list[Change]]:
    """The patient's own limits after a form, and the changes.

    The form names each field ``column.side.level`` and ``column.hold``; a missing field leaves its limit as it is, an empty
    one switches it off.  Sides without a change continue to follow the rule set.

    Raises:
        BadFormError: a field holds no plausible number, or limits cross.
    """
    both, after = {**defaults, **own}, dict(own)
    problems: dict[str, str] = {}
    for row in rows(defaults, own):
        spec = VITALS[row.vital]
        before = {(side, level): level_at(both, row.vital, side, level) for side, level, _ in FIELDS}
        now = dict(before)
        for index, (side, level, words) in enumerate(FIELDS):
            name = f"{row.column}.{side}.{level}"
            text = form.get(name)
            if text is None or text.strip() == row.limits[index]:
                continue
            value = decimal_number(text.strip())
            if text.strip() and (value is None or not spec.plausible[0] <= value <= spec.plausible[1]):
                low, high = spec.plausible
                problems[name] = f"{spec.short} {words}: a number from {limit_number(low)} to {limit_number(high)}"
                continue
            hold = next((b.hold_s for b in (before[side, level], *before.values()) if b), 0)
            now[side, level] = None if value is None else Level(value, hold)
        hold_text = form.get(f"{row.column}.hold")
        if hold_text is not None and hold_text.strip() != row.hold:
            held = whole_number(hold_text.strip())
            if held is None or not 0 <= held <= LONGEST_HOLD_S:
                problems[f"{row.column}.hold"] = f"{spec.short} hold: whole seconds from 0 to {LONGEST_HOLD_S}"
            else:
                now = {key: level and Level(level.limit, held) for key, level in now.items()}
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
                back, chart = (known.hysteresis, known.chart) if known else (0.0, False)
                after[row.vital, side] = Limit(int(row.vital), side, now[side, "medium"], now[side, "high"], back, chart)
    if problems:
        raise BadFormError(problems)
    return Limits(tuple(after[key] for key in sorted(after))), changes_between(rows(defaults, own), rows(defaults, after))


def changes_between(before: list[EditorRow], after: list[EditorRow]) -> list[Change]:
    """The limits and holds that differ between two states of the editor."""
    known = {row.vital: row for row in before}
    found = []
    for row in after:
        old = known.get(row.vital)
        for index, (_, _, words) in enumerate(FIELDS):
            text = old.limits[index] if old else ""
            if text != row.limits[index]:
                found.append(Change(f"{row.name} {words}", text or "none", row.limits[index] or "none"))
        if old and old.hold != row.hold:
            found.append(Change(f"{row.name} hold", f"{old.hold or 'varies'} s", f"{row.hold or 'varies'} s"))
    return found


def _text(limits: BySide, vital: int, side: str, level: str) -> str:
    found = level_at(limits, vital, side, level)
    return limit_number(round(found.limit, 4)) if found else ""


def _hold(limits: BySide, vital: int) -> str:
    holds = {found.hold_s for side, level, _ in FIELDS if (found := level_at(limits, vital, side, level))}
    return str(holds.pop()) if len(holds) == 1 else ""


def _rising(levels: list[Level | None]) -> bool:
    known = [level.limit for level in levels if level is not None]
    return all(a < b for a, b in itertools.pairwise(known))
