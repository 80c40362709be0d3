"""What the product's modules find instead of clocks, chance, brokers and a database, while something is simulated."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import structlog

from streams.round import RECORD, Round
from tests.simulation.database import TOPIC_ID
from tests.simulation.log import SimProducer
from tests.simulation.loop import ProcessLoop


def _here() -> ProcessLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ProcessLoop)
    return loop


_TIME = SimpleNamespace(
    monotonic=lambda: _here().time(), time=lambda: _here().scheduler.ms / 1000, time_ns=lambda: _here().scheduler.ms * 10**6
)
_RANDOM = SimpleNamespace(
    random=lambda: _here().scheduler.nonces.random(), uniform=lambda a, b: _here().scheduler.nonces.uniform(a, b)
)
_PATCHES: dict[str, Any] = {
    "gateway.uplink.time": _TIME,
    "gateway.uplink.Producer": lambda servers, options, on_report: SimProducer(_here(), servers, on_report),
    "gateway.store.secrets": SimpleNamespace(randbits=lambda bits: _here().scheduler.nonces.getrandbits(bits)),
    "gateway.batching.new_nonce": lambda: _here().scheduler.nonces.randbytes(12),
    "streams.assignment.time": _TIME,
    "streams.assignment.random": _RANDOM,
    "streams.assignment.topic_id": lambda kafka, topic: TOPIC_ID,
    "streams.assignment.ledger": SimpleNamespace(take=lambda db, *args: db.database.take(db, *args)),
    "streams.worker.store_round": lambda db, *args: db.database.store_round(db, *args),
    "streams.rounds.read_saved": lambda db, topic, partition: db.saved(partition),
    "streams.rounds.stored_since": lambda db, partition, since, before: db.tables.stored(partition, since, before),
    "streams.rounds.controls_before": lambda db, partition, before: Round(np.zeros(0, RECORD)),
}


@contextmanager
def simulated() -> Iterator[None]:
    """Inside, the modules named above live in the process that runs."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        with ExitStack() as stack:
            for name, value in _PATCHES.items():
                stack.enter_context(patch(name, value))
            yield
    finally:
        structlog.configure(**before)
