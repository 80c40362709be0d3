"""Many seeds, in one process or in several."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

from tests.simulation.quiet import simulated
from tests.simulation.world import Outcome, simulate

AT_ONCE: Final = 10
"""Seeds that a process takes at a time."""


def seeds_of(seeds: range, processes: int = 1) -> Iterator[Outcome]:
    """What each of them came to, in their order.  Whoever has seen enough closes it: the rest is left."""
    if processes == 1:
        yield from _some(seeds)
        return
    blocks = [seeds[at : at + AT_ONCE] for at in range(0, len(seeds), AT_ONCE)]
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _leave_interrupts_to_the_parent)
    try:
        for outcomes in pool.map(_block, blocks):  # a process that is killed is noticed at once
            yield from outcomes
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _block(seeds: range) -> list[Outcome]:
    return list(_some(seeds))


def _some(seeds: range) -> Iterator[Outcome]:
    with simulated():
        for seed in seeds:
            yield simulate(seed)
