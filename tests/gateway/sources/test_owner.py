"""Whose measurement it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from devices.decoded import Decoded, samples_of
from devices.sample import Status
from devices.vitals import Vital
from devices.wire.event import Battery, Fault
from devices.wire.pairing import Assigned
from gateway.metrics import Metrics
from gateway.outbox.outbox import Outbox
from gateway.outbox.store import Store
from gateway.sources.intake import Received
from gateway.sources.owner import owner, proposal
from gateway.sources.shared_intake import NAMELESS, WAITS, SharedIntake
from tests.gateway.making import HandClock
from tests.gateway.reading_outbox import events, values

ADDRESS = "C0:00:00:00:00:01"
ALONE = Assigned(7, 1, 0, "ble", ADDRESS)
FIRST, SECOND = Assigned(8, 1, 0, "ble", ADDRESS, user=1), Assigned(9, 2, 0, "ble", ADDRESS, user=2)


@pytest.mark.parametrize(
    ("user", "assigned", "bound", "expected"),
    [
        (None, (ALONE,), None, ALONE),  # a device without users
        (1, (ALONE,), None, ALONE),  # the first user seen is the patient
        (1, (ALONE,), 1, ALONE),
        (2, (ALONE,), 1, None),  # the spouse
        (255, (ALONE,), None, ALONE),  # a cuff that always says so
        (255, (ALONE,), 1, None),  # a guest
        (1, (FIRST, SECOND), None, FIRST),
        (2, (FIRST, SECOND), None, SECOND),
        (3, (FIRST, SECOND), None, None),
        (None, (FIRST, SECOND), None, None),
        (255, (FIRST,), None, None),
        (None, (FIRST,), None, None),
    ],
)
def test_a_measurement_belongs_to_the_user_it_names(
    user: int | None, assigned: tuple[Assigned, ...], bound: int | None, expected: Assigned | None
) -> None:
    assert owner(user, assigned, bound) == expected


@pytest.mark.parametrize(
    ("kilograms", "last", "expected"),
    [
        (71.0, {1: 70.5, 2: 95.0}, 1),
        (83.0, {1: 70.5, 2: 95.0}, None),  # near to nobody
        (71.0, {1: 70.5, 2: 72.0}, None),  # near to both
        (71.0, {}, None),
        (71.0, {1: 70.0}, 1),
    ],
)
def test_a_weight_is_a_proposal_where_it_is_clear(kilograms: float, last: Mapping[int, float], expected: int | None) -> None:
    assert proposal(kilograms, last) == expected


class Home:
    """The users of one device, and what the outbox holds of them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, HandClock()
        self.outbox = Outbox(folder / "outbox.sqlite", clock=self.clock)

    async def receive(self, devices: tuple[Assigned, ...], *measured: tuple[int | None, float]) -> None:
        intake = SharedIntake(devices, self.outbox, self.clock, Metrics())
        await intake.begin()
        for user, kilograms in measured:
            samples = samples_of([(Vital.WEIGHT, kilograms, Status.OK)], self.clock.wall)
            time = self.clock.wall
            await intake.accept([Received(Decoded(samples, device_time=time, record=1, user=user), self.clock.tick())])

    def weights(self, device: int) -> list[float]:
        return values(self.folder, device, Vital.WEIGHT)

    def faults(self, device: int) -> list[tuple[str, str]]:
        return [(one.what, one.reason) for one in events(self.folder, device) if isinstance(one, Fault)]


async def test_what_the_spouse_measures_waits_until_the_spouse_is_paired(tmp_path: Path) -> None:
    home = Home(tmp_path)
    await home.receive((ALONE,), (1, 71.0), (2, 95.0), (2, 95.5), (1, 71.2))
    assert home.weights(7) == [71.0, pytest.approx(71.2)]
    assert home.faults(7) == [("user 2", WAITS)]
    await home.receive((ALONE,), (2, 96.0))  # the gateway began anew: it still knows who the patient is
    assert len(home.weights(7)) == 2
    await home.receive((ALONE, SECOND))
    assert home.weights(9) == [95.0, 95.5, 96.0]
    await home.receive((ALONE, SECOND), (2, 96.5))
    assert home.weights(9)[-1] == 96.5
    assert len(home.weights(7)) == 2
    await home.outbox.close()


async def test_a_record_that_is_read_again_is_held_once(tmp_path: Path) -> None:
    home = Home(tmp_path)
    await home.receive((FIRST,), (2, 95.0))
    home.clock.wall -= 1000  # the same record
    await home.receive((FIRST,), (2, 95.0))
    await home.receive((FIRST, SECOND))
    assert home.weights(9) == [95.0]
    await home.outbox.close()


async def test_a_weight_that_names_no_user_waits_with_a_proposal(tmp_path: Path) -> None:
    home = Home(tmp_path)
    await home.receive((FIRST, SECOND), (1, 71.0), (2, 95.0), (None, 70.6))
    assert (home.weights(8), home.weights(9)) == ([71.0], [95.0])
    assert home.faults(8) == home.faults(9) == [("user", f"{NAMELESS}: by its weight it may be of user 1")]
    await home.outbox.close()


async def test_the_battery_of_a_shared_device_is_told_to_each_user(tmp_path: Path) -> None:
    home = Home(tmp_path)
    intake = SharedIntake((FIRST, SECOND), home.outbox, home.clock, Metrics())
    await intake.begin()
    await intake.accept([Received(Decoded(samples_of([], 0), battery=50), home.clock.now())])
    assert [type(one) for device in (8, 9) for one in events(tmp_path, device)] == [Battery, Battery]
    await home.outbox.close()


async def test_what_is_held_survives_a_damaged_outbox(tmp_path: Path) -> None:
    home = Home(tmp_path)
    await home.receive((ALONE,), (1, 71.0), (2, 95.0))
    await home.outbox.close()
    new = tmp_path / "new"
    new.mkdir()
    store = Store(new / "outbox.sqlite", 1 << 30)
    store.salvage(tmp_path / "outbox.sqlite", "damaged")
    store.begin()
    assert (store.held.bound(7), store.held.count(ADDRESS)) == (1, 1)
    (held,) = store.held.take(ADDRESS, 2, 9, 2)
    store.commit()
    store.close()
    assert held.samples is not None
    assert (held.device, held.patient, held.samples["value"].tolist()) == (9, 2, [95.0])
