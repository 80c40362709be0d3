"""What the product's modules find instead of clocks, chance, brokers and a database, while something is simulated."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch
from zlib import crc32

import numpy as np
import structlog

from streams.engine.round import RECORD, Round
from streams.engine.snapshot.recall import Recall
from streams.kafka.position import Appended, Extent
from streams.worker.recovery import Saved
from tests.simulation.database import TOPIC_ID, Database, Session
from tests.simulation.loop import ProcessLoop


def _here() -> ProcessLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ProcessLoop)
    return loop


class _Time:
    """Instead of the module ``time``."""

    @staticmethod
    def monotonic() -> float:
        return _here().time()

    @staticmethod
    def time() -> float:
        return _here().scheduler.ms / 1000

    @staticmethod
    def time_ns() -> int:
        return _here().scheduler.ms * 10**6


class _Chance:
    """Instead of the modules ``random`` and ``secrets``."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_here().scheduler.nonces, "getrandbits" if name == "randbits" else name)


class _Ledger:
    """Instead of the module :mod:`streams.store.ledger`, where a partition is taken."""

    @staticmethod
    def take(db: Session, *args: Any) -> Any:
        return db.database.take(db, *args)

    @staticmethod
    def note_damage(_db: Session, _topic: str, _held: object, why: Mapping[int, str | None]) -> None:
        raise AssertionError(f"a whole log is taken for damaged: {why}")


class _Brokers:
    """Instead of :class:`streams.kafka.log.Log`."""

    def __init__(self, *_args: object) -> None:
        pass

    def extents(self, partitions: Collection[int]) -> dict[int, Extent]:
        return {p: Extent(0, _here().scheduler.log.end(p)) for p in partitions}

    def at(self, offsets: Mapping[int, int]) -> dict[int, Appended | None]:
        log = _here().scheduler.log
        return {p: Appended(log.partitions[p].appended[n], crc32(log.partitions[p].values[n])) for p, n in offsets.items()}


def _topic_id(*_args: object) -> str:
    return TOPIC_ID


def _store_round(db: Session, *args: Any) -> Any:
    return db.database.store_round(db, *args)


def _saved(db: Database, _topic: str, partition: int) -> Saved | None:
    return db.saved(partition)


def _stored_since(db: Database, partition: int, since: int, before: int) -> Recall:
    return db.tables.stored(partition, since, before)


def _no_controls(*_args: object) -> Round:
    return Round(np.zeros(0, RECORD))


_PATCHES: dict[str, Any] = {
    "streams.worker.assignment.time": _Time,
    "streams.worker.assignment.random": _Chance(),
    "streams.worker.assignment.topic_id": _topic_id,
    "streams.worker.assignment.ledger": _Ledger,
    "streams.worker.assignment.Log": _Brokers,
    "streams.worker.worker.time": _Time,
    "streams.worker.worker.store_round": _store_round,
    "streams.worker.rounds.read_saved": _saved,
    "streams.worker.rounds.stored_since": _stored_since,
    "streams.worker.rounds.controls_before": _no_controls,
}


@contextmanager
def simulated() -> Iterator[None]:
    """Inside, the modules named above live in the process that runs.  What was there before is set aside: the collector went
    through all modules again and again, a tenth of the time.
    """
    before = structlog.get_config()
    gc.freeze()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        with ExitStack() as stack:
            for name, value in _PATCHES.items():
                stack.enter_context(patch(name, value))
            yield
    finally:
        gc.unfreeze()
        structlog.configure(**before)
