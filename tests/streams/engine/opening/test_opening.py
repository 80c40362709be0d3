from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np
import pytest

from devices.sample import SAMPLE
from devices.vitals import Vital
from devices.wire.batch import HEADER, Kind, header
from devices.wire.control import Consent, RuleSet
from devices.wire.event import Heartbeat
from streams.engine.opening.block import Block
from streams.engine.opening.opening import open_blocks
from streams.engine.round import Round
from tests.streams.producing import Record, World, clock

T = 1_700_000_000_000
HR, SPO2 = Vital.HEART_RATE, Vital.SPO2


@pytest.fixture
def world() -> World:
    return World([1, 2, 65])


def blocks_of(records: Iterable[Record], *, first: int = 10, append: int = T) -> list[Block]:
    by_partition: dict[int, list[Record]] = {}
    for record in records:
        by_partition.setdefault(record.partition, []).append(record)
    return [
        Block(p, first, first + len(some), np.arange(append, append + len(some)), [r.value for r in some])
        for p, some in sorted(by_partition.items())
    ]


def open_records(world: World, records: Iterable[Record]) -> Round:
    return open_blocks(blocks_of(records), world.ring())


def test_batches_become_columns(world: World) -> None:
    found = open_records(
        world,
        [
            world.batch(1, [(T, {HR: 61, SPO2: 97}), (T + 1000, {HR: 62})]),
            clock(1),
            world.event(1, Heartbeat(T)),
            world.batch(65, [(T, {HR: 80})]),
            world.control(2, Consent(given=True, at=T)),
        ],
    )
    assert found.rejected == []
    assert found.records["kind"].tolist() == [Kind.SAMPLES, Kind.CLOCK, Kind.EVENT, Kind.SAMPLES, Kind.CONTROL]
    assert found.records["partition"].tolist() == [1, 1, 1, 1, 2]
    assert found.records["offset"].tolist() == [10, 11, 12, 13, 10]
    assert found.records["append"].tolist() == [T, T + 1, T + 2, T + 3, T]
    assert found.records["patient"].tolist() == [1, 0, 1, 65, 2]
    assert found.record.tolist() == [0, 0, 0, 3]
    assert found.samples["value"].tolist() == [61, 97, 62, 80]
    assert found.samples["reading"].tolist() == [0, 0, 1, 0]
    assert found.events == [(2, Heartbeat(T))]
    assert found.controls == [(4, Consent(given=True, at=T))]


def changed(record: Record, **fields: int) -> Record:
    head = np.frombuffer(record.value[: HEADER.itemsize], HEADER).copy()
    for name, value in fields.items():
        head[name] = value
    return Record(record.partition, record.key, head.tobytes() + record.value[HEADER.itemsize :])


def payload(*rows: tuple[int, float, int, int, int]) -> bytes:
    return np.array(list(rows), SAMPLE).tobytes()


def bad_records(world: World) -> list[tuple[str, Record]]:
    good = world.batch(1, [(T, {HR: 61})])
    of_device = partial(world.record, Kind.SAMPLES, patient=1, device=1001, gateway=101)
    samples = payload((T, 60.0, HR, 0, 0))
    misfits = "is out of range or of another kind"
    wrong_scope = "control of a patient for a partition, or the other way round"
    return [
        ("shorter than a header", Record(1, b"", b"x")),
        ("shorter than a header", Record(1, b"", b"")),
        ("larger than 256 KB", Record(1, b"", good.value + bytes(256 * 1024))),
        ("wire version is not accepted", changed(good, version=2)),
        ("wire version is not accepted", changed(good, version=0)),
        ("wire version is not accepted", Record(1, b"", b"\xff" * 200)),
        ("waveforms are not accepted yet", changed(good, kind=Kind.WAVEFORM)),
        ("unknown kind", changed(good, kind=77)),
        ("unknown lane or clock", changed(good, lane=9)),
        ("identifier out of range", changed(good, device=2**31)),
        ("sequence out of range", changed(good, first=2**64 - 1)),
        ("in the wrong partition for its patient", world.batch(2, [(T, {HR: 61})], partition=1)),
        ("clock record with a payload or a patient", Record(1, b"", clock(1).value + b"x")),
        ("clock record with a payload or a patient", Record(1, b"", header(Kind.CLOCK, patient=1))),
        ("names no patient", changed(good, patient=0)),
        ("control record not from the desk", world.record(Kind.CONTROL, b"{}", patient=1, gateway=101)),
        ("unknown key", changed(good, key=999)),
        ("key of another patient or gateway", world.batch(1, [(T, {HR: 61})], key=world._key_of[65, 165])),
        ("key of another patient or gateway", world.batch(1, [(T, {HR: 61})], key=world._key_of[1, 0])),
        ("does not open under the key its header names", changed(good, device=5)),
        ("does not open under the key its header names", Record(1, b"", good.value[:-1])),
        ("does not open under the key its header names", Record(1, b"", good.value[: HEADER.itemsize])),
        ("payload does not fit its header", of_device(samples[:-1])),
        ("payload does not fit its header", of_device(samples, count=2)),
        ("payload does not fit its header", of_device(samples, count=0)),
        ("payload does not fit its header", of_device(b"")),
        ("event payload: DecodeError", world.record(Kind.EVENT, b"{", patient=1, gateway=101)),
        (f"event payload: kind {misfits}", world.record(Kind.EVENT, b'{"kind":"party"}', patient=1, gateway=101)),
        (f"event payload: at {misfits}", world.event(1, Heartbeat(2**62))),
        ("payload holds a zero character", world.record(Kind.CONTROL, b'{"kind":"facts","born":"\\u0000"}', patient=1)),
        (wrong_scope, world.control(1, RuleSet(version=1))),
        (wrong_scope, world.control(0, Consent(given=True, at=T), partition=1)),
    ]  # fmt: skip


