"""bytewax: a dataflow with ``map``, and with its state (``stateful_map``), on one worker.

As in its documentation: ``KafkaSource`` with its default batch of 1,000, ``op.map`` and ``op.stateful_map`` keyed by series.
"""

from __future__ import annotations

import os
from typing import Any

import bytewax.operators as op
import msgspec
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

from benchmarks.peers.batch_job import BatchJob
from benchmarks.peers.job import SAMPLE
from benchmarks.peers.notes import Notes
from benchmarks.peers.sample_job import Sample, SampleJob, Series


class Counting(StatelessSinkPartition):
    def __init__(self, notes: Notes, job: Any) -> None:
        self._notes, self._job = notes, job

    def write_batch(self, items: list[Any]) -> None:
        if items:
            self._notes.done(len(items), lambda: self._job.samples, self._job.found)


class Sink(DynamicSink):
    def __init__(self, notes: Notes, job: Any) -> None:
        self._notes, self._job = notes, job

    def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> Counting:
        return Counting(self._notes, self._job)


def main() -> None:
    environment, notes = os.environ, Notes()
    by_sample, stored = environment["BENCH_JOB"] == SAMPLE, environment["BENCH_MODE"] == "state"
    job: Any = SampleJob() if by_sample else BatchJob()
    flow = Dataflow("peer")
    messages = op.input("in", flow, KafkaSource([environment["BENCH_KAFKA"]], [environment["BENCH_TOPIC"]]))

    def whole(message: Any) -> None:
        job.take(message.value, message.timestamp[1])

    decode = msgspec.json.Decoder(Sample).decode

    def keyed(message: Any) -> tuple[str, tuple[str, int, float]]:
        sample = decode(message.value)
        return f"{sample.patient}/{sample.vital}", (sample.vital, sample.time, sample.value)

    def windowed(series: Series | None, sample: tuple[str, int, float]) -> tuple[Series, int]:
        vital, time, value = sample
        if series is None:
            series = Series(vital)
        mean = series.add(time, value)
        job.count(series, mean)
        return series, mean

    if stored:
        done: Any = op.stateful_map("window", op.map("decode", messages, keyed), windowed)
    else:
        done = op.map("window", messages, whole)
    op.output("out", done, Sink(notes, job))
    notes.done(0, lambda: 0, job.found)
    run_main(flow)


if __name__ == "__main__":
    main()
