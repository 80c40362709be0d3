"""The line of each key in a TOML file, so that an error names the place where a person can mend it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

_TABLE: Final = re.compile(r"^\s*(\[{1,2})\s*([A-Za-z0-9_.\-\" ]+?)\s*\]{1,2}\s*(#.*)?$")
_KEY: Final = re.compile(r"^\s*([A-Za-z0-9_\-\"]+(?:\s*\.\s*[A-Za-z0-9_\-\"]+)*)\s*=")
Place = tuple[str | int, ...]


def places_of(text: str) -> dict[Place, int]:
    """Line numbers, from 1, by place: ("limit", "spo2", "low", "high"), or ("trend", 0, "vital")."""
    found: dict[Place, int] = {}
    counts: Counter[Place] = Counter()
    table: Place = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            table = _parts(header[2])
            if header[1] == "[[":
                table = (*table, counts[table])
                counts[table[:-1]] += 1
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault((*table, *_parts(key[1])), number)
    return found


def line_of(places: dict[Place, int], place: Place) -> int:
    """The line of a place, or of the nearest one that contains it; 1 for the file."""
    while place:
        if place in places:
            return places[place]
        inside = [line for known, line in places.items() if known[: len(place)] == place]
        if inside:
            return min(inside)
        place = place[:-1]
    return 1


def _parts(dotted: str) -> Place:
    return tuple(part.strip().strip('"') for part in dotted.split("."))
