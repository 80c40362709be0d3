"""Homes: wearables that keep a reading until the gateway has confirmed it, and the gateway's process with the real outbox,
intake, uplink and heartbeat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from msgspec.structs import replace

from devices.decoded import Decoded, samples_of
from devices.sample import Status
from devices.vitals import VITALS, Vital
from devices.wire.pairing import Assigned, Config, PatientKey, Resend
from gateway.clock import GatewayClock, Stamp
from gateway.desk.configuration import Configuration
from gateway.desk.heartbeat import run_heartbeat
from gateway.desk.resend import run_resend
from gateway.errors import OutboxError
from gateway.metrics import Metrics
from gateway.outbox.outbox import Outbox
from gateway.outbox.store import Store
from gateway.sources.intake import Intake, Received
from gateway.uplink.uplink import Schedule, Uplink
from tests.simulation.disk import Disk, SimStore
from tests.simulation.log import SimProducer
from tests.simulation.loop import ProcessLoop
from tests.simulation.scheduler import Scheduler

_Result = TypeVar("_Result")
MARK: Final = Vital.WEIGHT
"""No rule looks at it: its value numbers a simulated reading, so that it is known again wherever it turns up."""
_LEVELS: Final = {
    Vital.HEART_RATE: (105.0, 60.0, 145.0),
    Vital.PULSE_RATE: (105.0, 60.0, 145.0),
    Vital.SPO2: (94.0, 86.0, 100.0),
    Vital.RESPIRATORY_RATE: (19.0, 6.0, 28.0),
    Vital.TEMPERATURE: (38.0, 35.0, 40.0),
    Vital.SYSTOLIC: (110.0, 80.0, 225.0),
}
_SYNC_S: Final = 0.004
_RETRY_S: Final = 2.0


class SimClock(GatewayClock):
    """A gateway's clocks since one boot: ``off`` ms from the truth, set ``sure_at`` (s)."""

    def __init__(self, scheduler: Scheduler, off: int, sure_at: float) -> None:
        self._scheduler, self._off, self._sure_at = scheduler, off, sure_at
        self.boot = f"boot {scheduler.now}"
        self._booted = scheduler.now

    def synchronised(self) -> bool:
        return self._scheduler.seconds >= self._sure_at

    def now(self) -> Stamp:
        mono = (self._scheduler.now - self._booted) // 1000
        wrong = 0 if self.synchronised() else -3_600_000
        return Stamp(self._scheduler.ms + self._off + wrong, mono, self.boot, self.synchronised())


class SimConfiguration(Configuration):
    """Told once, kept in memory."""

    def __init__(self, config: Config) -> None:
        self._changed = asyncio.Event()
        self.revoked, self.current = False, config

    def follow(self, config: Config) -> None:
        """It has changed."""
        self.current = config
        self._wake()


class SimOutbox(Outbox):
    """The real outbox; what its thread would do happens on the process's loop, a disk's sync later."""

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, ProcessLoop)
        self._loop, self._due = loop, False

    async def _do(self, command: Callable[[], _Result]) -> _Result:
        if not self._due and not self._closed:
            self._due = True
            self._loop.call_later(_SYNC_S, self._sync)
        return await super()._do(command)

    def _sync(self) -> None:
        self._due = False
        self._serve(0)

    def obeyed(self, resend: Resend | None) -> bool:
        """What was asked for is sent again."""
        return resend is None or self._store.has_resent(resend.request)

    @property
    def waiting(self) -> int:
        """Readings not yet delivered."""
        return self._store.stats().waiting

    def cut_off(self) -> None:
        """Its process is dead."""
        self._closed = True


@dataclass(frozen=True, slots=True)
class Measured:
    """One reading as the device knows it."""

    mark: float
    decoded: Decoded


@dataclass
class Device:
    """``remembers``: it knows its own time, and sends a reading until the gateway has confirmed it."""

    device: int
    patient: int
    interval_s: float
    vitals: tuple[Vital, ...]
    remembers: bool
    levels: dict[Vital, float] = field(default_factory=dict)
    memory: list[Measured] = field(default_factory=list)
    record: int = 0


