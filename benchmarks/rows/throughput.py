"""Messages and samples per CPU-second through open, engine and commit, against stock Faust on the same topic.

And, of the same runs, the CPU a sample of the whole path against the sum of its parts measured alone.
"""

from __future__ import annotations

import math
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

from benchmarks.figures import Report
from benchmarks.loads.apart import run_apart
from benchmarks.loads.observation import WORKER, Observed, Step, cpu_a_message, wait
from benchmarks.loads.parts import measure
from benchmarks.loads.prepared import Log, fill_logs
from benchmarks.loads.reading import place_group
from benchmarks.loads.ward import HIGH, VITALS, worker_environment
from benchmarks.servers import Servers
from devices.vitals import VITALS as SPECS

ROW: Final = "throughput"
PATH: Final = "path"
SKIP: Final = 0.2
"""The share of messages that is left out: imports, joining the group, filling pipes.  Vigil's worker holds the messages back
until it has restored its state, and is measured on all of them.
"""
GOAL: Final = 10.0
PATH_GOAL: Final = 1.3

VIGIL, JOB, STORING = "Vigil", "stock Faust", "stock Faust, storing"
WHAT: Final = {
    VIGIL: "the worker as deployed: open, engine with all rules, one transaction a round",
    JOB: "Faust's own transport, an agent that handles a message at a time: open, rolling windows, limit; stores nothing",
    STORING: "the same agent, and each message's readings committed to the same table",
}
STOCK_FAUST: Final = (sys.executable, "-m", "benchmarks.loads.stock_faust")
SLOW: Final = {STORING: 20_000}
"""The number of messages of a long log that these are given: all of it would take minutes."""


class Ended(NamedTuple):
    """A contender's run: CPU in turns of the fixed loop; ``result`` None where it was not given the whole log."""

    a_message: float
    a_sample: float
    result: dict[str, float] | None
    rounds: int


def throughput(servers: Servers, report: Report, repetitions: int) -> None:
    patients, seconds = (256, {1: 3, 60: 3}) if report.quick else (5000, {1: 12, 60: 60})
    report.say(f"{ROW}: admitting {patients} patients twice; then {max(seconds.values())} s of log, as time passes")
    logs = fill_logs(servers, patients, seconds)
    ended: dict[int, list[dict[str, Ended]]] = {n: [] for n in logs}
    alone: dict[int, list[dict[str, float]]] = {n: [] for n in logs}
    for repetition in range(repetitions):
        for readings, log in logs.items():
            report.say(f"{ROW}: repetition {repetition + 1} of {repetitions}, {readings} a batch")
            runs = _run_all(servers, report, log)
            ended[readings].append(runs)
            _check(report, readings, runs)
            alone[readings].append(_parts(servers, report, log, runs[VIGIL].rounds))
    for readings, log in logs.items():
        _report(report, readings, ended[readings], alone[readings])
        servers.drop(log.template)


def _run_all(servers: Servers, report: Report, log: Log) -> dict[str, Ended]:
    """One after the other; fewer, and at once, where only the form matters."""
    if not report.quick:
        return {name: _run(servers, report, log, name) for name in WHAT}
    names = list(WHAT) if log.readings == 1 else [VIGIL, JOB]
    with ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(lambda name: _run(servers, report, log, name), names), strict=True))


def _run(servers: Servers, report: Report, log: Log, name: str) -> Ended:
    database, group = servers.database(log.template), f"bench-{secrets.token_hex(4)}"
    servers.settle()
    messages = min(log.messages, SLOW.get(name, log.messages))
    environment = worker_environment(servers, database, log.topic, log.ward.world.master, group)
    ours = name == VIGIL
    if ours:
        environment |= {"VIGIL_WORKER_CLOCK": "false", "BENCH_GATE": "restored"}
    else:
        place_group(servers.kafka.bootstrap, group, log.topic, log.starts)
        environment |= {
            "BENCH_GROUP": group, "BENCH_MESSAGES": str(messages), "BENCH_READINGS": str(log.readings),
            "BENCH_STORE": str(int(name == STORING)),
        }  # fmt: skip

    def observed() -> tuple[list[Step], dict[str, float] | None]:
        with Observed(name, servers.home, environment, WORKER if ours else STOCK_FAUST) as contender:
            return wait([contender], messages)[0], contender.found()

    (steps, result), turn = report.around(observed)
    if messages == log.messages and name != JOB:
        result = _stored(servers, database)
    servers.drop(database)
    message, sample = cpu_a_message(steps, messages, SKIP)
    report.say(f"  {name}: {message / 1000:.1f} µs of CPU a message, {sample:.0f} ns a sample")
    whole, rounds = messages == log.messages, sum(step.messages > 0 for step in steps)
    return Ended(message / turn, sample / turn, result if whole else None, rounds)


