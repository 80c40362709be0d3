"""A gateway's outbox at work, and what it has promised: readings acknowledged, and identities that have left."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from devices.sample import SAMPLE
from devices.vitals import Vital
from devices.wire.batch import Lane
from gateway.clock import Stamp
from gateway.outbox.opening import open_or_salvage
from gateway.outbox.reading import OutboxRow, Reading
from gateway.outbox.store import Store
from gateway.outbox.vault import Vault
from tests.gateway.making import BOOT, T0, pulse

LIMIT: Final = 1 << 30
KEY: Final = bytes(range(32))
PATIENTS: Final = [1, 2]
Identity = tuple[int, int, int]
"""(device, epoch, sequence)"""


def open_store(path: Path, limit: int = LIMIT) -> Store:
    return Store(path, limit, vault=Vault(KEY))


def mark_of(row: OutboxRow) -> float:
    """The number that makes each reading of a test its own."""
    samples = np.frombuffer(row.payload, SAMPLE)
    return float(samples["value"][samples["vital"] == Vital.PULSE_RATE][0])


@dataclass
class Promised:
    """``acknowledged``: marks.  ``left``: the bytes of each identity that was taken to be sent."""

    acknowledged: set[float] = field(default_factory=set)
    left: dict[Identity, bytes] = field(default_factory=dict)
    delivered: set[Identity] = field(default_factory=set)
    next_mark: int = 1

    def copy(self) -> Promised:
        return Promised(set(self.acknowledged), dict(self.left), set(self.delivered), self.next_mark)


class Work:
    """Random work on one store, committed in groups as the outbox does."""

    def __init__(self, store: Store, promised: Promised, rng: random.Random) -> None:
        self.store, self.promised, self.rng = store, promised, rng
        store._db.execute("pragma wal_autocheckpoint = 8")  # often: a checkpoint is what a power cut hurts most
        self._in_flight: list[OutboxRow] = []

    def step(self) -> None:
        """One commit; what it promises counts once the commit has returned."""
        marks = [self._mark() for _ in range(self.rng.randint(0, 6))]
        readings = [self._reading(mark) for mark in marks]
        sent = self._in_flight if self.rng.random() < 0.4 else []
        # Kafka has them before the outbox knows: from here on they may be gone
        self.promised.delivered.update(self._identity(row) for row in sent)
        self.store.begin()
        self.store.put(readings)
        taken = self.store.take(self.rng.randint(0, 8), Lane.LIVE, PATIENTS, 0) if self.rng.random() < 0.6 else []
        self.store.delivered([row.id for row in sent], T0)
        if self.rng.random() < 0.05:
            self.store.prune(T0 + 1, 20)
        self.store.commit()
        self.promised.acknowledged.update(marks)
        self._in_flight = [row for row in self._in_flight if row not in sent] + taken
        for row in taken:
            known = self.promised.left.setdefault(self._identity(row), row.payload)
            assert known == row.payload, "an identity was given twice"

    def _identity(self, row: OutboxRow) -> Identity:
        return row.device, self.store.epoch, row.sequence

    def _mark(self) -> float:
        self.promised.next_mark += 1
        return float(self.promised.next_mark)

    def _reading(self, mark: float) -> Reading:
        device = self.rng.randint(7, 9)
        arrived = Stamp(T0 + int(mark), 1000, BOOT, True)
        known = {"device_time": T0 + int(mark), "record": int(mark), "stream": True} if device == 7 else {}
        return pulse(mark, at=arrived, device=device, patient=1 + device % 2, **known)


def check(path: Path, promised: Promised) -> bool:
    """Open what is left as a start of the gateway does; every promise holds.  True if it had to be salvaged."""
    store, salvaged = open_or_salvage(path, LIMIT, open_store)
    try:
        store.begin()
        store.resend(0, 1 << 60, 10**6)
        rows = store.take(10**6, Lane.LIVE, PATIENTS, 0)
        store.commit()
        found = [mark_of(row) for row in rows]
        gone = {mark for mark in promised.acknowledged if mark not in set(found)}
        delivered = {float(np.frombuffer(promised.left[one], SAMPLE)["value"][0]) for one in promised.delivered}
        assert gone <= delivered, f"acknowledged and lost: {sorted(gone - delivered)}"
        assert len(found) == len(set(found)), "a reading stands twice"
        for row in rows:
            known = promised.left.get((row.device, store.epoch, row.sequence), row.payload)
            assert known == row.payload, f"sequence {row.sequence} of device {row.device} was given twice"
        work = Work(store, promised, random.Random(1))
        for _ in range(5):  # what comes now gets identities of its own
            work.step()
        return salvaged is not None
    finally:
        store.close()
