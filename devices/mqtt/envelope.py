"""The versioned JSON envelope that devices publish over MQTT, and the acknowledgement they wait for.

A device publishes on ``dev/<address>/readings``; the gateway answers on ``cmd/<address>/ack`` once it has stored the message
for good, and only then may the device forget it.  An envelope that is sent again must be the same, byte for byte::

    {"v": 1, "seq": 7, "at": "2026-11-23T10:00:00.000Z", "battery": 80, "contact": true,
     "readings": [{"at": 1795428000000, "status": "ok", "values": {"heart_rate": {"value": 72, "unit": "/min"}}}]}

``at`` is milliseconds since the epoch or a time of RFC 3339 or ISO 8601 with a zone.  Values are numbers or the words "NaN",
"NRes", "INF", "-INF" (in any case, also as bare tokens, and null for NaN), units are UCUM, whose annotations in braces
change nothing, names are those of :data:`devices.vitals.VITALS`.  A whole number may be written in any way JSON has (7, 7.0,
7e0).  Unknown fields are ignored, as are a byte order mark and everything from a NUL on; bytes that are not UTF-8 may stand
in what is ignored.  One value or reading that cannot be understood is refused with its reason; its neighbours are kept.

What is refused is acknowledged too, with ``refused`` and the reason beside ``ack``: the device may forget it, since it would
be refused again.  Where the message holds no sequence that can be read, ``ack`` is null.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from devices.decoded import Decoded, samples_of
from devices.errors import UndecodableError
from devices.gatt.numbers import Number
from devices.sample import Samples, Status
from devices.units import convert
from devices.vitals import VITALS, Vital, vital_named

VERSION: Final = 1
MAX_BYTES: Final = 64 * 1024
MAX_READINGS: Final = 1000
_WHAT: Final = "envelope"
_LAST_MS: Final = 253_402_300_799_999  # the end of year 9999
_LAST_SEQ: Final = 2**63 - 1

_TOKENS: Final = {
    "nan": Status.NAN,
    "nres": Status.NRES,
    "inf": Status.POSITIVE_INFINITY,
    "+inf": Status.POSITIVE_INFINITY,
    "infinity": Status.POSITIVE_INFINITY,
    "+infinity": Status.POSITIVE_INFINITY,
    "-inf": Status.NEGATIVE_INFINITY,
    "-infinity": Status.NEGATIVE_INFINITY,
}
_WORDS: Final = {Status.NAN: "NaN", Status.NRES: "NRes", Status.POSITIVE_INFINITY: "INF", Status.NEGATIVE_INFINITY: "-INF"}
_STATUSES: Final = {
    status.name.lower(): status
    for status in (Status.OK, Status.ARTEFACT, Status.POOR_CONTACT, Status.SENSOR_OFF, Status.CLOCK_UNSURE)
}
"""The statuses a device may send for its own reading; the decoder finds the other ones."""
_SECONDS: Final = range(10**8, 10**11)
"""A number ``at`` in this range would be of 1970 to 1973."""
IN_SECONDS: Final = "at is in seconds: send milliseconds"
_STALE_MS, _EARLY_MS = 30 * 86_400_000, 86_400_000
_FRINGE: Final = "\ufeff\x00 \t\r\n"
_TEXT_OR_WORD: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[+-]?[A-Za-z]+', re.DOTALL)
_SEQ: Final = re.compile(rb'"seq"\s*:\s*([0-9]{1,19})(?:\.0*)?\s*[,}]')
_LEAP: Final = re.compile(r"(.*[T ]\d\d:?\d\d:?)60((?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d))")
_ADDRESS: Final = re.compile(r"[^/+#\x00]{1,64}")


@dataclass(frozen=True, slots=True)
class Refused:
    """A part that was not understood: the place of its reading in the message, and the reason.  It holds no value."""

    reading: int
    reason: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message: ``seq`` for the acknowledgement, ``sent`` its own ``at`` (ms by the device's clock, None without one),
    ``readings`` in the order sent, each with ``device_time``.

    ``record`` of each reading is ``seq``: (seq, device time) is the same when the device sends the message again.  Battery
    and contact belong to the last reading; a message without readings but with one of them gives a reading without samples.
    """

    seq: int
    readings: tuple[Decoded, ...]
    refused: tuple[Refused, ...] = ()
    sent: int | None = None


