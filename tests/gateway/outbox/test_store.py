import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.sample import SAMPLE, Status
from devices.wire.batch import ClockQuality, Kind, Lane
from devices.wire.event import Contact, Link, decode_event
from gateway.clock import Stamp
from gateway.errors import OutboxDamagedError
from gateway.outbox.file import open_file
from gateway.outbox.reading import OutboxRow, Reading, Refusal
from gateway.outbox.refusals import BYTES as REFUSED_BYTES
from gateway.outbox.store import Store
from tests.gateway.making import BOOT, T0, event_reading, pulse, times

LIMIT = 1 << 26
LATER = T0 + 10**12
DAY = 86_400_000


def done(store: Store, command: Callable[..., Any], *arguments: Any) -> Any:
    store.begin()
    answer = store.apart(partial(command, *arguments))
    store.commit()
    if isinstance(answer, Exception):
        raise answer
    return answer


def put(store: Store, *readings: Reading) -> list[bool]:
    answers: list[bool] = done(store, store.put, readings)
    return answers


def everything(store: Store, patients: Sequence[int] = (1, 2)) -> list[OutboxRow]:
    lanes = (Lane.LIVE, Lane.BACKFILL)
    rows: list[OutboxRow] = done(store, lambda: [row for lane in lanes for row in store.take(10**6, lane, patients, 0)])
    return rows


def deliver_and_forget(store: Store) -> None:
    rows = everything(store)
    done(store, store.delivered, [r.id for r in rows], T0)
    assert done(store, store.prune, LATER, 100) == len(rows)


@pytest.fixture
def db(tmp_path: Path) -> sqlite3.Connection:
    return open_file(tmp_path / "outbox.sqlite")


@pytest.fixture
def store(tmp_path: Path, db: sqlite3.Connection) -> Iterator[Store]:
    opened = Store(tmp_path / "outbox.sqlite", LIMIT, connect=lambda _: db)
    yield opened
    opened.close()


def test_sequences_count_by_device_without_gaps_across_kinds(store: Store) -> None:
    put(store, pulse(), pulse(device=8), event_reading(Link(T0, True)), pulse(at=T0 + 1000))
    rows = everything(store)
    assert [(r.device, r.sequence, r.kind) for r in sorted(rows, key=lambda r: (r.device, r.sequence))] == [
        (7, 0, Kind.SAMPLES), (7, 1, Kind.EVENT), (7, 2, Kind.SAMPLES), (8, 0, Kind.SAMPLES),
    ]  # fmt: skip


def test_two_readings_of_one_device_never_share_a_millisecond(store: Store) -> None:
    put(store, pulse(), pulse(73.0), pulse(74.0), pulse(device=8), event_reading(Link(T0, True)))
    rows = everything(store)
    assert times(r for r in rows if r.device == 7) == [T0, T0 + 1, T0 + 2]
    assert times(r for r in rows if r.device == 8) == [T0]
    assert all((np.frombuffer(r.payload, SAMPLE)["time"] == r.measured).all() for r in rows if r.kind is Kind.SAMPLES)


def test_a_record_read_again_is_recognised_for_ever(store: Store) -> None:
    record = pulse(device_time=T0 - 5000, record=3)
    assert put(store, record) == [True]
    deliver_and_forget(store)
    assert put(store, record, pulse(device_time=T0 - 5000, record=4), pulse(device_time=T0 - 4000, record=3)) == [
        False,
        True,
        True,
    ]


def test_records_without_a_number_are_recognised_by_their_values(store: Store) -> None:
    first, other = pulse(72.0, device_time=T0), pulse(80.0, device_time=T0)
    assert put(store, first, other, first) == [True, True, False]
    assert times(everything(store)) == [T0, T0 + 1]


def test_records_of_one_second_keep_apart_even_after_the_first_is_gone(store: Store) -> None:
    put(store, pulse(device_time=T0, record=1))
    deliver_and_forget(store)
    put(store, pulse(device_time=T0, record=2))
    assert times(everything(store)) == [T0 + 1]


def test_a_devices_time_counts_less_what_its_clock_is_ahead(store: Store) -> None:
    put(store, pulse(at=T0, device_time=T0 + 3_600_000 - 60_000, ahead=3_600_000))
    assert times(everything(store)) == [T0 - 60_000]


