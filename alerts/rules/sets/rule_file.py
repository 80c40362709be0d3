"""A rule set as a TOML file: what a hospital writes, checks, keeps under version control and applies.

``vigil rules show`` writes one, ``vigil rules check`` explains every error with its line.  The set of a new
installation, ``alerts/rules/sets/general.toml``, is an example.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

import msgspec

from alerts.rules.errors import Fault, RuleFileError
from alerts.rules.rolling.rolling_limits import possible
from alerts.rules.sets.places import Place, line_of, places_of
from devices.vitals import VITALS, vital_named
from devices.wire.control import (
    Agreement,
    Change,
    Drift,
    Level,
    Limit,
    Preference,
    PriorityWord,
    Rolling,
    RuleSet,
    Side,
    Slope,
    Trend,
)
from devices.wire.ranges import Count, Percent, Points, Seconds, Size

SIDES: Final[tuple[Side, ...]] = ("low", "high")
S = TypeVar("S", bound=msgspec.Struct)


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
    window_s: Literal[60, 300, 3600]
    limit: float
    share: Percent = 80
    hysteresis: Size = 0.0
    least: Count = 10
    priority: PriorityWord = "medium"
    source: str = ""


TrendPart = SlopePart | ChangePart | DriftPart
_TRENDS: Final[dict[type[TrendPart], type[Trend]]] = {SlopePart: Slope, ChangePart: Change, DriftPart: Drift}
_TOP: Final = ("name", "about", "limit", "news2", "trend", "rolling", "prefer", "agree", "technical")


@dataclass(frozen=True, slots=True)
class RuleFile:
    """``sources``: where each limit and trend comes from, by its place such as "limit.spo2.low"; ``places``: lines."""

    name: str
    about: str
    rule_set: RuleSet
    sources: Mapping[str, str]
    places: Mapping[Place, int] = field(default_factory=dict)


def read_rule_file(text: str, version: int = 1) -> RuleFile:
    """The rule set that a file describes.

    Raises:
        RuleFileError: with every error that was found, each with its line and what is right there.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise RuleFileError([Fault(int(line[1]) if line else len(text.splitlines()), f"this is no TOML: {error}")]) from None
    return _Reader(content, places_of(text)).read(version)


