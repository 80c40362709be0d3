"""Readings that the log refused for good: they come back to their gateway, which keeps them for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from alerts.database import Tx
from devices.wire.pairing import Place, RefusedReadings

AT_ONCE: Final = 200
REFUSED_FOR_GOOD: Final = """returned IS NULL AND retried IS NULL AND gateway > 0
    AND reason NOT IN ('sender not enrolled', 'consent withdrawn', 'measured while consent was withdrawn',
        'the data key cannot be opened', 'unknown key', 'the engine failed', 'the store failed')"""
"""As the index ``rejected_to_return`` has it."""
_TO_RETURN: Final = f"""
SELECT topic_id, partition, at_offset, reading, device, epoch, sequence, readings, reason FROM rejected
WHERE gateway = %s AND {REFUSED_FOR_GOOD} ORDER BY at LIMIT %s"""
_RETURNED: Final = """
UPDATE rejected SET returned = clock_timestamp() WHERE gateway = %s AND (topic_id, partition, at_offset, reading) IN (
    SELECT * FROM unnest(%s::text[], %s::int4[], %s::int8[], %s::int4[]))"""


def refusals_of(tx: Tx, gateway: int) -> list[RefusedReadings]:
    """The refusals of which a gateway does not know yet, oldest first; one whose readings nobody can name has no count."""
    return [
        RefusedReadings((topic, partition, offset, reading), device or 0, epoch or 0, sequence or 0, count, reason)
        if None not in (device, epoch, sequence, count)
        else RefusedReadings((topic, partition, offset, reading), 0, 0, 0, 0, reason)
        for topic, partition, offset, reading, device, epoch, sequence, count, reason in tx.execute(
            _TO_RETURN, [gateway, AT_ONCE]
        ).fetchall()
    ]


def note_returned(tx: Tx, gateway: int, places: Sequence[Place]) -> None:
    """The gateway has these on its disk."""
    if places:
        tx.execute(_RETURNED, [gateway, *map(list, zip(*places, strict=True))])
