"""No task of the gateway dies in silence."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import RevokedError
from gateway.metrics import Metrics
from gateway.supervisor import keep_running


def failures(metrics: Metrics, task: str) -> float | None:
    return metrics.registry.get_sample_value("vigil_gateway_task_failures_total", {"task": task})


@pytest.mark.parametrize("ends", ["raises", "returns"])
async def test_a_task_that_dies_is_logged_counted_and_started_again(ends: str, capsys: pytest.CaptureFixture[str]) -> None:
    metrics, lives = Metrics(), 0

    async def live() -> None:
        nonlocal lives
        lives += 1
        if lives == 3:
            await asyncio.Event().wait()
        if ends == "raises":
            raise KeyError("a bug")

    task = asyncio.create_task(keep_running("belt", live, metrics, first_s=0.01))
    while lives < 3:
        await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert failures(metrics, "belt") == 2
    out = capsys.readouterr().out
    assert "started again" in out
    assert ("KeyError" in out) == (ends == "raises")


async def test_a_task_that_is_done_and_a_revocation_end_it() -> None:
    async def live() -> None:
        await asyncio.sleep(0)

    async def revoked() -> None:
        raise RevokedError

    await keep_running("uplink", live, Metrics(), done=lambda: True)
    with pytest.raises(RevokedError):
        await keep_running("downlink", revoked, Metrics())