def test_a_device_time_in_the_future_becomes_the_arrival_unsure(store: Store) -> None:
    put(store, pulse(at=T0, device_time=T0 + 31_000), pulse(at=T0, device_time=T0 + 30_000))
    unsure, sure = everything(store)
    assert unsure.measured == T0
    assert set(np.frombuffer(unsure.payload, SAMPLE)["status"]) == {Status.CLOCK_UNSURE}
    assert sure.measured == T0 + 30_000
    assert set(np.frombuffer(sure.payload, SAMPLE)["status"]) == {Status.OK}


def test_a_device_whose_clock_stands_still_gets_ascending_times(store: Store) -> None:
    put(store, *(pulse(50 + i / 100, device_time=0, record=i) for i in range(1500)))
    found = times(everything(store))
    assert sorted(set(found)) == found
    assert found[:3] == [0, 1, 2]


def test_readings_before_the_clock_was_set_wait_and_get_times_of_the_monotonic_clock(store: Store) -> None:
    before = Stamp(86_400_000, 5_000, BOOT, False)
    put(store, pulse(at=before), event_reading(Contact(before.wall, False), at=before))
    assert everything(store) == []
    assert store.stats().unstamped == 2
    done(store, store.stamp, Stamp(T0, 65_000, BOOT, True), 100)
    sample, event = everything(store)
    assert (sample.measured, sample.received, sample.clock) == (T0 - 60_000, T0 - 60_000, ClockQuality.SURE)
    assert decode_event(event.payload) == Contact(T0 - 60_000, False)


def test_readings_of_a_boot_whose_clock_was_never_set_are_marked_unsure(store: Store) -> None:
    put(store, pulse(at=Stamp(T0 - 90_000, 5_000, "an earlier boot", False)))  # a clock kept over the boot by a file
    done(store, store.stamp, Stamp(T0, 9_000, BOOT, True), 100)
    (row,) = everything(store)
    assert (row.measured, row.clock) == (T0 - 90_000, ClockQuality.UNSURE)


def test_live_and_backfill_are_told_apart_by_arrival_and_by_the_source(store: Store) -> None:
    put(store, pulse(60, at=T0 - 120_000), pulse(61, at=T0), pulse(62, at=T0 + 5, lane=Lane.BACKFILL))
    live = done(store, store.take, 10, Lane.LIVE, [1], T0 - 60_000)
    backfill = done(store, store.take, 10, Lane.BACKFILL, [1], T0 - 60_000)
    assert [(r.sequence, r.lane) for r in live] == [(1, Lane.LIVE)]
    assert [(r.sequence, r.lane) for r in backfill] == [(0, Lane.BACKFILL), (2, Lane.BACKFILL)]


def test_what_is_in_flight_is_not_taken_twice_until_released(store: Store) -> None:
    put(store, pulse(), pulse(73))
    first = everything(store)
    assert everything(store) == []
    done(store, store.release, [first[0].id])
    assert everything(store) == [first[0]]


def test_readings_of_patients_not_served_stay(store: Store) -> None:
    put(store, pulse(patient=3), pulse(device=9, patient=1))
    assert [r.patient for r in everything(store)] == [1]
    assert store.stats().waiting == 2


def test_delivered_readings_can_be_sent_again_unchanged(store: Store) -> None:
    put(store, pulse(), pulse(73))
    rows = everything(store)
    done(store, store.delivered, [r.id for r in rows], T0 + 1)
    assert store.stats().waiting == 0
    assert done(store, store.resend, T0, T0 + 1, 1) == 1
    assert done(store, store.resend, T0, T0 + 1, 10) == 1
    assert everything(store) == rows


def test_refused_bytes_are_kept_cut_and_counted(store: Store, db: sqlite3.Connection) -> None:
    done(store, store.refuse, Refusal(T0, "ble", 7, "truncated", bytes(5000)))
    assert store.stats().refused == 1
    assert len(db.execute("select data from refused").fetchone()[0]) == REFUSED_BYTES


def test_a_command_that_fails_leaves_the_others(store: Store) -> None:
    store.begin()
    good = store.apart(lambda: store.put([pulse()]))
    bad = store.apart(lambda: store.put([pulse(73), pulse(record=1 << 70, device_time=1)]))
    store.commit()
    assert good == [True]
    assert isinstance(bad, OverflowError)
    assert len(everything(store)) == 1


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "outbox.sqlite").write_bytes(b"something else entirely" * 500)
    with pytest.raises(OutboxDamagedError, match="keep it"):
        Store(tmp_path / "outbox.sqlite", LIMIT)


