"""Control records: the desk's messages to the engine, sent through the log.

Each is the *whole* state of its kind for its patient (or, patient 0, for the partition), never a delta: the engine needs
the newest one alone.  The header's ``epoch`` is the desk's (new after each restore) and ``first`` its sequence: the engine
drops a record of that epoch that it has seen.  The range of every field is checked where a control is decoded.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final, Literal, get_args

import msgspec

from devices.errors import MalformedBatchError
from devices.wire.ranges import Amount, Count, Ms, Number, Percent, Points, Rule, Seconds, Size, VitalCode, misfit

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


class Limits(msgspec.Struct, frozen=True, gc=False, tag="limits", tag_field="kind"):
    """A patient's own limits.  A (vital, side) not named here follows the rule set; one without levels is switched off."""

    limits: tuple[Limit, ...] = ()


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


Trend = Drift | Slope | Change


class Rolling(msgspec.Struct, frozen=True, gc=False):
    """A figure of the last ``window_s`` seconds of a continuous vital that is beyond ``limit``: the mean, the median, or the
    share of values beyond it that is at least ``share`` percent.  An hour has a mean alone.
    """

    vital: VitalCode
    side: Side
    figure: Literal["mean", "median", "share"]
    window_s: Literal[60, 300, 3600]
    limit: Amount
    share: Percent = 80
    hysteresis: Size = 0.0  # in the vital's unit, of a share in percent
    least: Count = 10  # values in the window, without which nothing begins or ends
    priority: PriorityWord = "medium"


class Preference(msgspec.Struct, frozen=True, gc=False):
    """How long the source that decides for this vital is held to after it fell silent; then the next one decides."""

    vital: VitalCode
    hold_s: Seconds = 60


class Agreement(msgspec.Struct, frozen=True, gc=False):
    """Sources of one parameter disagree when their values have been more than ``within`` apart for ``for_s`` seconds."""

    vital: VitalCode
    within: Size  # in the vital's unit
    for_s: Seconds = 60


_AGREEMENTS: Final = (Agreement(1, 20.0), Agreement(3, 6.0), Agreement(4, 10.0))  # pulse, SpO2, respiration


class RuleSet(msgspec.Struct, frozen=True, gc=False, tag="rule_set", tag_field="kind"):
    """The defaults of the whole partition (patient 0; sent to all 64)."""

    version: Count
    limits: tuple[Limit, ...] = ()
    gateway_offline_s: Seconds = 90  # without a heartbeat, by the engine's clock
    no_data_factor: Size = 2.0  # a device is silent after factor x its interval + no_data_extra_s
    no_data_extra_s: Seconds = 30
    sensor_off_s: Seconds = 10
    news2_medium: Points = 5
    news2_high: Points = 7
    news2_hold_s: Seconds = 30
    news2_hysteresis: Points = 0  # a level stands until the score is below it by more than this
    trends: tuple[Trend, ...] = ()  # none: off; of two for one vital, kind and side the last counts
    rolling: tuple[Rolling, ...] = ()  # of two for one vital, side, figure and window the last counts
    prefer: tuple[Preference, ...] = ()  # a vital not named: 60 s, one measured now and then: the newest value decides
    hold_percent: Percent = 80  # of the measured values of a hold's time that have to be beyond the limit
    agree: tuple[Agreement, ...] = _AGREEMENTS  # a vital not named: never compared
    no_value_s: Seconds = 10  # without a usable value of a vital that is sent; at least no_data_factor x its interval


class Facts(msgspec.Struct, frozen=True, gc=False, tag="facts", tag_field="kind"):
    """Standing facts a score needs; ``None`` means not known, never "normal"."""

    spo2_scale: Literal[1, 2] = 1
    oxygen: bool | None = None
    consciousness: Literal["A", "C", "V", "P", "U"] | None = None
    born: str | None = None  # ISO date
    pregnant: bool = False


class Consent(msgspec.Struct, frozen=True, gc=False, tag="consent", tag_field="kind"):
    given: bool
    at: Ms


class Enrolled(msgspec.Struct, frozen=True, gc=False):
    """A device of this patient behind this gateway, from ``since`` (ms) until ``until`` (ms, ``None``: still)."""

    device: Number
    gateway: Number
    since: Ms
    until: Ms | None = None
    interval_s: Seconds = 0  # how often it reports by itself; 0: when the patient measures


class Enrolment(msgspec.Struct, frozen=True, gc=False, tag="enrolment", tag_field="kind"):
    """All devices and gateways that may report on this patient, past enrolments included, and the revoked keys."""

    devices: tuple[Enrolled, ...] = ()
    gateways: tuple[Number, ...] = ()  # may send heartbeats and manual observations now
    revoked_keys: tuple[Number, ...] = ()


class PausedRule(msgspec.Struct, frozen=True, gc=False):
    rule: Rule  # "*": all of the patient
    until: Ms


class Pauses(msgspec.Struct, frozen=True, gc=False, tag="pause", tag_field="kind"):
    pauses: tuple[PausedRule, ...] = ()


Control = Limits | RuleSet | Facts | Consent | Enrolment | Pauses

FIRST_YEAR: Final = 1900
"""Nobody alive was born earlier."""
_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
KINDS: Final[dict[type[Control], str]] = {kind: str(kind.__struct_config__.tag) for kind in get_args(Control)}
"""``limits``, ``rule_set``, ``facts``, ``consent``, ``enrolment`` or ``pause``: the key of the table ``control``."""
_DECODER: Final[msgspec.json.Decoder[Control]] = msgspec.json.Decoder(Control)
encode_control: Final = msgspec.json.Encoder().encode
"""``encode_control(control) -> bytes``."""


def decode_control(payload: bytes) -> Control:
    """Decode the control in a payload; :class:`MalformedBatchError` for anything else."""
    try:
        control = _DECODER.decode(payload)
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedBatchError(f"control payload: {misfit(error)}") from None
    if isinstance(control, Facts) and control.born is not None and not is_birth_date(control.born):
        raise MalformedBatchError("control payload: born is no date since 1900")
    return control


def is_birth_date(text: str) -> bool:
    """True for a date as YYYY-MM-DD, not before 1900."""
    try:
        return bool(_ISO_DATE.fullmatch(text)) and date.fromisoformat(text).year >= FIRST_YEAR
    except ValueError:
        return False


def kind_of(control: Control) -> str:
    """The name of ``control`` in :data:`KINDS`."""
    return KINDS[type(control)]
