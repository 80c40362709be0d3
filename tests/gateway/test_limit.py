import asyncio
import time

import pytest

from gateway.limit import end, within


async def test_work_has_so_long_and_no_longer() -> None:
    assert await within(1, asyncio.sleep(0, "done")) == "done"
    with pytest.raises(TimeoutError):
        await within(0.01, asyncio.sleep(5))


async def test_a_cancellation_as_the_work_is_done_is_not_lost() -> None:
    done = asyncio.Event()
    task = asyncio.create_task(within(5, done.wait()))
    await asyncio.sleep(0)
    done.set()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_does_not_listen_is_told_again() -> None:
    async def deaf(times: int) -> None:
        for _ in range(times):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue

    once, ever = asyncio.create_task(deaf(1)), asyncio.create_task(deaf(1000))
    await asyncio.sleep(0)
    began = time.monotonic()
    await end([once, ever], patience_s=0.05)
    assert once.done()
    assert not ever.done()
    assert time.monotonic() - began < 2
    while not ever.done():
        ever.cancel()
        await asyncio.sleep(0)
