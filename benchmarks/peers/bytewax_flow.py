"""bytewax: a dataflow with ``map``, and with its state (``stateful_map``), on one worker.

As in its documentation: ``KafkaSource`` with its default batch of 1,000, ``op.map`` and ``op.stateful_map`` keyed by series.
"""

from __future__ import annotations

from typing import Any

import bytewax.operators as op
import msgspec
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

from benchmarks.peers.notes import Orders
from benchmarks.peers.sample_job import Sample, Series


class Counting(StatelessSinkPartition):
    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    def write_batch(self, items: list[Any]) -> None:
        if items:
            self._orders.done(len(items))


class Sink(DynamicSink):
    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> Counting:
        return Counting(self._orders)


def main() -> None:
    orders = Orders()
    job = orders.job
    flow = Dataflow("peer")
    messages = op.input("in", flow, KafkaSource([orders.kafka], [orders.topic]))

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

    if orders.stored:
        done: Any = op.stateful_map("window", op.map("decode", messages, keyed), windowed)
    else:
        done = op.map("window", messages, whole)
    op.output("out", done, Sink(orders))
    orders.done(0)
    run_main(flow)


if __name__ == "__main__":
    main()
