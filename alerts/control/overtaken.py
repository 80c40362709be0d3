"""Control records that waited while later ones of their partition were sent, as for a key that did not open.

The engine drops a number that is not greater than the newest one of its partition.  So such a record gets a new number, and
with it all later ones of its patient that wait: their order stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import psycopg
import structlog

from alerts.control.outbox import take_turn
from alerts.database import scalar, scalars

_log = structlog.get_logger(__name__)

# patient 0: every partition
_OVERTAKEN: Final = """
SELECT DISTINCT w.patient FROM control_outbox w WHERE w.sent IS NULL AND w.sequence = ANY(%s) AND EXISTS (
    SELECT FROM control_outbox s WHERE s.sequence > w.sequence AND s.sent IS NOT NULL AND s.epoch = %s
      AND (s.patient %% 64 = w.patient %% 64 OR 0 IN (s.patient, w.patient)))"""
_WAITING: Final = """
SELECT sequence FROM control_outbox WHERE sent IS NULL AND patient = ANY(%s) ORDER BY sequence FOR UPDATE"""


def number_anew(db: psycopg.Connection[Any], epoch: int, sequences: Sequence[int]) -> bool:
    """Give new numbers where one of ``sequences``, which are about to be sent, was overtaken; True if one was."""
    patients = scalars(db, _OVERTAKEN, [list(sequences), epoch])
    if not patients:
        return False
    with db.transaction():
        take_turn(db)
        for sequence in scalars(db, _WAITING, [patients]):
            change = "UPDATE control_outbox SET sequence = DEFAULT WHERE sequence = %s RETURNING sequence"
            new = scalar(db, change, [sequence])
            db.execute("UPDATE limit_change SET sequence = %s WHERE sequence = %s", [new, sequence])
    _log.info("control records that waited are numbered anew", patients=patients)
    return True
