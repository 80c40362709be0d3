"""AES-256-GCM around a payload, with the batch header as associated data; and data keys wrapped under the master key."""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from devices.errors import SealError
from devices.wire.batch import HEADER

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
_NONCE_AT: Final = HEADER.itemsize - NONCE_BYTES


def new_key() -> bytes:
    """Draw 32 random bytes."""
    return AESGCM.generate_key(256)


def new_nonce() -> bytes:
    """Draw 96 random bits."""
    return os.urandom(NONCE_BYTES)


def seal(header: bytes, payload: bytes, key: bytes) -> bytes:
    """Make the record: ``header`` (whose last 12 bytes are the nonce) and the payload sealed under ``key`` (32 bytes)."""
    return header + AESGCM(key).encrypt(header[_NONCE_AT:], payload, header)


def open_record(record: bytes, key: AESGCM) -> bytes:
    """Open a sealed record and return its payload; :class:`SealError` when it was not sealed under ``key``."""
    head = record[: HEADER.itemsize]
    try:
        return key.decrypt(record[_NONCE_AT : HEADER.itemsize], record[HEADER.itemsize :], head)
    except InvalidTag:
        raise SealError("does not open under the key its header names") from None


def wrap(secret: bytes, master: bytes, about: bytes) -> bytes:
    """Seal ``secret`` under ``master``, bound to ``about`` (its owner): nonce, then ciphertext."""
    nonce = new_nonce()
    return nonce + AESGCM(master).encrypt(nonce, secret, about)


def unwrap(wrapped: bytes, master: bytes | AESGCM, about: bytes) -> bytes:
    """Return the secret of :func:`wrap`; :class:`SealError` under another master key or for another ``about``.

    Pass a prepared ``AESGCM`` to unwrap many: preparing costs as much as unwrapping one.
    """
    ready = master if isinstance(master, AESGCM) else AESGCM(master)
    try:
        return ready.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], about)
    except (InvalidTag, ValueError):  # the latter: too short to be anything
        raise SealError("does not open under this master key: was the key file exchanged?") from None
