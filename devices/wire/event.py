"""Events: the JSON payload of a batch of kind ``event``.  One object a record; unknown fields are ignored.

The range of every field is checked where an event is decoded: one out of range is refused alone, with its reason.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from devices.errors import MalformedBatchError
from devices.wire.ranges import Count, Dbm, Ms, Offset, Percent, Size, Words, misfit


class Heartbeat(msgspec.Struct, frozen=True, tag="heartbeat", tag_field="kind"):
    """The gateway is alive: sent every 30 s, once for each patient it serves, as device 0."""

    at: Ms  # ms since the epoch, the gateway's clock
    waiting: Count = 0  # readings in the outbox not yet acknowledged
    oldest: Ms | None = None  # ms, measured time of the oldest of them
    clock_set: bool | msgspec.UnsetType = msgspec.UNSET
    """False while the gateway's own clock has not been synchronised in this boot (``at`` may then be any time, its readings
    wait, and the batch is of ``ClockQuality.UNSURE``); left out otherwise."""
    full: Percent | msgspec.UnsetType = msgspec.UNSET
    """The part of the outbox's room that is in use; left out where that is less than half."""


class Link(msgspec.Struct, frozen=True, tag="link", tag_field="kind"):
    """A device's connection came up or was lost."""

    at: Ms
    up: bool
    rssi: Dbm | None = None


class Contact(msgspec.Struct, frozen=True, tag="contact", tag_field="kind"):
    """A sensor reports that it is on the body, or not."""

    at: Ms
    on: bool


class Battery(msgspec.Struct, frozen=True, tag="battery", tag_field="kind"):
    at: Ms
    percent: Percent


class ClockCorrection(msgspec.Struct, frozen=True, tag="clock", tag_field="kind"):
    """A device's clock was found to be off by ``offset_ms``, told once until that changes; 0: it is right again.

    Its readings carry times that are corrected, or that of their arrival (``ClockQuality.ARRIVAL``).
    """

    at: Ms
    offset_ms: Offset


class Fault(msgspec.Struct, frozen=True, tag="fault", tag_field="kind"):
    """A part of a device or gateway cannot be used while the rest goes on.  Said once a day at most for each reason.

    ``what`` names the part ("characteristic 2A5E", "clock", "message", "outbox"), ``reason`` says in a few words why; no
    value of a patient stands in either.
    """

    at: Ms
    what: Words
    reason: Words


class Found(msgspec.Struct, frozen=True):
    """A fault that a gateway found in itself: the ``part``, ``what`` is wrong, and what to do."""

    part: Words
    what: Words
    cure: Words


class SelfCheck(msgspec.Struct, frozen=True, tag="self_check", tag_field="kind"):
    """A gateway has looked at itself, as device 0: all that is ``wrong``.  Said when it changes, and once a day."""

    at: Ms
    wrong: Annotated[tuple[Found, ...], msgspec.Meta(max_length=20)] = ()


class SpecimenChange(msgspec.Struct, frozen=True, tag="specimen", tag_field="kind"):
    """From here on the device's glucose is measured in ``specimen`` (:attr:`devices.specimen.Specimen.words`)."""

    at: Ms
    specimen: Words


class GlucoseContext(msgspec.Struct, frozen=True, omit_defaults=True, tag="glucose_context", tag_field="kind"):
    """Facts that the patient entered beside the glucose value of the same time; a field that was not entered is left out."""

    at: Ms
    record: Count  # the record number of that value
    carbohydrate: Words | None = None
    carbohydrate_g: Size | None = None
    meal: Words | None = None
    tester: Words | None = None
    health: Words | None = None
    exercise_min: Size | None = None
    intensity_percent: Percent | None = None
    medication: Words | None = None
    medication_mg: Size | None = None
    medication_ml: Size | None = None
    hba1c_percent: Size | None = None


Event = Heartbeat | Link | Contact | Battery | ClockCorrection | Fault | SelfCheck | SpecimenChange | GlucoseContext

_DECODER: Final[msgspec.json.Decoder[Event]] = msgspec.json.Decoder(Event)
encode_event: Final = msgspec.json.Encoder().encode
"""``encode_event(event) -> bytes``."""


def decode_event(payload: bytes) -> Event:
    """Decode the event in a payload; :class:`MalformedBatchError` for anything else."""
    try:
        return _DECODER.decode(payload)
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedBatchError(f"event payload: {misfit(error)}") from None
