"""Messages and samples per CPU-second through open, engine and commit, against stock Faust on the same topic.

And, of the same runs, the CPU a sample of the whole path against the sum of its parts measured alone.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import psycopg

from benchmarks.errors import ContenderError
from benchmarks.figures import Report
from benchmarks.loads.observation import Observed, Result, cpu_a_message
from benchmarks.loads.prepared import admit, prepared
from benchmarks.loads.reading import ends, place_group
from benchmarks.loads.ward import HIGH, VITALS, Filling, Ward, fill
from benchmarks.servers import Servers
from devices.vitals import VITALS as SPECS

ROW: Final = "throughput"
PATH: Final = "path"
SKIP: Final = 0.2
"""Of the messages, left out: imports, joining the group, filling pipes.  Vigil's worker holds the messages back until it
has restored its state, and is measured on all of them.
"""
GOAL: Final = 10.0
PATH_GOAL: Final = 1.3

LEDGER, JOB, STORING = "Vigil", "stock Faust", "stock Faust, storing"
WHAT: Final = {
    LEDGER: "the worker as deployed: ledger transport, open, engine with all rules, one transaction a round",
    JOB: "Faust's own transport, an agent that handles a message at a time: open, rolling windows, limit; stores nothing",
    STORING: "the same agent, and each message's readings committed to the same table",
}
SLOW: Final = {STORING: 20_000}
"""Messages that this one is given of a long log: all of it would take minutes."""


@dataclass(frozen=True)
class Log:
    """A filled topic, and what its contenders start from."""

    topic: str
    ward: Ward
    readings: int
    template: str
    starts: list[int]
    ends: list[int]

    @property
    def messages(self) -> int:
        return sum(self.ends) - sum(self.starts)


@dataclass(frozen=True)
class Ended:
    """A contender's run: CPU in turns of the fixed loop; ``result`` None where it was not given the whole log."""

    a_message: float
    a_sample: float
    result: Result | None
    rounds: int


class Parts(msgspec.Struct, frozen=True):
    """ns of CPU a sample, each measured alone; ``store``: all that the round's transaction costs this side."""

    open: float
    engine: float
    copy: float
    store: float

    @property
    def total(self) -> float:
        return self.open + self.engine + self.copy


def throughput(servers: Servers, report: Report, repetitions: int) -> None:
    patients, seconds = (256, {1: 3, 60: 3}) if report.quick else (5000, {1: 12, 60: 60})
    logs = _logs(servers, report, patients, seconds)
    ended: dict[int, list[dict[str, Ended]]] = {n: [] for n in logs}
    alone: dict[int, list[Parts]] = {n: [] for n in logs}
    for repetition in range(repetitions):
        for readings, log in logs.items():
            report.say(f"{ROW}: repetition {repetition + 1} of {repetitions}, {readings} a batch")
            runs = _run_all(servers, report, log)
            ended[readings].append(runs)
            _check(report, readings, runs)
            alone[readings].append(_parts(servers, report, log, runs[LEDGER].rounds))
    for readings in logs:
        _report(report, readings, ended[readings], alone[readings])
    for log in logs.values():
        servers.drop(log.template)


def _logs(servers: Servers, report: Report, patients: int, seconds: dict[int, int]) -> dict[int, Log]:
    """The same ward twice: a reading a message, and sixty; ``seconds`` of log for each, so that neither is over at once."""
    made = {}
    for readings in seconds:
        report.say(f"{ROW}: admitting {patients} patients, whose batches hold {readings}")
        topic, ward = servers.topic(), Ward(patients)
        made[readings] = topic, ward, admit(servers, topic, ward)
    report.say(f"{ROW}: {max(seconds.values())} seconds of log, as time passes")
    fill(servers.kafka.client(), {topic: Filling(ward, n, seconds[n]) for n, (topic, ward, _) in made.items()})
    return {
        n: Log(topic, ward, n, prepared(servers, topic, ward, starts), starts, ends(servers.kafka.bootstrap, topic))
        for n, (topic, ward, starts) in made.items()
    }


def _run_all(servers: Servers, report: Report, log: Log) -> dict[str, Ended]:
    """One after the other; fewer, and at once, where only the form matters."""
    if not report.quick:
        return {name: _run(servers, report, log, name) for name in WHAT}
    names = list(WHAT) if log.readings == 1 else [LEDGER, JOB]
    with ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(lambda name: _run(servers, report, log, name), names), strict=True))


