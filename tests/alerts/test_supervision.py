"""No part ends silently: each is logged, counted, begun again and shown."""

from __future__ import annotations

import asyncio
import threading
import time
from itertools import pairwise

import pytest
from prometheus_client import CollectorRegistry, Counter
from structlog.testing import capture_logs

from alerts import supervision
from alerts.supervision import Supervisor


class AwayError(Exception):
    pass


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def supervisor(registry: CollectorRegistry) -> Supervisor:
    return Supervisor(Counter("ends", "ends", ["part"], registry=registry), (AwayError,), shortest_s=0.01, longest_s=0.05)


async def test_a_task_that_fails_in_whatever_way_begins_again(supervisor: Supervisor, registry: CollectorRegistry) -> None:
    ends: list[Exception | None] = [ValueError("EXAMPLETON"), AwayError(), None]
    runs = asyncio.Event()

    async def body() -> None:
        if not ends:
            runs.set()
            await asyncio.sleep(60)
        end = ends.pop(0)
        if end:
            raise end

    with capture_logs() as logs:
        task = asyncio.create_task(supervisor.keep("reader", body))
        await asyncio.wait_for(runs.wait(), 10)
    assert supervisor.failing() == {"reader": "it ended by itself"}
    assert registry.get_sample_value("ends_total", {"part": "reader"}) == 3
    assert [(line["log_level"], line["reason"]) for line in logs] == [
        ("error", "ValueError"), ("warning", "AwayError"), ("error", "it ended by itself"),
    ]  # fmt: skip
    assert "test_supervision.py" in logs[0]["at"]
    assert "EXAMPLETON" not in str(logs)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_part_that_runs_again_for_a_while_is_well(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    first = [True]

    async def body() -> None:
        if first.pop() if first else False:
            raise ValueError
        await asyncio.sleep(60)

    task = asyncio.create_task(supervisor.keep("reader", body))
    await asyncio.sleep(0.2)
    assert supervisor.failing() == {"reader": "ValueError"}
    monkeypatch.setattr(supervision, "STEADY_S", 0.1)
    assert supervisor.failing() == {}
    task.cancel()


def test_a_thread_is_kept_likewise_until_it_is_told_to_stop(supervisor: Supervisor, registry: CollectorRegistry) -> None:
    stop, begun = threading.Event(), []

    def body() -> None:
        begun.append(time.monotonic())
        if len(begun) == 4:
            stop.set()
        raise ValueError

    thread = threading.Thread(target=supervisor.keep_in_thread, args=("due", body, stop))
    thread.start()
    thread.join(10)
    assert len(begun) == 4
    assert registry.get_sample_value("ends_total", {"part": "due"}) == 3
    pauses = [later - earlier for earlier, later in pairwise(begun)]
    assert all(pause >= least for pause, least in zip(pauses, (0.01, 0.02, 0.04), strict=True))
