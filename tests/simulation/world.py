"""One simulated world: homes, brokers, workers, database and desk of one seed, from the beginning until all has settled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from alerts.rules.stages import stages
from devices.vitals import Vital
from devices.wire.batch import Kind, header, partition_of
from devices.wire.pairing import PatientKey
from streams.engine.engine import Engine
from streams.engine.opening.keyring import FixedKeyRing, OpenKey
from tests.simulation.database import Database
from tests.simulation.desk import Desk
from tests.simulation.disk import Disk, SimStore
from tests.simulation.faults import Faults
from tests.simulation.group import Group
from tests.simulation.home import Device, Home, SimOutbox, config_of
from tests.simulation.invariants import violations
from tests.simulation.log import Log
from tests.simulation.operator import Operator
from tests.simulation.poison import failing
from tests.simulation.scheduler import Scheduler
from tests.simulation.tables import Tables
from tests.simulation.worker import SimWorker

SETTLE_S: Final = 150.0
_LAST_MS: Final = 80_000
_GATEWAYS: Final = (101, 102)
_VITALS: Final = (
    (Vital.HEART_RATE,),
    (Vital.PULSE_RATE, Vital.SPO2),
    (Vital.HEART_RATE, Vital.RESPIRATORY_RATE),
    (Vital.SPO2, Vital.TEMPERATURE),
    (Vital.SYSTOLIC,),
)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the world is made of; a test of the simulation itself puts a broken part in."""

    outbox: type[SimOutbox] = SimOutbox
    store: type[SimStore] = SimStore
    database: type[Database] = Database
    tables: type[Tables] = Tables
    engine: type[Engine] = Engine


@dataclass(frozen=True, slots=True)
class Outcome:
    """``wrong``: what does not hold, nothing when all is well; ``digest`` is of the whole trace."""

    seed: int
    wrong: list[str]
    lines: list[str]
    digest: str
    readings: int = 0
    conditions: int = 0
    seen: dict[str, int] = field(default_factory=dict)


