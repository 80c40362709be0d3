"""The time partitions stand still when one of two workers is killed, when another joins, and when one leaves, while all
patients send: what is seen at the ledger, ten times a second.

The workers are the product's own processes.  Broker, database, both workers and the process that sends share the cores.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Final

import psycopg

from benchmarks.figures import Report
from benchmarks.loads.apart import answer, apart
from benchmarks.loads.observation import ROOT
from benchmarks.loads.patients_load import READING_S, run
from benchmarks.rows.patients_worker import SETTINGS, ready, sleep_beside
from benchmarks.rows.scale import cluster
from benchmarks.servers import Servers
from deploy.stack.child import Child

ROW: Final = "moves"
PATIENTS: Final = 20_000
SETTLE_S: Final = 60
WATCHED_S: Final = 30
CALM_S: Final = 10
LIMITS_S: Final = {"one is killed": 10.0, "another joins": 5.0, "it leaves": 5.0}
"""The event, and the seconds after which every partition has to move again."""
_LOOK_S: Final = 0.1
_READY_S: Final = 120.0


def moves(servers: Servers, report: Report, _repetitions: int) -> None:
    """Once: it takes minutes."""
    patients, settle = (1000, 5) if report.quick else (PATIENTS, SETTLE_S)
    with cluster(servers, report, brokers=1, settings=SETTINGS) as own, ExitStack() as running:
        seconds = settle + CALM_S + len(LIMITS_S) * (WATCHED_S + settle)
        database, environment, orders = ready(own, report, patients, 0, seconds)
        workers: list[Child] = []

        def start() -> None:
            name, command = f"moves-{len(workers) + 1}", [sys.executable, "-m", "deploy.cli", "worker"]
            child = Child(name, command, own.home / f"{name}.log", env={"PYTHONPATH": str(ROOT), **environment})
            running.callback(child.stop)
            workers.append(child)

        with psycopg.connect(own.url(database), autocommit=True) as db:
            ledger = partial(stands, db, environment["VIGIL_TOPIC"])
            start()
            start()
            first, second = workers
            begin = ledger()
            second.wait_until(lambda: not begin.items() & ledger().items(), _READY_S)
            load = running.enter_context(apart()).apply_async(run, orders)
            sleep_beside(load, second, settle)
            calm = watch(ledger, CALM_S)
            what = f"{patients:,} patients, a reading each {READING_S} s; each partition's longest time without a commit"
            report.figure(ROW, "undisturbed", "s", calm, what)
            acts: tuple[Callable[[], object], ...] = first.kill, start, lambda: workers[-1].send(signal.SIGTERM)
            for (name, limit), act in zip(LIMITS_S.items(), acts, strict=True):
                sleep_beside(load, second, settle)
                longest = watch(ledger, WATCHED_S, act)
                report.figure(ROW, name, "s", longest, "the same")
                report.goal(ROW, f"{name}: every partition moves again", max(longest), "<=", limit, "s")
            sent = answer(load, seconds)
            report.check(f"{ROW}: what was sent is stored once, none refused", _stored(own, database, sent.readings))
    servers.drop(database)


def stands(db: psycopg.Connection, topic: str) -> dict[int, int]:
    """The ledger's offsets of a topic's partitions."""
    return dict(db.execute(b"SELECT partition, next_offset FROM ledger WHERE topic = %s", [topic]).fetchall())


def watch(look: Callable[[], dict[int, int]], seconds: float, act: Callable[[], object] = lambda: None) -> list[float]:
    """s: the longest that each partition stood still from ``act`` on, ascending."""
    before, begin = look(), time.monotonic()
    moved, longest = dict.fromkeys(before, begin), dict.fromkeys(before, 0.0)
    act()
    while time.monotonic() < begin + seconds:
        time.sleep(_LOOK_S)
        now, found = time.monotonic(), look()
        for partition, stood in before.items():
            longest[partition] = max(longest[partition], now - moved[partition])
            if found[partition] != stood:
                moved[partition] = now
        before = found
    return sorted(longest.values())


def _stored(servers: Servers, database: str, readings: int) -> bool:
    """True if all readings are stored within a while, and none is refused."""
    end = time.monotonic() + _READY_S
    while (counts := servers.stored(database)) != (readings, 0) and time.monotonic() < end:
        time.sleep(1)
    return counts == (readings, 0)