def decode_envelope(payload: bytes, arrived: int) -> Envelope:
    """Decode the message in ``payload``; ``arrived`` in ms since the epoch.

    Raises :class:`UndecodableError`, and nothing else, where the message as a whole cannot be used: no JSON object, larger
    than 64 KB, of a version that is not known, without a sequence, or with more than 1000 readings.
    """
    message = _object(payload)
    seq = _seq(message)
    sent = _time(message["at"], arrived) if message.get("at") is not None else None
    raw = message.get("readings", [])
    if not isinstance(raw, list) or len(raw) > MAX_READINGS:
        raise UndecodableError(_WHAT, f"readings is not a list of at most {MAX_READINGS}")
    readings: list[Decoded] = []
    refused: list[Refused] = []
    seen: set[int] = set()
    for place, one in enumerate(raw):
        try:
            found = _once(_reading(one, place, arrived, sent if len(raw) == 1 else None, refused), seen)
        except UndecodableError as error:
            refused.append(Refused(place, error.reason))
            continue
        readings.append(replace(found, record=seq))
    _add_state(message, readings, sent, arrived, seq)
    return Envelope(seq, tuple(readings), tuple(refused), sent)


def _once(reading: Decoded, seen: set[int]) -> Decoded:
    if reading.device_time in seen:
        raise UndecodableError(_WHAT, "two readings have the same time")
    if reading.device_time is not None:
        seen.add(reading.device_time)
    return reading


def seq_of(payload: bytes) -> int | None:
    """The sequence of a message that was refused as a whole, where one can be read; it is needed for the acknowledgement."""
    try:
        return _seq(_json(payload))
    except UndecodableError:
        found = _SEQ.search(payload)
    return int(found[1]) if found is not None and int(found[1]) <= _LAST_SEQ else None


def _json(payload: bytes) -> dict[str, Any]:
    if len(payload) > MAX_BYTES:
        raise UndecodableError(_WHAT, f"larger than {MAX_BYTES // 1024} KB")
    text = payload.decode(errors="replace").strip(_FRINGE).partition("\x00")[0]
    try:
        message = _loads(text)
    except (ValueError, RecursionError) as error:
        raise UndecodableError(_WHAT, f"no JSON: {type(error).__name__}") from None
    if not isinstance(message, dict):
        raise UndecodableError(_WHAT, "no JSON object")
    return message


def _loads(text: str) -> Any:
    """Parse JSON in which special values may stand as bare words in any case."""
    try:
        return json.loads(text)
    except ValueError:
        return json.loads(_TEXT_OR_WORD.sub(_quoted, text))


def _quoted(found: re.Match[str]) -> str:
    return f'"{found[0]}"' if found[0].lower() in _TOKENS else found[0]


def _whole(raw: Any) -> int | None:
    """A whole number, however JSON writes it; None for anything else."""
    if type(raw) is float and raw.is_integer() and abs(raw) <= 2**53:
        return int(raw)
    return raw if type(raw) is int else None


def _object(payload: bytes) -> dict[str, Any]:
    message = _json(payload)
    version = message.get("v")
    if _whole(version) != VERSION:
        raise UndecodableError(_WHAT, f"version {str(version)[:16]!r} is not known; send {VERSION}")
    return message


def _seq(message: dict[str, Any]) -> int:
    seq = _whole(message.get("seq"))
    if seq is None or not 0 <= seq <= _LAST_SEQ:
        raise UndecodableError(_WHAT, "seq is not a whole number from 0 to 2^63 - 1")
    return seq


