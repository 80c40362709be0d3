"""The findings of an evaluation about each candidate: burden, recognition, and how sure that is; pure.

Recognition is counted twice: by patients with a *new* call in the 24 hours before their event, and by patients with an alarm
merely standing then.  Controls are stays without an event, at the same hours of their stay as each event: later hours alarm
more, whoever the patient is.  Intervals are of 95 %, by 1,000 resamples of patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from deploy.evaluation.calls import calls_of, standing_within
from deploy.evaluation.run import START_S, Found
from deploy.evaluation.stay import Stay
from streams.engine.condition import Condition

BEFORE_S: Final = 24 * 3600
ACKNOWLEDGED_S: Final = (60, 300, 900)
_RESAMPLES: Final = 1000
_DAY: Final = 86_400
Floats = npt.NDArray[np.float64]
LIMITATIONS: Final = (
    "Stays in intensive care, charted about once an hour, say nothing of people at home and of their own baselines.",
    "Nor do they say anything of trends, of weight, of holds shorter than an hour, or of sensors that come off.",
    "Oxygen and consciousness were not given to the score: it is partial, as with wearables.",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One candidate.  Each figure is (value, low, high).  ``calls``: a patient-day, by seconds until acknowledged."""

    candidate: str
    patients: int
    events: int
    calls: dict[int, tuple[float, float, float]]
    new_before: tuple[float, float, float]
    standing_before: tuple[float, float, float]
    new_controls: tuple[float, float, float]
    standing_controls: tuple[float, float, float]
    lead_h: float | None
    by_rule: dict[str, float]


def line_of(candidate: str, stays: Sequence[Stay], found: Found, seed: int = 7) -> Line:
    """The figures of one candidate."""
    conditions = [found[candidate, place] for place in range(len(stays))]
    until = np.array([stay.end_s if stay.event_s is None else stay.event_s for stay in stays])
    days = until / _DAY
    rng = np.random.default_rng(seed)
    calls, rules = {}, dict[str, int]()
    for acknowledged in ACKNOWLEDGED_S:
        counts = np.zeros(len(stays))
        for place, mine in enumerate(conditions):
            made = [one for one in calls_of(mine, acknowledged) if one.second - START_S < until[place]]
            counts[place] = len(made)
            if acknowledged == ACKNOWLEDGED_S[1]:
                for one in made:
                    rules[one.rule] = rules.get(one.rule, 0) + 1
        calls[acknowledged] = _ratio(counts, days, rng)
    events = [place for place, stay in enumerate(stays) if stay.event_s is not None]
    controls = [place for place, stay in enumerate(stays) if stay.event_s is None]
    seconds = [[one.second - START_S for one in calls_of(mine, ACKNOWLEDGED_S[1])] for mine in conditions]
    ends = np.array([stays[place].event_s for place in events], np.int64)
    pairs = list(zip(events, ends.tolist(), strict=True))
    new = np.array([_any(seconds[place], end) for place, end in pairs], np.float64)
    stands = np.array([_stands(conditions[place], end) for place, end in pairs], np.float64)
    leads = [
        (end - min(at for at in seconds[place] if end - BEFORE_S <= at < end)) / 3600
        for (place, end), is_new in zip(pairs, new.tolist(), strict=True)
        if is_new
    ]
    hours, weight = np.unique(ends // 3600, return_counts=True)
    at = [hour * 3600 for hour in hours.tolist()]
    new_controls = np.array([[_any(seconds[place], end) for end in at] for place in controls], np.float64)
    stands_controls = np.array([[_stands(conditions[place], end) for end in at] for place in controls], np.float64)
    return Line(
        candidate,
        len(stays),
        len(events),
        calls,
        _mean(new, rng),
        _mean(stands, rng),
        _matched(new_controls, weight, rng),
        _matched(stands_controls, weight, rng),
        float(np.median(leads)) if leads else None,
        {rule: count / float(days.sum()) for rule, count in sorted(rules.items(), key=lambda one: -one[1])},
    )


def _any(made: Sequence[int], end: int) -> bool:
    return any(end - BEFORE_S <= at < end for at in made)


def _stands(conditions: Sequence[Condition], end: int) -> bool:
    return standing_within(conditions, START_S + end - BEFORE_S, START_S + end)


def _ratio(counts: Floats, days: Floats, rng: np.random.Generator) -> tuple[float, float, float]:
    return _interval(counts.sum() / days.sum(), [counts[pick].sum() / days[pick].sum() for pick in _picks(len(counts), rng)])


def _mean(values: Floats, rng: np.random.Generator) -> tuple[float, float, float]:
    if not values.size:
        return (float("nan"),) * 3
    return _interval(values.mean(), [values[pick].mean() for pick in _picks(len(values), rng)])


def _matched(values: Floats, weight: npt.NDArray[np.int64], rng: np.random.Generator) -> tuple[float, float, float]:
    """The share of controls [stay, hour], with each hour as often as events have it."""
    if not values.size:
        return (float("nan"),) * 3
    each = values @ weight / weight.sum()
    return _interval(each.mean(), [each[pick].mean() for pick in _picks(len(each), rng)])


def _picks(count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    return rng.integers(0, count, (_RESAMPLES, count))


def _interval(value: float, resampled: Sequence[float]) -> tuple[float, float, float]:
    low, high = np.percentile(resampled, [2.5, 97.5])
    return float(value), float(low), float(high)


def record_of(line: Line) -> dict[str, object]:
    """A line for the terminal, or as JSON."""
    return {
        "rules": line.candidate,
        "patients": line.patients,
        "events": line.events,
        **{f"calls_a_patient_day_{seconds // 60}_min": _words(value, 2) for seconds, value in line.calls.items()},
        "new_call_before_event": _words(line.new_before),
        "new_call_controls": _words(line.new_controls),
        "alarm_standing_before_event": _words(line.standing_before),
        "alarm_standing_controls": _words(line.standing_controls),
        "median_lead_h": None if line.lead_h is None else round(line.lead_h, 1),
        "calls_by_rule": ", ".join(f"{rule} {count:.2f}" for rule, count in list(line.by_rule.items())[:5]),
    }


def _words(figure: tuple[float, float, float], decimals: int = 3) -> str:
    value, low, high = (f"{one:.{decimals}f}" for one in figure)
    return f"{value} ({low}-{high})"
