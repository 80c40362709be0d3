"""Data keys: one for each (patient, gateway), wrapped under the master key."""

from __future__ import annotations

from typing import Final

from alerts.database import Tx
from devices.wire.keys import key_binding
from devices.wire.sealing import new_key, unwrap, wrap

DESK: Final = 0
"""The desk, as a gateway; its keys never leave the server."""

_CURRENT: Final = (
    "SELECT key, wrapped FROM data_key WHERE patient = %s AND gateway = %s AND revoked IS NULL AND destroyed IS NULL"
)
_MAKE: Final = "INSERT INTO data_key (patient, gateway, wrapped) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"


def current_key(tx: Tx, master: bytes, patient: int, gateway: int) -> tuple[int, bytes]:
    """Number and secret of the key in use for (patient, gateway); this makes one if there is none.

    Raises:
        SealError: the key was wrapped under another master key.
    """
    row = tx.execute(_CURRENT, [patient, gateway]).fetchone()
    if row is None:
        tx.execute(_MAKE, [patient, gateway, wrap(new_key(), master, key_binding(patient, gateway))])
        row = tx.execute(_CURRENT, [patient, gateway]).fetchone()
        assert row is not None
    return int(row[0]), unwrap(row[1], master, key_binding(patient, gateway))