def _time(raw: Any, arrived: int) -> int:
    """Parse ``raw``, milliseconds or ISO 8601 with a zone, to milliseconds since the epoch.

    Seconds are refused where they would be a time that fits ``arrived``: as milliseconds they are a day of January 1970.
    """
    if type(raw) is int or (type(raw) is float and math.isfinite(raw)):
        found = round(raw)
        if found in _SECONDS and -_STALE_MS <= found * 1000 - arrived <= _EARLY_MS:
            raise UndecodableError(_WHAT, IN_SECONDS)
    elif isinstance(raw, str) and len(raw) <= 40:
        found = _moment(raw.strip().upper())
    else:
        raise UndecodableError(_WHAT, "at is neither milliseconds nor ISO 8601")
    if not 0 <= found <= _LAST_MS:
        raise UndecodableError(_WHAT, "at is not between 1970 and 9999")
    return found


def _moment(text: str) -> int:
    """Parse ISO 8601 in capital letters; second 60 is the first of the next minute."""
    leap = _LEAP.fullmatch(text)
    try:
        moment = datetime.fromisoformat(f"{leap[1]}59{leap[2]}" if leap else text)
        if moment.tzinfo is None:
            raise UndecodableError(_WHAT, "at has no zone")
        return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000) + (1000 if leap else 0)
    except (ValueError, OverflowError):
        raise UndecodableError(_WHAT, "at is no time") from None


def _reading(raw: Any, place: int, arrived: int, default: int | None, refused: list[Refused]) -> Decoded:
    if not isinstance(raw, dict):
        raise UndecodableError(_WHAT, "the reading is no object")
    at = _time(raw["at"], arrived) if raw.get("at") is not None else default
    if at is None:
        raise UndecodableError(_WHAT, "the reading has no at")
    name = raw.get("status", "ok")
    status = _STATUSES.get(name) if isinstance(name, str) else None
    if status is None:
        raise UndecodableError(_WHAT, f"status {str(name)[:24]!r} is not known")
    values = raw.get("values", {})
    if not isinstance(values, dict):
        raise UndecodableError(_WHAT, "values is no object")
    found: list[tuple[Vital, float, Status]] = []
    for column, value in values.items():
        try:
            found.append(_value(column, value, status))
        except UndecodableError as error:
            refused.append(Refused(place, f"{column[:24]!r}: {error.reason}"))
    if values and not found:
        raise UndecodableError(_WHAT, "none of its values is known")
    return Decoded(samples_of(found, arrived), device_time=at, contact=_contact(raw))


def _value(column: str, raw: Any, status: Status) -> tuple[Vital, float, Status]:
    try:
        spec = vital_named(column)
    except KeyError:
        raise UndecodableError(_WHAT, "not a vital") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("unit"), str) or "value" not in raw:
        raise UndecodableError(_WHAT, "needs a value and its unit")
    number = _number(raw["value"])
    # also for a special value: its unit says whether the sender and we mean the same
    converted = convert(number.value if number.value is not None else 0.0, raw["unit"], spec)
    if number.value is not None:
        number = Number(converted)
    value, trust = number.stored(status)
    return spec.vital, value, trust


def _number(raw: Any) -> Number:
    if raw is None:
        return Number(None, Status.NAN)
    if isinstance(raw, str) and raw.lower() in _TOKENS:
        return Number(None, _TOKENS[raw.lower()])
    if type(raw) not in {int, float}:
        raise UndecodableError(_WHAT, "the value is no number")
    try:
        value = float(raw)
    except OverflowError:
        value = float("inf") if raw > 0 else float("-inf")
    special = _TOKENS.get(str(value))
    return Number(value) if special is None else Number(None, special)


def _contact(raw: dict[str, Any]) -> bool | None:
    found = raw.get("contact")
    return found if isinstance(found, bool) else None


