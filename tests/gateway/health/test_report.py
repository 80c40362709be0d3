"""What a gateway finds wrong with itself is said at the desk: when it lasts, and when it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from devices.wire.event import SelfCheck
from devices.wire.pairing import Assigned
from gateway.health.check import Check
from gateway.health.report import found, run_report
from gateway.outbox.outbox import Outbox
from gateway.settings import GatewaySettings
from tests.gateway.making import HandClock, config, configured
from tests.gateway.reading_outbox import events
from tests.until import until

DEVICES = (Assigned(7, 1, 0, "ble", "A"), Assigned(8, 2, 0, "ble", "B"))


async def test_it_is_said_once_when_it_lasts_and_once_when_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[list[Check]] = []
    state = [Check("clock", True, "well")]

    async def look(settings: GatewaySettings) -> list[Check]:
        looks.append(list(state))
        return looks[-1]

    monkeypatch.setattr("gateway.health.report.checks", look)
    clock = HandClock()
    outbox = Outbox(tmp_path / "outbox.sqlite", clock=clock)
    configuration = configured(tmp_path, config(*DEVICES))
    task = asyncio.create_task(run_report(GatewaySettings(state=tmp_path), outbox, configuration, clock, 0.02))

    async def reports(count: int) -> list[SelfCheck]:
        await until(lambda: len(events(tmp_path, 0)) >= count)
        seen = len(looks)
        await until(lambda: len(looks) > seen + 3)
        found = events(tmp_path, 0)
        assert len(found) == count
        return [event for event in found if isinstance(event, SelfCheck)]

    assert [one.wrong for one in await reports(1)] == [()]
    state[:] = [Check("clock", False, "The clock is not set", "set it"), Check("disk", True, "room")]
    assert [one.what for one in (await reports(2))[-1].wrong] == ["The clock is not set"]
    state[0] = Check("clock", False, "The clock is not set, still", "set it")  # the same part: nothing new
    await reports(2)
    state[0] = Check("clock", True, "well")
    assert (await reports(3))[-1].wrong == ()
    task.cancel()
    await outbox.close()


def test_an_event_holds_what_is_wrong_whatever_the_words() -> None:
    looks = [Check("Kafka", False, "ü" * 500, ""), *(Check(str(n), False, "x", "y") for n in range(40))]
    wrong = found(looks)
    assert len(wrong) == 20
    assert (wrong[0].what, wrong[0].cure) == ("?" * 200, "?")
