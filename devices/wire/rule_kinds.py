"""The kinds of rules that control records carry: limits, trends, rolling figures, scores and combinations."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from devices.wire.ranges import Amount, Count, Days, Few, Percent, Points, Rule, Seconds, Size, VitalCode

Side = Literal["high", "low"]
PriorityWord = Literal["high", "medium", "low"]


class Level(msgspec.Struct, frozen=True, gc=False):
    """One limit of one priority: beyond ``limit`` for ``hold_s`` seconds of measured time."""

    limit: Amount  # in the vital's unit; "high" breaks above it, "low" below it
    hold_s: Seconds = 0


class Limit(msgspec.Struct, frozen=True, gc=False):
    """The limits of one vital on one side.  The condition ends when the newest value is back inside by ``hysteresis``."""

    vital: VitalCode  # devices.vitals.Vital
    side: Side
    medium: Level | None = None
    high: Level | None = None
    hysteresis: Size = 0.0
    chart: bool = False  # values are rounded as a chart shows them (half-even) before they are compared


class Drift(msgspec.Struct, frozen=True, gc=False, tag="drift", tag_field="trend"):
    """Minute means that leave the patient's own baseline: a cumulative sum (CUSUM) of their standardised distances from it,
    less ``slack`` standard deviations a minute, beyond ``limit`` standard deviations times minutes.
    """

    vital: VitalCode
    limit: Size
    slack: Size = 1.0
    floor: Size = 1.0  # the smallest standard deviation, in the vital's unit
    baseline_min: Count = 1024  # time constant of the baseline; the power of two below it is used
    sides: tuple[Side, ...] = ("high", "low")
    priority: PriorityWord = "low"


class Slope(msgspec.Struct, frozen=True, gc=False, tag="slope", tag_field="trend"):
    """Minute means that rise (``high``) or fall (``low``) by more than ``per_hour`` over the last ``window_min`` minutes."""

    vital: VitalCode
    side: Side
    per_hour: Size  # in the vital's unit, greater than 0 for both sides
    window_min: Count = 60
    hysteresis: Size = 0.0
    priority: PriorityWord = "low"


class Change(msgspec.Struct, frozen=True, gc=False, tag="change", tag_field="trend"):
    """A vital measured now and then that gained (``high``) or lost (``low``) at least ``by`` within ``within_h`` hours."""

    vital: VitalCode
    side: Side
    by: Size  # in the vital's unit, greater than 0 for both sides
    within_h: Count
    hysteresis: Size = 0.0
    priority: PriorityWord = "low"


class Repeated(msgspec.Struct, frozen=True, gc=False, tag="repeated", tag_field="trend"):
    """At least ``times`` of the last ``of`` values beyond ``limit``, the newest among them: readings of a vital measured now
    and then (8 at most, none more than ``within_h`` before the newest), minute means of a continuous one (60 at most).
    """

    vital: VitalCode
    side: Side
    limit: Amount
    times: Few = 2
    of: Few = 3
    within_h: Count = 72
    hysteresis: Size = 0.0
    priority: PriorityWord = "medium"


class Rate(msgspec.Struct, frozen=True, gc=False, tag="rate", tag_field="trend"):
    """A vital measured now and then that rises (``high``) or falls (``low``) by more than ``per_min`` a minute, from the
    oldest reading of the last ``over_min`` minutes to the newest one, half of that time apart at least; and only where the
    newest is beyond ``beyond``, where that is given.
    """

    vital: VitalCode
    side: Side
    per_min: Size
    over_min: Few = 15
    beyond: Amount | None = None
    hysteresis: Size = 0.0
    priority: PriorityWord = "medium"


class Soon(msgspec.Struct, frozen=True, gc=False, tag="soon", tag_field="trend"):
    """A vital measured now and then that will be beyond ``limit`` in ``ahead_min`` minutes, if it goes on as in the last
    ``over_min`` (as :class:`Rate` measures it).
    """

    vital: VitalCode
    side: Side
    limit: Amount
    ahead_min: Few = 20
    over_min: Few = 15
    hysteresis: Size = 0.0
    priority: PriorityWord = "medium"


class Steady(msgspec.Struct, frozen=True, gc=False, tag="steady", tag_field="trend"):
    """A vital measured now and then that rises (``high``) or falls (``low``) by at least ``per_day`` a day over
    ``over_days``: the median of the differences between days half of them apart (each day: its last reading, by UTC).  It
    ends when the newest reading is back within ``hysteresis`` of where it began.
    """

    vital: VitalCode
    side: Side
    per_day: Size
    over_days: Days = 14
    hysteresis: Size = 0.0
    priority: PriorityWord = "medium"


Trend = Drift | Slope | Change | Repeated | Rate | Soon | Steady


class Rolling(msgspec.Struct, frozen=True, gc=False):
    """A figure of the last ``window_s`` seconds of a continuous vital that is beyond ``limit``: the mean, the median, or the
    share of values beyond it that is at least ``share`` percent.  The median and the share of an hour are of its minutes'
    means, those of 4 and 24 hours of their hours' means.
    """

    vital: VitalCode
    side: Side
    figure: Literal["mean", "median", "share"]
    window_s: Literal[60, 300, 3600, 14_400, 86_400]
    limit: Amount
    share: Percent = 80
    hysteresis: Size = 0.0  # in the vital's unit, of a share in percent
    least: Count = 10  # seconds with a value in the window, without which nothing begins or ends
    priority: PriorityWord = "medium"


class ScoreMean(msgspec.Struct, frozen=True, gc=False, tag="news2_mean", tag_field="score"):
    """The mean of NEWS2 over the last ``hours`` (between that and an hour less) is at least ``limit``, until it is at most
    ``until``.  Minutes without a score do not count; at least ``least_min`` must have one.
    """

    limit: Size = 3.5
    until: Size = 2.0
    hours: Annotated[int, Meta(ge=2, le=24)] = 4
    least_min: Few = 30
    priority: PriorityWord = "medium"


class ScoreRise(msgspec.Struct, frozen=True, gc=False, tag="news2_rise", tag_field="score"):
    """NEWS2 is at least ``least``, and ``by`` or more above its mean of the last ``hours``, until it is less than that above
    what the mean was when it began.
    """

    by: Points = 2
    least: Points = 3
    hours: Annotated[int, Meta(ge=2, le=24)] = 12
    least_min: Few = 30
    priority: PriorityWord = "medium"


class Mews(msgspec.Struct, frozen=True, gc=False, tag="mews", tag_field="score"):
    """MEWS (Subbe 2001) of at least ``limit``: information."""

    limit: Points = 5


class Qsofa(msgspec.Struct, frozen=True, gc=False, tag="qsofa", tag_field="score"):
    """qSOFA of at least ``limit``: information."""

    limit: Points = 2


Score = ScoreMean | ScoreRise | Mews | Qsofa


class Combination(msgspec.Struct, frozen=True, gc=False):
    """While all rules in ``every`` stand, and at least ``least`` of those in ``among`` where it names any."""

    name: Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_]{0,23}\Z")]
    every: tuple[Rule, ...] = ()
    among: tuple[Rule, ...] = ()
    least: Few = 1
    priority: PriorityWord = "medium"
