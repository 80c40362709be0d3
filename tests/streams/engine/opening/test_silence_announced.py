"""A clock record says more than the brokers' own time only where it is sealed: nobody else can announce a silence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from devices.wire.batch import Kind, header
from devices.wire.sealing import new_nonce, seal
from streams.engine.engine import Engine
from streams.engine.opening.block import Block
from streams.engine.opening.opening import open_blocks
from streams.engine.snapshot.recall import Recall
from tests.streams.producing import World, clock

T = 1_790_000_000_000


@pytest.fixture
def world() -> World:
    return World([1])


def announcement(world: World, *, received: int = T, partition: int = 1, key: int = 1, secret: bytes | None = None) -> bytes:
    head = header(Kind.CLOCK, patient=0, device=partition, count=15, key=key, received=received, nonce=new_nonce())
    return seal(head, b"", secret or world.secrets[1][2])


def opened(world: World, *values: bytes, append: int = T) -> Block:
    return Block(1, 0, len(values), np.arange(append, append + len(values)), list(values))


@pytest.mark.parametrize(
    ("changes", "minutes", "refused"),
    [
        ({}, 15, None),
        ({"received": T - 61_000}, 0, None),
        ({"received": T + 61_000}, 0, None),
        ({"partition": 2}, 0, None),
        ({"key": 99}, 15, "unknown key"),
        ({"key": 2}, 15, "key of another patient or gateway"),
        ({"secret": bytes(range(32))}, 15, "does not open under the key its header names"),
    ],
    ids=str,
)
def test_an_announcement_counts_where_the_owner_sealed_it_for_this_partition_just_now(
    world: World, changes: dict[str, Any], minutes: int, refused: str | None
) -> None:
    assert world.secrets[1][:2] == (0, 0)
    found = open_blocks([opened(world, announcement(world, **changes))], world.ring())
    assert [one.reason for one in found.rejected] == ([refused] if refused else [])
    assert found.records[["kind", "count"]].tolist() == [(0 if refused else Kind.CLOCK, minutes)]


@pytest.mark.parametrize(("last", "expected"), [("keyless", ["onset", "end"]), ("sealed", [])])
def test_a_keyless_clock_record_hides_no_stop_of_the_pipeline(world: World, last: str, expected: list[str]) -> None:
    stop = announcement(world) if last == "sealed" else header(Kind.CLOCK, patient=0, count=65535)
    engine = Engine()
    engine.take(1, None, Recall())
    conditions = []
    for block in (opened(world, clock(1).value, stop), opened(world, clock(1).value, append=T + 120_000)):
        conditions += engine.advance(open_blocks([block], world.ring())).conditions
    later = Block(1, 1, 2, np.array([T + 121_000]), [clock(1).value])
    conditions += engine.advance(open_blocks([later], world.ring())).conditions
    assert [one.phase for one in conditions if one.rule == "pipeline_stopped"] == expected
