"""Data keys: which key opens a record, and whose it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

import psycopg
import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from devices.errors import SealError
from devices.wire.keys import key_binding
from devices.wire.sealing import KEY_BYTES, unwrap
from streams import metrics
from streams.engine.opening.keyring import OpenKey
from streams.errors import MasterKeyWrongError

FRESH_S: Final = 600.0
"""A key is read again after so long, so that one destroyed (erasure) stops opening."""
MOST: Final = 200_000
"""Keys kept; beyond it all are forgotten and read again (about 0.4 KB each)."""
SAMPLE: Final = 50
"""If none of so many keys opens, the master key is wrong; if one does, the others are damaged each for itself."""

_log = structlog.get_logger(__name__)


class DatabaseKeyRing:
    """Keys of the table ``data_key``, kept for :data:`FRESH_S`.

    A key is in the database before its gateway gets it, so one that is not there when its record is opened never was:
    "no" is an answer, but it holds for this round only, because a later record may name a key made meanwhile.  So is a key
    that cannot be opened: somebody may restore it.  A database that is away is no answer: ``get_many`` raises
    ``psycopg.OperationalError`` and the caller tries again.
    """

    def __init__(self, connection: Callable[[], psycopg.Connection], master: bytes) -> None:
        self._connection, self._master = connection, AESGCM(master)
        self._known: dict[int, tuple[OpenKey, float]] = {}
        self._damaged: set[int] = set()

    def check_master(self, db: psycopg.Connection) -> None:
        """Open the newest keys.

        Raises:
            MasterKeyWrongError: there are some, and none opens.
        """
        rows = db.cursor(binary=True).execute(
            "SELECT patient, gateway, wrapped FROM data_key WHERE destroyed IS NULL ORDER BY key DESC LIMIT %s", [SAMPLE]
        )
        found = rows.fetchall()
        if found and all(self._open(*row) is None for row in found):
            raise MasterKeyWrongError(len(found))

    def of_partitions(self, db: psycopg.Connection) -> tuple[int, bytes] | None:
        """The key of the partitions themselves: its number and secret; ``None`` where there is none, or it is damaged."""
        row = db.execute(
            "SELECT key, wrapped FROM data_key WHERE patient = 0 AND gateway = 0 AND revoked IS NULL AND destroyed IS NULL"
        ).fetchone()
        opened = self._open(0, 0, row[1]) if row else None
        return (row[0], opened.secret) if row and opened else None

    def get_many(self, keys: Collection[int]) -> Mapping[int, OpenKey | None]:
        now = time.monotonic()
        missing = [key for key in keys if key not in self._known or self._known[key][1] < now]
        if missing and len(self._known) + len(missing) > MOST:
            self._known, missing = {}, list(keys)
        read: dict[int, OpenKey | None] = {}
        if missing:
            read = self._read(missing)
            for key in missing:
                self._known.pop(key, None)
            self._known |= {key: (opened, now + FRESH_S) for key, opened in read.items() if opened is not None}
            self._note({key for key, opened in read.items() if opened is None}, missing)
        there = [key for key in keys if key in self._known or key in read]
        return {key: self._known[key][0] if key in self._known else None for key in there}

    def _read(self, keys: list[int]) -> dict[int, OpenKey | None]:
        cursor = self._connection().cursor(binary=True)  # as text each secret would be hex
        rows = cursor.execute(
            "SELECT key, patient, gateway, wrapped FROM data_key WHERE key = ANY(%s::int8[]) AND destroyed IS NULL", [keys]
        )
        return {key: self._open(patient, gateway, wrapped) for key, patient, gateway, wrapped in rows}

    def _open(self, patient: int, gateway: int, wrapped: bytes) -> OpenKey | None:
        try:
            secret = unwrap(wrapped, self._master, key_binding(patient, gateway))
        except SealError:
            return None
        return OpenKey(secret, patient, gateway) if len(secret) == KEY_BYTES else None

    def _note(self, damaged: set[int], asked: Collection[int]) -> None:
        """Log and count each damaged key once, until it opens again."""
        for key in sorted(damaged - self._damaged):
            metrics.KEYS_DAMAGED.inc()
            _log.error("this data key cannot be opened, its records are refused: restore its row of data_key", key=key)
        self._damaged = (self._damaged - set(asked)) | damaged
