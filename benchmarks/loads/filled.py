"""Filled topics of one ward, for rows that read the same log several times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.loads.prepared import admit, prepared
from benchmarks.loads.reading import ends
from benchmarks.loads.ward import Filling, Ward, fill
from benchmarks.servers import Servers


@dataclass(frozen=True)
class Log:
    """A topic with batches of ``readings`` between ``starts`` and ``ends``.

    ``template``: the database in which everybody is known; ``record_bytes``: of a record on the disk, if it was asked for.
    """

    topic: str
    ward: Ward
    readings: int
    template: str
    starts: list[int]
    ends: list[int]
    record_bytes: float

    @property
    def messages(self) -> int:
        return sum(self.ends) - sum(self.starts)


def fill_logs(
    servers: Servers,
    patients: int,
    seconds: Mapping[int, int],
    new_topic: Callable[[], str],
    size: Callable[[str], int] = lambda _: 0,
) -> dict[int, Log]:
    """A log for each number of readings a batch, ``seconds`` long, filled as time passes.  ``size``: bytes of a topic."""
    made = {}
    for readings in seconds:
        topic, ward = new_topic(), Ward(patients)
        made[readings] = topic, ward, admit(servers, topic, ward), size(topic)
    fill(servers.kafka.client(), {topic: Filling(ward, n, seconds[n]) for n, (topic, ward, *_) in made.items()})
    logs = {}
    for n, (topic, ward, starts, before) in made.items():
        until = ends(servers.kafka.bootstrap, topic)
        record_bytes = (size(topic) - before) / (sum(until) - sum(starts))
        logs[n] = Log(topic, ward, n, prepared(servers, topic, ward, starts), starts, until, record_bytes)
    return logs
