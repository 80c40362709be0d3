"""The look of numbers in every panel: colours, thresholds, units, and the differences of one field from the others.

Red, yellow and cyan belong to alarm priorities (IEC 60601-1-8: high, medium, low or technical); traces use none of them.
"""

from __future__ import annotations

from typing import Any, Final

from devices.vitals import VITALS, Vital

Json = dict[str, Any]

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


def override(name: str, **properties: object) -> Json:
    """The differences of fields whose shown name is ``name`` (a regular expression between slashes, else the whole name).

    ``custom__width=80`` stands for the property ``custom.width``.
    """
    return {
        "matcher": {"id": "byRegexp" if name.startswith("/") else "byName", "options": name},
        "properties": [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()],
    }


def colored(**colors: str) -> list[Json]:
    """Fields of these names (``_`` stands for a space) in colours of their own."""
    return [override(name.replace("_", " "), color=fixed(color)) for name, color in colors.items()]


def fixed(color: str) -> Json:
    return {"mode": "fixed", "fixedColor": color}


def thresholds(*steps: tuple[float, str], start: str = CALM) -> Json:
    """Steps that give the colour from each value upwards; ``start`` below the first."""
    all_steps = [{"value": None, "color": start}, *({"value": value, "color": color} for value, color in steps)]
    return {"mode": "absolute", "steps": all_steps}


def words(**colors: str) -> list[Json]:
    """A mapping of texts, shown as they are, to their colours; ``_`` stands for a space."""
    texts = {key.replace("_", " "): color for key, color in colors.items()}
    return [{"type": "value", "options": {text: {"text": text, "color": color} for text, color in texts.items()}}]
