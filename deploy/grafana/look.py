"""The look of numbers in every panel: colours, thresholds, units, and the differences of one field from the others.

Red, yellow and cyan belong to alarm priorities (IEC 60601-1-8: high, medium, low or technical); traces use none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from devices.vitals import VITALS, Vital

Json = dict[str, object]

HIGH: Final = "#b00d27"
MEDIUM: Final = "#ffd42e"
TECHNICAL: Final = "#6fe0ee"
CALM: Final = "text"
TRACES: Final = ("blue", "purple", "green")

GRAFANA_UNIT: Final = {
    "/min": "none",
    "%": "percent",
    "mm[Hg]": "pressuremmhg",
    "Cel": "celsius",
    "kg": "masskg",
    "mg/dL": "conmgdL",
}
"""Grafana's name of a UCUM unit."""


def unit_of(vital: Vital) -> str:
    return GRAFANA_UNIT[VITALS[vital].unit]


@dataclass(frozen=True, slots=True)
class Override:
    """Fields whose shown name is ``name`` (a regular expression between slashes, else the whole name) and what differs."""

    name: str
    properties: tuple[tuple[str, object], ...]

    def json(self) -> Json:
        matcher = "byRegexp" if self.name.startswith("/") else "byName"
        return {
            "matcher": {"id": matcher, "options": self.name},
            "properties": [{"id": key, "value": value} for key, value in self.properties],
        }


def override(name: str, **properties: object) -> Override:
    """``custom__width=80`` stands for the property ``custom.width``; ``None`` is left out."""
    return Override(name, tuple((key.replace("__", "."), value) for key, value in properties.items() if value is not None))


def fixed(color: str) -> Json:
    return {"mode": "fixed", "fixedColor": color}


def thresholds(*steps: tuple[float, str], start: str = CALM) -> Json:
    """Steps that give the colour from each value upwards; ``start`` below the first."""
    all_steps = [{"value": None, "color": start}, *({"value": value, "color": color} for value, color in steps)]
    return {"mode": "absolute", "steps": all_steps}


def words(**meanings: tuple[str, str]) -> list[Json]:
    """A mapping of texts to (what is shown, its colour)."""
    return [{"type": "value", "options": {key: {"text": text, "color": color} for key, (text, color) in meanings.items()}}]
