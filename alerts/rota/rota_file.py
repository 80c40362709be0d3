"""A rota as a TOML file: what a team writes, checks, keeps under version control and sets.

``vigil rota show --file`` writes it back as it was set; ``docs/notifications.md`` has one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date, time
from typing import Annotated, Any, Final, TypeVar, cast
from zoneinfo import ZoneInfo

import msgspec

from alerts.rota.errors import RotaFileError
from alerts.rota.layer import EVERY_DAY, Hours, Layer
from alerts.rota.policy import SEEN_MIN, TEAM, Policy, Step
from alerts.rota.rota import Rota
from alerts.rules.errors import Fault
from alerts.rules.sets.places import Place, line_of, places_of
from streams.engine.condition import Priority

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LONGEST: Final = 200_000
"""Characters of a file."""
_TOP: Final = ("zone", "manager", "layer", "escalation")
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
S = TypeVar("S", bound=msgspec.Struct)


class LayerPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[[layer]]``; ``every``: turns last so many weeks, or days where ``hand_over`` names no weekday."""

    name: Name
    people: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=500)]
    begins: date
    hand_over: str = "Mon 07:00"
    every: Annotated[int, msgspec.Meta(ge=1, le=366)] = 1
    since: str = msgspec.field(default="", name="from")
    until: str = msgspec.field(default="", name="to")
    days: tuple[str, ...] = DAYS


class StepPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[[escalation.high]]``."""

    call: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=50)]
    wait_min: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 2


class EscalationPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[escalation]``."""

    seen_min: Annotated[int, msgspec.Meta(ge=1, le=60)] = SEEN_MIN
    high: Any = ()
    medium: Any = ()


def read_rota_file(text: str) -> Rota:
    """The rota that a file describes.

    Raises:
        RotaFileError: with every error that was found, each with its line and what is right there.
    """
    if len(text) > LONGEST:
        raise RotaFileError([Fault(1, f"a rota has at most {LONGEST} characters")])
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise RotaFileError([Fault(int(line[1]) if line else len(text.splitlines()), f"this is no TOML: {error}")]) from None
    return _Reader(content, places_of(text)).read()


class _Reader:
    """Collects the parts of a file and its errors."""

    def __init__(self, content: Mapping[str, Any], places: dict[Place, int]) -> None:
        self.content, self.places = content, places
        self.faults: list[Fault] = []

    def read(self) -> Rota:
        for key in self.content:
            if key not in _TOP:
                self.fault((key,), f"there is no {key}: a rota has {', '.join(_TOP)}")
        zone = self._zone()
        manager = self.content.get("manager")
        if not isinstance(manager, str) or not manager.strip():
            self.fault(("manager",), 'name who hears of holes by their sign-in: manager = "a.boss"')
        layers = [one for n, raw in enumerate(self._list(("layer",))) if (one := self._layer(n, raw))]
        if not self.content.get("layer"):
            self.fault(("layer",), 'a rota has at least one layer: [[layer]] with name = "nurse" and people')
        names = {one.name for one in layers}
        part = self._part(("escalation",), self.content.get("escalation", {}), EscalationPart) or EscalationPart()
        steps = {
            priority: tuple(self._steps(word, getattr(part, word), names))
            for priority, word in ((Priority.HIGH, "high"), (Priority.MEDIUM, "medium"))
        }
        if not steps[Priority.HIGH] and not self.faults:
            self.fault(("escalation",), 'say who is called for a high alarm: [[escalation.high]] with call = ["nurse"]')
        if self.faults:
            raise RotaFileError(sorted(self.faults, key=lambda one: one.line))
        policy = Policy({key: value for key, value in steps.items() if value}, part.seen_min)
        return Rota(zone, str(manager).strip().casefold(), tuple(layers), policy)

    def fault(self, place: Place, message: str) -> None:
        self.faults.append(Fault(line_of(self.places, place), message))

    def _zone(self) -> ZoneInfo:
        name = self.content.get("zone")
        try:
            return ZoneInfo(cast("str", name))
        except Exception:  # of a wrong name zoneinfo raises what the file system does
            self.fault(("zone",), f'there is no time zone {name!r}: name one, such as zone = "Europe/Berlin"')
            return ZoneInfo("UTC")

    def _list(self, place: Place) -> list[Any]:
        found = self.content.get(str(place[0]), [])
        if isinstance(found, list):
            return found
        self.fault(place, f"write [[{place[0]}]]: there may be several")
        return []

    def _layer(self, number: int, raw: object) -> Layer | None:
        place: Place = ("layer", number)
        part = self._part(place, raw, LayerPart)
        if part is None:
            return None
        name = part.name.strip()
        if name == TEAM:
            self.fault((*place, "name"), "team is the whole team: choose another name for a layer")
        day, _, at = part.hand_over.rpartition(" ")
        hand_over = self._time((*place, "hand_over"), at)
        if day and day not in DAYS:
            self.fault((*place, "hand_over"), f'there is no day {day}: write such as "Mon 07:00", or "07:00" for every day')
        elif day and part.begins.weekday() != DAYS.index(day):
            found = DAYS[part.begins.weekday()]
            self.fault((*place, "begins"), f"{part.begins} is a {found}: the first turn begins on a {day}, as each does")
        hours = self._hours(place, part)
        people = tuple(one.strip().casefold() for one in part.people)
        return Layer(name, people, part.begins, hand_over or time(7), (7 if day else 1) * part.every, hours)

    def _hours(self, place: Place, part: LayerPart) -> Hours | None:
        if unknown := [day for day in part.days if day not in DAYS]:
            self.fault((*place, "days"), f"there is no day {unknown[0]}: days are {', '.join(DAYS)}")
            return None
        days = frozenset(DAYS.index(day) for day in part.days)
        if not part.since and not part.until:
            return None if days == EVERY_DAY else Hours(time(0), time(0), days)
        since, until = (self._time((*place, key), at) for key, at in (("from", part.since), ("to", part.until)))
        return Hours(since, until, days) if since is not None and until is not None else None

    def _time(self, place: Place, at: str) -> time | None:
        if found := _TIME.fullmatch(at):
            return time(int(found[1]), int(found[2]))
        self.fault(place, f'{at!r} is no time of the day: write such as "07:00"')
        return None

    def _steps(self, word: str, raw: object, layers: set[str]) -> list[Step]:
        place: Place = ("escalation", word)
        if not isinstance(raw, list | tuple):
            self.fault(place, f"write [[escalation.{word}]]: there may be several steps")
            return []
        found = []
        for number, one in enumerate(raw):
            part = self._part((*place, number), one, StepPart)
            if part is not None:
                call = (target.strip() for target in part.call)
                found.append(Step(tuple(one if one in layers else one.casefold() for one in call), part.wait_min))
        return found

    def _part(self, place: Place, raw: object, kind: type[S]) -> S | None:
        try:
            return msgspec.convert(raw, kind)
        except msgspec.ValidationError as error:
            message, _, path = str(error).partition(" - at `$")
            inside = tuple(re.findall(r"\.(\w+)", path))
            field = re.search(r"field `(\w+)`", message)
            self.fault((*place, *inside, *([field[1]] if field else [])), message[:1].lower() + message[1:])
            return None
