"""A worker as its own process, for tests that kill and stop it: settings from the environment, conditions into a table."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import psycopg

from deploy.stack.child import Child
from devices.wire.batch import partition_of
from devices.wire.event import Event
from streams.engine.condition import Condition
from streams.engine.stage import Moment, Stage
from streams.store.conditions import FoldConditions
from streams.store.store import Stored
from streams.worker.ports import Statements, Surroundings

TABLE = """CREATE TABLE IF NOT EXISTS test_condition (
    partition int4, second int8, subject int4, rule text, source int4, phase text, detail jsonb)"""


def fold(tx: psycopg.Connection, conditions: Sequence[Condition]) -> None:
    tx.cursor().executemany(
        "INSERT INTO test_condition VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [(c.partition, c.second, c.subject, c.rule, c.source, c.phase, json.dumps(c.detail)) for c in conditions],
    )


def _killing_statements() -> Statements:
    """Statements with SIGKILL once the first round is in the database, before it is acknowledged."""

    class Killing(Statements):
        @staticmethod
        def store_round(*args: Any) -> Stored:
            stored = Statements.store_round(*args)
            os.kill(os.getpid(), signal.SIGKILL)
            return stored

    return Killing()


class Hangs(Stage):
    """A stage that never comes back from the first event of a device: asleep, or with the interpreter's lock held."""

    def __init__(self, how: str) -> None:
        self.how = how

    def event(self, now: int, patient: int, device: int, gateway: int, event: Event) -> None:
        if device and self.how == "asleep":
            time.sleep(3600)
        elif device:
            re.match("(a+)+$", "a" * 60 + "b")


class Fails(Stage):
    """A stage that fails at what a device says of itself."""

    def event(self, now: int, patient: int, device: int, gateway: int, event: Event) -> None:
        if device:
            raise KeyError(patient)


class FailsLater(Fails):
    """A stage whose state is bad from what a device says on: it fails at each second after it."""

    def __init__(self) -> None:
        self.bad: set[int] = set()

    def event(self, now: int, patient: int, device: int, gateway: int, event: Event) -> None:
        if device:
            self.bad.add(partition_of(patient))

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        if self.bad & set(moment.partitions.tolist()):
            raise KeyError
        return ()

    def drop(self, partition: int, patients: Sequence[int]) -> None:
        self.bad.discard(partition)


class WorkerProcess:
    """`with WorkerProcess(url, bootstrap, topic, key) as worker: ...`; `worker.popen` is its process."""

    def __init__(self, database: str, kafka: str, topic: str, key: Path, **options: object) -> None:
        with psycopg.connect(database, autocommit=True) as db:
            db.execute(TABLE)
        environment = {
            "VIGIL_DATABASE": database,
            "VIGIL_KAFKA": kafka,
            "VIGIL_TOPIC": topic,
            "VIGIL_MASTER_KEY_FILE": str(key),
            "VIGIL_WORKER_GROUP": topic,
            "VIGIL_WORKER_CLOCK": "false",
            **{name if name.isupper() else f"VIGIL_WORKER_{name.upper()}": str(value) for name, value in options.items()},
        }
        self.log = key.parent / f"worker-{time.monotonic_ns()}.log"
        self.child = Child(
            "worker", [sys.executable, "-m", "tests.streams.worker.worker_process"], self.log, env=environment
        )
        self.popen = self.child.popen

    def send(self, number: signal.Signals) -> None:
        self.child.send(number)

    def kill(self) -> int:
        self.child.kill()
        return int(self.popen.returncode)

    def stop(self) -> int:
        self.child.stop(timeout=30)
        return int(self.popen.returncode)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.kill()
        print(self.log.read_text())


def wait_for(database: str, query: str, fits: Callable[[Any], bool], timeout: float = 30) -> None:
    """Until the first column of the one row of `query` fits."""
    end = time.monotonic() + timeout
    found: object = None
    while time.monotonic() < end:
        try:
            with psycopg.connect(database, connect_timeout=2) as db:
                row = db.execute(query).fetchone()
                found = row and row[0]
            if fits(found):
                return
        except psycopg.OperationalError as error:
            found = error
        time.sleep(0.05)
    raise AssertionError(f"{query}: {found} after {timeout} s")


def wait_for_ledger(database: str, total: int, timeout: float = 30, *, at_least: bool = False) -> None:
    """Until all partitions together stand at `total`."""
    query = "SELECT coalesce(sum(next_offset), 0)::int8 FROM ledger"
    wait_for(database, query, lambda n: n == total or (at_least and n > total), timeout)


if __name__ == "__main__":
    from streams.worker import app, worker
    from streams.worker.settings import WorkerSettings

    logging.basicConfig(level=os.environ.get("TEST_LOG", "WARNING"), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    surroundings = Surroundings()
    if os.environ.get("TEST_KILL_AFTER_COMMIT"):
        surroundings = Surroundings(statements=_killing_statements())
    if leave := os.environ.get("TEST_LEAVE_S"):
        app.LEAVE_S = float(leave)  # type: ignore[misc]  # final but for a test
    if wrong := os.environ.get("TEST_CLOCK_WRONG_S"):
        wrong_time = lambda: time.time() + float(Path(wrong).read_text())
        surroundings = Surroundings(clock=SimpleNamespace(monotonic=time.monotonic, time=wrong_time))
    stages: Sequence[Stage] = [Hangs(os.environ["TEST_HANG"])] if "TEST_HANG" in os.environ else []
    if "TEST_FAIL" in os.environ:
        stages = [Fails() if os.environ["TEST_FAIL"] == "at once" else FailsLater()]
    if "TEST_RULES" in os.environ:
        from alerts.rules.stages import stages as all_stages

        stages = all_stages()
    folding: FoldConditions = fold
    if os.environ.get("TEST_RULES") == "alarms":  # as deployed
        from alerts.fold.fold import fold_conditions

        folding = fold_conditions
    worker.run(WorkerSettings(), stages, folding, surroundings)
