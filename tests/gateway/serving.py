"""A source over an outbox, as the gateway composes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from devices.wire.pairing import Assigned
from gateway.clock import GatewayClock
from gateway.desk.configuration import Configuration
from gateway.metrics import Metrics
from gateway.outbox.outbox import Outbox
from gateway.outbox.store import Store
from tests.gateway.making import config, configured


class Source(Protocol):
    async def run(self) -> None: ...


@dataclass
class Parts:
    configuration: Configuration
    outbox: Outbox
    store: Store
    clock: GatewayClock
    metrics: Metrics
    source: Any = None

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"vigil_gateway_{name}", labels)


@asynccontextmanager
async def serving(
    folder: Path, devices: tuple[Assigned, ...], make: Callable[[Parts], Source], *, limit: int = 1 << 30
) -> AsyncIterator[tuple[Parts, asyncio.Task[None]]]:
    """The source of ``make`` at work, and its task."""
    clock, path = GatewayClock("assumed"), folder / "outbox.sqlite"
    store = Store(path, limit)
    outbox = Outbox(path, clock=clock, open_store=lambda *_: store)
    parts = Parts(configured(folder, config(*devices)), outbox, store, clock, Metrics())
    parts.source = make(parts)
    task = asyncio.create_task(parts.source.run())
    try:
        yield parts, task
    finally:
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=15)
        assert done
        await outbox.close()
