"""Stock Faust: its own transport, ``async for event in stream.events()``, an event a message.

As in Faust's user guide, "Agents: The Stream" and "Streams: events()"; raw bytes and msgspec instead of ``faust.Record``,
which costs more.  Offsets are committed as by default.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import faust

from benchmarks.peers.batch_job import BatchJob
from benchmarks.peers.job import SAMPLE
from benchmarks.peers.notes import Notes
from benchmarks.peers.sample_job import SampleJob


def stock_app(group: str, kafka: str, folder: str, topic: str, **options: float) -> tuple[Any, Any]:
    """The app and its topic of raw bytes, read from the earliest record on."""
    app = faust.App(
        group,
        broker=[f"aiokafka://{kafka}"],
        store="memory://",
        datadir=folder,
        consumer_auto_offset_reset="earliest",
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        **options,
    )
    return app, app.topic(topic, key_type=bytes, key_serializer="raw", value_type=bytes, value_serializer="raw")


def main() -> None:
    environment, notes = os.environ, Notes()
    job = SampleJob() if environment["BENCH_JOB"] == SAMPLE else BatchJob()
    app, topic = stock_app(*(environment[f"BENCH_{name}"] for name in ("GROUP", "KAFKA", "FOLDER", "TOPIC")))

    @app.agent(topic)  # type: ignore[untyped-decorator]
    async def watch(stream: Any) -> None:
        begun = False
        async for event in stream.events():
            if not begun:
                begun = True
                notes.done(0, lambda: 0, job.found)
            job.take(event.value, round(event.message.timestamp * 1000))
            notes.done(1, lambda: job.samples, job.found)

    sys.argv = ["stock_faust", "worker", "-l", "error", "--without-web"]
    app.main()


if __name__ == "__main__":
    main()
