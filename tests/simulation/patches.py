"""Clock, chance and producer of a simulated gateway, in the place of the modules' own."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import structlog

from tests.simulation.log import SimProducer
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


def _producer(servers: str, _options: object, on_report: Any) -> SimProducer:
    return SimProducer(_here(), servers, on_report)


def _nonce() -> bytes:
    return _here().scheduler.nonces.randbytes(12)


_PATCHES: dict[str, Any] = {
    "gateway.uplink.uplink.time": _Time,
    "gateway.uplink.uplink.Producer": _producer,
    "gateway.outbox.store.secrets": _Chance(),
    "gateway.uplink.uplink.random": _Chance(),
    "gateway.uplink.batching.new_nonce": _nonce,
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
