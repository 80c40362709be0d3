"""Candidate rule sets against each other on the same records: burden, shortness, load by hour, episodes lost; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from deploy.evaluation.lived import ANSWER_S, Rung, Stood, rung_of, stood_of
from deploy.evaluation.run import START_S, Found
from deploy.evaluation.stay import Stay
from streams.engine.condition import Priority

_DAY: Final = 86_400
SHORT_S: Final = (15, 30)
NOTES: Final = (
    "A nurse who answers each first call after five minutes and records the outcome ten minutes later is an assumption.",
    "An episode is a time in which an alarm above low stood by the first set; it is lost if none stands by another then.",
    "Recorded values say nothing of what people would have done, and of readings that were never taken.",
)


@dataclass(frozen=True, slots=True)
class Episode:
    """A time of one stay in which alarms above low stood: seconds since its begin, and the rules."""

    stay: str
    begin: int
    end: int
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Burden:
    """One candidate.  ``calls`` without repeats; ``by_rule`` and ``by_hour`` of them; ``short``: share of alarms above low
    that stood for less than 15 and 30 s; ``episodes`` of the first candidate, and those ``lost``; ``gained``: its own that
    overlap none of the first one's.
    """

    name: str
    days: float
    calls: int
    repeats: int
    by_priority: dict[str, int]
    by_rule: dict[str, int]
    by_hour: tuple[int, ...]
    alarms: int
    short: tuple[float, ...]
    episodes: int
    lost: tuple[Episode, ...]
    gained: int

    @property
    def a_day(self) -> float:
        """Calls a patient-day."""
        return self.calls / self.days if self.days else 0.0


def compared(stays: Sequence[Stay], found: Found, names: Sequence[str], answer_s: int = ANSWER_S) -> list[Burden]:
    """The candidates, the first one being what the others are compared with."""
    stood = {
        name: [stood_of(found[name, place], START_S + stay.end_s) for place, stay in enumerate(stays)] for name in names
    }
    episodes = {name: [_episodes(stay, mine) for stay, mine in zip(stays, stood[name], strict=True)] for name in names}
    first = episodes[names[0]]
    return [_burden(name, stays, found, stood[name], first, episodes[name], answer_s) for name in names]


def _burden(
    name: str,
    stays: Sequence[Stay],
    found: Found,
    stood: Sequence[Sequence[Stood]],
    first: Sequence[Sequence[Episode]],
    own: Sequence[Sequence[Episode]],
    answer_s: int,
) -> Burden:
    rung: list[tuple[Stay, Rung]] = []
    for place, stay in enumerate(stays):
        rung += [(stay, one) for one in rung_of(found[name, place], START_S + stay.end_s, answer_s)]
    fresh = [(stay, one) for stay, one in rung if one.reason != "repeat"]
    hours = Counter((stay.origin_s + one.second - START_S) // 3600 % 24 for stay, one in fresh)
    lengths = [one.end - one.begin for mine in stood for one in mine if one.priority > Priority.LOW]
    lost = [
        one for mine, theirs in zip(first, own, strict=True) for one in mine if not any(_overlap(one, two) for two in theirs)
    ]
    gained = sum(
        not any(_overlap(one, two) for two in mine) for mine, theirs in zip(first, own, strict=True) for one in theirs
    )
    return Burden(
        name=name,
        days=sum(stay.end_s for stay in stays) / _DAY,
        calls=len(fresh),
        repeats=len(rung) - len(fresh),
        by_priority={word: sum(one.priority.word == word for _, one in fresh) for word in ("high", "medium")},
        by_rule=dict(Counter(one.rule for _, one in fresh).most_common()),
        by_hour=tuple(hours.get(hour, 0) for hour in range(24)),
        alarms=len(lengths),
        short=tuple(sum(length < limit for length in lengths) / len(lengths) if lengths else 0.0 for limit in SHORT_S),
        episodes=sum(map(len, first)),
        lost=tuple(lost),
        gained=gained,
    )


def _episodes(stay: Stay, stood: Sequence[Stood]) -> list[Episode]:
    """The times in which anything above low stood."""
    out: list[Episode] = []
    for one in stood:
        if one.priority == Priority.LOW:
            continue
        begin, end = one.begin - START_S, one.end - START_S
        if out and begin <= out[-1].end:
            before = out[-1]
            rules = before.rules if one.rule in before.rules else (*before.rules, one.rule)
            out[-1] = Episode(stay.name, before.begin, max(end, before.end), rules)
        else:
            out.append(Episode(stay.name, begin, end, (one.rule,)))
    return out


def _overlap(one: Episode, two: Episode) -> bool:
    return one.begin < max(two.end, two.begin + 1) and two.begin < max(one.end, one.begin + 1)


def record_of(one: Burden) -> dict[str, object]:
    """A line for the terminal."""
    return {
        "rules": one.name,
        "patient_days": round(one.days, 2),
        "calls": one.calls,
        "calls_a_patient_day": round(one.a_day, 3),
        "repeats": one.repeats,
        **one.by_priority,
        **{f"shorter_than_{limit}_s": f"{share:.0%}" for limit, share in zip(SHORT_S, one.short, strict=True)},
        "episodes_lost": f"{len(one.lost)} of {one.episodes}",
        "episodes_gained": one.gained,
        "calls_by_rule": ", ".join(f"{rule} {count}" for rule, count in list(one.by_rule.items())[:5]),
    }


def whole_record_of(one: Burden) -> Mapping[str, object]:
    """All of it, as JSON."""
    lost = [{"patient": e.stay, "begin_s": e.begin, "end_s": e.end, "rules": list(e.rules)} for e in one.lost]
    return {
        **record_of(one),
        "calls_by_rule": one.by_rule,
        "calls_by_hour": list(one.by_hour),
        "alarms": one.alarms,
        "lost": lost,
    }
