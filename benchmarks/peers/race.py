"""A race of all contenders on the same topics, interleaved: the cost of a message, and a check that all found the same."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from benchmarks.errors import ContenderError
from benchmarks.figures import Report
from benchmarks.loads.observation import Observed, cpu_a_message, wait
from benchmarks.loads.reading import place_group
from benchmarks.peers.batch_job import BatchJob
from benchmarks.peers.environment import MissingError, jvm_peers, python_peers
from benchmarks.peers.job import BATCH, SAMPLE, same
from benchmarks.peers.log import Log, Message, batches, expect, fill, samples
from benchmarks.peers.roster import ROSTER, VIGIL, Contender
from benchmarks.peers.sample_job import SampleJob
from deploy.stack.kafka import Kafka

WARM: Final = 0.5
"""The share of the log before a JVM is measured."""
UNIT: Final = {SAMPLE: "messages/CPU-s", BATCH: "samples/CPU-s"}
ROW: Final = {SAMPLE: "JSON a sample", BATCH: "60 readings a batch"}


@dataclass(frozen=True)
class Size:
    """The size of the log: patients and seconds of the job "sample", patients and minutes of the job "batch"."""

    sample: tuple[int, int] = (1000, 80)
    batch: tuple[int, int] = (1250, 20)


@dataclass
class Race:
    """``commands``: how a contender's program is started, by what it needs.  In a quick report only the form matters: there
    all run at once.
    """

    kafka: Kafka
    report: Report
    folder: Path
    size: Size
    commands: dict[str, list[str | Path]]

    def run(self, roster: Sequence[Contender], repetitions: int) -> None:
        jobs = dict.fromkeys(one.job for one in roster)
        logs, expected = {}, {}  # on the whole log the contenders must agree; of its tail it is known without a broker
        for job in jobs:
            self.report.say(f"{ROW[job]}: preparing the topic")
            logs[job] = fill(self.kafka, job, self._messages(job))
            if any(one.slow for one in roster if one.job == job):
                alone = SampleJob() if job == SAMPLE else BatchJob()
                expect(self._messages(job), logs[job].starts(tail=True), alone.take)
                expected[job, True] = alone.found()
        costs: dict[tuple[str, str], list[tuple[float, float]]] = {(one.job, one.name): [] for one in roster}
        for repetition in range(repetitions):
            self.report.say(f"repetition {repetition + 1} of {repetitions}")
            with ThreadPoolExecutor(len(roster) if self.report.quick else 1) as pool:
                ended = list(pool.map(lambda one: self._measure(one, logs[one.job]), roster))
            for one, (cost, found) in zip(roster, ended, strict=True):
                costs[one.job, one.name].append(cost)
                truth = expected.setdefault((one.job, one.slow), found)
                self.report.check(f"{ROW[one.job]}: {one.name} found what the others did", same(truth, found))
        for job in jobs:
            self._report([one for one in roster if one.job == job], costs)

    def _messages(self, job: str) -> Iterator[Message]:
        return samples(*self.size.sample) if job == SAMPLE else batches(*self.size.batch)

    def _measure(self, one: Contender, log: Log) -> tuple[tuple[float, float], dict[str, float]]:
        """((turns of the fixed loop a message, a sample), what it found)."""
        group = f"peer-{secrets.token_hex(4)}"
        starts, folder = log.starts(tail=one.slow), self.folder / group
        if one.slow:
            place_group(self.kafka.bootstrap, group, log.topic, starts)
        messages = sum(log.ends) - sum(starts)
        folder.mkdir()
        environment = {
            "BENCH_JOB": one.job, "BENCH_MODE": one.mode, "BENCH_KAFKA": self.kafka.bootstrap, "BENCH_TOPIC": log.topic,
            "BENCH_GROUP": group, "BENCH_MESSAGES": str(messages), "BENCH_FOLDER": str(folder),
        }  # fmt: skip
        prefix = "vigil.peers." if one.needs == "jvm" else "benchmarks.peers."
        program = [*self.commands[one.needs], prefix + one.program]
        before = self.report.turn()
        with Observed(one.name, folder, environment, program) as contender:
            (steps,) = wait([contender], messages)
            found, own = contender.found(), psutil.Process(contender.child.pid).children(recursive=True)
        if found is None or own:
            raise ContenderError(one.name, f"started processes of its own: {own}" if own else "found nothing", "")
        turn = (before + self.report.turn()) / 2
        message, sample = cpu_a_message(steps, messages, WARM if one.needs == "jvm" else 0)
        self.report.say(f"  {ROW[one.job]}: {one.name}: {message / 1000:.2f} µs of CPU a message, {sample:.0f} ns a sample")
        return (message / turn, sample / turn), found

    def _report(self, roster: list[Contender], costs: dict[tuple[str, str], list[tuple[float, float]]]) -> None:
        ns = sorted(self.report.turns)[len(self.report.turns) // 2]
        job = roster[0].job
        each = {one.name: [cost[job == BATCH] for cost in costs[job, one.name]] for one in roster}
        for one in roster:
            rates = [1e9 / (cost * ns) for cost in each[one.name]]
            self.report.figure(ROW[job], one.name, UNIT[job], rates, one.what)
        for one in roster:
            if one.goal is not None and VIGIL in each:
                self.report.ratio(ROW[job], f"{VIGIL} / {one.name}", each[one.name], each[VIGIL], ">=", one.goal)


def commands(report: Report) -> dict[str, list[str | Path]]:
    """The command of each program that can run here; a note for those that cannot."""
    found: dict[str, list[str | Path]] = {"nothing": [sys.executable, "-m"]}
    for needs, make in (("peers", python_peers), ("jvm", jvm_peers)):
        try:
            found[needs] = make(report.say)
        except MissingError as missing:
            report.say(str(missing))
            report.notes.append(f"{missing}.")
    return found


def those_of(names: Collection[str], ready: Collection[str]) -> list[Contender]:
    """The contenders that can run here, all or (their programs) those named."""
    return [one for one in ROSTER if one.needs in ready and (not names or one.program in names)]