def test_bad_records_are_rejected_whole_and_their_neighbours_open(world: World) -> None:
    bad = bad_records(world)
    records = [record for _, one in bad for record in (one, world.batch(1, [(T, {HR: 70})]))]
    found = open_records(world, records)
    assert [(r.record, r.reading, r.reason) for r in found.rejected] == [
        (2 * n, -1, expected) for n, (expected, _) in enumerate(bad)
    ]
    assert found.record.tolist() == list(range(1, 2 * len(bad), 2))
    assert (found.records["kind"][::2] == 0).all()
    assert (found.records["kind"][1::2] == Kind.SAMPLES).all()


def test_a_reading_that_cannot_be_one_row_is_rejected_alone(world: World) -> None:
    rows = payload(
        (T, 60.0, HR, 0, 0),
        (-1, 60.0, HR, 0, 1),
        (2**62, 60.0, HR, 0, 2),
        (T, 60.0, HR, 0, 3),
        (T + 1, 97.0, SPO2, 0, 3),
        (T, 60.0, HR, 0, 4),
        (T, 61.0, HR, 0, 4),
        (T, 62.0, HR, 0, 5),
    )
    found = open_records(world, [world.record(Kind.SAMPLES, rows, patient=1, device=1001, gateway=101, count=6)])
    assert [(r.reading, r.reason) for r in found.rejected] == [
        (1, "time out of range"),
        (2, "time out of range"),
        (3, "one reading with two times"),
        (4, "one vital twice in a reading"),
    ]
    assert found.samples["value"].tolist() == [60, 62]
    assert found.record.tolist() == [0, 0]


def test_readings_out_of_order_in_a_batch_open(world: World) -> None:
    rows = payload((T + 5, 61.0, HR, 0, 1), (T, 60.0, HR, 0, 0), (T + 5, 97.0, SPO2, 0, 1))
    found = open_records(world, [world.record(Kind.SAMPLES, rows, patient=1, device=1001, gateway=101, count=2)])
    assert found.rejected == []
    assert found.samples["value"].tolist() == [61, 60, 97]


def test_no_blocks_make_an_empty_round(world: World) -> None:
    found = open_blocks([], world.ring())
    assert len(found.records) == len(found.samples) == 0


def test_random_bytes_never_raise(world: World) -> None:
    rng = np.random.default_rng(5)
    good = world.batch(1, [(T, {HR: 61})]).value
    records = []
    for _ in range(2000):
        value = bytearray(good)
        for at in rng.integers(0, len(value), rng.integers(1, 4)):
            value[at] = rng.integers(0, 256)
        records.append(Record(1, b"", bytes(value[: rng.integers(0, len(value) + 1)])))
    found = open_records(world, records)
    refused = {r.record for r in found.rejected}
    assert len(found.records) == 2000
    assert all(n in refused or records[n].value == good or found.records["kind"][n] == Kind.CLOCK for n in range(2000))
