"""quixstreams: a ``StreamingDataFrame`` with ``update``, and with its state (RocksDB and a changelog topic).

As in its documentation: "Processing & Transforming Data" (``update`` for side effects) and "Stateful Processing"
(``update(..., stateful=True)``, changelog topics on by default, a list in ``State``); values by its own JSON deserializer.
"""

from __future__ import annotations

import os
from typing import Any

from quixstreams import Application, State

from benchmarks.peers.batch_job import BatchJob
from benchmarks.peers.job import MEAN_LIMIT, SAMPLE
from benchmarks.peers.notes import Notes
from benchmarks.peers.sample_job import WINDOW_MS, SampleJob


class Stored(SampleJob):
    """The job "sample" with the window of each series in quixstreams' state; states are kept a message key (patient)."""

    def update(self, value: dict[str, Any], state: State) -> None:
        vital, time = value["vital"], value["time"]
        series = state.get(vital) or {"window": [], "total": 0, "above": False}
        window, tenths = series["window"], round(value["value"] * 10)
        window.append((time, tenths))
        total, gone = series["total"] + tenths, 0
        while window[gone][0] <= time - WINDOW_MS:
            total -= window[gone][1]
            gone += 1
        if gone:
            del window[:gone]
        mean = 1000 * total // len(window)
        above = mean > MEAN_LIMIT[vital]
        self.samples += 1
        self.means += mean
        self.crossings += above and not series["above"]
        series["total"], series["above"] = total, above
        state.set(vital, series)


def main() -> None:
    environment, notes = os.environ, Notes()
    by_sample, stored = environment["BENCH_JOB"] == SAMPLE, environment["BENCH_MODE"] == "state"
    job = Stored() if stored else SampleJob() if by_sample else BatchJob()
    app = Application(
        broker_address=environment["BENCH_KAFKA"], consumer_group=environment["BENCH_GROUP"], auto_offset_reset="earliest",
        loglevel="ERROR", state_dir=environment["BENCH_FOLDER"],
    )  # fmt: skip
    value = "json" if by_sample else "bytes"
    topic = app.topic(environment["BENCH_TOPIC"], value_deserializer=value, key_deserializer="bytes")
    frame = app.dataframe(topic)

    def done() -> None:
        notes.done(1, lambda: job.samples, job.found)

    def plain(value: dict[str, Any]) -> None:
        job.put(value["patient"], value["vital"], value["time"], value["value"])  # type: ignore[union-attr]
        done()

    def kept(value: dict[str, Any], state: State) -> None:
        job.update(value, state)  # type: ignore[union-attr]
        done()

    def packed(value: bytes, _key: Any, timestamp: int, _headers: Any) -> None:
        job.take(value, timestamp)  # type: ignore[arg-type]
        done()

    if stored:
        frame.update(kept, stateful=True)
    elif by_sample:
        frame.update(plain)
    else:
        frame.update(packed, metadata=True)
    notes.done(0, lambda: 0, job.found)
    app.run()


if __name__ == "__main__":
    main()
