"""The time from a sample's measurement until the desk shows it, at 200 patients, with everything between as deployed."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import msgspec
import numpy as np
import psycopg
from msgspec.structs import replace

from alerts.care.limits import chosen_rule_set, set_rule_set
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Report
from benchmarks.loads.homes import Gateways
from benchmarks.loads.observation import Observed
from benchmarks.loads.ward import worker_environment
from benchmarks.servers import Servers
from deploy.demo.nurse import sign_in
from deploy.demo.plan import Person, Plan, SignIn, Wearable
from deploy.demo.programs import Program
from deploy.demo.provision import Provisioned, provision
from deploy.stack.child import Child
from deploy.stack.port import kept_ports
from devices.vitals import Vital
from devices.wire.control import Level, Limit
from devices.wire.sealing import new_key
from simulators.sealed_log import now_ms

ROW: Final = "desk"
GOAL_S: Final = 2.0
CLOCK_S: Final = 1.0
"""The seconds that the engine's whole seconds may add to an onset."""
PATIENTS_A_HOME: Final = 10
SETTLE_S: Final = 4.0
_READY_S: Final = 90.0
_CONTROLS: Final = (
    "SELECT (SELECT count(*) FROM control_outbox WHERE sent IS NULL) = 0,"
    " (SELECT count(DISTINCT patient) FROM control WHERE kind = 'enrolment'),"
    " (SELECT count(*) FROM control WHERE kind = 'rule_set') >= 128"
)
_NURSE: Final = SignIn("nurse", "N. Bench", "nurse", "night-shift-bench")


@dataclass
class Seen:
    """The content of the desk's stream, with its times (ms)."""

    values: list[tuple[int, int]] = field(default_factory=list)  # measured, seen
    alarms: dict[int, int] = field(default_factory=dict)  # patient -> first seen with an alarm
    patients: set[int] = field(default_factory=set)


def desk(servers: Servers, report: Report, repetitions: int) -> None:
    patients, seconds = (30, 6) if report.quick else (200, 30)
    report.say(f"{ROW}: {patients} patients, worker, notifier and desk")
    topic, database = servers.topic(), servers.database()
    url, master = servers.url(database), new_key()
    done = _provision(url, master, patients)
    with ExitStack() as running:
        address, worker = _start(servers, running, worker_environment(servers, database, topic, master))
        in_effect = [(True, patients, True)]  # everybody's enrolment and the rules have gone through the log
        worker.wait_until(lambda: servers.query(_CONTROLS, database) == in_effect, _READY_S)
        gateways = Gateways(url, master, servers.kafka.bootstrap, topic, done.gateways)
        gateways.start()
        running.callback(gateways.end)
        report.say(f"{ROW}: watching the desk's stream for {seconds} s, {repetitions} times")
        seen = asyncio.run(_watch(address, gateways, done.patients, seconds, repetitions))
    _report(report, done, gateways, seen)
    servers.drop(database)


