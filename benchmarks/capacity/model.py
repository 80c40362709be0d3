"""The capacity model: it multiplies patients by the measured cost of a sample, a batch and a connection, no more."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from benchmarks.capacity.costs import Costs

BUSY: Final = 0.5
"""The share of each core that is used on average: the rest is for catching up, bursts and the work of one that died."""
PARTITIONS: Final = 64
COPIES: Final = 3
REPLICATION: Final = 2.0
"""An assumption: a batch costs the leader once what was measured on a single broker, and two followers half of it each."""
LOG_DAYS: Final = 7
READING_DAYS: Final = 90
ROLLUP_DAYS: Final = 365
BROKER_CORES: Final = 4
HEARTBEAT_S: Final = 30
ALONE_BYTES: Final = 61
"""Head of a record batch (Kafka's message format 2): a gateway's batch comes alone, those measured came many to one."""
MEMORY_OF: Final = 100_000
"""Patients of the worker whose memory was measured."""
PATIENCE_S: Final = 60.0
"""In which all gateways should be connected again after every broker was down."""
_DAY: Final = 86_400
_MINUTES: Final = 24 * 60
_TB: Final = 1e12


class Load(NamedTuple):
    """The load of a patient: readings a second, vitals in each, and readings in one batch."""

    name: str
    key: str
    a_second: float
    a_batch: int
    vitals: int

    @property
    def samples(self) -> float:
        """A second and patient."""
        return self.a_second * self.vitals

    @property
    def batches(self) -> float:
        """A second and patient, heartbeats with them."""
        return self.a_second / self.a_batch + 1 / HEARTBEAT_S


LOADS: Final = (
    Load("a reading of 5 vitals each 10 s, sent at once", "sparse", 0.1, 1, 5),
    Load("a reading of 4 vitals a second, 60 in a batch", "dense", 1.0, 60, 4),
)


class Need(NamedTuple):
    """The need of one load and number of patients.  Cores: average use divided by :data:`BUSY`.  Memory in GB, disks in
    TB.
    """

    samples: float
    batches: float
    worker_cores: float
    worker_memory: float
    database_cores: float
    wal_mb_s: float
    broker_cores: float
    log: float
    readings: float
    rollups: float

    @property
    def workers(self) -> int:
        """The number of workers of one core each, at least two: one of them may die."""
        return max(2, math.ceil(self.worker_cores))

    @property
    def worker_gb(self) -> float:
        """Each of them while one is dead."""
        return self.worker_memory / (self.workers - 1)

    @property
    def brokers(self) -> int:
        """At least three: there are three copies."""
        return max(3, math.ceil(self.broker_cores / BROKER_CORES))


def need(load: Load, costs: Costs, patients: int) -> Need:
    """The need of ``patients`` with this load."""
    samples, batches = patients * load.samples, patients * load.batches
    cost = {name: costs[f"{name}_{load.key}"] for name in ("worker", "database", "brokers", "wal", "record")}
    brokers = batches * costs["request"] / 1e3 * REPLICATION + samples * cost["brokers"] / 1e9
    rollups = patients * load.vitals * (_MINUTES + 24)
    record = load.a_second / load.a_batch * cost["record"] + costs["record_sparse"] / HEARTBEAT_S
    record += load.batches * ALONE_BYTES
    return Need(
        samples=samples,
        batches=batches,
        worker_cores=samples * cost["worker"] / 1e9 / BUSY,
        worker_memory=patients * costs["memory"] / MEMORY_OF,
        database_cores=samples * cost["database"] / 1e9 / BUSY,
        wal_mb_s=samples * cost["wal"] / 1e6,
        broker_cores=brokers / BUSY,
        log=patients * record * _DAY * LOG_DAYS * COPIES / _TB,
        readings=patients * load.a_second * costs["reading_row"] * _DAY * READING_DAYS / _TB,
        rollups=rollups * costs["rollup_row"] * ROLLUP_DAYS / _TB,
    )


def most_patients(load: Load, costs: Costs) -> float:
    """Whom workers of one core each carry when every partition has its own."""
    return PARTITIONS * BUSY / (costs[f"worker_{load.key}"] / 1e9) / load.samples


def most_gateways(load: Load, costs: Costs, brokers: int) -> dict[str, float]:
    """The number of gateways, one a patient, that ``brokers`` carry, by each of the two bounds."""
    cores = brokers * BROKER_CORES
    return {
        "batches": cores * BUSY / (load.batches * costs["request"] / 1e3 * REPLICATION),
        "reconnecting": cores * PATIENCE_S / (costs["connection"] / 1e3),
    }
