"""Somebody who looks at ``vigil doctor``, and has damaged partitions go on: see :mod:`deploy.continue_after_loss`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streams.engine.condition import Condition, Priority
from tests.simulation.worker import Brokers

if TYPE_CHECKING:
    from tests.simulation.world import World

_MARGIN_MS: Final = 600_000
_LOOKS_S: Final = 4.0


class Operator:
    """Looks every few seconds whether the topic is still the one that the ledger is of."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._rng = world.scheduler.chance("operator")
        world.scheduler.after(_LOOKS_S, self._look)

    @property
    def damaged(self) -> list[int]:
        """The partitions whose ledger is of another topic."""
        world = self.world
        return [p for p, row in world.database.tables.ledger.items() if row.topic_id != world.log.topic_id]

    def _look(self) -> None:
        world = self.world
        world.scheduler.after(_LOOKS_S * self._rng.uniform(0.3, 2.0), self._look)
        database, damaged = world.database, self.damaged
        if database.down or database.read_only:
            return
        if damaged and all(database.free(("ledger", p)) for p in damaged):
            self._go_on(damaged)

    def _go_on(self, damaged: list[int]) -> None:
        world = self.world
        rows = {p: world.database.tables.ledger[p] for p in damaged}
        times = {p: (row.last_append or 0) if row.last_crc is not None else 0 for p, row in rows.items()}
        starts = {p: self._since(p, at) for p, at in times.items()}
        world.scheduler.note("operator", f"goes on: {starts}")
        before = Brokers(world.log).at({p: start - 1 for p, start in starts.items() if start})
        world.database.go_on(world.log.topic_id, starts, before)
        world.database.tables.alarms.fold([_mended(p, world.scheduler.ms // 1000) for p in damaged])
        world.desk.send_lost_again(damaged)
        for home in world.homes:
            home.send_again(max(min(times.values()) - _MARGIN_MS, 0))

    def _since(self, partition: int, at: int) -> int:
        appended = self.world.log.partitions[partition].appended
        return next((n for n, one in enumerate(appended) if one >= at), len(appended))


def _mended(p: int, now: int) -> Condition:
    return Condition(p, now, p, "log_damaged", 0, "end", Priority.HIGH, "technical", of="partition")
