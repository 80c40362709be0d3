"""Data keys: which key opens a record, and whose it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from devices.wire.keys import key_binding
from devices.wire.sealing import unwrap
from streams.engine.opening.keyring import OpenKey

FRESH_S: Final = 600.0
"""A key is read again after so long, so that one destroyed (erasure) stops opening."""
MOST: Final = 200_000
"""Keys kept; beyond it all are forgotten and read again (about 0.4 KB each)."""


class DatabaseKeyRing:
    """Keys of the table ``data_key``, kept for :data:`FRESH_S`.

    A key is in the database before its gateway gets it, so one that is not there when its record is opened never was:
    "no" is an answer, but it holds for this round only, because a later record may name a key made meanwhile.  A database
    that is away is no answer: ``get_many`` raises ``psycopg.OperationalError`` and the caller tries again.
    """

    def __init__(self, connection: Callable[[], psycopg.Connection], master: bytes) -> None:
        self._connection, self._master = connection, AESGCM(master)
        self._known: dict[int, tuple[OpenKey, float]] = {}

    def get_many(self, keys: Collection[int]) -> Mapping[int, OpenKey]:
        now = time.monotonic()
        missing = [key for key in keys if key not in self._known or self._known[key][1] < now]
        if missing and len(self._known) + len(missing) > MOST:
            self._known, missing = {}, list(keys)
        if missing:
            read = self._read(missing)
            for key in missing:
                self._known.pop(key, None)
            self._known |= {key: (opened, now + FRESH_S) for key, opened in read.items()}
        return {key: self._known[key][0] for key in keys if key in self._known}

    def _read(self, keys: list[int]) -> dict[int, OpenKey]:
        cursor = self._connection().cursor(binary=True)  # as text each secret would be hex
        rows = cursor.execute(
            "SELECT key, patient, gateway, wrapped FROM data_key WHERE key = ANY(%s::int8[]) AND destroyed IS NULL", [keys]
        )
        return {
            key: OpenKey(unwrap(wrapped, self._master, key_binding(patient, gateway)), patient, gateway)
            for key, patient, gateway, wrapped in rows
        }
