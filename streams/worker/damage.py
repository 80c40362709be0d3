"""Damage: the log of a partition does not go on where its ledger stands."""

from __future__ import annotations

from collections.abc import Mapping

from streams.kafka.position import Appended, Extent
from streams.store.ledger import Held
from streams.worker.ports import Brokers


def compare(
    brokers: Brokers, topic_id: str, held: Mapping[int, Held], extents: Mapping[int, Extent]
) -> dict[int, str | None]:
    """:func:`damage` of each partition; asks the brokers for the last record stored, where log and ledger know it.

    Raises:
        KafkaException, TimeoutError: the brokers are away; try again.
    """
    stored = {
        p: one.offset - 1
        for p, one in held.items()
        if one.last is not None and extents[p].begin < one.offset <= extents[p].end and one.topic_id == topic_id
    }
    last = brokers.at(stored)
    return {p: damage(one, topic_id, extents[p], last.get(p)) for p, one in held.items()}


def damage(held: Held, topic_id: str, extent: Extent, last: Appended | None) -> str | None:
    """The reason why the log does not go on where the ledger stands, or ``None``.

    ``last`` is what the log holds at the last record stored: a log that was cut back and has grown again holds another one
    there, or appended it at another time (of a clock record every byte is the same).
    """
    if held.topic_id != topic_id:
        return "the topic was made again"
    if held.offset < extent.begin:
        return "records not yet stored have expired"
    if held.offset > extent.end:
        return "the log was cut back"
    if held.last is not None and extent.begin < held.offset and last != held.last:
        return "the log was cut back and has grown again"
    return None
