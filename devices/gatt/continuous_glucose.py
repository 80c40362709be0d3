"""The Continuous Glucose Monitoring profile (181F): a sensor that sends a value every few minutes and keeps them.

Source: Bluetooth SIG, Continuous Glucose Monitoring Profile 1.0.2 and Service 1.0.1.
"""

from __future__ import annotations

from typing import Final

from devices.decoded import Decoded, samples_of
from devices.errors import UndecodableError
from devices.gatt.cgm_measurement import CGM_MEASUREMENT, CgmRecord, parse_cgm_measurement
from devices.gatt.cgm_session import (
    CGM_FEATURE,
    CGM_SESSION_START,
    CGM_STATUS,
    parse_cgm_feature,
    parse_cgm_session_start,
    parse_cgm_status,
)
from devices.gatt.dialogue import Cursor, Step
from devices.gatt.profile import Profile, Subscription
from devices.gatt.record_dialogue import CONTROL, RecordDialogue, decode_record_access
from devices.gatt.record_sync import SyncState
from devices.gatt.uuids import full_uuid
from devices.specimen import Specimen
from devices.vitals import Vital

_FEATURE, _STATUS, _START = full_uuid(CGM_FEATURE), full_uuid(CGM_STATUS), full_uuid(CGM_SESSION_START)
_MINUTE_MS: Final = 60_000
_CRC: Final = "E2E-CRC is wrong"


def decode_cgm_measurement(data: bytes, arrived: int) -> Decoded:
    """Decode the last record of one message, in mg/dL, without its time: only the session knows when it began."""
    last = parse_cgm_measurement(data)[-1]
    if last.intact is False:
        raise UndecodableError("CGM measurement", _CRC)
    return _decoded(last, arrived)


def _decoded(found: CgmRecord, arrived: int, specimen: Specimen | None = None) -> Decoded:
    value = (Vital.GLUCOSE, *found.glucose.stored(found.annunciation.trust))
    return Decoded(samples_of([value], arrived), record=found.offset, specimen=specimen)


class CgmDialogue(RecordDialogue):
    """Gives each record its time: the session's start by the sensor's clock, and the minutes since then.

    Where the sensor says how many minutes its session has run by now, its clock is compared with ours by that (to a minute),
    also where it does not know the date.
    """

    reads = (_FEATURE, _START, _STATUS)

    def __init__(self, profile: Profile, cursor: Cursor | None = None) -> None:
        super().__init__(profile, cursor)
        self._specimen: Specimen | None = None
        self._start = 0
        self._start_known = False
        self._zone_ahead: int | None = None
        self._ahead: int | None = None

    @property
    def ahead(self) -> int | None:
        return self._zone_ahead if self._ahead is None else self._ahead

    def read(self, characteristic: str, value: bytes, now: int) -> None:
        if characteristic == _FEATURE:
            feature = parse_cgm_feature(value)
            self._specimen = None if feature.intact is False else feature.specimen
        elif characteristic == _START:
            start = parse_cgm_session_start(value)
            if start.intact is False:
                raise UndecodableError("CGM session start time", _CRC)
            self._start, self._start_known = start.time.mark, start.milliseconds is not None
            self._zone_ahead = start.ahead if self._start_known else None
        elif characteristic == _STATUS:
            status = parse_cgm_status(value)
            if status.intact is False:
                raise UndecodableError("CGM status", _CRC)
            self._ahead = self._start + status.offset * _MINUTE_MS - now

    def record(self, characteristic: str, value: bytes, arrived: int) -> Step:
        readings, refused = [], []
        for one in parse_cgm_measurement(value):
            if one.intact is False:
                refused.append(f"CGM measurement: {_CRC}")
                continue
            readings.append(self._timed(one, arrived))
            self.sync.record(one.offset, self._start + one.offset * _MINUTE_MS)
        return Step(tuple(readings), cursor=self.new_cursor(), refused=tuple(refused))

    def _timed(self, found: CgmRecord, arrived: int) -> Decoded:
        bare = _decoded(found, arrived, self._specimen)
        time = self._start + found.offset * _MINUTE_MS
        known = self._start_known or self._ahead is not None
        return Decoded(
            bare.samples,
            device_time=time if known else None,
            record=found.offset,
            clock_set=known,
            mark=time,
            from_memory=self.sync.state in (SyncState.COUNTING, SyncState.REPORTING),
            specimen=bare.specimen,
        )


CONTINUOUS_GLUCOSE: Final = Profile(
    "continuous glucose",
    "stream",
    full_uuid(0x181F),
    (
        Subscription(full_uuid(CGM_MEASUREMENT), "notify", decode_cgm_measurement),
        Subscription(CONTROL, "indicate", decode_record_access),
    ),
    CgmDialogue,
    idle_s=1200,  # a sensor may send every five minutes, and miss some
)
