"""PLX Continuous Measurement (2A5F) and PLX Spot-Check Measurement (2A5E): oxygen saturation and pulse rate.

Source: Bluetooth SIG, Pulse Oximeter Service 1.0.1, sections 3.1 to 3.3 (Measurement Status, Device and Sensor Status).
The trust that follows from each bit is this project's reading of those sections (*confirm*).
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Final

from devices.decoded import Decoded, samples_of
from devices.errors import UndecodableError
from devices.gatt.date_time import DateTime, date_time
from devices.gatt.dialogue import NOTHING, Cursor, Step
from devices.gatt.fields import Fields
from devices.gatt.numbers import Number
from devices.gatt.profile import Profile, Subscription
from devices.gatt.pulse_oximeter_features import PLX_FEATURES, STORES_RECORDS, parse_plx_features
from devices.gatt.record_dialogue import CONTROL, RecordDialogue, decode_record_access
from devices.gatt.uuids import full_uuid
from devices.nothing import pulse_beside, saturation
from devices.sample import Status
from devices.vitals import Vital

PLX_SPOT_CHECK: Final = 0x2A5E
PLX_CONTINUOUS: Final = 0x2A5F
_FEATURES: Final = full_uuid(PLX_FEATURES)

# Measurement Status: 10 demonstration, 11 testing, 12 calibrating, 13 unavailable, 14 questionable, 15 invalid.
_MEASUREMENT_ARTEFACT: Final = sum(1 << bit for bit in (10, 11, 12, 13, 14, 15))
_FROM_MEMORY: Final = 1 << 9  # Measurement Status: data from measurement storage
# Device and Sensor Status: 11 unconnected to the user, 13 displaced, 15 disconnected.
_SENSOR_OFF: Final = sum(1 << bit for bit in (11, 13, 15))
# 1 equipment malfunction, 2 processing irregularity, 6 erratic, 7 not pulsatile, 8 questionable pulse, 10 interference,
# 12 unknown sensor, 14 sensor malfunction.
_SENSOR_ARTEFACT: Final = sum(1 << bit for bit in (1, 2, 6, 7, 8, 10, 12, 14))
# 3 inadequate signal, 4 poor signal, 5 low perfusion.
_SENSOR_POOR: Final = sum(1 << bit for bit in (3, 4, 5))


@dataclass(frozen=True, slots=True)
class PulseOximetry:
    """The fields as sent; a field that the message does not hold is None.  ``unset_time`` is the time
    of a clock that was never set.  SpO2 and ``amplitude`` in %, pulse in /min.
    """

    spo2: Number
    pulse: Number
    time: DateTime | None = None
    clock_not_set: bool = False
    unset_time: DateTime | None = None
    spo2_fast: Number | None = None
    pulse_fast: Number | None = None
    spo2_slow: Number | None = None
    pulse_slow: Number | None = None
    measurement_status: int | None = None
    sensor_status: int | None = None
    amplitude: Number | None = None


def parse_continuous(data: bytes) -> PulseOximetry:
    """Parse one PLX Continuous Measurement as sent."""
    fields = Fields("pulse oximeter continuous measurement", data)
    flags = fields.unsigned("flags", 1)
    spo2, pulse = fields.sfloat("SpO2"), fields.sfloat("pulse rate")
    fast = (fields.sfloat("SpO2 fast"), fields.sfloat("pulse rate fast")) if flags & 0x01 else (None, None)
    slow = (fields.sfloat("SpO2 slow"), fields.sfloat("pulse rate slow")) if flags & 0x02 else (None, None)
    return PulseOximetry(
        spo2,
        pulse,
        spo2_fast=fast[0],
        pulse_fast=fast[1],
        spo2_slow=slow[0],
        pulse_slow=slow[1],
        measurement_status=fields.unsigned("measurement status", 2) if flags & 0x04 else None,
        sensor_status=fields.unsigned("device and sensor status", 3) if flags & 0x08 else None,
        amplitude=fields.sfloat("pulse amplitude index") if flags & 0x10 else None,
    )


def parse_spot_check(data: bytes) -> PulseOximetry:
    """Parse one PLX Spot-Check Measurement as sent; an impossible time of a clock that was never set is dropped."""
    fields = Fields("pulse oximeter spot-check measurement", data)
    flags = fields.unsigned("flags", 1)
    spo2, pulse = fields.sfloat("SpO2"), fields.sfloat("pulse rate")
    clock_not_set = bool(flags & 0x10)
    time = unset_time = None
    if flags & 0x01 and clock_not_set:
        with contextlib.suppress(UndecodableError):
            unset_time = date_time(fields.unsigned("time stamp", 7).to_bytes(7, "little"), fields.what)
    elif flags & 0x01:
        time = fields.date_time("time stamp")
    return PulseOximetry(
        spo2,
        pulse,
        time=time,
        clock_not_set=clock_not_set,
        unset_time=unset_time,
        measurement_status=fields.unsigned("measurement status", 2) if flags & 0x02 else None,
        sensor_status=fields.unsigned("device and sensor status", 3) if flags & 0x04 else None,
        amplitude=fields.sfloat("pulse amplitude index") if flags & 0x08 else None,
    )


def trust(measurement_status: int | None, sensor_status: int | None) -> Status:
    """The status of a reading by the two status fields; the gravest flag counts."""
    measurement, sensor = measurement_status or 0, sensor_status or 0
    if sensor & _SENSOR_OFF:
        return Status.SENSOR_OFF
    if measurement & _MEASUREMENT_ARTEFACT or sensor & _SENSOR_ARTEFACT:
        return Status.ARTEFACT
    return Status.POOR_CONTACT if sensor & _SENSOR_POOR else Status.OK


def decode_continuous(data: bytes, arrived: int) -> Decoded:
    """Decode SpO2 and pulse rate of a continuous measurement (the normal averages; fast and slow are not kept)."""
    return _decoded(parse_continuous(data), arrived)


def decode_spot_check(data: bytes, arrived: int) -> Decoded:
    """Decode SpO2 and pulse rate of a spot check, with the oximeter's time where its clock was set."""
    return _decoded(parse_spot_check(data), arrived)


