from pathlib import Path
from typing import Any

import pytest

from devices.decoded import Decoded, samples_of
from devices.sample import Status
from devices.vitals import Vital
from devices.wire.event import Battery, Contact
from devices.wire.pairing import Assigned
from gateway.metrics import Metrics
from gateway.outbox.outbox import Outbox
from gateway.outbox.store import Store
from gateway.sources.intake import Intake, Received, State, readings_of
from tests.gateway.making import T0, HandClock
from tests.gateway.reading_outbox import events, stored, values

DEVICE = Assigned(7, 1, 0, "mqtt", "A")


def received(
    clock: HandClock, rate: float = 60, *, samples: bool = True, device_time: int | None = None, **more: Any
) -> Received:
    values = [(Vital.HEART_RATE, rate, Status.OK)] if samples else []
    return Received(Decoded(samples_of(values, clock.wall), device_time=device_time, **more), clock.now())


def test_only_changes_of_contact_and_battery_are_events() -> None:
    clock = HandClock()
    states = [(True, 80), (True, 80), (None, None), (False, 79), (False, None)]
    readings, state = readings_of(DEVICE, (received(clock, contact=c, battery=b) for c, b in states), State())
    assert [r.event for r in readings if r.event] == [
        Contact(T0, True), Battery(T0, 80), Contact(T0, False), Battery(T0, 79),
    ]  # fmt: skip
    assert len([r for r in readings if r.samples is not None]) == 5
    assert state == State(False, T0, 79)


def test_a_message_without_samples_makes_no_reading() -> None:
    readings, _ = readings_of(DEVICE, [received(HandClock(), samples=False, contact=False)], State())
    assert [r.event for r in readings] == [Contact(T0, False)]


def test_contact_of_an_old_message_that_is_sent_again_changes_nothing() -> None:
    clock = HandClock()
    _, state = readings_of(DEVICE, [received(clock, contact=True, device_time=T0)], State())
    readings, state = readings_of(DEVICE, [received(clock, contact=False, device_time=T0 - 9000)], state)
    assert [r.event for r in readings] == [None]
    assert state.contact is True


async def test_what_could_not_be_stored_is_told_again(tmp_path: Path) -> None:
    clock = HandClock()
    store, metrics = Store(tmp_path / "outbox.sqlite", 1), Metrics()
    outbox = Outbox(tmp_path / "outbox.sqlite", clock=clock, open_store=lambda *_: store)
    intake = Intake(DEVICE, outbox, clock, metrics)
    with pytest.raises(Exception, match="outbox"):
        await intake.accept([received(clock, contact=True)])
    assert not await outbox.has_room()
    store.limit = 1 << 30
    assert await outbox.has_room()
    await intake.accept([received(clock, contact=True), received(clock, 61, contact=True, device_time=T0)])
    await intake.accept([received(clock, 61, contact=True, device_time=T0)])
    assert events(tmp_path, 7) == [Contact(T0, True)]
    assert values(tmp_path, 7, Vital.HEART_RATE) == [60, 61]
    assert metrics.registry.get_sample_value("vigil_gateway_readings_total", {"stage": "recognised"}) == 1
    await outbox.close()
    assert len(stored(tmp_path)) == 3
