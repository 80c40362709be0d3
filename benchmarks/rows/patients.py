"""More patients at the same number of samples a second, more partitions, and the dearest second of the clock.

The engine with all rules, without broker and database (:mod:`benchmarks.loads.patients_case`): the log is the same each
time, so that a second is compared with itself over the repetitions and chance does not make the worst one.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from benchmarks.figures import Report
from benchmarks.loads.apart import run_apart
from benchmarks.loads.patients_case import Seconds, Spec, run
from benchmarks.servers import Servers
from devices.wire.batch import PARTITIONS

ROW: Final = "patients"
MORE_PATIENTS: Final = 2.0
MORE_PARTITIONS: Final = 1.3
WORST_SECOND: Final = 5.0
CASES: Final = {
    "1k, 1 s": Spec(1024, 64, 1),
    "10k, 10 s": Spec(10_240, 64, 10),
    "100k, 100 s": Spec(102_400, 64, 100),
    "100k, 10 s": Spec(102_400, 64, 10),
    "1k, 1 s, 1 partition": Spec(1024, 1, 1),
    "10k, 10 s, 1 partition": Spec(10_240, 1, 10),
}
"""Patients and seconds between two readings of each; the first three have 1,024 readings of 4 vitals a second in all."""
QUICK: Final = {"1k, 1 s": 128, "10k, 10 s": 640, "100k, 100 s": 1280, "1k, 1 s, 1 partition": 128}
"""Patients, for a few seconds."""
_SHOWN: Final = 5


def patients(_servers: Servers, report: Report, repetitions: int) -> None:
    quick = {name: replace(CASES[name], patients=count, fill=10, seconds=20) for name, count in QUICK.items()}
    cases = quick if report.quick else CASES
    found: dict[str, list[Seconds]] = {name: [] for name in cases}
    for nth in range(repetitions):
        report.say(f"{ROW}: repetition {nth + 1} of {repetitions}")
        for name, spec in cases.items():
            found[name].append(run_apart(run, spec))
            report.turns.append(found[name][-1].turn)
    cost = {name: [sum(one.spent) / one.samples / one.turn for one in runs] for name, runs in found.items()}
    for name, spec in cases.items():
        what = f"{spec.patients:,} patients, a reading of 4 vitals each {spec.every} s, {spec.partitions} partitions"
        report.figure(ROW, name, "turns/sample", cost[name], what)
        snapshots = [sum(one.snapshots) / one.samples / one.turn for one in found[name]]
        report.figure(ROW, f"{name}: of it states", "turns/sample", snapshots, "Engine.snapshot, of partitions that are due")
        report.figure(ROW, f"{name}: memory", "MB", [one.end_bytes / 2**20 for one in found[name]], "RSS of the process")
    first, *more = list(cases)[:3]
    for name in more:
        report.ratio(ROW, f"CPU a sample, {name} / {first}", cost[name], cost[first], "<=", MORE_PATIENTS)
    for name in cases:
        if name.endswith(", 1 partition"):
            many = name.removesuffix(", 1 partition")
            report.ratio(ROW, f"CPU a sample, {many}, 64 / 1 partitions", cost[many], cost[name], "<=", MORE_PARTITIONS)
    few, most = cases["10k, 10 s"].patients, cases["100k, 100 s"].patients
    grown = [
        (large.end_bytes - small.end_bytes) / (most - few)
        for small, large in zip(found["10k, 10 s"], found["100k, 100 s"], strict=True)
    ]
    report.figure(ROW, "memory a patient", "bytes", grown, f"RSS, {few:,} → {most:,} patients of 4 vitals")
    for name, spec in cases.items():
        if spec.partitions == PARTITIONS:  # as deployed: in one partition the state of all patients is saved in one second
            _worst(report, name, spec, found[name])


def _worst(report: Report, name: str, spec: Spec, runs: list[Seconds]) -> None:
    """Report the goal about the dearest second, and the work that it has more than a usual one."""
    spent = [statistics.median(each) for each in zip(*(one.spent for one in runs), strict=True)]
    usual = statistics.median_low(spent)
    at, first = spent.index(max(spent)), runs[0].first
    ratios = [one.spent[at] / statistics.median(one.spent) for one in runs]
    report.goal(ROW, f"dearest second / median one, {name}", max(spent) / usual, "<=", WORST_SECOND,
                spread=(min(ratios), max(ratios)))  # fmt: skip
    look = [first + at, first + spent.index(usual)]
    profiles = run_apart(run, replace(spec, profile=look)).profiles
    worst, other = profiles[look[0]], dict(profiles[look[1]])
    more = sorted(((ms - other.get(place, 0.0), place) for place, ms in worst), reverse=True)[:_SHOWN]
    report.notes.append(
        f"{ROW}: {name}: the dearest second is {_clock(look[0])} ({max(spent) / 1e6:.1f} ms; the median one,"
        f" {_clock(look[1])}, {usual / 1e6:.1f} ms). More than there, under a profiler that makes"
        " small calls dearer: " + ", ".join(f"{place} {ms:+.1f} ms" for ms, place in more)
    )
    report.say(report.notes[-1])


def _clock(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%H:%M:%S")
