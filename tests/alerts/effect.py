"""What the engine does with control records, in one statement: everything sent so far takes effect."""

from __future__ import annotations

from typing import Any

import psycopg


def take_effect(tx: psycopg.Connection[Any]) -> None:
    tx.execute(
        "INSERT INTO control (patient, partition, kind, at_offset, epoch, sequence, payload, took_effect)"
        " SELECT patient, patient % 64, kind, sequence, 1, sequence, payload, clock_timestamp() FROM control_outbox"
        " WHERE patient > 0 ON CONFLICT DO NOTHING"
    )
