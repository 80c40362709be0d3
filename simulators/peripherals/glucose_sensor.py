"""A continuous glucose sensor: sends a value every few minutes of its session and keeps them."""

from __future__ import annotations

from devices.gatt.cgm_measurement import CGM_MEASUREMENT
from devices.gatt.cgm_session import CGM_FEATURE, CGM_SESSION_START, CGM_STATUS
from devices.gatt.crc import crc16
from devices.gatt.date_time import encode_date_time
from devices.gatt.numbers import encode_sfloat
from devices.gatt.uuids import full_uuid
from devices.specimen import Specimen
from simulators.bluez.peripheral import Characteristic, Peripheral, Service
from simulators.peripherals.record_server import RecordServer, StoredRecord
from simulators.peripherals.sensor import ReadClock, wall_clock

_E2E_CRC, _SUBCUTANEOUS, _MINUTE_MS = 1 << 12, 5, 60_000


def encode_cgm(offset: int, mg_dl: float) -> bytes:
    """2AA7: one record with its CRC, ``offset`` minutes after the session's start."""
    return _checked(b"\x08\x00" + encode_sfloat(round(mg_dl)) + offset.to_bytes(2, "little"))


def _checked(data: bytes) -> bytes:
    return data + crc16(data).to_bytes(2, "little")


class GlucoseSensor:
    """A session that began at ``began`` (ms); its own clock is ``wrong_ms`` ahead and shows UTC."""

    def __init__(self, address: str, began: int, *, wrong_ms: int = 0, clock: ReadClock = wall_clock) -> None:
        self.began, self.clock, self.server = began, clock, RecordServer()
        features = _checked(_E2E_CRC.to_bytes(3, "little") + bytes((_SUBCUTANEOUS << 4 | Specimen.INTERSTITIAL_FLUID,)))
        start = _checked(encode_date_time(began + wrong_ms) + bytes((0, 0)))
        self._measured = Characteristic(full_uuid(CGM_MEASUREMENT), ("notify",))
        offered = [
            self._measured,
            Characteristic(full_uuid(CGM_FEATURE), ("read",), features),
            Characteristic(full_uuid(CGM_SESSION_START), ("read",), start),
            Characteristic(full_uuid(CGM_STATUS), ("read",), on_read=self._status),
            self.server.control,
        ]
        self.peripheral = Peripheral(
            address, "Vigil glucose sensor", [Service(full_uuid(0x181F), offered)], [full_uuid(0x181F)]
        )
        self.server.peripheral = self.peripheral

    def measure(self, mg_dl: float, *, offset: int | None = None) -> None:
        """Take, keep and send one value, now or ``offset`` minutes after the start."""
        minutes = self._minutes() if offset is None else offset
        value = encode_cgm(minutes, mg_dl)
        self.server.records.append(StoredRecord(minutes, [(self._measured.uuid, value)]))
        self.peripheral.notify(self._measured.uuid, value)

    def _minutes(self) -> int:
        return (self.clock() - self.began) // _MINUTE_MS

    def _status(self) -> bytes:
        return _checked(self._minutes().to_bytes(2, "little") + bytes(3))
