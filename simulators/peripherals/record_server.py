"""The device's side of record access (2A52): keeps records and reports, counts or refuses as the specification says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from devices.gatt.record_access import RECORD_ACCESS
from devices.gatt.uuids import full_uuid
from simulators.bluez.peripheral import Characteristic, Peripheral

_REPORT, _ABORT, _COUNT, _COUNTED, _RESPONSE = 1, 3, 4, 5, 6
_ALL, _AT_LEAST = 1, 3
_SUCCESS, _NOT_SUPPORTED, _NO_OPERATOR, _NO_RECORDS = 1, 2, 4, 6
_BETWEEN_S: Final = 0.001


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """``messages`` are (characteristic, value): a measurement, and what belongs to it."""

    number: int
    messages: Sequence[tuple[str, bytes]]


@dataclass(eq=False)
class RecordServer:
    """``stop_after`` records of a report the link is lost, once; ``asked`` are the requests so far.

    Put :attr:`control` into the peripheral's service, then set ``peripheral``.
    """

    records: list[StoredRecord] = field(default_factory=list)
    stop_after: int | None = None
    asked: list[bytes] = field(default_factory=list)
    peripheral: Peripheral | None = None
    control: Characteristic = field(init=False)
    _reporting: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.control = Characteristic(full_uuid(RECORD_ACCESS), ("write", "indicate"), on_write=self._written)

    def _written(self, request: bytes) -> None:
        self.asked.append(request)
        self._reporting = asyncio.get_running_loop().create_task(self._answer(request), name="record access")

    async def _answer(self, request: bytes) -> None:
        opcode, operator = request[0], request[1]
        since = int.from_bytes(request[3:5], "little") if operator == _AT_LEAST else 0
        found = [one for one in self.records if one.number >= since]
        await asyncio.sleep(_BETWEEN_S)
        if opcode == _ABORT:
            self._respond(opcode, _SUCCESS)
        elif opcode not in (_REPORT, _COUNT):
            self._respond(opcode, _NOT_SUPPORTED)
        elif operator not in (_ALL, _AT_LEAST):
            self._respond(opcode, _NO_OPERATOR)
        elif opcode == _COUNT:
            self._say(bytes((_COUNTED, 0)) + len(found).to_bytes(2, "little"))
        elif not found:
            self._respond(opcode, _NO_RECORDS)
        else:
            await self._report(found)

    async def _report(self, found: Sequence[StoredRecord]) -> None:
        assert self.peripheral is not None
        for place, one in enumerate(found):
            if place == self.stop_after:
                self.stop_after = None
                self.peripheral.drop_link()
                return
            for characteristic, value in one.messages:
                self.peripheral.notify(characteristic, value)
            await asyncio.sleep(_BETWEEN_S)
        self._respond(_REPORT, _SUCCESS)

    def _respond(self, opcode: int, code: int) -> None:
        self._say(bytes((_RESPONSE, 0, opcode, code)))

    def _say(self, value: bytes) -> None:
        assert self.peripheral is not None
        self.peripheral.notify(self.control.uuid, value)
