"""The parts of a rule file as they are written: vitals by name, a source for each."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from devices.wire.ranges import Amount, Count, Days, Few, Percent, Points, Rule, Seconds, Size
from devices.wire.rule_kinds import (
    Change,
    Drift,
    Mews,
    PriorityWord,
    Qsofa,
    Rate,
    Repeated,
    Score,
    ScoreMean,
    ScoreRise,
    Side,
    Slope,
    Soon,
    Steady,
    Trend,
)


class LevelPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``{ limit = 92, hold_s = 15 }``."""

    limit: float
    hold_s: Seconds = 0


class LimitPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[limit.<vital>.<side>]``: ``high`` and ``medium`` are a number, or {limit, hold_s}."""

    medium: float | LevelPart | None = None
    high: float | LevelPart | None = None
    hysteresis: Size = 0.0
    chart: bool = False
    source: str = ""


class ScorePart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[news2]``."""

    medium: Points = 5
    high: Points = 7
    hold_s: Seconds = 30
    hysteresis: Points = 0
    source: str = ""


class TechnicalPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[technical]``."""

    gateway_offline_s: Seconds = 90
    no_data_factor: Size = 2.0
    no_data_extra_s: Seconds = 30
    sensor_off_s: Seconds = 10
    no_value_s: Seconds = 10
    hold_percent: Percent = 80
    source: str = ""


class AgreePart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[agree.<vital>]``."""

    within: Size
    for_s: Seconds = 60
    source: str = ""


class SlopePart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="slope", tag_field="kind"):
    vital: str
    side: Side
    per_hour: Size
    window_min: Count = 60
    hysteresis: Size = 0.0
    priority: PriorityWord = "low"
    source: str = ""


class ChangePart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="change", tag_field="kind"):
    vital: str
    side: Side
    by: Size
    within_h: Count
    hysteresis: Size = 0.0
    priority: PriorityWord = "low"
    source: str = ""


class DriftPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="drift", tag_field="kind"):
    vital: str
    limit: Size
    slack: Size = 1.0
    floor: Size = 1.0
    baseline_min: Count = 1024
    sides: tuple[Side, ...] = ("high", "low")
    priority: PriorityWord = "low"
    source: str = ""


class RollingPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[[rolling]]``."""

    vital: str
    side: Side
    figure: Literal["mean", "median", "share"]
    window_s: Literal[60, 300, 3600, 14_400, 86_400]
    limit: float
    share: Percent = 80
    hysteresis: Size = 0.0
    least: Count = 10
    priority: PriorityWord = "medium"
    source: str = ""


class RepeatedPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="repeated", tag_field="kind"):
    vital: str
    side: Side
    limit: Amount
    times: Few = 2
    of: Few = 3
    within_h: Count = 72
    hysteresis: Size = 0.0
    priority: PriorityWord = "medium"
    source: str = ""


class RatePart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="rate", tag_field="kind"):
    vital: str
    side: Side
    per_min: Size
    over_min: Few = 15
    beyond: Amount | None = None
    hysteresis: Size = 0.0
    priority: PriorityWord = "medium"
    source: str = ""


class SoonPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="soon", tag_field="kind"):
    vital: str
    side: Side
    limit: Amount
    ahead_min: Few = 20
    over_min: Few = 15
    hysteresis: Size = 0.0
    priority: PriorityWord = "medium"
    source: str = ""


class SteadyPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="steady", tag_field="kind"):
    vital: str
    side: Side
    per_day: Size
    over_days: Days = 14
    hysteresis: Size = 0.0
    priority: PriorityWord = "medium"
    source: str = ""


class ScoreMeanPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="news2_mean", tag_field="kind"):
    limit: Size = 3.5
    until: Size = 2.0
    hours: Annotated[int, Meta(ge=2, le=24)] = 4
    least_min: Few = 30
    priority: PriorityWord = "medium"
    source: str = ""


class ScoreRisePart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="news2_rise", tag_field="kind"):
    by: Points = 2
    least: Points = 3
    hours: Annotated[int, Meta(ge=2, le=24)] = 12
    least_min: Few = 30
    priority: PriorityWord = "medium"
    source: str = ""


class MewsPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="mews", tag_field="kind"):
    limit: Points = 5
    source: str = ""


class QsofaPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="qsofa", tag_field="kind"):
    limit: Points = 2
    source: str = ""


class CombinedPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"every": "all", "among": "any"}):
    """``[[combined]]``: while all rules of ``all`` stand, and at least ``least`` of ``any``."""

    name: Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_]{0,23}\Z")]
    every: tuple[Rule, ...] = ()
    among: tuple[Rule, ...] = ()
    least: Few = 1
    priority: PriorityWord = "medium"
    source: str = ""


TrendPart = SlopePart | ChangePart | DriftPart | RepeatedPart | RatePart | SoonPart | SteadyPart
ScorePartOf = ScoreMeanPart | ScoreRisePart | MewsPart | QsofaPart
TRENDS: Final[dict[type[TrendPart], type[Trend]]] = {
    SlopePart: Slope, ChangePart: Change, DriftPart: Drift, RepeatedPart: Repeated, RatePart: Rate, SoonPart: Soon,
    SteadyPart: Steady,
}  # fmt: skip
SCORES: Final[dict[type[ScorePartOf], type[Score]]] = {
    ScoreMeanPart: ScoreMean, ScoreRisePart: ScoreRise, MewsPart: Mews, QsofaPart: Qsofa,
}  # fmt: skip
