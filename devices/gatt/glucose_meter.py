"""The Glucose profile (1808): a meter whose records are fetched, each perhaps followed by its context.

Source: Bluetooth SIG, Glucose Profile 1.0.1.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from devices.decoded import Decoded, samples_of
from devices.gatt.dialogue import Cursor, Step
from devices.gatt.glucose import GLUCOSE_MEASUREMENT, decode_glucose
from devices.gatt.glucose_context import GLUCOSE_CONTEXT, context_event, parse_glucose_context
from devices.gatt.profile import Profile, Subscription
from devices.gatt.record_dialogue import CONTROL, RecordDialogue, decode_record_access
from devices.gatt.uuids import full_uuid

_CONTEXT: Final = full_uuid(GLUCOSE_CONTEXT)


def decode_context(data: bytes, arrived: int) -> Decoded:
    """The context as an event, without samples; :class:`GlucoseDialogue` gives it the time of its value."""
    return Decoded(samples_of([], arrived), events=(context_event(parse_glucose_context(data)),))


class GlucoseDialogue(RecordDialogue):
    """Joins each context to the value before it; the context of a value that was stored before is left out."""

    def __init__(self, profile: Profile, cursor: Cursor | None = None) -> None:
        super().__init__(profile, cursor)
        self._last: Decoded | None = None

    def record(self, characteristic: str, value: bytes, arrived: int) -> Step:
        if characteristic == _CONTEXT:
            return self._context(value, arrived)
        found = decode_glucose(value, arrived)
        number = found.record or 0
        time = found.device_time if found.device_time is not None else found.mark or 0
        known = self.sync.is_known(number, time)
        self.sync.record(number, time)
        self._last = None if known else found
        # From a memory whose clock was never set: stored, decides nothing, and recognised when it is read again.
        return Step((found if found.clock_set else replace(found, from_memory=True),))

    def _context(self, value: bytes, arrived: int) -> Step:
        context = parse_glucose_context(value)
        last = self._last
        if last is None or last.record != context.sequence:
            return Step()
        return Step(
            (
                Decoded(
                    samples_of([], arrived),
                    device_time=last.device_time,
                    record=last.record,
                    clock_set=last.clock_set,
                    mark=last.mark,
                    from_memory=not last.clock_set,
                    events=(context_event(context),),
                ),
            )
        )


GLUCOSE_METER: Final = Profile(
    "glucose meter",
    "records",
    full_uuid(0x1808),
    (
        Subscription(full_uuid(GLUCOSE_MEASUREMENT), "notify", decode_glucose),
        Subscription(_CONTEXT, "notify", decode_context),
        Subscription(CONTROL, "indicate", decode_record_access),
    ),
    GlucoseDialogue,
)
