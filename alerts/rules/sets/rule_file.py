"""A rule set as a TOML file: what a hospital writes, checks, keeps under version control and applies.

``vigil rules show`` writes one, ``vigil rules check`` explains every error with its line.  The set of a new
installation, ``alerts/rules/sets/general.toml``, is an example.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, TypeVar

import msgspec

from alerts.rules.combined.catalogue import PLACE
from alerts.rules.combined.combinations import MOST
from alerts.rules.errors import Fault, RuleFileError
from alerts.rules.layers.named import COMBINED
from alerts.rules.rolling.rolling_limits import possible
from alerts.rules.sets.parts import (
    SCORES,
    TRENDS,
    AgreePart,
    CombinedPart,
    LevelPart,
    LimitPart,
    RollingPart,
    ScorePart,
    ScorePartOf,
    TechnicalPart,
    TrendPart,
)
from alerts.rules.sets.places import Place, line_of, places_of
from devices.vitals import VITALS, Vital, vital_named
from devices.wire.control import (
    Agreement,
    Change,
    Combination,
    Level,
    Limit,
    Preference,
    Rate,
    Repeated,
    Rolling,
    RuleSet,
    Score,
    Side,
    Soon,
    Steady,
    Trend,
)
from streams.engine.series.sparse import KEPT

SIDES: Final[tuple[Side, ...]] = ("low", "high")
S = TypeVar("S", bound=msgspec.Struct)


_TOP: Final = (
    "name", "about", "limit", "news2", "trend", "rolling", "score", "combined", "off", "prefer", "agree", "technical",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleFile:
    """``sources``: where each limit and trend comes from, by its place such as "limit.spo2.low"; ``places``: lines;
    ``given``: the tables that the file has; ``off``: names of rules that it switches off where it stands over another set.
    """

    name: str
    about: str
    rule_set: RuleSet
    sources: Mapping[str, str]
    places: Mapping[Place, int] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    off: tuple[str, ...] = ()


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
        scores, combined, off = (
            tuple(self._scores()),
            tuple(self._combined()),
            self._rules(("off",), self.content.get("off")),
        )
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
        levels = {f"news2_{key}": value for key, value in msgspec.structs.asdict(score).items() if key != "source"}
        rules = RuleSet(
            version, limits, trends=trends, rolling=rolling, prefer=prefer, agree=agree, scores=scores, combined=combined,
            **timers, **levels,
        )  # fmt: skip
        return RuleFile(name, about, rules, self.sources, self.places, frozenset(self.content), off)

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

    def _listed(self, key: str) -> list[tuple[Place, object]]:
        """The entries of [[key]] with their places."""
        given = self.content.get(key, [])
        if not isinstance(given, list):
            self.fault((key,), f"write [[{key}]], once for each")
            return []
        return [((key, number), value) for number, value in enumerate(given)]

    def _trends(self) -> list[Trend]:
        found: list[Trend] = []
        for place, value in self._listed("trend"):
            part: Any = self._part(place, value, TrendPart)  # type: ignore[arg-type]
            code = part and self._vital((*place, "vital"), part.vital)
            if not part or not code:
                continue
            one = TRENDS[type(part)](vital=code, **_fields(part))
            spec = VITALS[Vital(code)]
            if isinstance(one, Repeated):
                most = 60 if spec.continuous else KEPT
                if one.of > most:
                    self.fault((*place, "of"), f"of {spec.column} the last {most} values are kept: of is at most {most}")
                if one.times > one.of:
                    self.fault((*place, "times"), f"times is {one.times}, above of, {one.of}")
            elif spec.continuous is isinstance(one, Change | Rate | Soon | Steady):
                which = "measured now and then" if spec.continuous else "measured all the time"
                self.fault((*place, "vital"), f"{one.__struct_config__.tag} is for a vital that is {which}")
            found.append(one)
        return found

    def _rolling(self) -> list[Rolling]:
        found: list[Rolling] = []
        for place, value in self._listed("rolling"):
            part = self._part(place, value, RollingPart)
            code = part and self._vital((*place, "vital"), part.vital)
            if not part or not code:
                continue
            one = Rolling(vital=code, **_fields(part))
            if not possible(one):
                self.fault((*place, "vital"), "only a vital that is measured all the time has rolling figures")
            found.append(one)
        return found

    def _scores(self) -> list[Score]:
        found: list[Score] = []
        for place, value in self._listed("score"):
            part: Any = self._part(place, value, ScorePartOf)  # type: ignore[arg-type]
            if part:
                found.append(SCORES[type(part)](**_fields(part)))
                if getattr(part, "until", 0) > part.limit if hasattr(part, "until") else False:
                    self.fault(
                        (*place, "until"), f"until is {part.until:g}, above limit, {part.limit:g}: it would never stand"
                    )
        return found

    def _combined(self) -> list[Combination]:
        found: list[Combination] = []
        for place, value in self._listed("combined"):
            part = self._part(place, value, CombinedPart)
            if part is None:
                continue
            if not part.every and not part.among:
                self.fault(place, "a combination names rules: give all, any or both")
            if part.among and part.least > len(part.among):
                self.fault((*place, "least"), f"least is {part.least}, and any has {len(part.among)}")
            self._rules((*place, "all"), list(part.every), made=False)
            self._rules((*place, "any"), list(part.among), made=False)
            if part.name in {one.name for one in found}:
                self.fault((*place, "name"), f"there are two combinations {part.name}")
            found.append(Combination(**_fields(part)))
        if len(found) > MOST:
            self.fault(("combined",), f"at most {MOST} combinations can stand together")
        return found

    def _rules(self, place: Place, given: object, *, made: bool = True) -> tuple[str, ...]:
        """Names of rules; ``made``: combinations too."""
        if given is None:
            return ()
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            self.fault(place, f'write {place[-1]} = ["spo2.low", ...]')
            return ()
        for name in given:
            if name not in PLACE and not (made and name.startswith(COMBINED)):
                near = get_close_matches(name, PLACE, 1)
                self.fault(place, f"there is no rule {name}" + (f": is it {near[0]}?" if near else ""))
        return tuple(given)

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


def _fields(part: msgspec.Struct) -> dict[str, Any]:
    return {key: one for key, one in msgspec.structs.asdict(part).items() if key not in ("vital", "source")}


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
