"""``vigil simulate --replay``: recordings of real patients, played as wearables through the whole path."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress

from deploy.demo.homes import Homes, mqtt_users
from deploy.demo.installation import Installation
from deploy.demo.plan import Person, Plan, SignIn, Wearable, Wears
from deploy.demo.progress import SetUp
from deploy.demo.provision import Provisioned, kept
from deploy.demo.reckoning import settle
from deploy.demo.summary import Samples
from deploy.errors import DeployError
from simulators.fleet import Fleet
from simulators.mqtt_wearable import Broker, MqttWearable
from simulators.replay import Player, Recording, players, read_folder
from simulators.scenario import Sensor
from simulators.wearable_memory import Counts

_AS: Final[dict[Sensor, Wears]] = {Sensor.BELT: "patch", Sensor.OXIMETER: "ring"}
_MARGIN_S: Final = 60.0
_ENROLLED: Final = timedelta(days=1)
"""Enrolled so long before: a fast replay's readings were measured before it began."""


@dataclass(frozen=True, slots=True)
class Options:
    """``database``: a URL to use instead of the embedded one; ``stay``: go on until Ctrl-C when all is stored."""

    folder: Path
    home: Path
    speed: float = 1.0
    limit: int | None = None
    database: str | None = None
    stay: bool = False


@dataclass(frozen=True, slots=True)
class Replayed:
    """The patients played: ``players`` with their recordings' samples, ``provisioned`` with the numbers they got."""

    players: Sequence[Player]
    provisioned: Provisioned
    samples: Samples


def plan_of(recordings: Sequence[Recording]) -> Plan:
    """One invented patient a recording, all in one home, each with a patch and a ring."""
    people = tuple(
        Person(
            "RECORDING", recording.name, "1950-01-01", "female", recording.name, 0,
            tuple(Wearable(_AS[sensor], f"{recording.name}-{sensor}", 1) for sensor in _AS),
        )
        for recording in recordings
    )  # fmt: skip
    staff = (SignIn("nurse", "M. Testova", "nurse", "night-shift-demo"),)
    return Plan(team="Recordings", homes=("Replay",), people=people, staff=staff)


async def replay(options: Options, console: Console) -> Replayed | None:
    """Play them all, wait until all is stored; None when it was interrupted.  DeployError when something is missing."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, ValueError):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    recordings = await asyncio.to_thread(read_folder, options.folder, options.limit)
    plan = plan_of(recordings)
    installation = Installation(options.home, mqtt_users(plan), options.database)
    try:
        done = await asyncio.to_thread(_set_up, installation, plan, console)
        homes = Homes(installation, plan, done)
        await homes.start()
        await asyncio.to_thread(homes.settle)
        try:
            return await _play(options, console, homes, recordings, stop)
        finally:
            await homes.stop()
    finally:
        await asyncio.to_thread(installation.stop)


def _set_up(installation: Installation, plan: Plan, console: Console) -> Provisioned:
    with SetUp(console) as progress:
        installation.start(progress)
        done = kept(installation.database, installation.master_key, plan, since=datetime.now(UTC) - _ENROLLED)
        installation.serve(VIGIL_DESK_DEMO="true")
        installation.wait("desk", progress=progress)
    return done


async def _play(
    options: Options, console: Console, homes: Homes, recordings: Sequence[Recording], stop: asyncio.Event
) -> Replayed | None:
    installation, since = homes.installation, time.time_ns() // 1_000_000
    playing = players(recordings, began=since, speed=options.speed)
    mqtt = installation.stack.mqtt
    fleet = Fleet(
        [(one, MqttWearable(one.address, Broker("127.0.0.1", mqtt.port, mqtt.users[one.address]))) for one in playing]
    )
    total = sum(len(player.samples) for player in playing)
    longest = max(recording.duration for recording in recordings) / options.speed
    console.print(f"{len(recordings)} recordings, {total} samples, {longest:.0f} s; the desk: {installation.desk_url}")
    fleet.start()
    try:
        counts = await _played(fleet, total, longest + _MARGIN_S, console, stop)
    finally:
        await asyncio.to_thread(fleet.stop)
    if stop.is_set():
        return None
    devices = homes.done.devices.values()
    samples = await settle(installation.database, homes.outboxes(), devices, since, counts.measured, _MARGIN_S)
    console.print(
        f"{samples.measured} samples played, {samples.acknowledged} acknowledged, {samples.stored} stored, "
        f"{samples.duplicated} twice, {samples.lost} lost"
    )
    if samples.lost or samples.duplicated or samples.acknowledged != total:
        raise DeployError("Not every sample that was played is stored once: see the logs below the installation's folder.")
    if options.stay:
        console.print("All is stored; Ctrl-C ends it.")
        await stop.wait()
    return Replayed(playing, homes.done, samples)


async def _played(fleet: Fleet, total: int, seconds: float, console: Console, stop: asyncio.Event) -> Counts:
    end = time.monotonic() + seconds
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("acknowledged", total=total)
        while not stop.is_set() and time.monotonic() < end and fleet.failed is None:
            counts = fleet.counts
            bar.update(task, completed=counts.acknowledged)
            if counts.acknowledged == total:
                break
            await asyncio.sleep(0.25)
    return fleet.counts