def _decoded(found: PulseOximetry, arrived: int) -> Decoded:
    status = trust(found.measurement_status, found.sensor_status)
    spo2, pulse = saturation(found.spo2), pulse_beside(found.pulse, found.spo2)
    return Decoded(
        samples_of([(Vital.SPO2, *spo2.stored(status)), (Vital.PULSE_RATE, *pulse.stored(status))], arrived),
        device_time=found.time.milliseconds if found.time else None,
        contact=None if found.sensor_status is None else status is not Status.SENSOR_OFF,
        clock_set=not found.clock_not_set and (found.time is None or found.time.is_date),
        mark=stamp.mark if (stamp := found.unset_time or found.time) else None,
        from_memory=bool((found.measurement_status or 0) & _FROM_MEMORY),
    )


class PulseOximeterDialogue(RecordDialogue):
    """Asks for the spot checks in the memory of an oximeter that says that it has one; they have no numbers."""

    reads = (_FEATURES,)

    def __init__(self, profile: Profile, cursor: Cursor | None = None) -> None:
        super().__init__(profile, cursor)
        self._stores = False

    def read(self, characteristic: str, value: bytes, now: int) -> None:
        self._stores = bool(parse_plx_features(value).features & STORES_RECORDS)

    def begin(self) -> Step:
        return super().begin() if self._stores else NOTHING


PULSE_OXIMETER: Final = Profile(
    "pulse oximeter",
    "stream",
    full_uuid(0x1822),
    (
        Subscription(full_uuid(PLX_CONTINUOUS), "notify", decode_continuous),
        Subscription(full_uuid(PLX_SPOT_CHECK), "indicate", decode_spot_check),
        Subscription(CONTROL, "indicate", decode_record_access),
    ),
    PulseOximeterDialogue,
)
