"""Bare confluent-kafka: ``Consumer.consume`` of many messages at once, no framework.

As in its documentation, "Consumer.consume(num_messages, timeout)" for batches; every other option is the default.
"""

from __future__ import annotations

import os

from confluent_kafka import Consumer

from benchmarks.peers.batch_job import BatchJob
from benchmarks.peers.job import SAMPLE
from benchmarks.peers.notes import Notes
from benchmarks.peers.sample_job import SampleJob

_MESSAGES = 1000


def main() -> None:
    environment, notes = os.environ, Notes()
    job = SampleJob() if environment["BENCH_JOB"] == SAMPLE else BatchJob()
    consumer = Consumer({
        "bootstrap.servers": environment["BENCH_KAFKA"], "group.id": environment["BENCH_GROUP"],
        "auto.offset.reset": "earliest",
    })  # fmt: skip
    consumer.subscribe([environment["BENCH_TOPIC"]])
    notes.done(0, lambda: 0, job.found)
    while True:
        messages = consumer.consume(_MESSAGES, 0.2)
        for message in messages:
            job.take(message.value(), message.timestamp()[1])
        if messages:
            notes.done(len(messages), lambda: job.samples, job.found)


if __name__ == "__main__":
    main()
