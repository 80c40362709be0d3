"""A rule set in plain language: one line a rule, for ``vigil rules list`` and docs/rules.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from alerts.rules.layers.named import combined_name, limit_name, name_of_rolling, trend_names
from alerts.rules.scores.names import score_name
from alerts.rules.sets.rule_file import RuleFile
from devices.vitals import VITALS, Vital
from devices.wire.control import (
    Change,
    Combination,
    Limit,
    Mews,
    Qsofa,
    Rate,
    Repeated,
    Rolling,
    RuleSet,
    Score,
    ScoreMean,
    ScoreRise,
    Slope,
    Soon,
    Steady,
    Trend,
)

_UNITS: Final = {"mm[Hg]": "mmHg", "Cel": "°C"}
_BEYOND: Final = {"low": "below", "high": "above"}


@dataclass(frozen=True, slots=True)
class Described:
    """``rule``: its name in alarms and pauses; ``text``: when it is raised; ``source``: where it comes from."""

    rule: str
    text: str
    source: str


def described(found: RuleFile) -> list[Described]:
    """Every rule of a set; of one that stands over another those that it changes."""
    over = found.given and not found.given & {"technical", "agree", "prefer"}
    return [*_clinical(found, over=bool(over)), *([] if over else installation(found))]


def _clinical(found: RuleFile, *, over: bool) -> list[Described]:
    rules, sources = found.rule_set, found.sources
    out = []
    for one in rules.limits:
        name = f"{VITALS[Vital(one.vital)].column}.{one.side}"
        out.append(Described(limit_name(one), _limit(one), sources.get(f"limit.{name}", "")))
    back = f", until it is below the level by more than {rules.news2_hysteresis}" if rules.news2_hysteresis else ""
    score = f"medium from {rules.news2_medium}, high from {rules.news2_high}, for {rules.news2_hold_s} s{back}"
    if not over or "news2" in found.given:
        out.append(Described("news2", score, sources.get("news2", "")))
    out += [Described(name, "off", "") for name in found.off]
    for at, trend in enumerate(rules.trends):
        out.append(Described(", ".join(trend_names(trend)), _trend(trend), sources.get(f"trend.{at}", "")))
    for at, rolling in enumerate(rules.rolling):
        out.append(Described(name_of_rolling(rolling), _rolling(rolling), sources.get(f"rolling.{at}", "")))
    for at, score_rule in enumerate(rules.scores):
        out.append(Described(score_name(score_rule), _score(score_rule), sources.get(f"score.{at}", "")))
    for at, made in enumerate(rules.combined):
        out.append(Described(combined_name(made.name), _combined(made), sources.get(f"combined.{at}", "")))
    return out


def described_rules(rules: RuleSet, own: Mapping[str, Limit]) -> list[Described]:
    """The clinical rules that hold for a patient, whose ``own`` limits (by name) come before those of ``rules``."""
    limits = [one for one in rules.limits if limit_name(one) not in own]
    mine = [one for one in own.values() if one.medium or one.high]
    whole = replace(rules, limits=(*limits, *mine))
    return _clinical(RuleFile("", "", whole, {}), over=False)


def installation(found: RuleFile) -> list[Described]:
    """The rules that only the set of the whole installation has: technical ones."""
    rules, sources, out = found.rule_set, found.sources, list[Described]()
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


def _trend(one: Trend) -> str:
    unit = _unit(one.vital)
    match one:
        case Change():
            back = "; ends when it is back, or within reach of the dry weight" if one.vital == Vital.WEIGHT else ""
            moved = "gained" if one.side == "high" else "lost"
            return f"{one.priority} when {moved} {one.by:g} {unit} within {one.within_h} h{back}"
        case Slope():
            return f"{one.priority} at {one.per_hour:g} {unit} an hour over {one.window_min} min"
        case Repeated():
            which = "minutes" if VITALS[Vital(one.vital)].continuous else "readings"
            return (
                f"{one.priority} when {one.times} of the last {one.of} {which} are {_BEYOND[one.side]} {one.limit:g} {unit}"
            )
        case Rate():
            moved = "rises" if one.side == "high" else "falls"
            beyond = "" if one.beyond is None else f" and is {_BEYOND[one.side]} {one.beyond:g} {unit}"
            return f"{one.priority} when it {moved} by over {one.per_min:g} {unit} a minute in {one.over_min} min{beyond}"
        case Soon():
            where = f"{_BEYOND[one.side]} {one.limit:g} {unit}"
            as_now = f"if it goes on as in the last {one.over_min} min"
            return f"{one.priority} when it will be {where} in {one.ahead_min} min, {as_now}"
        case Steady():
            moved = "rises" if one.side == "high" else "falls"
            back = f"; ends {one.hysteresis:g} {unit} from where it began" if one.hysteresis else ""
            return f"{one.priority} when it {moved} by {one.per_day:g} {unit} a day over {one.over_days} days{back}"
        case _:
            return f"{one.priority} at {one.limit:g} standard deviations times minutes from the patient's own baseline"


def _score(one: Score) -> str:
    match one:
        case ScoreMean():
            until = f"until it is {one.until:g}"
            return f"{one.priority} when the mean of NEWS2 over {one.hours} h is {one.limit:g} or more, {until}"
        case ScoreRise():
            return f"{one.priority} when NEWS2 is {one.least} or more and {one.by} above its mean of the last {one.hours} h"
        case Mews():
            return f"information (low) when MEWS is {one.limit} or more"
        case Qsofa():
            return f"information (low) when qSOFA is {one.limit} or more"


def _combined(one: Combination) -> str:
    parts = [" and ".join(one.every)] if one.every else []
    if one.among:
        parts.append(f"{one.least} of {', '.join(one.among)}")
    return f"{one.priority} while {' and '.join(parts)} stand"


def _rolling(one: Rolling) -> str:
    limit = f"{_BEYOND[one.side]} {one.limit:g} {_unit(one.vital)}"
    window = f"the last {one.window_s // 3600} h" if one.window_s > 3600 else f"the last {one.window_s // 60} min"
    if one.figure == "share":
        return f"{one.priority} when {one.share} % of the values of {window} are {limit}"
    return f"{one.priority} when the {one.figure} of {window} is {limit}"


def _unit(vital: int) -> str:
    unit = VITALS[Vital(vital)].unit
    return _UNITS.get(unit, unit)


_HEAD: Final = """# Default rules
Made of the files in `alerts/rules/sets/`, which a hospital copies, changes, checks and applies:
`vigil rules show > ours.toml`, `vigil rules check ours.toml`, `vigil rules apply ours.toml --by you --why "..."`.

The first set holds for everybody. The others belong to a programme (`vigil patient programme 1 copd --by you`): each of
their rules stands in place of that of the same name. A file for a ward or for one patient does the same:
`vigil rules apply ours.toml --ward 3`, `--patient 1`. Of several the patient's counts before the ward's, and that before the
programme's. `vigil rules show --patient 1` says which set each rule comes from.

What an alarm means: [alarms.md](alarms.md).
"""


def whole_page(*sets: RuleFile) -> str:
    """docs/rules.md, but for what is measured."""
    return "\n".join([_HEAD, *(page(one) + "\n" for one in sets)])
