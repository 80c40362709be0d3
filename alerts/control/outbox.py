"""The outbox of changes: control records for the log in one order, and hints to gateways."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from alerts.database import Tx, scalar
from alerts.errors import InvalidControlError
from devices.errors import MalformedBatchError
from devices.wire.control import Control, decode_control, encode_control, kind_of

CONTROL_CHANNEL: Final = "vigil_control"
"""NOTIFY with an empty payload: the relay has something to send."""
CONFIG_CHANNEL: Final = "vigil_config"
"""NOTIFY with a gateway's number: its configuration has changed."""
WHOLE_PARTITION: Final = 0
"""The patient number that means every partition."""

_TURN: Final = 0x56494743  # "VIGC"


def take_turn(tx: Tx) -> None:
    """Wait until all changes before this one have ended.  Call this before the change reads or locks anything.

    A sequence gives numbers before they are committed: without turns, record 6 could reach the log before record 5, and the
    engine would then drop 5 as already seen.  Also, a whole state must not change while it is read.
    """
    tx.execute("SELECT pg_advisory_xact_lock(%s)", [_TURN])


def send(tx: Tx, patient: int, control: Control, by: int) -> int:
    """Queue the whole state of its kind for ``patient`` (:data:`WHOLE_PARTITION`: for all); return its sequence.

    Raises:
        InvalidControlError: the engine would refuse it.
    """
    payload = encode_control(control)
    try:
        decode_control(payload)
    except MalformedBatchError as error:
        raise InvalidControlError(f"This cannot be sent ({error.reason}): correct it and try again.") from None
    take_turn(tx)
    sequence: int = scalar(
        tx,
        "INSERT INTO control_outbox (patient, kind, payload, by_person) VALUES (%s, %s, %s::jsonb, %s) RETURNING sequence",
        [patient, kind_of(control), payload.decode(), by],
    )
    tx.execute("SELECT pg_notify(%s, '')", [CONTROL_CHANNEL])
    return sequence


def change_configuration(tx: Tx, gateways: Iterable[int]) -> None:
    """Tell these gateways, when this commits, that their configuration has changed."""
    tx.execute(
        "WITH changed AS (UPDATE gateway SET config_version = config_version + 1 WHERE gateway = ANY(%s) RETURNING gateway) "
        "SELECT pg_notify(%s, gateway::text) FROM changed",
        [sorted(set(gateways)), CONFIG_CHANNEL],
    )
