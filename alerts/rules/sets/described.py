"""A rule set in plain language: one line a rule, for ``vigil rules list`` and docs/rules.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from alerts.rules.limits.bounds import SIDES
from alerts.rules.rolling.figures import FIGURES, WINDOWS, rule_name
from alerts.rules.sets.rule_file import RuleFile
from devices.vitals import VITALS, Vital
from devices.wire.control import Change, Drift, Limit, Rolling, Slope, Trend

_UNITS: Final = {"mm[Hg]": "mmHg", "Cel": "°C"}
_BEYOND: Final = {"low": "below", "high": "above"}


@dataclass(frozen=True, slots=True)
class Described:
    """``rule``: its name in alarms and pauses; ``text``: when it is raised; ``source``: where it comes from."""

    rule: str
    text: str
    source: str


def described(found: RuleFile) -> list[Described]:
    """Every rule of a set."""
    rules, sources = found.rule_set, found.sources
    out = []
    for one in rules.limits:
        name = f"{VITALS[Vital(one.vital)].column}.{one.side}"
        out.append(Described(name, _limit(one), sources.get(f"limit.{name}", "")))
    back = f", until it is below the level by more than {rules.news2_hysteresis}" if rules.news2_hysteresis else ""
    score = f"medium from {rules.news2_medium}, high from {rules.news2_high}, for {rules.news2_hold_s} s{back}"
    out.append(Described("news2", score, sources.get("news2", "")))
    out += [Described(_name(one), _trend(one), sources.get(f"trend.{at}", "")) for at, one in enumerate(rules.trends)]
    for at, rolling in enumerate(rules.rolling):
        name = rule_name(rolling.vital, SIDES.index(rolling.side), FIGURES.index(rolling.figure), _place(rolling.window_s))
        out.append(Described(name, _rolling(rolling), sources.get(f"rolling.{at}", "")))
    for each in rules.agree:
        column, unit = VITALS[Vital(each.vital)].column, _unit(each.vital)
        text = f"technical when live sources differ by more than {each.within:g} {unit} for {each.for_s} s"
        out.append(Described(f"{column}.disagree", text, sources.get(f"agree.{column}", "")))
    timers = sources.get("technical", "")
    out.append(Described("gateway_offline", f"technical after {rules.gateway_offline_s} s without a heartbeat", timers))
    silence = f"{rules.no_data_factor:g} intervals of the device and {rules.no_data_extra_s} s"
    out.append(Described("no_data", f"technical after {silence}", timers))
    out.append(Described("sensor_off", f"technical after {rules.sensor_off_s} s", timers))
    out.append(Described("<vital>.no_value", f"technical after {rules.no_value_s} s without a usable value", timers))
    return out


def page(found: RuleFile) -> str:
    """The section of docs/rules.md about one set."""
    rows = [f"| `{one.rule}` | {one.text} | {one.source} |" for one in described(found)]
    return "\n".join([f"## {found.name}", found.about, "", "| rule | raised | source |", "|---|---|---|", *rows])


def _limit(one: Limit) -> str:
    unit = _unit(one.vital)
    parts = [
        f"{word} {_BEYOND[one.side]} {level.limit:g} {unit}" + (f" for {level.hold_s} s" if level.hold_s else " at once")
        for word, level in (("medium", one.medium), ("high", one.high))
        if level
    ]
    shown = ", as the chart rounds" if one.chart else ""
    back = f"; ends {one.hysteresis:g} inside" if one.hysteresis else ""
    return ", ".join(parts) + shown + back


def _name(one: Trend) -> str:
    column = VITALS[Vital(one.vital)].column
    if isinstance(one, Drift):
        return f"{column}.drift_{one.sides[0]}" if len(one.sides) == 1 else f"{column}.drift_high, {column}.drift_low"
    high, low = ("rising", "falling") if isinstance(one, Slope) else ("gain", "loss")
    return f"{column}.{high if one.side == 'high' else low}"


def _trend(one: Trend) -> str:
    unit = _unit(one.vital)
    if isinstance(one, Change):
        return f"{one.priority} when {'gained' if one.side == 'high' else 'lost'} {one.by:g} {unit} within {one.within_h} h"
    if isinstance(one, Slope):
        return f"{one.priority} at {one.per_hour:g} {unit} an hour over {one.window_min} min"
    return f"{one.priority} at {one.limit:g} standard deviations times minutes from the patient's own baseline"


def _place(window_s: int) -> int:
    return list(WINDOWS).index(window_s)


def _rolling(one: Rolling) -> str:
    limit = f"{_BEYOND[one.side]} {one.limit:g} {_unit(one.vital)}"
    window = f"the last {one.window_s // 60} min"
    if one.figure == "share":
        return f"{one.priority} when {one.share} % of the values of {window} are {limit}"
    return f"{one.priority} when the {one.figure} of {window} is {limit}"


def _unit(vital: int) -> str:
    unit = VITALS[Vital(vital)].unit
    return _UNITS.get(unit, unit)


_HEAD: Final = """# Default rules
Made of the files in `alerts/rules/sets/`, which a hospital copies, changes, checks and applies:
`vigil rules show > ours.toml`,
`vigil rules check ours.toml`, `vigil rules apply ours.toml --by you --why "..."`.
What an alarm means: [alarms.md](alarms.md).
"""


def whole_page(*sets: RuleFile) -> str:
    """docs/rules.md, but for what is measured."""
    return "\n".join([_HEAD, *(page(one) + "\n" for one in sets)])