def _run(servers: Servers, report: Report, log: Log, name: str) -> Ended:
    database, group = servers.database(log.template), f"bench-{secrets.token_hex(4)}"
    servers.settle()
    messages = min(log.messages, SLOW.get(name, log.messages))
    master = servers.home / f"{group}.key"
    master.touch(mode=0o600)
    master.write_bytes(log.ward.world.master)
    environment = {
        "VIGIL_DATABASE": servers.url(database),
        "VIGIL_KAFKA": servers.kafka.bootstrap,
        "VIGIL_TOPIC": log.topic,
        "VIGIL_MASTER_KEY_FILE": str(master),
    }
    ours = name == LEDGER
    if ours:
        environment |= {"VIGIL_WORKER_GROUP": group, "VIGIL_WORKER_CLOCK": "false", "BENCH_GATE": "1"}
    else:
        place_group(servers.kafka.bootstrap, group, log.topic, log.starts)
        environment |= {
            "BENCH_GROUP": group, "BENCH_MESSAGES": str(messages), "BENCH_READINGS": str(log.readings),
            "BENCH_STORE": str(int(name == STORING)),
        }  # fmt: skip
    before = report.turn()
    module = "benchmarks.loads.observed_worker" if ours else "benchmarks.loads.stock_faust"
    with Observed(name, module, servers.home, environment) as contender:
        steps = contender.wait(messages)
        result = contender.result()
    turn = (before + report.turn()) / 2
    if messages == log.messages and name != JOB:
        result = _stored(servers.url(database))
    servers.drop(database)
    message, sample = cpu_a_message(steps, messages, SKIP)
    report.say(f"  {name}: {message / 1000:.1f} µs of CPU a message, {sample:.0f} ns a sample")
    whole, rounds = messages == log.messages, sum(step.messages > 0 for step in steps)
    return Ended(message / turn, sample / turn, result if whole else None, rounds)


def _stored(url: str) -> Result:
    """What the table holds in the end, as the contenders that store nothing count it."""
    columns = [SPECS[vital].column for vital in VITALS]
    samples = " + ".join(f"count({c})" for c in columns)
    total = " + ".join(f"coalesce(sum({c}::float8), 0)" for c in columns)
    outside = " + ".join(f"count(*) FILTER (WHERE {c} > {limit})" for c, limit in zip(columns, HIGH, strict=True))
    query = f"SELECT {samples}, {total}, {outside} FROM reading WHERE sequence > 0"  # without everybody's first
    with psycopg.connect(url) as db:
        row = db.execute(query.encode()).fetchone()
    assert row
    return Result(row[0], row[1], row[2])


def _check(report: Report, readings: int, runs: dict[str, Ended]) -> None:
    """All contenders that were given the whole log must have seen, or stored, the same."""
    first = runs[LEDGER].result
    assert first
    for name, run in runs.items():
        if run.result and name != LEDGER:
            same = (run.result.samples, run.result.outside) == (first.samples, first.outside)
            close = abs(run.result.total - first.total) <= 1e-6 * abs(first.total)
            report.check(f"{ROW}: {readings} a batch: {name} and {LEDGER} agree", same and close and first.samples > 0)


def _parts(servers: Servers, report: Report, log: Log, rounds: int) -> Parts:
    """Turns a sample of the parts, in a process of their own."""
    database = servers.database(log.template)
    environment = {
        "BENCH_SECRETS": str(servers.home / f"{log.topic}.secrets"),
        "BENCH_ROUNDS": str(max(rounds, 1)),
        "VIGIL_DATABASE": servers.url(database),
        "VIGIL_KAFKA": servers.kafka.bootstrap,
        "VIGIL_TOPIC": log.topic,
        "OPENBLAS_NUM_THREADS": "1",
    }
    spec = {"secrets": log.ward.world.secrets, "starts": log.starts, "ends": log.ends}
    Path(environment["BENCH_SECRETS"]).write_bytes(msgspec.msgpack.encode(spec))
    before = report.turn()
    command = [sys.executable, "-m", "benchmarks.loads.parts"]
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, check=False, timeout=300,
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    if done.returncode:
        raise ContenderError("the parts alone", f"ended with {done.returncode}", done.stderr.decode()[-2000:])
    turn = (before + report.turn()) / 2
    servers.drop(database)
    ns = msgspec.json.decode(done.stdout.splitlines()[-1], type=Parts)
    return Parts(ns.open / turn, ns.engine / turn, ns.copy / turn, ns.store / turn)


def _report(report: Report, readings: int, ended: list[dict[str, Ended]], alone: list[Parts]) -> None:
    a_batch = f"{readings} a batch"
    ns = sorted(report.turns)[len(report.turns) // 2]
    for name in ended[0]:
        messages = [1e9 / (runs[name].a_message * ns) for runs in ended]
        report.figure(ROW, f"{name}, {a_batch}", "messages/CPU-s", messages, WHAT[name])
        samples = [1e9 / (runs[name].a_sample * ns) for runs in ended]
        report.figure(ROW, f"{name}, {a_batch}", "samples/CPU-s", samples, WHAT[name])
    ours = [runs[LEDGER].a_message for runs in ended]
    for name in ended[0]:
        if name != LEDGER:
            others = [runs[name].a_message for runs in ended]
            report.ratio(ROW, f"{LEDGER} / {name}, {a_batch}", others, ours, ">=", GOAL)
    whole = [runs[LEDGER].a_sample for runs in ended]
    what = "the worker's process, of the runs above"
    report.figure(PATH, f"whole path, {a_batch}", "ns/sample", [x * ns for x in whole], what)
    for part, what in (
        ("open", "open_blocks alone, of the same records in as many rounds"),
        ("engine", "Engine.advance alone, with all rules"),
        ("copy", "wide rows, their encoding and COPY into staging alone (this side's CPU)"),
        ("store", "for comparison: all of store_round (this side's CPU), COPY included"),
    ):
        report.figure(PATH, f"{part}, {a_batch}", "ns/sample", [getattr(one, part) * ns for one in alone], what)
    report.ratio(PATH, f"whole / (open + engine + COPY), {a_batch}", whole, [one.total for one in alone], "<=", PATH_GOAL)
