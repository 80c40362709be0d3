"""The kinds of device that a patient can pair alone: what people call them, of the profiles that they advertise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, get_args

from devices.gatt.blood_pressure import BLOOD_PRESSURE
from devices.gatt.body_composition import BODY_COMPOSITION
from devices.gatt.continuous_glucose import CONTINUOUS_GLUCOSE
from devices.gatt.glucose_meter import GLUCOSE_METER
from devices.gatt.heart_rate import HEART_RATE
from devices.gatt.profile import Profile
from devices.gatt.profiles import PROFILES
from devices.gatt.pulse_oximeter import PULSE_OXIMETER
from devices.gatt.thermometer import THERMOMETER
from devices.gatt.weight_scale import WEIGHT_SCALE
from devices.vendors.berrymed import BERRYMED
from devices.vendors.nonin import NONIN
from devices.vendors.omron import OMRON
from devices.vendors.polar import POLAR
from devices.vendors.viatom import VIATOM

Kind = Literal["belt", "oximeter", "cuff", "thermometer", "scale", "meter", "glucose_sensor"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
SHARED: Final[frozenset[Kind]] = frozenset({"cuff", "scale"})
"""Kinds that several people of a home use, each under a number of their own."""

_PROFILES: Final[Mapping[Kind, tuple[Profile, ...]]] = {
    "belt": (HEART_RATE, POLAR),
    "oximeter": (PULSE_OXIMETER, VIATOM, BERRYMED, NONIN),
    "cuff": (BLOOD_PRESSURE, OMRON),
    "thermometer": (THERMOMETER,),
    "scale": (WEIGHT_SCALE, BODY_COMPOSITION),
    "meter": (GLUCOSE_METER,),
    "glucose_sensor": (CONTINUOUS_GLUCOSE,),
}
_OF: Final = {profile.name: kind for kind, profiles in _PROFILES.items() for profile in profiles}
_STREAMS: Final = frozenset(one.name for one in PROFILES if one.family == "stream")


def kinds_of(profiles: Iterable[str]) -> tuple[Kind, ...]:
    """The kinds of a device that advertises these profiles, in the order of :data:`KINDS`."""
    found = {_OF[one] for one in profiles if one in _OF}
    return tuple(kind for kind in KINDS if kind in found)


def interval_of(profiles: Iterable[str]) -> int:
    """The seconds between its readings: 1 for one that sends while it is worn, 0 for one used by hand."""
    return 1 if _STREAMS.intersection(profiles) else 0