def _provision(url: str, master: bytes, patients: int) -> Provisioned:
    worn = [Wearable("patch", f"patch-{n}", 1) for n in range(patients)]
    people = tuple(
        Person("BENCH", f"P{n}", "1950-01-01", "female", f"B-{n}", n // PATIENTS_A_HOME, (one,))
        for n, one in enumerate(worn)
    )
    homes = tuple(f"Home {n + 1}" for n in range((patients - 1) // PATIENTS_A_HOME + 1))
    done = provision(url, master, Plan(homes=homes, people=people, staff=(_NURSE,)), datetime.now(UTC) - timedelta(hours=1))
    with psycopg.connect(url) as tx:  # without a hold: what is measured is the way, not the patience of a rule
        rules = chosen_rule_set(tx)
        others = [one for one in rules.limits if (one.vital, one.side) != (Vital.HEART_RATE, "high")]
        at_once = Limit(Vital.HEART_RATE, "high", None, Level(130.0, 0), 5)
        row = tx.execute("SELECT min(person) FROM person").fetchone()
        assert row
        set_rule_set(tx, replace(rules, version=rules.version + 1, limits=(*others, at_once)), row[0])
    return done


def _start(servers: Servers, running: ExitStack, environment: dict[str, str]) -> tuple[str, Child]:
    port = kept_ports(servers.home / "desk-ports.json", ["desk"])["desk"]
    address = f"http://127.0.0.1:{port}"
    desk = {"VIGIL_DESK_PORT": str(port), "VIGIL_DESK_PUBLIC_URL": address, "OPENBLAS_NUM_THREADS": "1"}
    environment = environment | desk
    worker = running.enter_context(Observed("worker", servers.home, environment))

    def answers() -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{address}/sign-in", timeout=5).is_success
        return False

    for name, command, probe in (("desk", "desk", answers), ("notifier", "notify", None)):
        program = Program(name, "deploy.cli", [command], environment, servers.home / f"{name}.log", probe=probe)
        program.start()
        running.callback(program.stop)
        program.wait_healthy(_READY_S)
    return address, worker.child


async def _watch(address: str, gateways: Gateways, patients: list[int], seconds: int, repetitions: int) -> list[Seen]:
    """Sign in as the nurse and read the stream, a :class:`Seen` a repetition; meanwhile patients fall ill, two a second."""
    found, ill = [Seen() for _ in range(repetitions + 1)], list(patients[: len(patients) // 2])
    async with httpx.AsyncClient(base_url=address, timeout=httpx.Timeout(20)) as client:
        if not await sign_in(client, _NURSE.sign_in, _NURSE.password):
            raise BenchmarkError("The desk did not let the nurse in.")
        begin = time.monotonic()
        last, fell = begin + SETTLE_S + seconds * repetitions, begin + SETTLE_S
        async with client.stream("GET", "/stream") as stream:
            async for line in stream.aiter_lines():
                now = time.monotonic()
                if line.startswith("data:"):
                    turn = 0 if now < begin + SETTLE_S else min(1 + int((now - begin - SETTLE_S) / seconds), repetitions)
                    _note(found[turn], msgspec.json.decode(line[5:].strip() or b"{}"))
                while fell < min(now, last - GOAL_S - 2 * CLOCK_S) and ill:
                    gateways.fall_ill(ill.pop())
                    fell += 0.5
                if now > last:
                    break
    return found[1:]


def _note(seen: Seen, event: dict[str, Any]) -> None:
    now = now_ms()
    for key, cells in event.get("cells", {}).items():
        if "hr" in cells and cells["hr"][2] is not None:
            seen.values.append((cells["hr"][2], now))
            seen.patients.add(int(key[1:]))
    for key, _, _, _, lead, *_ in event.get("order", ()):
        if lead and key[:1] == "p":
            seen.alarms.setdefault(int(key[1:]), now)


def _report(report: Report, done: Provisioned, gateways: Gateways, seen: list[Seen]) -> None:
    values = [np.array([at - measured for measured, at in one.values]) / 1000 for one in seen]
    first = {patient: at for one in reversed(seen) for patient, at in one.alarms.items()}
    onsets = np.array([first[p] - measured for p, measured in gateways.fell_ill.items() if p in first]) / 1000
    report.check(f"{ROW}: the desk showed values of every patient", all(one.patients == set(done.patients) for one in seen))
    report.check(f"{ROW}: every onset came to the desk", len(onsets) == len(gateways.fell_ill) > 0)
    if not all(map(len, values)) or not len(onsets):
        raise BenchmarkError("The desk's stream showed no values or no alarm.")
    what = f"{len(done.patients)} patients at 1 Hz; linger 1 s in the gateway, up to 0.5 s until the desk reads"
    p99 = report.quantiles(ROW, "sample → desk, latest value", "s", values, what)
    report.goal(ROW, "sample → desk, latest value, p99", float(np.median(p99)), "<=", GOAL_S, "s")
    what = "the first sample beyond a limit without hold"
    (alarm,) = report.quantiles(ROW, "sample → alarm at the desk", "s", [onsets], what)
    report.goal(ROW, "sample → alarm at the desk, p99", alarm, "<=", GOAL_S + CLOCK_S, "s")