class World:
    """See the module."""

    def __init__(self, seed: int, parts: Parts | None = None, *, keep: int | None = 400) -> None:
        self.parts = parts or Parts()
        self.scheduler = Scheduler(seed, keep=keep)
        rng = self.scheduler.chance("world")
        self.wrong: list[str] = []
        self.ticking, self.calm, self.wild = True, False, rng.random() < 0.1
        self.length = rng.choice((12.0, 20.0, 20.0, 40.0))
        self.minutes = rng.random() < 0.3
        patients = rng.sample((1, 2, 3, 65, 66), rng.randint(1, 3))
        partitions = sorted({partition_of(patient) for patient in patients})
        self.log = self.scheduler.log = Log(self.scheduler, partitions)
        self.disk = Disk()
        self.database = self.parts.database(self.scheduler, self.parts.tables())
        self.secrets = {
            n: (*owner, rng.randbytes(32))
            for n, owner in enumerate([(0, 0), *((p, g) for p in patients for g in (0, *_GATEWAYS))], 1)
        }
        bad = self.scheduler.chance("bad")
        self.poison = bad.random() < 0.15
        damaged = bad.choice([n for n, (_, g, _) in self.secrets.items() if g]) if bad.random() < 0.1 else None
        self.keys = FixedKeyRing(
            {n: OpenKey(secret, p, g) if n != damaged else None for n, (p, g, secret) in self.secrets.items()}
        )
        self.enrolled: dict[int, list[tuple[Device, int]]] = {}
        for patient in patients:
            self.enrolled[patient] = [
                (self._device(rng, 10 * patient + n, patient), rng.choice(_GATEWAYS)) for n in range(rng.randint(1, 2))
            ]
        self.homes = [home for gateway in _GATEWAYS if (home := self._home(gateway)) is not None]
        desk_keys = {p: (n, secret) for n, (p, g, secret) in self.secrets.items() if g == 0}
        self.desk = Desk(self.scheduler, self.log, self.database, desk_keys, self.enrolled)
        self.group = Group(self.scheduler, partitions)
        self.workers: list[SimWorker] = []
        for n in range(rng.choice((1, 2, 2, 3))):
            self._join(SimWorker(self, f"worker {n + 1}"))
        self.faults = Faults(self)
        self.operator = Operator(self)

    def run(self) -> Outcome:
        scheduler = self.scheduler
        scheduler.run(self.length, lambda: bool(self.wrong))
        if not self.wrong:
            scheduler.note("world", "no more faults")
            self.calm = True
            self.faults.stop()
            self.desk.settle()
            for home in self.homes:
                home.quiet = True
            if not scheduler.run(self.length + SETTLE_S, self._watch()) and not self.wrong:
                self.wrong.append(f"all should have settled by now: {self._left()}")
        if not self.wrong:
            self.wrong = violations(self)
        everybody: list[Home | SimWorker] = [*self.homes, *self.workers]
        for one in everybody:
            one.die()
        scheduler.run(scheduler.seconds + 0.001)
        self.disk.close()
        tables = self.database.tables
        for line in self.wrong:
            scheduler.note("wrong", line)
        return Outcome(
            scheduler.seed, self.wrong, scheduler.lines, scheduler.digest, len(tables.reading), len(tables.alarms.events)
        )

    def failed(self, who: str, error: BaseException) -> None:
        """Something of the product ended with an error that nobody caught."""
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f"{place.tb_frame.f_code.co_filename.rsplit('/', 2)[-1]}:{place.tb_lineno}" if place else "nowhere"
        self.wrong.append(f"{who} failed: {type(error).__name__}: {error} ({where})")

    def new_engine(self) -> Engine:
        kind = failing(self.parts.engine) if self.poison else self.parts.engine
        return kind(stages())

    def start_worker(self, former: SimWorker) -> None:
        """A new process in the place of one that ended."""
        worker = SimWorker(self, former.name)
        self.workers[self.workers.index(former)] = worker
        worker.start()
        self.group.join(worker)

    def _join(self, worker: SimWorker) -> None:
        self.workers.append(worker)
        worker.start()
        self.group.join(worker)

    def _device(self, rng: Any, device: int, patient: int) -> Device:
        return Device(device, patient, rng.choice((1.0, 2.0, 5.0)), rng.choice(_VITALS), rng.random() < 0.7)

    def _home(self, gateway: int) -> Home | None:
        devices = [one for some in self.enrolled.values() for one, at in some if at == gateway]
        served = {one.patient for one in devices}
        keys = [PatientKey(p, n, secret) for n, (p, g, secret) in self.secrets.items() if g == gateway and p in served]
        if not devices:
            return None
        return Home(
            self.scheduler, self.disk, gateway, config_of(keys, devices), devices,
            make_outbox=self.parts.outbox, make_store=self.parts.store, on_error=self.failed,
        )  # fmt: skip

    # until all has settled

    def _watch(self) -> Any:
        """Asked after each event; looks about every half second."""
        due = self.scheduler.seconds

        def settled() -> bool:
            nonlocal due
            if self.wrong:
                return True
            if self.scheduler.seconds < due:
                return False
            due = self.scheduler.seconds + 0.5
            if self.ticking:
                if self.desk.idle and not self.operator.damaged and all(home.empty for home in self.homes):
                    self._end_of_log()
                return False
            return not self._left()

        return settled

    def _end_of_log(self) -> None:
        """Nothing comes any more; in some seeds but time, so much that every minute that changed is written."""
        self.ticking = False
        for home in self.homes:
            home.die()
        if self.minutes:
            self.log.skew += _LAST_MS
            for partition in sorted(self.log.partitions):
                self.log.append(partition, header(Kind.CLOCK, patient=0, count=0))

    def _left(self) -> list[str]:
        left = [f"{home.name} still holds readings" for home in self.homes if self.ticking and not home.empty]
        if self.database.tables.condition_waiting:
            left.append("conditions wait for their alarms")
        for partition in sorted(self.log.partitions):
            row, end = self.database.tables.ledger.get(partition), self.log.end(partition)
            if row is None or row.next != end or row.topic_id != self.log.topic_id:
                left.append(f"partition {partition} is stored up to {row.next if row else 0} of {end}")
        return left


def simulate(seed: int, parts: Parts | None = None, *, keep: int | None = 400) -> Outcome:
    """Run one seed (inside :func:`tests.simulation.quiet.simulated`)."""
    return World(seed, parts, keep=keep).run()