def _stored(servers: Servers, database: str) -> dict[str, float]:
    """The result in the table, counted as the contenders that store nothing do."""
    columns = [SPECS[vital].column for vital in VITALS]
    samples = " + ".join(f"count({c})" for c in columns)
    total = " + ".join(f"coalesce(sum({c}::float8), 0)" for c in columns)
    outside = " + ".join(f"count(*) FILTER (WHERE {c} > {limit})" for c, limit in zip(columns, HIGH, strict=True))
    query = f"SELECT {samples}, {total}, {outside} FROM reading WHERE sequence > 0"  # without everybody's first
    return dict(zip(("samples", "total", "outside"), servers.query(query, database)[0], strict=True))


def _check(report: Report, readings: int, runs: dict[str, Ended]) -> None:
    """Check that all contenders that were given the whole log have seen, or stored, the same."""
    first = runs[VIGIL].result
    assert first
    for name, run in runs.items():
        if run.result and name != VIGIL:
            same = all(run.result[count] == first[count] for count in ("samples", "outside"))
            close = math.isclose(run.result["total"], first["total"], rel_tol=1e-6)
            report.check(f"{ROW}: {readings} a batch: {name} and {VIGIL} agree", same and close and first["samples"] > 0)


def _parts(servers: Servers, report: Report, log: Log, rounds: int) -> dict[str, float]:
    """Turns a sample of the parts, in a process of their own."""
    database = servers.database(log.template)
    given = servers.url(database), servers.kafka.bootstrap, log, max(rounds, 1)
    ns, turn = report.around(lambda: run_apart(measure, *given))
    servers.drop(database)
    return {part: each / turn for part, each in ns.items()}


def _report(report: Report, readings: int, ended: list[dict[str, Ended]], alone: list[dict[str, float]]) -> None:
    a_batch = f"{readings} a batch"
    ns = sorted(report.turns)[len(report.turns) // 2]
    messages = {name: [runs[name].a_message for runs in ended] for name in ended[0]}
    for name, costs in messages.items():
        report.figure(ROW, f"{name}, {a_batch}", "messages/CPU-s", [1e9 / (x * ns) for x in costs], WHAT[name])
        samples = [1e9 / (runs[name].a_sample * ns) for runs in ended]
        report.figure(ROW, f"{name}, {a_batch}", "samples/CPU-s", samples, WHAT[name])
    for name, costs in messages.items():
        if name != VIGIL:
            report.ratio(ROW, f"{VIGIL} / {name}, {a_batch}", costs, messages[VIGIL], ">=", GOAL)
    whole = [runs[VIGIL].a_sample for runs in ended]
    what = "the worker's process, of the runs above"
    report.figure(PATH, f"whole path, {a_batch}", "ns/sample", [x * ns for x in whole], what)
    for part, what in (
        ("open", "open_blocks alone, of the same records in as many rounds"),
        ("engine", "Engine.advance alone, with all rules"),
        ("copy", "wide rows, their encoding and COPY into staging alone (this side's CPU)"),
        ("store", "for comparison: all of store_round (this side's CPU), COPY included"),
    ):
        report.figure(PATH, f"{part}, {a_batch}", "ns/sample", [one[part] * ns for one in alone], what)
    parts = [one["open"] + one["engine"] + one["copy"] for one in alone]
    report.ratio(PATH, f"whole / (open + engine + COPY), {a_batch}", whole, parts, "<=", PATH_GOAL)