def test_the_epoch_belongs_to_the_file(tmp_path: Path) -> None:
    first, again, other = (Store(tmp_path / name, LIMIT) for name in ("a", "a", "b"))
    assert first.epoch == again.epoch != other.epoch
    for opened in (first, again, other):
        opened.close()


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    known = draw(st.booleans())
    return pulse(
        draw(st.integers(40, 45)),
        at=T0 + draw(st.integers(0, 3)),
        device=draw(st.integers(7, 8)),
        device_time=T0 + draw(st.integers(-2, 2)) if known else None,
        record=draw(st.integers(0, 2)) if known and draw(st.booleans()) else None,
        lane=draw(st.sampled_from(Lane)),
        stream=draw(st.booleans()),
    )


STEP = st.one_of(
    st.tuples(st.just("forget"), st.none()),
    st.tuples(st.just("put"), st.lists(readings(), min_size=1, max_size=4)),
    st.tuples(st.sampled_from(["take", "delivered", "release", "resend", "prune"]), st.none()),
    st.tuples(st.sampled_from(["kill", "power cut"]), st.floats(0, 1)),
)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEP, max_size=15))
def test_nothing_committed_is_lost_or_changed_by_any_order_of_work_and_crashes(
    steps: list[tuple[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("crash")
    path = home / "outbox.sqlite"
    db = open_file(path)
    store = Store(path, LIMIT, partial(_given, db))
    flight: list[OutboxRow] = []
    committed: dict[tuple[int, int], tuple[int, bytes]] = {}
    gone: set[tuple[int, int]] = set()
    epoch, numbers = store.epoch, set()
    try:
        for number, (step, value) in enumerate(steps):
            if step == "put":
                answers = put(store, *value)
                for reading, new in zip(value, answers, strict=True):
                    values = reading.samples["value"].tobytes()
                    key: tuple[object, ...] = (reading.device, reading.device_time, reading.record, values)
                    if reading.record is not None:
                        key = key[:3]
                    assert new == (reading.device_time is None or key not in numbers)
                    numbers.add(key)
            elif step == "take":
                flight += everything(store)
            elif step == "delivered":
                done(store, store.delivered, [r.id for r in flight], T0)
                flight = []
            elif step == "release":
                done(store, store.release, [r.id for r in flight])
                flight = []
            elif step == "forget":
                done(store, store.forget, T0 + 30 * DAY)
            elif step == "resend":
                done(store, store.resend, T0, T0 + 10**9, number + 1)
            elif step == "prune":
                gone |= {row[:2] for row in db.execute("select device, sequence from reading where delivered is not null")}
                done(store, store.prune, T0 + 1, 10**6)
            else:
                path = crash(store, path, home / f"after {number}", value if step == "power cut" else None)
                db = open_file(path)
                store, flight = Store(path, LIMIT, partial(_given, db)), []
                assert store.epoch == epoch
            found = {
                (device, sequence): (measured, payload)
                for device, sequence, measured, payload in db.execute(
                    "select device, sequence, measured, payload from reading"
                )
            }
            assert all(found[key] == value for key, value in committed.items() if key not in gone)
            committed |= found
            for device in (7, 8):
                mine = sorted(sequence for owner, sequence in committed if owner == device)
                assert mine == list(range(len(mine)))
                moments = [measured for (owner, _), (measured, _) in found.items() if owner == device]
                assert len(set(moments)) == len(moments)
    finally:
        store.close()


def _given(db: sqlite3.Connection, _path: Path) -> sqlite3.Connection:
    return db


def wal_size(path: Path) -> int:
    wal = path.with_name(path.name + "-wal")
    return wal.stat().st_size if wal.exists() else 0


def crash(store: Store, path: Path, into: Path, kept: float | None) -> Path:
    """The files as a dead process leaves them in the middle of one more transaction; or a power cut, ``kept`` of what that
    transaction wrote to the log having reached the disk."""
    synced = wal_size(path)
    store.begin()
    store.put([pulse(99, at=T0 + 10**6 + i, device=7) for i in range(50)])
    if kept is not None:
        store.commit()
    into.mkdir()
    for file in path.parent.glob(path.name + "*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, into)
    store.close()
    size = wal_size(into / path.name)
    if kept is not None and size > synced:
        with (into / (path.name + "-wal")).open("r+b") as log:
            log.truncate(synced + int((size - synced) * kept))
    return into / path.name
