"""Records of the desk that a damaged log lost before a worker had them: the desk shows them as sent, and would for ever."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from alerts.control.outbox import CONTROL_CHANNEL, take_turn
from alerts.database import Tx

# Each is a whole state of its kind: one that another followed is not missed.  Patient 0: every partition has to have it.
_LOST: Final = """
UPDATE control_outbox o SET sent = NULL WHERE o.sent IS NOT NULL AND EXISTS (
    SELECT FROM unnest(%s::int4[]) AS p WHERE (o.patient = 0 OR o.patient %% 64 = p) AND NOT EXISTS (
        SELECT FROM control c WHERE c.partition = p AND c.patient = o.patient AND c.kind = o.kind
            AND (c.epoch > o.epoch OR c.sequence >= o.sequence)))"""
# as gateways do, of the last 24 h: of an older one the reading may be deleted by now
_OBSERVATIONS: Final = """
UPDATE observation o SET sent = NULL WHERE o.sent IS NOT NULL AND o.patient %% 64 = ANY(%s)
    AND o.time > now() - interval '24 hours' AND NOT EXISTS (
        SELECT FROM reading r WHERE r.patient = o.patient AND r.time = o.time AND r.device = 0)"""


def send_lost_again(tx: Tx, partitions: Collection[int]) -> int:
    """Have the relay send again what was sent to ``partitions`` and has not taken effect or is not stored; return how many.

    A record that took effect, and only the database does not know it yet, does no harm the second time.
    """
    take_turn(tx)
    lost = sum(tx.execute(query, [sorted(partitions)]).rowcount for query in (_LOST, _OBSERVATIONS))
    if lost:
        tx.execute("SELECT pg_notify(%s, '')", [CONTROL_CHANNEL])
    return lost
