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
from devices.wire.ranges import Count, Kilograms, Ms, Number, Percent, Points, Rule, Seconds, Size, VitalCode, misfit
from devices.wire.rule_kinds import (
    Change,
    Combination,
    Drift,
    Level,
    Limit,
    Mews,
    PriorityWord,
    Qsofa,
    Rate,
    Repeated,
    Rolling,
    Score,
    ScoreMean,
    ScoreRise,
    Side,
    Slope,
    Soon,
    Steady,
    Trend,
)


class Limits(msgspec.Struct, frozen=True, gc=False, tag="limits", tag_field="kind"):
    """A patient's own limits.  A (vital, side) not named here follows the rule set; one without levels is switched off."""

    limits: tuple[Limit, ...] = ()


class Preference(msgspec.Struct, frozen=True, gc=False):
    """The time for which the source that decides for this vital is held to once it is silent; then the next one decides."""

    vital: VitalCode
    hold_s: Seconds = 60


class Agreement(msgspec.Struct, frozen=True, gc=False):
    """Sources of one parameter disagree when their values have been more than ``within`` apart for ``for_s`` seconds."""

    vital: VitalCode
    within: Size  # in the vital's unit
    for_s: Seconds = 60


_AGREEMENTS: Final = (Agreement(1, 20.0), Agreement(3, 6.0), Agreement(4, 10.0))  # pulse, SpO2, respiration


class ScoreLevels(msgspec.Struct, frozen=True, gc=False):
    """The levels of NEWS2, as in :class:`RuleSet`."""

    medium: Points = 5
    high: Points = 7
    hold_s: Seconds = 30
    hysteresis: Points = 0


class Layer(msgspec.Struct, frozen=True, gc=False):
    """A set of rules that stand in place of those of the same names in less specific sets; ``off`` names rules that are
    switched off.  ``name``: whose they are, in words: "programme heart-failure".
    """

    name: Rule
    limits: tuple[Limit, ...] = ()
    news2: ScoreLevels | None = None
    trends: tuple[Trend, ...] = ()
    rolling: tuple[Rolling, ...] = ()
    scores: tuple[Score, ...] = ()
    combined: tuple[Combination, ...] = ()
    off: tuple[Rule, ...] = ()


class RuleSet(msgspec.Struct, frozen=True, gc=False, tag="rule_set", tag_field="kind"):
    """The defaults of the whole partition (patient 0; sent to all 64), and the sets of programmes and wards."""

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
    scores: tuple[Score, ...] = ()  # beside the levels of NEWS2; of two of one kind the last counts
    combined: tuple[Combination, ...] = ()  # of two of one name the last counts
    sets: tuple[Layer, ...] = ()  # those that a patient's OwnRules may name


class OwnRules(msgspec.Struct, frozen=True, gc=False, tag="own_rules", tag_field="kind"):
    """Which sets hold for a patient beside the partition's: names of ``RuleSet.sets``, the more specific later (one that is
    not there says nothing), and then the patient's own rules.
    """

    sets: tuple[Rule, ...] = ()
    rules: Layer | None = None


class Facts(msgspec.Struct, frozen=True, gc=False, tag="facts", tag_field="kind"):
    """Standing facts a score needs; ``None`` means not known, never "normal"."""

    spo2_scale: Literal[1, 2] = 1
    oxygen: bool | None = None
    consciousness: Literal["A", "C", "V", "P", "U"] | None = None
    born: str | None = None  # ISO date
    pregnant: bool = False
    dry_weight: Kilograms | None = None  # from which gains and losses of weight count


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


Control = Limits | RuleSet | Facts | Consent | Enrolment | Pauses | OwnRules
__all__ = [
    "KINDS", "Agreement", "Change", "Combination", "Consent", "Control", "Drift", "Enrolled", "Enrolment", "Facts", "Layer",
    "Level", "Limit", "Limits", "Mews", "OwnRules", "PausedRule", "Pauses", "Preference", "PriorityWord", "Qsofa", "Rate",
    "Repeated", "Rolling", "RuleSet", "Score", "ScoreLevels", "ScoreMean", "ScoreRise", "Side", "Slope", "Soon", "Steady",
    "Trend", "decode_control", "encode_control", "is_birth_date", "kind_of",
]  # fmt: skip

FIRST_YEAR: Final = 1900
"""Nobody alive was born earlier."""
_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
KINDS: Final[dict[type[Control], str]] = {kind: str(kind.__struct_config__.tag) for kind in get_args(Control)}
"""``limits``, ``rule_set``, ``facts``, ``consent`` and so on: the key of the table ``control``."""
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
