"""SenML (RFC 8428), JSON and CBOR: what a device may publish in place of Vigil's own envelope, on the same topic.

A record is a sample: the last part of its name (behind "/" or ":") names the vital, such as
``urn:dev:mac:0024befffe804ff1:spo2``; records of one time are one reading.  Times below 2^28 are seconds from now, others
since 1970.  Units are those of SenML or UCUM.  SenML has no sequence: ``ack`` names the number ``seq`` of the first record
where it has one, else the CRC-32 of the message.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import replace
from typing import Any, Final

import msgspec

from devices.decoded import Decoded, samples_of
from devices.errors import UndecodableError
from devices.gatt.numbers import Number
from devices.mqtt.cbor import decode_cbor
from devices.mqtt.envelope import MAX_BYTES, MAX_READINGS, Envelope, Refused
from devices.sample import Status
from devices.units import convert
from devices.vitals import Vital, vital_named

_WHAT: Final = "SenML"
_VERSION: Final = 10
_RELATIVE: Final = 2.0**28
_LAST_S: Final = 253_402_300_799
_LABELS: Final = {
    -1: "bver", -2: "bn", -3: "bt", -4: "bu", -5: "bv", -6: "bs", 0: "n", 1: "u", 2: "v", 3: "vs", 4: "vb", 5: "s", 6: "t",
    7: "ut", 8: "vd",
}  # fmt: skip
_UNITS: Final = {"beat/min": "/min", "%RH": "%", "mmHg": "mm[Hg]", "lb": "[lb_av]"}
"""Units of SenML's registry (RFC 8428, RFC 8798) by their names in UCUM; "/" is a ratio."""


def is_senml(payload: bytes) -> bool:
    """True for a JSON or CBOR list, which no envelope is."""
    head = payload.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    return head == b"[" or bool(payload and 0x80 <= payload[0] <= 0x9F)


def decode_senml(payload: bytes, arrived: int) -> Envelope:
    """Decode the pack in ``payload``; ``arrived`` in ms since the epoch.

    Raises :class:`UndecodableError`, and nothing else, where the pack as a whole cannot be used.
    """
    records = _records(payload)
    found: dict[int, list[tuple[Vital, float, Status]]] = {}
    refused: list[Refused] = []
    base: dict[str, Any] = {}
    for place, record in enumerate(records):
        try:
            base.update({name: value for name, value in record.items() if name in {"bn", "bt", "bu", "bv"}})
            at, sample = _sample(record, base, arrived)
        except UndecodableError as error:
            refused.append(Refused(place, error.reason))
            continue
        if sample is not None:
            found.setdefault(at, []).append(sample)
    if len(found) > MAX_READINGS:
        raise UndecodableError(_WHAT, f"holds more than {MAX_READINGS} times")
    seq = records[0].get("seq")
    seq = seq if type(seq) is int and 0 <= seq < 2**63 else zlib.crc32(payload)
    readings = [Decoded(samples_of(values, arrived), device_time=at, record=seq) for at, values in sorted(found.items())]
    battery = _battery(records)
    if readings and battery is not None:
        readings[-1] = replace(readings[-1], battery=battery)
    return Envelope(seq, tuple(readings), tuple(refused))


def _records(payload: bytes) -> list[dict[str, Any]]:
    if len(payload) > MAX_BYTES:
        raise UndecodableError(_WHAT, f"larger than {MAX_BYTES // 1024} KB")
    if payload[:1] and 0x80 <= payload[0] <= 0x9F:
        pack = decode_cbor(payload)
    else:
        try:
            pack = msgspec.json.decode(payload.lstrip(b"\xef\xbb\xbf"))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UndecodableError(_WHAT, f"no JSON: {type(error).__name__}") from None
    if not isinstance(pack, list) or not pack or not all(isinstance(one, dict) for one in pack):
        raise UndecodableError(_WHAT, "is no list of records")
    records = [{str(_LABELS.get(key, key)): value for key, value in one.items()} for one in pack]
    for record in records:
        version = record.get("bver", _VERSION)
        if type(version) is not int or not 1 <= version <= _VERSION:
            raise UndecodableError(_WHAT, f"version {str(version)[:16]} is not known")
        if unknown := [key for key in record if key.endswith("_")]:
            raise UndecodableError(_WHAT, f"label {unknown[0][:24]!r} has to be understood and is not")
    return records


def _sample(record: dict[str, Any], base: dict[str, Any], arrived: int) -> tuple[int, tuple[Vital, float, Status] | None]:
    at = _time(_number(base.get("bt", 0), "bt") + _number(record.get("t", 0), "t"), arrived)
    name = f"{base.get('bn', '')}{record.get('n', '')}"
    column = name.rpartition("/")[2].rpartition(":")[2].lower()
    if "v" not in record and "bv" not in base:
        return at, None  # a base record, or text beside the values
    if column in {"battery", "battery_level"}:
        return at, None
    try:
        spec = vital_named(column)
    except KeyError:
        raise UndecodableError(_WHAT, f"{column[:24]!r} is not a vital") from None
    unit = record.get("u", base.get("bu"))
    if not isinstance(unit, str):
        raise UndecodableError(_WHAT, f"{column}: has no unit")
    value = _number(base.get("bv", 0), "bv") + _number(record.get("v", 0), "v")
    if unit == "/" and spec.unit == "%":
        value, unit = round(value * 100, 6), "%"
    number = Number(convert(value, _UNITS.get(unit, unit), spec))
    return at, (spec.vital, *number.stored())


def _time(seconds: float, arrived: int) -> int:
    """Milliseconds since the epoch; a time below 2^28 s is relative to now."""
    found = round(seconds * 1000) + (arrived if seconds < _RELATIVE else 0)
    if not 0 <= found <= _LAST_S * 1000:
        raise UndecodableError(_WHAT, "the time is not between 1970 and 9999")
    return found


def _number(raw: Any, name: str) -> float:
    if type(raw) not in {int, float} or not math.isfinite(raw) or abs(raw) > 1e15:
        raise UndecodableError(_WHAT, f"{name} is no number")
    return float(raw)


def _battery(records: list[dict[str, Any]]) -> int | None:
    """The charge in percent: a record named battery with the unit % or %EL."""
    for record in records:
        percent: Any = record.get("v")
        named = str(record.get("n", "")).rpartition("/")[2].rpartition(":")[2] in {"battery", "battery_level"}
        if named and isinstance(percent, int | float) and 0 <= percent <= 100:
            return round(percent)
    return None
