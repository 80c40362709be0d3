"""The name of each rule, its meaning and what to do about it, for a reader who is woken at three in the morning.

The sentences are Vigil's own, generic and without a clinical source: first see whether the figure is true, then the patient,
then the ward's own plan.  They never replace it.  A test reads from the code which rules can be raised and fails for one
without words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from devices.vitals import VITALS, VitalSpec, vital_named

_SEE: Final = "A patient's values need you: open the link, then see or call the patient."


@dataclass(frozen=True, slots=True)
class Guidance:
    """``name``: two or three words; ``means``: one sentence; ``do``: what to do now, most important first.

    ``away`` is what may be said outside the desk (a text message): it names equipment or the system, never a vital.
    """

    name: str
    means: str
    do: str
    away: str = _SEE


_PLAN: Final = "Then act by your ward's plan, and record the outcome."
_CHECK: Final[Mapping[str, str]] = {
    "heart_rate": "See or call the patient: how do they feel? Have the belt or patch pressed on, and the pulse counted.",
    "pulse_rate": "See or call the patient: how do they feel? Have the finger warmed and the pulse counted.",
    "spo2": "See or call the patient: breathless, drowsy, blue? Have the finger warmed and the clip seated, and read again; "
    "oxygen only as prescribed.",
    "respiratory_rate": "See or call the patient: can they speak in sentences? Count the breaths for a minute.",
    "temperature": "See or call the patient and have it measured again; ask about chills, confusion and breathing.",
    "weight": "Call the patient: more breathless, swollen ankles, other scales or clothes? Have it weighed again.",
    "body_fat": "Call the patient: other scales, wet or dry feet? Have it weighed again.",
    "glucose": "Call the patient now: awake and able to swallow? Have it measured again at the finger.",
}
_PRESSURE: Final = "See or call the patient: dizzy, faint, in pain? Have it measured again after five minutes' rest."
_OPERATOR: Final = "Call whoever runs Vigil"
_UNWATCHED: Final = "Until then observe these patients by other means."

_FIXED: Final[Mapping[str, Guidance]] = {
    "news2": Guidance(
        "NEWS2",
        "The early warning score is at or above its alarm level; inputs named as missing do not count, so it may be higher.",
        "See or call the patient now and take the missing inputs (also consciousness and oxygen). " + _PLAN,
    ),
    "news2_mean": Guidance(
        "NEWS2 high for hours",
        "The mean of the early warning score over the last hours is at its limit, though no single moment need be.",
        "See or call the patient and take the missing inputs. " + _PLAN,
    ),
    "news2_rise": Guidance(
        "NEWS2 rising",
        "The early warning score is well above what it was in the last hours for this patient.",
        "See or call the patient: what has changed? Take the missing inputs. " + _PLAN,
    ),
    "mews": Guidance(
        "MEWS",
        "The modified early warning score is at its limit. It is information beside NEWS2.",
        "Look at the patient's values; act by NEWS2 and your ward's plan.",
    ),
    "qsofa": Guidance(
        "qSOFA",
        "Two of fast breathing, low pressure and altered mind. It is information: it neither proves nor excludes sepsis.",
        "Look at the patient's values; if an infection is possible, act by your ward's plan.",
    ),
    "sensor_off": Guidance(
        "Sensor off",
        "The sensor has no contact with the skin: no values until it is on again.",
        "Call the patient: put the sensor back on. If nobody answers, treat it as a patient who is not observed.",
        "A sensor has come off: open the link, then have the patient put it back on.",
    ),
    "no_data": Guidance(
        "No data",
        "This device is silent although its gateway is heard: out of reach, switched off or battery empty.",
        "Call the patient: is the device charged, on and at home? The values shown are old.",
        "A device sends no data: open the link, then ask the patient to check it.",
    ),
    "news2_no_value": Guidance(
        "NEWS2 cannot be assessed",
        "The score stands on inputs that are too old: whether it is better or worse is not known.",
        "See or call the patient now and have the old inputs measured again. " + _PLAN,
    ),
    "clock_wrong": Guidance(
        "Device clock wrong",
        "This device's clock cannot be believed: readings of unknown time are stored and raise no alarm.",
        "Call the home: have date and time set on the device, then have it measured again. Until then look at its values.",
        "A device's clock is wrong and some of its readings raise no alarm: open the link, then have its time set.",
    ),
    "gateway_clock": Guidance(
        "Gateway clock wrong",
        "The clock of the gateway in the home is not set or is wrong: its readings wait, or count for another time.",
        "Call the home: how is the patient? Have whoever runs Vigil see that the gateway reaches a time server (NTP).",
        "A gateway's clock is wrong: its readings wait or raise no alarm. Open the link, then have its time service mended.",
    ),
    "gateway_outbox": Guidance(
        "Gateway storage filling up",
        "The gateway in the home cannot send its readings, and its storage fills up: once it is full, readings are lost.",
        "Call the home: is its network on? If so, have whoever runs Vigil look (vigil doctor on it names the cause).",
        "A gateway's storage fills up: once it is full, readings are lost. Open the link, then have its connection mended.",
    ),
    "gateway_offline": Guidance(
        "Gateway silent",
        "The gateway in the home is not heard: no power, no network, or moved.",
        "Call the home: how is the patient, is there power and network? It keeps its readings and sends them later.",
        "A gateway is silent: nobody behind it is watched. Open the link, then call the home.",
    ),
    "pipeline_stopped": Guidance(
        "Vigil receives nothing",
        "No readings reach this part of the system: no new alarm can be raised for the patients concerned.",
        f"{_OPERATOR} now (vigil doctor names the cause). {_UNWATCHED}",
        f"Vigil receives nothing and raises no new alarms: start vigil doctor. {_UNWATCHED}",
    ),
    "log_silent": Guidance(
        "Vigil cannot read",
        "For more than 30 s no readings could be fetched for these patients: a server of the log is away or cut off.",
        f"{_OPERATOR} now (vigil doctor names the cause). {_UNWATCHED}",
        f"Part of the log cannot be read and no new alarm is raised for some: start vigil doctor. {_UNWATCHED}",
    ),
    "log_damaged": Guidance(
        "The log is damaged",
        "The log of readings was cut or made again, so this part of it is not read any more: no new alarm can be raised.",
        f"{_OPERATOR} now (vigil doctor says how to go on). {_UNWATCHED}",
        f"The log is damaged and part of it is not read: vigil doctor says how to go on. {_UNWATCHED}",
    ),
    "clock_skew": Guidance(
        "Server clock is off",
        "The clocks of Vigil's servers differ by more than 5 s: the ages of readings, and alarms for silence, may be wrong.",
        f"{_OPERATOR} now: time synchronisation (NTP) of brokers and workers. Trust no age of a reading until then.",
        "The clocks of Vigil's servers differ: have time synchronisation (NTP) mended, vigil doctor helps to look.",
    ),
    "record_set_aside": Guidance(
        "A record was set aside",
        "Vigil failed at one record and kept it apart, unread: a measurement or a setting in it is not shown.",
        "Look at what was set or measured in the last minutes, and tell whoever runs Vigil (vigil rejected list).",
        "Vigil failed at one record and kept it apart: vigil rejected list shows it, vigil doctor helps.",
    ),
    "partition_not_read": Guidance(
        "The log has too many parts",
        "Somebody added parts to Vigil's log. Nothing of Vigil's is in them, and nothing in them is read.",
        f"{_OPERATOR}: what was written to the new parts has to go to the patients' own. Patients are watched meanwhile.",
        "Vigil's log has too many parts, which are not read: vigil doctor helps to look.",
    ),
    "data_key_damaged": Guidance(
        "Readings cannot be opened",
        "The key for this patient's readings is damaged on the server: they are kept, nobody sees them, and no alarm comes.",
        "Call the patient: how are they? Observe by other means; have whoever runs Vigil restore the key (vigil doctor).",
        "Readings of a patient cannot be opened: nobody sees them. Open the link and have the key restored (vigil doctor).",
    ),
    "call_back": Guidance(
        "Needs a call",
        "The patient, or who helps them, could not go on at their own page and asked for a call, or withdrew.",
        "Call the patient, help with the device, and record the outcome. A new leaflet is at Administration, Patients.",
        "A patient asked for a call: open the link, then call the patient.",
    ),
    "state_lost": Guidance(
        "Alarm state was lost",
        "At a restart what had been counted so far could not be read: windows, hold times and open conditions begin anew.",
        "Look once at each patient's newest values; an alarm that still holds comes again by itself. "
        "Tell whoever runs Vigil; nothing else is to be done.",
        "Alarm state was lost at a restart and begins anew: look once at each patient's newest values.",
    ),
}
_SHAPES: Final[Mapping[str, tuple[str, str]]] = {
    "high": ("{label} high", "{label} is above its limit."),
    "low": ("{label} low", "{label} is below its limit."),
    "drift_high": ("{label} drifting up", "{label} has stayed above what is usual for this patient."),
    "drift_low": ("{label} drifting down", "{label} has stayed below what is usual for this patient."),
    "rising": ("{label} rising", "{label} has been rising faster than its limit for most of the time looked at."),
    "falling": ("{label} falling", "{label} has been falling faster than its limit for most of the time looked at."),
    "gain": ("{label} gained", "{label} has risen by more than its limit within the time given."),
    "loss": ("{label} lost", "{label} has dropped by more than its limit within the time given."),
    "repeatedly_high": ("{label} repeatedly high", "{label} has been above its limit several times of the last few."),
    "repeatedly_low": ("{label} repeatedly low", "{label} has been below its limit several times of the last few."),
    "rising_fast": ("{label} rising fast", "{label} is rising faster than its limit."),
    "falling_fast": ("{label} falling fast", "{label} is falling faster than its limit."),
    "soon_high": ("{label} soon high", "{label} will be above its limit soon if it goes on rising like this."),
    "soon_low": ("{label} soon low", "{label} will be below its limit soon if it goes on falling like this."),
    "rising_for_days": (
        "{label} rising for days",
        "{label} has been rising for days; it stands until it is back, or decided.",
    ),
    "falling_for_days": (
        "{label} falling for days",
        "{label} has been falling for days; it stands until it is back, or decided.",
    ),
}
_NO_VALUE: Final = Guidance(
    "{label}: no usable value",
    "{label} is not watched: this device sends no value that can be used. A standing alarm of it cannot be assessed.",
    "Call the patient: is the sensor on properly, warm and charged? Have it measured again; else treat it as not observed.",
    "A device sends no usable value: open the link, then have the patient seat the sensor again.",
)
_DISAGREE: Final = Guidance(
    "{label}: devices disagree",
    "{label}: devices have differed too much for too long; until they agree one of them alone raises nothing above medium.",
    "See or call the patient and measure it by hand. Then have the sensor that is wrong seated again, or take it off.",
    "Two devices of a patient disagree: open the link, then have it measured by hand.",
)
_ROLLING: Final = re.compile(r"(high|low)_(mean|median|share)_(1min|5min|1h|4h|24h)")
_WINDOWS: Final = {"1min": "minute", "5min": "five minutes", "1h": "hour", "4h": "four hours", "24h": "day"}
_SIDES: Final = {"high": "above", "low": "below"}
_ROLLING_MEANS: Final[Mapping[str, str]] = {
    "mean": "{label}: the mean of the last {window} is {side} its limit.",
    "median": "{label}: the middle value of the last {window} is {side} its limit.",
    "share": "{label}: most values of the last {window} are {side} the limit.",
}
_TOGETHER: Final = f"See or call the patient now and look at each of them. {_PLAN}"
_TECHNICAL: Final = {"no_value": _NO_VALUE, "disagree": _DISAGREE}
_LATE: Final = (
    "It began and ended before its readings arrived. Look at the chart, and ask the patient how it was; it is not urgent."
)


def guidance(rule: str, *, late: bool = False) -> Guidance | None:
    """The words for a rule as conditions and alarms name it; ``None`` for one that is not known.

    ``late``: an episode found in late data, over before anybody could be told.
    """
    if found := _FIXED.get(rule):
        return found
    column, _, kind = rule.rpartition(".")
    if column == "combined":
        named = kind.replace("_", " ")
        return Guidance(named.capitalize(), f"Several signs stand together that your rules call {named!r}.", _TOGETHER)
    if column in _COLUMNS and (rolling := _ROLLING.fullmatch(kind)):
        spec = vital_named(column)
        figure = f"{spec.label} {rolling[1]} for a while"
        means = _ROLLING_MEANS[rolling[2]].format(label=spec.label, window=_WINDOWS[rolling[3]], side=_SIDES[rolling[1]])
        return Guidance(figure, means, f"{_check(spec)} {_PLAN}")
    if column not in _COLUMNS or kind not in (*_SHAPES, *_TECHNICAL):
        return None
    spec = vital_named(column)
    if found := _TECHNICAL.get(kind):
        return replace(found, name=found.name.format(label=spec.label), means=found.means.format(label=spec.label))
    name, means = (text.format(label=spec.label) for text in _SHAPES[kind])
    return Guidance(name, means, _LATE if late else f"{_check(spec)} {_PLAN}")


def words_away(rule: str) -> str:
    """The text of a message outside the desk about an alarm of this rule: no name, no vital, no value."""
    found = guidance(rule)
    return found.away if found else _SEE


def fixed_rules() -> frozenset[str]:
    """The rules that concern no single vital."""
    return frozenset(_FIXED)


def _check(spec: VitalSpec) -> str:
    return _CHECK.get(spec.column, _PRESSURE)


_COLUMNS: Final = frozenset(spec.column for spec in VITALS.values())
