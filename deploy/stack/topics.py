"""The topics of Vigil and how they are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True)
class Topic:
    """A topic as the deployment creates it; `options` are Kafka's own names and values."""

    name: str
    partitions: int
    options: Mapping[str, str] = field(default_factory=dict)


def vitals_topic(*, brokers: int, retention_days: float = 7) -> Topic:
    """`vitals.v1`: the log of every sample, event, control and clock record.

    64 partitions for ever, because a patient's partition is patient mod 64.  The append time is the engine's clock.
    Kafka acknowledges from the page cache: a single broker writes every record through to the disk, since no other
    copy survives its power loss.
    """
    options = {
        "message.timestamp.type": "LogAppendTime",
        "cleanup.policy": "delete",
        "retention.ms": str(round(retention_days * DAY_MS)),
        "unclean.leader.election.enable": "false",
    }
    if brokers == 1:
        options["flush.messages"] = "1"
    return Topic("vitals.v1", 64, options)
