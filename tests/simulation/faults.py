"""Faults: what goes wrong in a seed, when, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from tests.simulation.worker import SimWorker

if TYPE_CHECKING:
    from tests.simulation.home import Home
    from tests.simulation.world import World

_SEVERITY: Final = (1.0, 3.0, 8.0)
"""Mean s between faults; each seed has one of them."""


class Faults:
    """Begins them at random until :meth:`stop`; a fault that lasts ends by itself, or then."""

    def __init__(self, world: World) -> None:
        self.world, self.scheduler = world, world.scheduler
        self._rng = world.scheduler.chance("faults")
        self._stopped = False
        self._ends: list[Callable[[], None]] = []
        self._mean = self._rng.choice(_SEVERITY)
        every: Sequence[Callable[[], None]] = (
            self.kill_gateway, self.cut_power, self.fill_disk, self.deafen,
            self.kill_worker, self.freeze_worker, self.trap_worker, self.trap_worker, self.rebalance, self.stop_worker,
            self.restart_database, self.lose_database, self.database_read_only, self.lose_answers,
            self.restore_database, self.stop_somebody,
            self.lose_brokers, self.trouble_network, self.shift_clock, self.replay, self.inject, self.change,
            self.make_topic_again,
        )  # fmt: skip
        self._kinds = self._rng.sample(every, self._rng.randint(4, len(every)))
        self._plan()

    def stop(self) -> None:
        """All that lasts is over; what is dead comes back."""
        self._stopped = True
        self.world.database.somebody = None
        for end in self._ends:
            end()
        self._ends.clear()

    def _plan(self) -> None:
        self.scheduler.after(self._rng.expovariate(1 / self._mean), self._strike)

    def _strike(self) -> None:
        if not self._stopped:
            self._rng.choice(self._kinds)()
            self._plan()

    def _lasting(self, who: str, what: str, seconds: float, end: Callable[[], None]) -> None:
        self.scheduler.note(who, f"{what} for {seconds:.1f} s")

        def over() -> None:
            if end in self._ends:
                self._ends.remove(end)
                end()

        self._ends.append(end)
        self.scheduler.after(seconds, over)

    # gateways

    def _home(self) -> Home:
        return self._rng.choice(self.world.homes)

    def kill_gateway(self) -> None:
        home = self._home()
        if not home.loop.dead:
            home.die()
            self._lasting(home.name, "killed", self._rng.uniform(0.2, 6.0), lambda: self._boot(home))

    @staticmethod
    def _boot(home: Home) -> None:
        if home.loop.dead:
            home.boot()

    def cut_power(self) -> None:
        home, when = self._home(), self._rng.choice(("before", "after"))
        if home.loop.dead:
            return
        self.world.disk.cut_power[home.path] = when

        def back() -> None:
            self.world.disk.cut_power.pop(home.path, None)
            self._boot(home)

        self._lasting(home.name, f"power is cut {when} a sync", self._rng.uniform(1.0, 6.0), back)

    def fill_disk(self) -> None:
        home = self._home()
        self.world.disk.full.add(home.path)
        self._lasting(home.name, "disk full", self._rng.uniform(0.5, 5.0), lambda: self.world.disk.full.discard(home.path))

    def deafen(self) -> None:
        home = self._home()
        home.deaf = True
        self._lasting(home.name, "hears no device", self._rng.uniform(2.0, 15.0), lambda: setattr(home, "deaf", False))

    # workers

    def _worker(self) -> SimWorker | None:
        there = [one for one in self.world.workers if not one.loop.dead and not one.loop.frozen]
        return self._rng.choice(there) if there else None

    def kill_worker(self) -> None:
        if worker := self._worker():
            self._kill(worker)

    def _kill(self, worker: SimWorker) -> None:
        worker.die()
        back = lambda: self.world.start_worker(worker)
        self._lasting(worker.name, "killed", self._rng.choice((0.5, 3.0, 9.0)), back)

    def stop_worker(self) -> None:
        if worker := self._worker():
            self.world.group.leave(worker)
            self._kill(worker)

    def freeze_worker(self) -> None:
        if worker := self._worker():
            self._freeze(worker)

    def _freeze(self, worker: SimWorker) -> None:
        worker.loop.freeze()
        self._lasting(worker.name, "frozen", self._rng.choice((0.5, 2.0, 8.0, 20.0)), worker.loop.thaw)

    def trap_worker(self) -> None:
        """In the middle of its next transaction."""
        if worker := self._worker():
            what = self._rng.choice((self._kill, self._freeze, self._freeze))
            self.world.database.traps[worker.name] = lambda: worker.loop.dead or what(worker)

    def rebalance(self) -> None:
        self.world.group.rebalance()

    # the database

    def restart_database(self) -> None:
        self.scheduler.note("database", "restarts")
        self.world.database.restart()

    def lose_database(self) -> None:
        database = self.world.database
        database.down = True
        database.restart()
        self._lasting("database", "down", self._rng.uniform(0.5, 6.0), lambda: setattr(database, "down", False))

    def database_read_only(self) -> None:
        database = self.world.database
        database.read_only = True
        self._lasting("database", "read-only", self._rng.uniform(0.5, 6.0), lambda: setattr(database, "read_only", False))

    def lose_answers(self) -> None:
        database = self.world.database
        database.call_lost = 0.4
        self._lasting("database", "loses answers", self._rng.uniform(1.0, 8.0), lambda: setattr(database, "call_lost", 0.0))

    def restore_database(self) -> None:
        """An older dump is put back, under workers that go on."""
        self._lasting("database", "a dump is put back", self._rng.uniform(0.5, 8.0), self.world.database.set_back())

    def stop_somebody(self) -> None:
        """A desk, in the middle of an act on an alarm that a round is about to change."""
        database, seconds = self.world.database, self._rng.choice((0.5, 3.0, 10.0))
        stopped = lambda one: self._lasting("a desk", f"stopped with episode {one} locked", seconds, database.hold(one))
        database.somebody = stopped

    # the log

    def lose_brokers(self) -> None:
        log = self.world.log
        log.down = True
        self._lasting("brokers", "down", self._rng.uniform(0.5, 12.0), lambda: setattr(log, "down", False))

    def trouble_network(self) -> None:
        log = self.world.log
        log.trouble = self._rng.choice((0.2, 0.6))
        self._lasting("network", "bad", self._rng.uniform(2.0, 12.0), lambda: setattr(log, "trouble", 0.0))

    def shift_clock(self) -> None:
        """Another broker leads, whose clock is off: by more than ten seconds, and the engine's clock is set back."""
        self.world.log.skew = self._rng.choice((0, 0, -400, 900, -3000, 2500) + (-14_000,) * self.world.wild)
        self.scheduler.note("brokers", f"clock off by {self.world.log.skew} ms")

    def make_topic_again(self) -> None:
        """Once a seed somebody deletes the topic and makes another, and somebody (:class:`Operator`) is told by doctor."""
        taken = self.world.log.partitions.keys() <= self.world.database.tables.ledger.keys()
        # of a topic that nobody has read, or of which a dump knows nothing, nobody can see that it is another
        if taken and not self.world.database.dumps and not self.world.log.former:
            self.world.log.make_again()
            self.scheduler.note("somebody", f"makes the topic again: {self.world.log.topic_id}")

    def replay(self) -> None:
        """A record that stands in the log already, again."""
        log, rng = self.world.log, self._rng
        partition = rng.choice(sorted(log.partitions))
        if values := log.partitions[partition].values:
            log.append(partition, rng.choice(values))

    def inject(self) -> None:
        """A record that no gateway and no desk sealed so."""
        log, rng = self.world.log, self._rng
        partition = rng.choice(sorted(log.partitions))
        sealed = [value for value in log.partitions[partition].values if len(value) > 60]
        record = bytearray(rng.choice(sealed) if sealed and rng.random() < 0.8 else rng.randbytes(90))
        record[rng.randrange(len(record))] ^= 1 << rng.randrange(8)
        log.append(rng.choice(sorted(log.partitions)), bytes(record)[: rng.choice((len(record), len(record), 40, 57))])

    def change(self) -> None:
        self.world.desk.change()
