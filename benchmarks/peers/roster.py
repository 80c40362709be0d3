"""The contenders in their order, and Vigil's goal against each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from benchmarks.peers.job import BATCH, SAMPLE

Needs = Literal["nothing", "peers", "jvm"]
VIGIL: Final = "Vigil"


@dataclass(frozen=True)
class Contender:
    """``program``: a module of this package, or a Java class.  ``slow``: is given only the last eighth of the log."""

    name: str
    job: str
    program: str
    needs: Needs
    goal: float | None
    what: str
    mode: str = "heap"
    slow: bool = False


ROSTER: Final = (
    Contender("bare confluent", SAMPLE, "confluent", "nothing", None, "consume(1000), windows in memory"),
    Contender(VIGIL, SAMPLE, "vigil", "nothing", None, "a Faust agent on the block transport, windows in memory"),
    Contender("stock Faust", SAMPLE, "stock_faust", "nothing", 20, "an event a message, windows in memory", slow=True),
    Contender("bytewax", SAMPLE, "bytewax_flow", "peers", None, "map, windows in memory"),
    Contender("bytewax, state", SAMPLE, "bytewax_flow", "peers", 1.2, "stateful_map", "state"),
    Contender("quixstreams", SAMPLE, "quix", "peers", 2.5, "update, windows in memory"),
    Contender("quixstreams, state", SAMPLE, "quix", "peers", None, "update with State: RocksDB and changelog", "state"),
    Contender("Kafka Streams", SAMPLE, "Streams", "jvm", None, "a processor, windows on the heap"),
    Contender("Kafka Streams, state", SAMPLE, "Streams", "jvm", 1, "in-memory store and its changelog", "state"),
    Contender("Flink", SAMPLE, "Flink", "jvm", None, "no shuffle, windows on the heap"),
    Contender("Flink, state", SAMPLE, "Flink", "jvm", None, "keyBy and ValueState", "state"),
    Contender("bare confluent", BATCH, "confluent", "nothing", 2, "consume(1000), numpy a batch"),
    Contender(VIGIL, BATCH, "vigil", "nothing", None, "block transport, engine, limit rules, both windows read each second"),
    Contender("stock Faust", BATCH, "stock_faust", "nothing", 2, "an event a message, numpy a batch", slow=True),
    Contender("bytewax", BATCH, "bytewax_flow", "peers", 2, "map, numpy a batch"),
    Contender("quixstreams", BATCH, "quix", "peers", 2, "update, numpy a batch"),
    Contender("Kafka Streams", BATCH, "Streams", "jvm", 1.3, "a processor, plain arrays"),
    Contender("Flink", BATCH, "Flink", "jvm", 1.3, "no shuffle, plain arrays"),
)
