"""What is kept of patients whom the gateway serves no more."""

from __future__ import annotations

import asyncio
from pathlib import Path

from devices.wire.pairing import Assigned, Config, PatientKey, Withdrawn
from gateway.desk.configuration import Configuration
from gateway.desk.leaving import TAKEN_BACK_MS, run_leaving
from gateway.outbox.outbox import Outbox
from gateway.outbox.timing import STALE_MS
from tests.gateway.making import SECRET, T0, HandClock, config, pulse
from tests.gateway.reading_outbox import stored
from tests.until import until

SERVED = Assigned(7, 1, 0, "ble", "A")


async def left(tmp_path: Path, clock: HandClock, wanted: Config, *, answered: bool = True) -> set[int]:
    """The devices of which readings are kept once ``wanted`` was followed: of patients 1, 2 and 3 each has one."""
    tmp_path.mkdir(exist_ok=True)
    outbox, configuration = Outbox(tmp_path / "outbox.sqlite", clock=clock), Configuration(tmp_path)
    await outbox.put([pulse(at=T0, device=6 + patient, patient=patient) for patient in (1, 2, 3)])
    configuration.accept(wanted)
    if answered:
        configuration.answered(200)
    task = asyncio.create_task(run_leaving(outbox, configuration, clock))
    await asyncio.sleep(0.05)
    await outbox.stats()
    task.cancel()
    await outbox.close()
    return {device for device, *_ in stored(tmp_path)}


async def test_a_withdrawal_removes_after_a_day_in_which_it_can_be_taken_back(tmp_path: Path) -> None:
    withdrawn = config(SERVED, withdrawn=(Withdrawn(2, T0),))
    assert await left(tmp_path / "a", HandClock(T0 + TAKEN_BACK_MS - 1), withdrawn) == {7, 8, 9}
    assert await left(tmp_path / "b", HandClock(T0 + TAKEN_BACK_MS), withdrawn) == {7, 9}
    assert await left(tmp_path / "c", HandClock(T0 + TAKEN_BACK_MS), config(SERVED)) == {7, 8, 9}  # taken back
    assert await left(tmp_path / "d", HandClock(T0 + TAKEN_BACK_MS, sure=False), withdrawn) == {7, 8, 9}


async def test_who_is_not_served_is_removed_once_the_log_takes_it_no_more(tmp_path: Path) -> None:
    leaving = config(SERVED, leaving=(PatientKey(2, 102, SECRET),))
    assert await left(tmp_path / "a", HandClock(T0 + STALE_MS - 1), leaving) == {7, 8, 9}
    assert await left(tmp_path / "b", HandClock(T0 + STALE_MS + 1), leaving) == {7, 8}


async def test_nothing_is_removed_before_a_desk_has_answered(tmp_path: Path) -> None:
    assert await left(tmp_path, HandClock(T0 + 2 * STALE_MS), config(), answered=False) == {7, 8, 9}


async def test_readings_of_a_patient_who_is_leaving_are_sent_without_heartbeats(tmp_path: Path) -> None:
    configuration = Configuration(tmp_path)
    configuration.accept(config(SERVED, leaving=(PatientKey(2, 102, SECRET),)))
    assert configuration.key_of(2) == PatientKey(2, 102, SECRET)
    await until(lambda: configuration.key_of(3) is None)
