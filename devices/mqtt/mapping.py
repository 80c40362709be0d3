"""Mappings: how the messages of a foreign device become readings, written as data (TOML) and not as code.

    name = "Zigbee2MQTT scale"
    topic = "zigbee2mqtt/{address}"       # "+" and "#" as MQTT has them; {address} is the device's address with Vigil
    battery = "battery"                   # paths: dots between names, [0] in lists, "" for the whole payload

    [time]                                # left out: the time of the arrival
    path = "last_seen"
    form = "iso"                          # "iso", "s", "ms"; without a zone it is UTC

    [[values]]
    vital = "weight"
    path = "weight"
    unit = "kg"                           # UCUM
    nothing = [0]                         # numbers by which the device means "no value"

A device whose name stands in the payload has ``address = "id"`` in place of {address} in the topic.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from devices.decoded import Decoded, samples_of
from devices.errors import DeviceError, UndecodableError
from devices.gatt.numbers import Number
from devices.mqtt.envelope import MAX_BYTES
from devices.sample import Status
from devices.units import convert
from devices.vitals import VITALS, Vital, vital_named

_ADDRESS: Final = "{address}"
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_LAST_MS: Final = 253_402_300_799_999
_WHAT: Final = "mapping"

Text = Annotated[str, Meta(min_length=1, max_length=200)]


class MappingError(DeviceError):
    """A mapping that cannot be used; the message says what to change."""


class MappedValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One value: ``factor`` is applied before the unit."""

    vital: Text
    path: str
    unit: Text
    factor: float = 1.0
    nothing: tuple[float, ...] = ()


class MappedTime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str
    form: Literal["iso", "s", "ms"]


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """One kind of foreign device."""

    name: Text
    topic: Text
    values: Annotated[tuple[MappedValue, ...], Meta(min_length=1)]
    time: MappedTime | None = None
    address: str | None = None
    battery: str | None = None

    @property
    def filter(self) -> str:
        """The MQTT topic filter."""
        return self.topic.replace(_ADDRESS, "+")

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts = []
        for level in self.topic.split("/"):
            if level == "#":
                parts.append("(?:.*)")
            elif level == "+":
                parts.append("[^/]+")
            else:
                parts.append(re.escape(level).replace(re.escape(_ADDRESS), "(?P<address>[^/]+)"))
        return re.compile("/".join(parts))

    def address_of(self, topic: str, message: Any) -> str | None:
        """The device's address; None where the topic is not this mapping's, or the payload names none."""
        found = self._pattern.fullmatch(topic)
        if found is None:
            return None
        if self.address is None:
            return found["address"]
        named = _at(message, self.address)
        return named if isinstance(named, str) else None


def parse_mapping(text: str) -> Mapping:
    """Parse a mapping; :class:`MappingError` names the place that is wrong."""
    try:
        found = msgspec.convert(tomllib.loads(text), Mapping)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise MappingError(f"The mapping cannot be read: {error}.") from None
    if (found.topic.count(_ADDRESS) == 1) == (found.address is not None):
        raise MappingError("Say where the device's address stands: {address} in the topic, or address = a path.")
    if "#" in found.topic[:-1]:
        raise MappingError("The topic may have # at its end alone.")
    for one in found.values:
        try:
            spec = vital_named(one.vital)
        except KeyError:
            names = ", ".join(spec.column for spec in VITALS.values())
            raise MappingError(f"{one.vital} is no vital: use one of {names}.") from None
        try:
            convert(0.0, one.unit, spec)
        except UndecodableError as error:
            raise MappingError(f"{one.vital}: {error.reason}.") from None
    return found


def read_message(payload: bytes) -> Any:
    """The payload as JSON, or as text where it is none; :class:`UndecodableError` for one that is too long."""
    if len(payload) > MAX_BYTES:
        raise UndecodableError(_WHAT, f"larger than {MAX_BYTES // 1024} KB")
    text = payload.decode(errors="replace").strip("\ufeff\x00 \t\r\n")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def apply_mapping(mapping: Mapping, message: Any, arrived: int) -> Decoded:
    """The reading in ``message`` (see :func:`read_message`); ``arrived`` in ms since the epoch.

    A path that leads nowhere gives no sample: many devices send a value only when it changes.
    :class:`UndecodableError` where nothing is found at all, or a value or time cannot be understood.
    """
    samples = []
    for one in mapping.values:
        raw = _at(message, one.path)
        if raw is not None:
            samples.append(_value(one, raw))
    battery = None if mapping.battery is None else _at(message, mapping.battery)
    charge = round(battery) if isinstance(battery, int | float) and 0 <= battery <= 100 else None
    if not samples and charge is None:
        raise UndecodableError(_WHAT, f"none of the paths of {mapping.name!r} leads to a value")
    return Decoded(samples_of(samples, arrived), device_time=_time(mapping.time, message), battery=charge)


def _value(one: MappedValue, raw: Any) -> tuple[Vital, float, Status]:
    spec = vital_named(one.vital)
    try:
        value = float(raw) if type(raw) in {int, float, str} else math.nan
    except (ValueError, OverflowError):
        value = math.nan
    number = Number(None, Status.NAN)
    if math.isfinite(value) and value not in one.nothing:
        number = Number(convert(round(value * one.factor, 6), one.unit, spec))
    return spec.vital, *number.stored()


def _time(where: MappedTime | None, message: Any) -> int | None:
    raw = None if where is None else _at(message, where.path)
    if where is None or raw is None:
        return None
    try:
        if where.form == "iso":
            moment = datetime.fromisoformat(str(raw).strip().upper())
            found = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000
        else:
            found = float(raw) * (1000 if where.form == "s" else 1)
    except (ValueError, TypeError, OverflowError):
        raise UndecodableError(_WHAT, f"the time is not of the form {where.form!r}") from None
    if not 0 <= found <= _LAST_MS:
        raise UndecodableError(_WHAT, "the time is not between 1970 and 9999")
    return round(found)


def _at(message: Any, path: str) -> Any:
    """The value at ``path``; None where it leads nowhere."""
    for name, place in _STEP.findall(path):
        if place:
            inside = isinstance(message, list) and int(place) < len(message)
            message = message[int(place)] if inside else None
        else:
            message = message.get(name) if isinstance(message, dict) else None
    return message
