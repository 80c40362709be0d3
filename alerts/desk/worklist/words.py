"""Times, ages, values and alarms in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from alerts.desk.worklist.snapshot import Device, Patient
from alerts.life.alarm import Alarm, found_late
from alerts.rules.guidance import guidance
from devices.vitals import VITALS, Vital

UNITS: Final = {"mm[Hg]": "mmHg", "Cel": "°C"}
STARS: Final = {"high": "***", "medium": "**", "technical": "*", "low": "*"}
OUTCOMES: Final[dict[str, str]] = {
    "called": "Called", "visit": "Visit", "limits_adjusted": "Limits adjusted", "false_alarm": "False alarm",
}  # fmt: skip
GATEWAY_RULES: Final = frozenset({"gateway_offline", "gateway_clock", "gateway_outbox", "data_key_damaged"})
"""Their source is a gateway, that of the other technical rules of a patient a device."""
_TRENDS: Final = {
    "drift_high": "drifting up",
    "drift_low": "drifting down",
    "rising": "rising",
    "falling": "falling",
    "gain": "+",
    "loss": "−",
    "rising_fast": "rising",
    "falling_fast": "falling",
    "soon_high": "rising",
    "soon_low": "falling",
    "rising_for_days": "rising",
    "falling_for_days": "falling",
    "repeatedly_high": "repeatedly high",
    "repeatedly_low": "repeatedly low",
}


_LATER_TRENDS: Final = frozenset(_TRENDS) - {"drift_high", "drift_low", "rising", "falling", "gain", "loss"}


def unit_of(vital: int) -> str:
    """The unit of a vital as people write it."""
    unit = VITALS[Vital(vital)].unit
    return UNITS.get(unit, unit)


def number(vital: int, value: float) -> str:
    """A value with the decimals of its vital."""
    return f"{value:.{VITALS[Vital(vital)].decimals}f}"


def limit_number(value: float) -> str:
    """A limit without trailing zeros."""
    return f"{value:.10g}"


def local(ms: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(ms / 1000, zone)


def hm(ms: int | None, zone: ZoneInfo) -> str:
    """As 14:32."""
    return f"{local(ms, zone):%H:%M}" if ms is not None else ""


def hms(ms: int | None, zone: ZoneInfo) -> str:
    """As 14:32:07."""
    return f"{local(ms, zone):%H:%M:%S}" if ms is not None else ""


def day(ms: int, zone: ZoneInfo) -> str:
    """As 22-Nov-2026."""
    return f"{local(ms, zone):%d-%b-%Y}"


def iso(ms: int) -> str:
    """The value of a ``datetime`` attribute."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def span(seconds: float) -> str:
    """A length of time in its largest unit: 41 s, 12 min, 3 h, 2 d."""
    whole = max(0, int(seconds))
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if whole >= size * (2 if name == "d" else 1):
            return f"{whole // size} {name}"
    return f"{whole} s"


def born(iso_date: str | None, today: date) -> str:
    """As 14-Jul-1945 (81y)."""
    if not iso_date:
        return "born: not known"
    when = date.fromisoformat(iso_date)
    years = today.year - when.year - ((today.month, today.day) < (when.month, when.day))
    return f"{when:%d-%b-%Y} ({years}y)"


def kind_of(alarm: Alarm) -> str:
    """The mark of an alarm: ``high``, ``medium``, ``low`` or ``technical``."""
    return "technical" if alarm.category == "technical" else alarm.priority.word


def headline(alarm: Alarm, devices: Mapping[int, Device] | None = None) -> tuple[str, str]:
    """An alarm in two parts: "HR 134" and "> 120 /min"; "No data" and "Wrist oximeter".  A rule that is not of the whole
    installation says whose it is: "SpO₂ 84" and "< 86 %, programme copd".
    """
    what, limit = _headline(alarm, devices)
    whose = alarm.detail.get("set")
    if isinstance(whose, str) and whose:
        limit = f"{limit}, {'own limit' if whose == 'patient' else whose}".removeprefix(", ")
    return what, limit


def _headline(alarm: Alarm, devices: Mapping[int, Device] | None) -> tuple[str, str]:
    if alarm.rule == "news2":
        total = alarm.detail.get("total", alarm.value)
        if not isinstance(total, (int, float)):
            return "NEWS2", "no score"
        limit = f"alarm at {limit_number(alarm.limit_value)}" if alarm.limit_value is not None else ""
        if alarm.detail.get("single3") and alarm.limit_value is None:
            limit = "one input scores 3"
        return f"NEWS2 {'≥' if alarm.detail.get('missing') else ''}{int(total)}", limit
    if alarm.rule in ("news2_mean", "news2_rise", "mews", "qsofa") and alarm.value is not None:
        named = guidance(alarm.rule)
        bound = f"limit {limit_number(round(alarm.limit_value, 1))}" if alarm.limit_value is not None else ""
        return f"{named.name if named else 'Score'} {limit_number(round(alarm.value, 1))}", bound
    trend = _TRENDS.get(alarm.rule.rpartition(".")[2])
    if trend and alarm.vital is not None and alarm.value is not None:
        return _trend(alarm, trend, alarm.vital, alarm.value)
    if alarm.vital is not None and alarm.value is not None:
        kind = alarm.rule.rpartition(".")[2]
        sign = "<" if kind.startswith("low") else ">"
        limit = ""
        if alarm.limit_value is not None:
            limit = f"{sign} {limit_number(round(alarm.limit_value, 3))} {unit_of(alarm.vital)}"
        if found_late(alarm.detail):
            limit = f"{limit}, found in late data".removeprefix(", ")
        window = alarm.detail.get("window_s")
        if isinstance(window, int) and kind.startswith(("low_", "high_")):
            limit = f"{limit}, {kind.split('_')[1]} of {span(window)}"
        return f"{VITALS[Vital(alarm.vital)].short} {number(alarm.vital, alarm.value)}", limit
    known = guidance(alarm.rule)
    name = known.name if known else alarm.rule.replace("_", " ").replace(".", " ").capitalize()
    return name, _whose(alarm, devices or {})


