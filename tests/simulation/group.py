"""The consumer group: who is to read which partition, as its members learn it, each in its own time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from tests.simulation.scheduler import Scheduler
from tests.simulation.worker import SimWorker

SESSION_S: Final = 6.0
_WATCH_S: Final = 0.5


class Group:
    """Members not heard of for six seconds lose their partitions; who comes back is given some again."""

    def __init__(self, scheduler: Scheduler, partitions: Sequence[int]) -> None:
        self.scheduler, self.partitions = scheduler, list(partitions)
        self._last_beat: dict[SimWorker, float] = {}
        self._known: list[SimWorker] = []
        self._generation = 0
        self._rng = scheduler.chance("group")
        scheduler.every(_WATCH_S, self._watch)

    def join(self, worker: SimWorker) -> None:
        self._last_beat[worker] = self.scheduler.seconds

    def leave(self, worker: SimWorker) -> None:
        """It says so, as a worker that is asked to stop does."""
        self._last_beat.pop(worker, None)

    def rebalance(self) -> None:
        """Share the partitions anew; each member hears that it is being decided, and a little later what was."""
        if not self._known:
            return
        self._generation += 1
        order, first = self.partitions[:], self._rng.randrange(len(self._known))
        self._rng.shuffle(order)
        shares: list[list[int]] = [[] for _ in self._known]
        for n, partition in enumerate(order):
            shares[(first + n) % len(self._known)].append(partition)
        text = ", ".join(f"{one.name} {sorted(share)}" for one, share in zip(self._known, shares, strict=True))
        self.scheduler.note("group", f"assigns {text}")
        for one, share in zip(self._known, shares, strict=True):
            delay = self._rng.choice((0.05, 0.3, 0.7, 3.0))
            self._tell(self._rng.uniform(0, delay), one.revoke)
            self._tell(delay, partial(one.assign, share))

    def _tell(self, delay: float, what: Callable[[], None]) -> None:
        """Unless the group is deciding anew by then: a member joins that at once."""
        generation = self._generation
        self.scheduler.after(delay, lambda: what() if generation == self._generation else None)

    def _watch(self) -> None:
        now = self.scheduler.seconds
        for one in self._last_beat:
            if not one.loop.dead and not one.loop.frozen:
                self._last_beat[one] = now
        present = [one for one, at in self._last_beat.items() if now - at < SESSION_S]
        self._last_beat = {one: at for one, at in self._last_beat.items() if not one.loop.dead or one in present}
        if present != self._known:
            self._known = present
            self.rebalance()
