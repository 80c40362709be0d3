"""Converts the units a device may send to the unit a vital is kept in (UCUM, :data:`devices.vitals.VITALS`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from devices.errors import UndecodableError
from devices.vitals import Vital, VitalSpec

MMHG_PER_KPA: Final = 7.500616827041697
"""760 mmHg are 101.325 kPa (conventional millimetre of mercury: 133.322387415 Pa)."""
MG_DL_PER_MMOL_L: Final = 18.0156
"""Glucose, C6H12O6: 180.156 g/mol."""
KG_PER_POUND: Final = 0.45359237

_ANNOTATION: Final = re.compile(r"\{[^{}]*\}")
_DIGITS: Final = 6
"""Decimals of a converted value: 98.6 °F is 37.0 °C and not 36.99999999999999."""


def kpa_to_mmhg(value: float) -> float:
    """Convert kilopascal to mm[Hg]."""
    return round(value * MMHG_PER_KPA, _DIGITS)


def fahrenheit_to_celsius(value: float) -> float:
    """Convert Fahrenheit to Cel."""
    return round((value - 32.0) * 5.0 / 9.0, _DIGITS)


def _times(factor: float) -> Callable[[float], float]:
    return lambda value: round(value * factor, _DIGITS)


_CONVERSIONS: Final[dict[tuple[str, str], Callable[[float], float]]] = {
    ("[degF]", "Cel"): fahrenheit_to_celsius,
    ("degF", "Cel"): fahrenheit_to_celsius,
    ("K", "Cel"): lambda value: round(value - 273.15, _DIGITS),
    ("kPa", "mm[Hg]"): kpa_to_mmhg,
    ("g", "kg"): _times(0.001),
    ("[lb_av]", "kg"): _times(KG_PER_POUND),
}
_GLUCOSE: Final = {"mmol/L": _times(MG_DL_PER_MMOL_L)}
"""A molar unit converts only by the substance: never by the pair of units alone."""


def _plain(unit: str) -> str:
    """The unit without what changes nothing in UCUM: annotations in braces, and the 1 of "1/min"."""
    bare = _ANNOTATION.sub("", unit.strip())
    return "/min" if bare in {"1/min", "min-1"} else bare


def convert(value: float, unit: str, spec: VitalSpec) -> float:
    """Convert ``value`` from ``unit`` to the unit of ``spec``; :class:`UndecodableError` for a unit not known for it."""
    plain = _plain(unit)
    if plain == spec.unit:
        return value
    change = _GLUCOSE.get(plain) if spec.vital is Vital.GLUCOSE else None
    change = change or _CONVERSIONS.get((plain, spec.unit))
    if change is None:
        raise UndecodableError(spec.column, f"unit {unit[:24]!r} is not known for it; send {spec.unit}")
    return change(value)
