"""Readings whose time their neighbours have to say (../shared/field/cases.md, Bluetooth)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from devices.gatt.profiles import decode
from devices.sample import SAMPLE, Status
from devices.wire.batch import ClockQuality, Kind
from devices.wire.event import ClockCorrection, Fault, decode_event
from devices.wire.pairing import Assigned
from gateway.clock import Stamp
from gateway.metrics import Metrics
from gateway.outbox.reading import OutboxRow
from gateway.outbox.store import Store
from gateway.sources.ble_session import Session
from gateway.sources.intake import Intake, State, readings_of
from tests.gateway.making import BOOT, HandClock, pulse
from tests.gateway.outbox.test_store import LIMIT, done, everything, put

LOCAL = bytes.fromhex("16550032004000e80706170e230a46000000")  # 85/50, 14:35:10 by the cuff
RESET = bytes.fromhex("16550032004000e507010100000a46000000")  # 2021-01-01 00:00:10
NEVER_SET = bytes.fromhex("1354004000ea0709180e1e050002")  # from memory, clock never set
YEAR_0 = bytes.fromhex("0362004000" + "00" * 7 + "0002")  # from memory
ERR = bytes.fromhex("16ff07ff07ff07e80706170e230aff070000")
CUFF, OXIMETER = 0x2A35, 0x2A5E
NOON = round(datetime(2024, 6, 23, 12, 35, 12, tzinfo=UTC).timestamp() * 1000)
BERLIN, LONDON = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/London")
DEVICE = Assigned(7, 1, 0, "ble", "A")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "outbox.sqlite", LIMIT)
    yield opened
    opened.close()


class Home:
    """A device without a readable clock, in a zone, and what leaves the outbox."""

    def __init__(self, store: Store, zone: ZoneInfo | None, at: int = NOON) -> None:
        self.store, self.clock = store, HandClock(at)
        intake = Intake(DEVICE, None, self.clock, Metrics())  # type: ignore[arg-type]
        self._session = Session(intake, self.clock, Metrics(), zone=zone)

    def receive(self, value: bytes, characteristic: int = CUFF) -> list[bool]:
        now = self.clock.now()
        received = self._session._claimed(decode(characteristic, value, now.wall), now)
        return put(self.store, *readings_of(DEVICE, [received], State())[0])

    def sent(self, quiet_ms: int = 3000) -> list[OutboxRow]:
        self.clock.tick(quiet_ms)
        done(self.store, self.store.stamp, self.clock.now(), 1000)
        return everything(self.store)


def statuses(row: OutboxRow) -> set[int]:
    return set(np.frombuffer(row.payload, SAMPLE)["status"].tolist())


def samples(rows: list[OutboxRow]) -> list[OutboxRow]:
    return [row for row in rows if row.kind is Kind.SAMPLES]


def events_of(rows: list[OutboxRow]) -> list[object]:
    return [decode_event(row.payload) for row in rows if row.kind is Kind.EVENT]


def test_local_time_of_the_home_is_sure(store: Store) -> None:
    home = Home(store, BERLIN)
    home.receive(LOCAL)
    rows = home.sent(0)  # at once
    assert [(row.measured, row.clock, statuses(row)) for row in rows] == [(NOON - 2000, ClockQuality.SURE, {Status.OK})]


@pytest.mark.parametrize(
    ("zone", "value", "hours"),
    [
        (None, LOCAL, 2),
        (LONDON, LOCAL, 1),
        (ZoneInfo("America/Los_Angeles"), LOCAL, 9),
        (BERLIN, RESET, None),
        (None, RESET, None),
    ],
)
def test_a_fresh_reading_whose_time_cannot_be_decides_at_its_arrival_and_the_clock_is_told(
    store: Store, zone: ZoneInfo | None, value: bytes, hours: int | None
) -> None:
    home = Home(store, zone)
    home.receive(value)
    assert samples(home.sent(2000)) == []
    rows = home.sent(1000)
    (row,), (correction,) = samples(rows), events_of(rows)
    assert (row.measured, row.clock, statuses(row)) == (NOON, ClockQuality.ARRIVAL, {Status.OK})
    assert isinstance(correction, ClockCorrection)
    assert correction.offset_ms == hours * 3_600_000 - 2000 if hours else correction.offset_ms < -3 * 365 * 86_400_000
    home.clock.wall += 600_000
    home.receive(value[:1] + b"\x56" + value[2:])  # ten minutes later, by a clock that stands still: not told every time
    assert len(samples(home.sent())) == 1


def test_a_clock_that_stays_as_wrong_is_told_once(store: Store) -> None:
    home = Home(store, None)
    for minute in range(3):
        home.receive(LOCAL[:12] + bytes([35 + minute]) + LOCAL[13:])
        rows = home.sent()
        assert len(samples(rows)) == 1
        assert len(events_of(rows)) == (minute == 0)
        home.clock.tick(57_000)


def test_two_hours_old_from_memory_is_never_an_hour_wrong_and_sure(store: Store) -> None:
    at = NOON + 7_200_000 + 17 * 60_000
    home = Home(store, BERLIN, at)
    home.receive(LOCAL)
    assert [(row.measured, statuses(row)) for row in home.sent()] == [(NOON - 2000, {Status.OK})]
    other = Home(store, None, at)
    other.receive(LOCAL[:1] + b"\x56" + LOCAL[2:])
    rows = other.sent()
    assert statuses(samples(rows)[0]) == {Status.CLOCK_UNSURE}
    assert [type(event) for event in events_of(rows)] == [Fault]


@pytest.mark.parametrize("value", [NEVER_SET, YEAR_0])
def test_a_record_of_unknown_time_is_stored_once_decides_nothing_and_is_told(store: Store, value: bytes) -> None:
    home = Home(store, BERLIN)
    assert home.receive(value, OXIMETER)[-1]
    home.clock.tick(60_000)
    assert home.receive(value, OXIMETER) == [False]
    rows = home.sent()
    (row,) = samples(rows)
    assert statuses(row) == {Status.CLOCK_UNSURE}
    assert [event.what for event in events_of(rows) if isinstance(event, Fault)] == ["clock"]


def test_a_whole_memory_of_a_clock_that_was_reset_has_one_fresh_reading(store: Store) -> None:
    home = Home(store, BERLIN)
    for day in range(1, 10):
        home.receive(RESET[:10] + bytes([day]) + RESET[11:])
        home.clock.tick(10)
    rows = samples(home.sent())
    assert [row.clock for row in rows] == [ClockQuality.SURE] * 8 + [ClockQuality.ARRIVAL]
    assert [statuses(row) for row in rows] == [{Status.CLOCK_UNSURE}] * 8 + [{Status.OK}]


def test_what_waited_over_a_restart_is_settled(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    store = Store(path, LIMIT)
    Home(store, None).receive(LOCAL)
    store.close()
    store = Store(path, LIMIT)
    done(store, store.stamp, Stamp(NOON + 60_000, 5, "another boot", True), 100)
    assert [(row.measured, row.clock) for row in samples(everything(store))] == [(NOON, ClockQuality.ARRIVAL)]
    store.close()


def test_a_fresh_reading_before_our_clock_was_set_is_judged_once_it_is(store: Store) -> None:
    home = Home(store, BERLIN)
    home.clock.sure, home.clock.wall = False, 1000
    home.receive(LOCAL)
    assert everything(store) == []
    home.clock.tick(10_000)
    home.clock.sure, home.clock.wall = True, NOON + 10_000
    assert [(row.measured, row.clock) for row in home.sent(0)] == [(NOON - 2000, ClockQuality.SURE)]
    assert home.clock.boot == BOOT


def test_an_error_frame_has_no_value_and_keeps_its_reason(store: Store) -> None:
    home = Home(store, BERLIN)
    home.receive(ERR)
    assert [statuses(row) for row in home.sent()] == [{Status.NAN}]


BOOTED = Stamp(NOON, 60_000, "this boot", True)
UNSET = Stamp(12_000, 9_000, "an earlier boot", False)
"""1970: our clock was not set when it came, nor ever in that boot."""


@pytest.mark.parametrize(
    ("device_time", "before", "measured", "clock"),
    [
        (NOON - 600_000, NOON - 900_000, NOON - 600_000, ClockQuality.SURE),  # between the last arrival and this boot
        (NOON - 600_000, None, NOON - 600_000, ClockQuality.UNSURE),  # nothing says that it cannot be wrong
        (NOON - 600_000, NOON - 300_000, NOON - 600_000, ClockQuality.UNSURE),  # it came later than it says
        (NOON + 86_400_000, NOON - 900_000, NOON - 60_000, ClockQuality.UNSURE),  # cannot be: this boot's beginning
        (None, NOON - 900_000, NOON - 60_000, ClockQuality.UNSURE),
        (None, None, NOON - 60_000, ClockQuality.UNSURE),  # never 1970, which the log refuses for good
    ],
)
def test_a_reading_of_an_earlier_boot_without_a_clock_has_the_devices_time(
    store: Store, device_time: int | None, before: int | None, measured: int, clock: ClockQuality
) -> None:
    if before is not None:
        put(store, pulse(60.0, at=before, device=8))
    put(store, pulse(72.0, at=UNSET, device_time=device_time, record=1))
    done(store, store.stamp, BOOTED, 100)
    row = next(row for row in everything(store) if row.device == 7)
    assert (row.measured, row.clock) == (measured, clock)
