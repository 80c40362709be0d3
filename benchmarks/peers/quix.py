"""quixstreams: a ``StreamingDataFrame`` with ``update``, and with its state (RocksDB and a changelog topic).

As in its documentation: "Processing & Transforming Data" (``update`` for side effects) and "Stateful Processing"
(``update(..., stateful=True)``, changelog topics on by default, a list in ``State``); values by its own JSON deserializer.
"""

from __future__ import annotations

from typing import Any

from quixstreams import Application, State

from benchmarks.peers.job import MEAN_LIMIT
from benchmarks.peers.notes import Orders
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
    orders = Orders(Stored)
    job = orders.job
    app = Application(
        broker_address=orders.kafka, consumer_group=orders.group, auto_offset_reset="earliest", loglevel="ERROR",
        state_dir=orders.folder,
    )  # fmt: skip
    value = "json" if orders.by_sample else "bytes"
    frame = app.dataframe(app.topic(orders.topic, value_deserializer=value, key_deserializer="bytes"))

    def plain(value: dict[str, Any]) -> None:
        job.put(value["patient"], value["vital"], value["time"], value["value"])
        orders.done(1)

    def kept(value: dict[str, Any], state: State) -> None:
        job.update(value, state)
        orders.done(1)

    def packed(value: bytes, _key: Any, timestamp: int, _headers: Any) -> None:
        job.take(value, timestamp)
        orders.done(1)

    if orders.stored:
        frame.update(kept, stateful=True)
    elif orders.by_sample:
        frame.update(plain)
    else:
        frame.update(packed, metadata=True)
    orders.done(0)
    app.run()


if __name__ == "__main__":
    main()
