"""Batches handed over to the producer: none of a take stays in flight, whatever goes wrong with another."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from devices.wire.batch import Lane
from gateway.errors import OutboxError
from gateway.uplink.uplink import Uplink


class Box:
    """An outbox that cannot write for a while."""

    def __init__(self) -> None:
        self.epoch, self.broken, self.released = 1, 2, list[int]()

    async def release(self, ids: list[int]) -> None:
        if self.broken:
            self.broken -= 1
            raise OutboxError("database or disk is full")
        self.released += ids

    async def delivered(self, ids: list[int]) -> None:
        raise AssertionError


def batch(patient: int, *ids: int) -> Any:
    sealed = lambda **_: b"record"
    return SimpleNamespace(patient=patient, ids=list(ids), rows=list(ids), lane=Lane.LIVE, sealed=sealed)


def uplink(box: Box, send: Any) -> Any:
    key = SimpleNamespace(key=1, secret=b"")
    configuration = SimpleNamespace(key_of=lambda patient: key if patient != 1 else None)
    connect = lambda *_: SimpleNamespace(servers="kafka", fatal=None, send=send)
    return Uplink(box, configuration, None, SimpleNamespace(readings=lambda *_: None), gateway=1, connect=connect)  # type: ignore[arg-type]


CONFIG: Any = SimpleNamespace(kafka="kafka", topic="t")


async def released(box: Box, one: Any, n: int) -> list[int]:
    reporting = asyncio.create_task(one._report())
    async with asyncio.timeout(10):
        while len(box.released) < n:
            await asyncio.sleep(0.01)
    reporting.cancel()
    return box.released


async def test_a_disk_that_is_full_while_one_is_given_back_keeps_nothing_in_flight() -> None:
    box, sent = Box(), list[int]()

    def send(*args: Any) -> bool:
        sent.append(args[-1].patient)
        return True

    one = uplink(box, send)
    await one._send([batch(1, 10, 11), batch(2, 20), batch(3, 30)], CONFIG)
    assert sent == [2, 3], "readings of other patients do not wait"
    assert await released(box, one, 2) == [10, 11]


async def test_a_producer_that_fails_at_one_gives_back_it_and_all_behind_it() -> None:
    box = Box()

    def fails(*args: Any) -> bool:
        if args[-1].patient == 3:
            raise RuntimeError
        return True

    one = uplink(box, fails)
    with pytest.raises(RuntimeError):
        await one._send([batch(2, 20), batch(3, 30), batch(4, 40)], CONFIG)
    assert sum(one._in_flight.values()) == 1
    assert await released(box, one, 2) == [30, 40]