def _add_state(message: dict[str, Any], readings: list[Decoded], sent: int | None, arrived: int, seq: int) -> None:
    """Add battery and contact of the message to its last reading."""
    battery, contact = _whole(message.get("battery")), _contact(message)
    if battery is None or not 0 <= battery <= 100:
        battery = None
    if battery is None and contact is None:
        return
    if not readings:
        readings.append(Decoded(samples_of([], arrived), device_time=sent, record=seq))
    last = readings[-1]
    readings[-1] = replace(last, battery=battery, contact=contact if last.contact is None else last.contact)


def encode_envelope(
    seq: int,
    readings: Sequence[tuple[int, Samples]],
    *,
    at: int | None = None,
    battery: int | None = None,
    contact: bool | None = None,
) -> bytes:
    """Encode ``readings``, (ms since the epoch, SAMPLE [k]) each; ``at`` is the time of encoding (ms).

    A reading has one status on the wire: the first one among its samples that a device may send.
    """
    message: dict[str, Any] = {"v": VERSION, "seq": seq}
    if at is not None:
        message["at"] = at
    message["readings"] = [_written(moment, samples) for moment, samples in readings]
    if battery is not None:
        message["battery"] = battery
    if contact is not None:
        message["contact"] = contact
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode()


def _written(moment: int, samples: Samples) -> dict[str, Any]:
    values: dict[str, Any] = {}
    sent = "ok"
    for one in samples:
        spec, status = VITALS[Vital(int(one["vital"]))], Status(int(one["status"]))
        if sent == "ok" and status.name.lower() in _STATUSES:
            sent = status.name.lower()
        number = float(str(one["value"]))  # the shortest decimal that is this float32: 36.6 and not 36.599998
        word = _WORDS.get(status) or _not_finite(number)
        values[spec.column] = {"value": number if word is None else word, "unit": spec.unit}
    return {"at": moment, "values": values, "status": sent}


def _not_finite(number: float) -> str | None:
    if math.isfinite(number):
        return None
    return "NaN" if math.isnan(number) else _WORDS[Status.POSITIVE_INFINITY if number > 0 else Status.NEGATIVE_INFINITY]


def encode_ack(seq: int | None, refused: str = "") -> bytes:
    """Encode the gateway's acknowledgement: message ``seq`` is stored for good, but for what is ``refused`` for good."""
    answer: dict[str, Any] = {"v": VERSION, "ack": seq}
    if refused:
        answer["refused"] = refused
    return json.dumps(answer, separators=(",", ":")).encode()


def decode_ack(payload: bytes) -> int:
    """Decode the sequence of an acknowledgement; :class:`UndecodableError` for anything else."""
    message = _object(payload)
    return _seq({"seq": message.get("ack")})


def readings_topic(address: str) -> str:
    """The topic on which the device ``address`` publishes; ``ValueError`` for a name that cannot stand in a topic."""
    return f"dev/{_checked(address)}/readings"


def ack_topic(address: str) -> str:
    """The topic on which the device ``address`` reads acknowledgements."""
    return f"cmd/{_checked(address)}/ack"


def status_topic(address: str) -> str:
    """The topic on which the device ``address`` keeps, retained, if it is there: "online", and as last will "offline"."""
    return f"dev/{_checked(address)}/status"


def address_of(topic: str, kind: str = "readings") -> str | None:
    """The address of the device that a topic of ``kind`` belongs to; None for any other topic."""
    parts = topic.split("/")
    return parts[1] if len(parts) == 3 and parts[0] == "dev" and parts[2] == kind and parts[1] else None


def decode_status(payload: bytes) -> bool:
    """True for "online", False for "offline"; :class:`UndecodableError` for anything else."""
    word = payload[:32].decode(errors="replace").strip(_FRINGE + '"').lower()
    if word not in {"online", "offline"}:
        raise UndecodableError("status", "is neither online nor offline")
    return word == "online"


def _checked(address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise ValueError("a device's address on the broker has 1 to 64 characters and no '/', '+' or '#'")
    return address
