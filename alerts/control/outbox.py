"""How a change leaves for the log and for gateways: control records in one order, and hints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from alerts.database import Tx
from devices.wire.control import Control, encode_control, kind_of

CONTROL_CHANNEL: Final = "vigil_control"
"""NOTIFY with an empty payload: the relay has something to send."""
CONFIG_CHANNEL: Final = "vigil_config"
"""NOTIFY with a gateway's number: its configuration has changed."""
WHOLE_PARTITION: Final = 0
"""As a patient: every partition."""

_TURN: Final = 0x56494743  # "VIGC"


def take_turn(tx: Tx) -> None:
    """Wait for all changes before this one.  First of all in a change, before it reads or locks anything.

    Numbers of a sequence are taken before they are committed: without turns, record 6 could reach the log before record 5,
    and the engine would then drop 5 as seen.  And a whole state must be read when nobody else is changing it.
    """
    tx.execute("SELECT pg_advisory_xact_lock(%s)", [_TURN])


def send(tx: Tx, patient: int, control: Control, by: int) -> int:
    """Queue the whole state of its kind for ``patient`` (:data:`WHOLE_PARTITION`: for all); its sequence."""
    take_turn(tx)
    row = tx.execute(
        "INSERT INTO control_outbox (patient, kind, payload, by_person) VALUES (%s, %s, %s::jsonb, %s) RETURNING sequence",
        [patient, kind_of(control), encode_control(control).decode(), by],
    ).fetchone()
    assert row is not None
    tx.execute("SELECT pg_notify(%s, '')", [CONTROL_CHANNEL])
    return int(row[0])


def change_configuration(tx: Tx, gateways: Iterable[int]) -> None:
    """Tell these gateways, once this commits, that their configuration is another."""
    tx.execute(
        "WITH changed AS (UPDATE gateway SET config_version = config_version + 1 WHERE gateway = ANY(%s) RETURNING gateway) "
        "SELECT pg_notify(%s, gateway::text) FROM changed",
        [sorted(set(gateways)), CONFIG_CHANNEL],
    )
