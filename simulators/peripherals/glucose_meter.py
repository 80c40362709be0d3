"""A glucose meter: its records wait in its memory until they are asked for."""

from __future__ import annotations

from devices.gatt.date_time import encode_date_time
from devices.gatt.glucose import GLUCOSE_MEASUREMENT
from devices.gatt.glucose_context import GLUCOSE_CONTEXT
from devices.gatt.numbers import encode_sfloat
from devices.gatt.uuids import full_uuid
from devices.specimen import Specimen
from simulators.bluez.peripheral import Characteristic, Peripheral, Service
from simulators.peripherals.record_server import RecordServer, StoredRecord

_FINGER = 1


def encode_glucose(number: int, mg_dl: float, at: int, *, context: bool = False) -> bytes:
    """2A18: capillary plasma of the finger in kg/L, at ``at`` (ms since the epoch)."""
    head = bytes((0x12 if context else 0x02,)) + number.to_bytes(2, "little") + encode_date_time(at)
    return head + encode_sfloat(round(mg_dl) / 1e5, -5) + bytes((_FINGER << 4 | Specimen.CAPILLARY_PLASMA,))


def encode_meal(number: int, meal: int) -> bytes:
    """2A34: 1 before a meal, 2 after one, 3 fasting."""
    return b"\x02" + number.to_bytes(2, "little") + bytes((meal,))


class GlucoseMeter:
    """``peripheral`` goes into a FakeBlueZ; ``server`` holds the records and the faults."""

    def __init__(self, address: str, *, clock: Characteristic | None = None) -> None:
        self.server = RecordServer()
        measured = Characteristic(full_uuid(GLUCOSE_MEASUREMENT), ("notify",))
        context = Characteristic(full_uuid(GLUCOSE_CONTEXT), ("notify",))
        services = [Service(full_uuid(0x1808), [measured, context, self.server.control])]
        if clock is not None:
            services.append(Service(full_uuid(0x1805), [clock]))
        self.peripheral = Peripheral(address, "Vigil meter", services, [full_uuid(0x1808)])
        self.server.peripheral = self.peripheral
        self._measured, self._context = measured.uuid, context.uuid

    def measure(self, number: int, mg_dl: float, at: int, *, meal: int | None = None) -> None:
        """Keep one record."""
        messages = [(self._measured, encode_glucose(number, mg_dl, at, context=meal is not None))]
        if meal is not None:
            messages.append((self._context, encode_meal(number, meal)))
        self.server.records.append(StoredRecord(number, messages))
