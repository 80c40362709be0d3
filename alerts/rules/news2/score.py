"""NEWS2, the National Early Warning Score, whole or partial.

Source: Royal College of Physicians, "National Early Warning Score (NEWS) 2", London 2017, chart 1 (scoring), chart 4
(response), and its advice on SpO2 scale 2 (only where prescribed), on age (not under 16) and pregnancy (not at all).

Three rules that decide what a number means:

- Values are taken at their vital's resolution and then rounded half-even to the chart's (whole numbers; temperature 0.1).
- What is missing or older than its validity is named, never imputed.  A partial total is a *lower bound* of the score: it
  can prove a risk, never its absence.  Where the SpO2 part depends on an unknown oxygen supply it counts as on air, which
  is the lower of the two.
- Under four inputs, under 16 years, of unknown age or in pregnancy there is no score.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from devices.vitals import VITALS, vital_named
from devices.wire.control import Facts

Risk = Literal["none", "low", "low-medium", "medium", "high"]
RefusalReason = Literal["under 16", "age not known", "pregnant", "under four inputs"]

INPUTS: Final = ("respiratory_rate", "spo2", "oxygen", "systolic", "pulse", "consciousness", "temperature")
"""In the chart's order."""
FEWEST: Final = 4
"""Inputs needed for any score at all."""
MINIMUM_AGE: Final = 16
CONSCIOUSNESS: Final = {"A": 0, "C": 1, "V": 2, "P": 3, "U": 4}
"""ACVPU as :func:`alerts.rules.news2.score_fixed.score_fixed` takes it."""

OXYGEN_POINTS: Final = 2
CONFUSED_POINTS: Final = 3

Bands = tuple[tuple[int, ...], tuple[int, ...]]
CHARTS: Final[dict[str, tuple[Bands, ...]]] = {
    "respiratory_rate": (((8, 11, 20, 24), (3, 1, 0, 2, 3)),),
    "spo2": (
        ((91, 93, 95), (3, 2, 1, 0)),
        ((83, 85, 87), (3, 2, 1, 0)),
        ((83, 85, 87, 92, 94, 96), (3, 2, 1, 0, 1, 2, 3)),
    ),
    "systolic": (((90, 100, 110, 219), (3, 2, 1, 0, 3)),),
    "pulse": (((40, 50, 90, 110, 130), (3, 1, 0, 1, 2, 3)),),
    "temperature": (((350, 360, 380, 390), (3, 1, 0, 1, 2)),),  # tenths of a degree
}
"""By vital input: (inclusive upper ends of all bands but the last, points of each band), in steps of the chart.  SpO2 has
three: scale 1, scale 2 on air, scale 2 on oxygen.
"""
_VITAL: Final = {name: vital_named("pulse_rate" if name == "pulse" else name) for name in CHARTS}
VALIDITY_S: Final = {name: spec.validity_s for name, spec in _VITAL.items()}
"""An input older than this counts as missing."""


@dataclass(frozen=True, slots=True)
class News2:
    """``total`` is exact where nothing is ``missing``, else a lower bound.  ``parts``: points by input.  ``single3``: one
    input alone scores 3.  ``risk`` follows chart 4; ``None`` where a partial score proves none.  ``ages_s``: seconds since
    each input was measured, as far as known, those too old to count included.
    """

    total: int
    parts: dict[str, int]
    missing: tuple[str, ...]
    single3: bool
    risk: Risk | None
    ages_s: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """The reason why there is no NEWS2 for this patient now."""

    reason: RefusalReason
    missing: tuple[str, ...] = ()


def refusal(facts: Facts, on: date) -> RefusalReason | None:
    """The reason not to compute NEWS2 for this patient on that day; ``None`` where there is none."""
    if facts.pregnant:
        return "pregnant"
    if facts.born is None:
        return "age not known"
    try:
        born = date.fromisoformat(facts.born)
    except ValueError:
        return "age not known"
    years = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    return "under 16" if years < MINIMUM_AGE else None


def score(
    values: Mapping[str, float | bool | str | None],
    facts: Facts,
    *,
    on: date,
    ages_s: Mapping[str, int] | None = None,
) -> News2 | Refused:
    """The score of one patient, explained.

    Args:
        values: by :data:`INPUTS`, in the vitals' units (pulse: heart rate if valid, else pulse rate); ``oxygen`` True on
            oxygen, ``consciousness`` one of ACVPU.  ``None``, NaN or absent is missing; for ``oxygen`` and
            ``consciousness`` the standing fact then counts.
        facts: what is known of the patient; scale 2 only where it is prescribed there.
        on: the day, for the age.
        ages_s: seconds since each input was measured; older than :data:`VALIDITY_S` counts as missing.
    """
    reason = refusal(facts, on)
    if reason:
        return Refused(reason)
    ages = dict(ages_s or {})
    known: dict[str, float] = {}
    for name in _VITAL:
        value = values.get(name)
        if isinstance(value, (int, float)) and math.isfinite(value) and ages.get(name, 0) <= VALIDITY_S[name]:
            known[name] = float(value)
    oxygen = values.get("oxygen")
    oxygen = facts.oxygen if oxygen is None else bool(oxygen)
    consciousness = values.get("consciousness") or facts.consciousness

    parts: dict[str, int] = {}
    for name, number in known.items():
        chart = 0 if name != "spo2" or facts.spo2_scale == 1 else 2 if oxygen else 1
        ends, points = CHARTS[name][chart]
        fixed = round(
            number * _VITAL[name].steps
        )  # first at its vital's resolution, so that a float32 reads like its decimal
        parts[name] = points[bisect_left(ends, round(fixed / steps_a_mark(name)))]
    if oxygen is not None:
        parts["oxygen"] = OXYGEN_POINTS if oxygen else 0
    if consciousness is not None:
        parts["consciousness"] = 0 if consciousness == "A" else CONFUSED_POINTS

    missing = tuple(name for name in INPUTS if name not in parts)
    if len(parts) < FEWEST:
        return Refused("under four inputs", missing)
    total, single3 = sum(parts.values()), 3 in parts.values()
    ordered: dict[str, int] = {name: parts[name] for name in INPUTS if name in parts}
    return News2(total, ordered, missing, single3, risk_of(total, single3=single3, whole=not missing), ages)


def risk_of(total: int, *, single3: bool, whole: bool) -> Risk | None:
    """The clinical risk of a total (chart 4); of a partial one only what it proves."""
    if total >= 7:
        return "high"
    if total >= 5:
        return "medium"
    if single3:
        return "low-medium"
    if not whole:
        return None
    return "low" if total else "none"


def steps_a_mark(name: str) -> int:
    """The number of fixed-point steps of its vital that make one step of an input's chart."""
    return _VITAL[name].steps // (10 if name == "temperature" else 1)


assert all(spec.steps % 10 == 0 for spec in VITALS.values())  # the charts' steps are whole multiples of the vitals'