class _Reader:
    """Collects the parts of a file, its errors and its sources."""

    def __init__(self, content: dict[str, Any], places: dict[Place, int]) -> None:
        self.content, self.places = content, places
        self.faults: list[Fault] = []
        self.sources: dict[str, str] = {}

    def read(self, version: int) -> RuleFile:
        for key in self.content:
            if key not in _TOP:
                self.fault((key,), f"there is no {key}: a rule file has {', '.join(_TOP)}")
        limits = tuple(self._limits())
        trends = tuple(self._trends())
        rolling = tuple(self._rolling())
        prefer = tuple(
            Preference(code, self._whole(("prefer", name), value))
            for name, value in self._table("prefer").items()
            if (code := self._vital(("prefer", name), name))
        )
        agree = RuleSet(0).agree
        if "agree" in self.content:
            agree = tuple(
                Agreement(code, one.within, one.for_s)
                for name, value in self._table("agree").items()
                if (code := self._vital(("agree", name), name)) and (one := self._part(("agree", name), value, AgreePart))
            )
        score = self._part(("news2",), self.content.get("news2", {}), ScorePart) or ScorePart()
        if score.medium > score.high:
            self.fault(("news2", "medium"), f"medium is {score.medium}, above high, {score.high}")
        technical = self._part(("technical",), self.content.get("technical", {}), TechnicalPart) or TechnicalPart()
        name, about = (self._text(key) for key in ("name", "about"))
        if not name:
            self.fault(("name",), 'a rule file has a name, such as name = "general"')
        if self.faults:
            raise RuleFileError(sorted(self.faults, key=lambda one: one.line))
        timers = {key: value for key, value in msgspec.structs.asdict(technical).items() if key != "source"}
        scores = {f"news2_{key}": value for key, value in msgspec.structs.asdict(score).items() if key != "source"}
        rules = RuleSet(version, limits, trends=trends, rolling=rolling, prefer=prefer, agree=agree, **timers, **scores)
        return RuleFile(name, about, rules, self.sources, self.places)

    def _limits(self) -> list[Limit]:
        found = []
        for name, sides in self._table("limit").items():
            code = self._vital(("limit", name), name)
            if not isinstance(sides, dict):
                self.fault(("limit", name), f"write [limit.{name}.low] or [limit.{name}.high]")
                continue
            for side, value in sides.items():
                place: Place = ("limit", name, side)
                if side not in SIDES:
                    self.fault(place, f"there is no side {side}: write low or high")
                    continue
                part = self._part(place, value, LimitPart)
                if part is None or code is None:
                    continue
                medium, high = _level(part.medium), _level(part.high)
                if not medium and not high:
                    self.fault(place, "this limit has no level: give high, medium or both")
                found.append(Limit(code, side, medium, high, part.hysteresis, part.chart))
        return found

    def _trends(self) -> list[Trend]:
        found: list[Trend] = []
        given = self.content.get("trend", [])
        if not isinstance(given, list):
            self.fault(("trend",), "write [[trend]], once for each")
            return found
        for number, value in enumerate(given):
            place: Place = ("trend", number)
            part: Any = self._part(place, value, TrendPart)  # type: ignore[arg-type]
            code = part and self._vital((*place, "vital"), part.vital)
            if not part or not code:
                continue
            fields = {key: one for key, one in msgspec.structs.asdict(part).items() if key not in ("vital", "source")}
            found.append(_TRENDS[type(part)](vital=code, **fields))
        return found

    def _rolling(self) -> list[Rolling]:
        found: list[Rolling] = []
        given = self.content.get("rolling", [])
        if not isinstance(given, list):
            self.fault(("rolling",), "write [[rolling]], once for each")
            return found
        for number, value in enumerate(given):
            place: Place = ("rolling", number)
            part = self._part(place, value, RollingPart)
            code = part and self._vital((*place, "vital"), part.vital)
            if not part or not code:
                continue
            fields = {key: one for key, one in msgspec.structs.asdict(part).items() if key not in ("vital", "source")}
            one = Rolling(vital=code, **fields)
            if not possible(one):
                self.fault(
                    place, "only a vital that is measured all the time has rolling figures, and an hour has a mean alone"
                )
            found.append(one)
        return found

    def _part(self, place: Place, value: object, kind: type[S]) -> S | None:
        try:
            part = msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            message, _, where = str(error).partition(" - at `$")
            unknown = re.search(r"unknown field `(\w+)`", message)
            self.fault((*place, *_steps(where), *([unknown[1]] if unknown else [])), _plain(message))
            return None
        if source := getattr(part, "source", ""):
            self.sources[".".join(map(str, place))] = source
        return part

    def _table(self, key: str) -> dict[str, Any]:
        value = self.content.get(key, {})
        if isinstance(value, dict):
            return value
        self.fault((key,), f"{key} is a table: write [{key}...]")
        return {}

    def _text(self, key: str) -> str:
        value = self.content.get(key, "")
        if isinstance(value, str):
            return value
        self.fault((key,), f'{key} is text: write it in quotes, {key} = "..."')
        return ""

    def _whole(self, place: Place, value: object) -> int:
        if isinstance(value, int) and 1 <= value <= 86_400:
            return value
        self.fault(place, "a hold is a whole number of seconds, from 1 to 86400")
        return 1

    def _vital(self, place: Place, name: str) -> int | None:
        try:
            return int(vital_named(name).vital)
        except KeyError:
            known = ", ".join(spec.column for spec in VITALS.values())
            self.fault(place, f"there is no vital {name}: the vitals are {known}")
            return None

    def fault(self, place: Place, message: str) -> None:
        self.faults.append(Fault(line_of(self.places, place), message))


def _level(given: float | LevelPart | None) -> Level | None:
    if isinstance(given, LevelPart):
        return Level(given.limit, given.hold_s)
    return None if given is None else Level(given)


def _steps(where: str) -> Place:
    """The place in the path of msgspec: ".high.limit`" as ("high", "limit")."""
    return tuple(re.findall(r"[A-Za-z_]\w*", where))


_KINDS: Final[Mapping[str, str]] = {
    "int": "a whole number", "float": "a number", "str": "text", "bool": "true or false", "object": "a table",
    "float | object | null": "a number or {limit, hold_s}", "array": "a list", "null": "nothing",
}  # fmt: skip


_WORDS: Final[tuple[tuple[str, Callable[[re.Match[str]], str]], ...]] = (
    (r"Object contains unknown field `(\w+)`", lambda m: f"there is no {m[1]} here: see alerts/rules/sets/general.toml"),
    (r"Object missing required field `(\w+)`", lambda m: f"{m[1]} is missing"),
    (r"Invalid value '?(\S+?)'?$", lambda m: f"{m[1]} is not one of the words that may stand here"),
    (r"Invalid enum value '?(\S+?)'?$", lambda m: f"{m[1]} is not one of the words that may stand here"),
    (r"Expected `(\S+)` (<=|>=) (\S+)", lambda m: f"this must be {'at most' if m[2] == '<=' else 'at least'} {m[3]}"),
    (r"Expected `(.+)`, got `(\w+)`", lambda m: f"this must be {_KINDS.get(m[1], m[1])}, and is {_KINDS.get(m[2], m[2])}"),
)


def _plain(message: str) -> str:
    for pattern, words in _WORDS:
        if found := re.match(pattern, message):
            return words(found)
    return message
