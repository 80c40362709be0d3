"""``vigil demo``: the whole path, live, in one folder; and the reckoning at its end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import psycopg
from rich.console import Console
from rich.live import Live

from deploy.demo.homes import Homes, mqtt_users
from deploy.demo.installation import Installation
from deploy.demo.nurse import SimulatedNurse
from deploy.demo.observe import WorkerMetrics, open_alarms, worker_metrics
from deploy.demo.plan import Plan
from deploy.demo.progress import SetUp
from deploy.demo.provision import HEARTBEAT_S, Provisioned, bring_in_line, kept
from deploy.demo.reckoning import expected_alarms, of_this_run, raised_alarms, settle
from deploy.demo.summary import Latency, Summary, count_alarms, failures, quantiles
from deploy.demo.view import Part, Screen
from deploy.errors import DemoFailedError
from simulators.scenario import NetworkLoss

REFRESH_S: Final = 0.5
DRAIN_S: Final = 30.0
_DESCRIBED: Final = {
    "deteriorate": "A patient begins to deteriorate.",
    "sensor_off": "A sensor falls off its finger.",
    "network_loss": "A home has lost its network; its gateway keeps everything.",
    "network_back": "The network is back; the gateway sends what it kept.",
}


@dataclass(frozen=True, slots=True)
class Options:
    """``seconds``: None runs until Ctrl-C and lets a person be the nurse."""

    home: Path
    seconds: float | None = None
    summary: Path | None = None


@dataclass
class Demo:
    """One run."""

    plan: Plan
    options: Options
    console: Console
    installation: Installation = field(init=False)
    homes: Homes = field(init=False)
    done: Provisioned = field(init=False)
    nurse: SimulatedNurse | None = None
    happening: str = "Everybody is well so far."
    ready_s: float = 0.0
    began_ms: int = 0
    _before: WorkerMetrics = field(default_factory=WorkerMetrics)
    _rate: tuple[float, float] = (0.0, 0.0)

    async def run(self) -> None:
        """Run until ``seconds`` are over or Ctrl-C; leave nothing running.  DemoFailedError when a promise did not hold."""
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        began = time.monotonic()
        self.installation = Installation(self.options.home, mqtt_users(self.plan))
        try:
            await _unless(stop, asyncio.to_thread(self._set_up), self.installation.stop)
            if stop.is_set():
                return
            async with self._at_home():
                self.ready_s = time.monotonic() - began
                await self._live(stop)
                if self.options.seconds is not None and not stop.is_set():
                    self._conclude(await self._summary())
        finally:
            with contextlib.suppress(OSError):  # the terminal may be what has ended
                self.console.print("ending …", style="dim")
            await asyncio.to_thread(self.installation.stop)

    def _set_up(self) -> None:
        installation = self.installation
        with SetUp(self.console) as progress:
            installation.start(progress)
            progress("people", "admitting")
            if installation.stack.dbus is None:
                self.plan = self.plan.without_bluetooth()
            database, master = installation.database, installation.master_key
            self.done = bring_in_line(database, master, self.plan, kept(database, master, self.plan))
            progress("people", "ready", 1.0)
            staff = [{"sign_in": s.sign_in, "password": s.password, "role": s.role} for s in self.plan.staff]
            installation.serve(
                VIGIL_DESK_DEMO="true",
                VIGIL_DESK_DEMO_SIGN_INS=msgspec.json.encode(staff).decode(),
                VIGIL_DESK_HEARTBEAT_S=str(HEARTBEAT_S),
            )
            installation.wait("desk", progress=progress)

    @contextlib.asynccontextmanager
    async def _at_home(self) -> AsyncIterator[None]:
        loss = next((event for event in self.plan.events if isinstance(event, NetworkLoss)), None)
        self.homes = Homes(self.installation, self.plan, self.done, loss.gateway if loss else None)
        await self.homes.start()
        await asyncio.to_thread(self.homes.settle)
        self.began_ms = self.homes.wear()
        self._before = worker_metrics(self.installation.metrics_port)
        tasks = [asyncio.create_task(self._tell(), name="scenario"), asyncio.create_task(self._tend(), name="supervisor")]
        if self.options.seconds is not None:
            nurse = self.plan.staff[0]
            self.nurse = SimulatedNurse(self.installation.desk_url, nurse.sign_in, nurse.password)
            tasks.append(asyncio.create_task(self.nurse.work(), name="nurse"))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.homes.stop()

    async def _tell(self) -> None:
        """Say what happens when it happens; cut and mend the network."""
        for instant in self.plan.scenario(self.began_ms).instants:
            await asyncio.sleep(max(0.0, instant.time / 1000 - time.time()))
            self.happening = _DESCRIBED.get(instant.what, self.happening)
            if instant.what.startswith("network"):
                await self.homes.network(whole=instant.what == "network_back")

    async def _tend(self) -> None:
        while True:
            await asyncio.sleep(1)
            for program in self.installation.programs:
                program.tend()

    async def _live(self, stop: asyncio.Event) -> None:
        seconds = self.options.seconds
        end = time.monotonic() + seconds if seconds is not None else None
        self.console.print(f"ready after {self.ready_s:.1f} s; the desk: {self.installation.desk_url}")
        for sentence in self.installation.stack.missing.values():
            self.console.print(sentence, style="yellow")
        screen = await asyncio.to_thread(self._screen)
        live = Live(screen, console=self.console, refresh_per_second=4, transient=True) if self.console.is_terminal else None
        with _on_screen(live):
            while not stop.is_set() and (end is None or time.monotonic() < end):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), REFRESH_S)
                if live and _closed(self.console):
                    stop.set()
                elif live:
                    live.update(await asyncio.to_thread(self._screen))

    def _screen(self) -> Screen:
        installation = self.installation
        metrics, now = worker_metrics(installation.metrics_port), time.monotonic()
        before, at = self._rate
        rate = (metrics.samples - before) / (now - at) if at else 0.0
        self._rate = (metrics.samples, now)
        parts = [Part(s.name, s.address, s.healthy, s.memory / 2**20) for s in installation.stack.status()]
        parts += [Part(p.name, p.address, p.healthy(), p.memory() / 2**20) for p in installation.programs]
        with psycopg.connect(installation.database, connect_timeout=5) as db:
            alarms = open_alarms(db)
        names = {number: f"{p.family}, {p.given}" for number, p in zip(self.done.patients, self.plan.people, strict=True)}
        return Screen(
            installation.desk_url, self.plan.staff, parts, max(rate, 0.0), metrics.latency(self._before), alarms, names,
            self.happening, list(installation.stack.missing.values()),
        )  # fmt: skip

    async def _summary(self) -> Summary:
        """Let everything arrive, then count."""
        memory = await asyncio.to_thread(self.installation.memory_mb)
        latency = worker_metrics(self.installation.metrics_port).latency(self._before)
        lasted = time.time() - self.began_ms / 1000
        wearables = next(program for program in self.installation.programs if program.name == "wearables")
        await asyncio.to_thread(wearables.stop)
        self.installation.programs.remove(wearables)
        outboxes, measured = self.homes.outboxes(), self.homes.counts().measured
        database, devices = self.installation.database, self.done.devices.values()
        expected = expected_alarms(self.plan, self.done)
        samples = await settle(database, outboxes, devices, self.began_ms, measured, DRAIN_S)
        with psycopg.connect(database) as db:
            raised = of_this_run(raised_alarms(db, self.began_ms), self.began_ms, expected)
        alarms, missed, extra = count_alarms(
            expected,
            [one.key for one in raised],
            sum(one.notified for one in raised),
            sum(one.acknowledged for one in raised),
            whole=lasted >= self.plan.complete_s,
        )
        seen = self.nurse.seen if self.nurse else {}
        to_desk = [seen[one.alarm] - one.onset for one in raised if one.alarm in seen and one.onset >= self.began_ms]
        return Summary(samples, alarms, Latency(latency, quantiles(to_desk)), round(self.ready_s, 2), memory, missed, extra)

    def _conclude(self, summary: Summary) -> None:
        text = msgspec.json.format(msgspec.json.encode(summary), indent=2).decode()
        if self.options.summary:
            self.options.summary.parent.mkdir(parents=True, exist_ok=True)
            self.options.summary.write_text(text + "\n")
        self.console.print_json(text)
        if broken := failures(summary):
            raise DemoFailedError(" ".join(broken))


@contextlib.contextmanager
def _on_screen(live: Live | None) -> Iterator[None]:
    """``live`` as long as there is a terminal; one that was closed is no error."""
    if live is None:
        yield
        return
    try:
        with live:
            yield
    except OSError:
        if not _closed(live.console):
            raise


def _closed(console: Console) -> bool:
    """Return whether the terminal is gone: SIGHUP reaches the session's leader alone, which under ``make`` is not us."""
    try:
        os.tcgetpgrp(console.file.fileno())
    except OSError as error:
        return error.errno == errno.EIO
    return False


async def _unless(stop: asyncio.Event, work: Coroutine[None, None, None], cancel: Callable[[], None]) -> None:
    """Wait for ``work``; when ``stop`` is set first, ``cancel()`` makes it end, and its error is no matter."""
    task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        stopped.cancel()
        task.result()
        return
    await asyncio.to_thread(cancel)
    with contextlib.suppress(Exception):
        await task