def _whose(alarm: Alarm, devices: Mapping[int, Device]) -> str:
    """The device of a technical alarm, or its gateway, and what its detail says: "Arm cuff, 120 s ahead"."""
    if alarm.category != "technical":
        return ""
    if alarm.rule in GATEWAY_RULES:
        names = {device.gateway: device.gateway_name for device in devices.values()}
    else:
        names = {number: device.name for number, device in devices.items()}
    name, off, reason = names.get(alarm.source, ""), alarm.detail.get("off_s"), alarm.detail.get("reason")
    if isinstance(off, int):
        reason = f"{span(abs(off))} {'ahead' if off > 0 else 'behind'}"
    return ", ".join(part for part in (name, reason if isinstance(reason, str) else "") if part)


def _trend(alarm: Alarm, word: str, vital: int, value: float) -> tuple[str, str]:
    """As "HR 96 drifting up" and "usually 78 /min", or "Weight +1.4 kg" and "≥ 1 kg in 3 d"."""
    short, unit = VITALS[Vital(vital)].short, unit_of(vital)
    limit = alarm.limit_value
    kind = alarm.rule.rpartition(".")[2]
    if kind in {"rising", "falling"}:
        bound = f"limit {limit_number(round(abs(limit), 3))}" if limit is not None else ""
        return f"{short} {word} {limit_number(round(abs(value), 1))} {unit} an hour", bound
    if kind in _LATER_TRENDS:
        return _of_readings(alarm, kind, word, value)
    if kind in {"gain", "loss"}:
        hours = alarm.detail.get("within_h")
        within = f" in {span(hours * 3600)}" if isinstance(hours, (int, float)) else ""
        bound = f"≥ {limit_number(round(abs(limit), 3))} {unit}{within}" if limit is not None else ""
        return f"{short} {word}{limit_number(round(abs(value), 2))} {unit}", bound
    return f"{short} {number(vital, value)} {word}", f"usually {number(vital, limit)} {unit}" if limit is not None else ""


def _of_readings(alarm: Alarm, kind: str, word: str, value: float) -> tuple[str, str]:
    """As "Gluc falling 2.4 mg/dL a minute" and "limit 2", "Gluc 78 falling" and "< 70 mg/dL in 20 min"."""
    vital, limit, detail = alarm.vital or 0, alarm.limit_value, alarm.detail
    short, unit = VITALS[Vital(vital)].short, unit_of(vital)
    if kind.endswith(("_fast", "_days")):
        each = "a minute" if kind.endswith("_fast") else "a day"
        bound = f"limit {limit_number(round(abs(limit), 3))}" if limit is not None else ""
        return f"{short} {word} {limit_number(round(abs(value), 2))} {unit} {each}", bound
    sign = ">" if kind.endswith("_high") else "<"
    bound = f"{sign} {limit_number(round(limit, 3))} {unit}" if limit is not None else ""
    if kind.startswith("soon"):
        return f"{short} {number(vital, value)} {word}", f"{bound} in {detail.get('ahead_min', '?')} min"
    return f"{short} {number(vital, value)} {word}", f"{bound}, {detail.get('times', '?')} of {detail.get('of', '?')}"


def plain(alarm: Alarm, devices: Mapping[int, Device] | None = None) -> str:
    """An alarm in one line of text."""
    return " ".join(part for part in headline(alarm, devices) if part)


def to_do(alarm: Alarm) -> tuple[str, str]:
    """The meaning of an alarm and the action it needs, one or two sentences each."""
    known = guidance(alarm.rule, late=found_late(alarm.detail))
    if known is None:
        return "", "See or call the patient, act by your ward's plan. Tell the operator that this alarm has no text."
    return known.means, known.do


def first_sentence(text: str) -> str:
    """The first sentence of a text, for a line with little room."""
    ends = [at for at in (text.find(". "), text.find("? ")) if at >= 0]
    return text[: min(ends) + 1] if ends else text


def devices_of(patient: Patient | None) -> dict[int, Device]:
    return {device.device: device for device in patient.devices} if patient else {}