class Home:
    """One gateway with its devices.  ``confirmed``: the mark of each reading that was acknowledged, by device."""

    def __init__(
        self,
        scheduler: Scheduler,
        disk: Disk,
        gateway: int,
        config: Config,
        devices: list[Device],
        *,
        make_outbox: Callable[..., SimOutbox] = SimOutbox,
        make_store: Callable[[Path, int, Disk, ProcessLoop], Store] = SimStore,
        on_error: Callable[[str, BaseException], None],
    ) -> None:
        self.scheduler, self.disk, self.gateway, self.config, self.devices = scheduler, disk, gateway, config, devices
        self.name, self.path = f"gateway {gateway}", Path(f"outbox {gateway}")
        self.confirmed: set[tuple[int, float]] = set()
        self.deaf = self.quiet = False
        self._make_outbox, self._make_store, self._on_error = make_outbox, make_store, on_error
        self._rng = scheduler.chance(self.name)
        self._marks = 0
        self.outbox: SimOutbox | None = None
        for one in devices:
            one.levels = {vital: _LEVELS[vital][0] for vital in one.vitals}
            scheduler.after(self._rng.uniform(0.1, 2.0), lambda d=one: self._measure(d))  # type: ignore[misc]
        self.boot()

    # the gateway's process

    def boot(self) -> None:
        """Start it, or start it again: all it knows is on its disk."""
        self.loop = ProcessLoop.made(self.scheduler, lambda error: self._on_error(self.name, error))
        sure_at = self.scheduler.seconds + (self._rng.uniform(0.5, 8.0) if self._rng.random() < 0.3 else 0.0)
        clock = SimClock(self.scheduler, self._rng.choice((0, 0, -700, 1500)), sure_at)
        self.loop.spawn(self._run(clock))

    async def _run(self, clock: SimClock) -> None:
        configuration, metrics = SimConfiguration(self.config), Metrics()
        loop = self.loop
        self.outbox = self._make_outbox(
            self.path, clock=clock, open_store=lambda path, limit: self._make_store(path, limit, self.disk, loop)
        )
        self.clock = clock
        self.intakes = {
            one.device: Intake(assigned, self.outbox, clock, metrics)
            for one, assigned in zip(self.devices, self.config.devices, strict=True)
        }
        chance = self.scheduler.nonces
        uplink = Uplink(
            self.outbox, configuration, clock, metrics, gateway=self.gateway, schedule=Schedule(live_ms=10_000),
            connect=lambda servers, _, on_report: SimProducer(loop, servers, on_report),
            monotonic=loop.time, uniform=chance.uniform, new_nonce=lambda: chance.randbytes(12),
        )  # fmt: skip
        self._configuration = configuration
        loop.spawn(run_heartbeat(self.outbox, configuration, clock, metrics))
        loop.spawn(run_resend(self.outbox, configuration))
        await uplink.run(asyncio.Event())

    def die(self) -> None:
        if self.outbox is not None:
            self.outbox.cut_off()
        self.loop.kill()

    def send_again(self, since: int) -> None:
        """The desk asks for all that was delivered since then (ms); a gateway that is dead hears of it when it is back."""
        self.config = replace(self.config, resend=Resend(self.scheduler.ms, since))
        if not self.loop.dead and self.outbox is not None:
            self.loop.call_soon(self._configuration.follow, self.config)

    @property
    def empty(self) -> bool:
        """Nothing waits any more in a device that remembers, nor in the outbox."""
        if self.loop.dead or self.outbox is None or any(one.memory for one in self.devices):
            return False
        return self.outbox.waiting == 0 and self.outbox.obeyed(self.config.resend)

    # its devices

    def _measure(self, device: Device) -> None:
        rng = self._rng
        self.scheduler.after(device.interval_s * rng.uniform(0.9, 1.1), lambda: self._measure(device))
        if not self.quiet:
            device.memory.append(self._reading(device))
        if device.memory:
            self._offer(device)

    def _reading(self, device: Device) -> Measured:
        rng, at = self._rng, self.scheduler.ms
        self._marks += 1
        spec = VITALS[MARK]
        mark = float(np.float32(spec.plausible[0] + self._marks / spec.steps))
        values = [(MARK, mark, Status.OK)]
        for vital in device.vitals:
            _, low, high = _LEVELS[vital]
            step = rng.choice((0.0, 0.0, 0.3, -0.3, 2.0, -2.0, (high - low) / 3, (low - high) / 3))
            level = device.levels[vital] = min(max(device.levels[vital] + step, low), high)
            values.append((vital, level, rng.choice((Status.OK,) * 30 + (Status.ARTEFACT,))))
        contact = rng.choice((None,) * 20 + (True, False))
        device.record += 1
        if not device.remembers:
            return Measured(mark, Decoded(samples_of(values, at), contact=contact))
        age = rng.choice((0,) * 30 + (40_000, 400_000, 900_000))  # found in its memory
        return Measured(mark, Decoded(samples_of(values, at), at - age, rng.choice((device.record, None)), contact))

    def _offer(self, device: Device) -> None:
        """Send what is in its memory; what does not arrive is sent again with the next reading."""
        rng = self._rng
        sent = device.memory[: rng.choice((1, 5, 50))]
        if not device.remembers:
            device.memory.clear()  # a notification: heard now or never
        if self.deaf:
            return
        for _ in range(1 + (rng.random() < 0.03)):  # delivered at least once
            self.scheduler.after(rng.uniform(0.001, 0.2), lambda: self._arrive(device, sent))

    def _arrive(self, device: Device, sent: list[Measured]) -> None:
        if not self.loop.dead and self.outbox is not None:
            self.loop.spawn(self._accept(device, sent))

    async def _accept(self, device: Device, sent: list[Measured]) -> None:
        now = self.clock.now()
        try:
            await self.intakes[device.device].accept([Received(one.decoded, now) for one in sent])
        except OutboxError:
            return
        self.confirmed |= {(device.device, one.mark) for one in sent}
        if self._rng.random() > 0.05:  # else the confirmation is lost, and all come again
            self.scheduler.after(0.01, lambda: self._forget(device, sent))

    def _forget(self, device: Device, sent: list[Measured]) -> None:
        device.memory = [one for one in device.memory if one not in sent]


def config_of(keys: list[PatientKey], devices: list[Device]) -> Config:
    """What the desk would have told the gateway."""
    assigned = tuple(
        Assigned(one.device, one.patient, 0, "mqtt", str(one.device), max(1, round(one.interval_s))) for one in devices
    )
    return Config(1, "simulated", "vitals.v1", tuple(keys), assigned, heartbeat_s=5.0, linger_s=0.8)
