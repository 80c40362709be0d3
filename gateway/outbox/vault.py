"""Seals what an outbox keeps of patients' values, under the gateway's own key (docs/decisions/0232).

Who has the file, a copy of it, or a damaged one that was set aside, reads no values without the key.  It is a file of 32
bytes beside the outbox, or where ``VIGIL_GATEWAY_OUTBOX_KEY`` says: systemd may keep it bound to the machine's TPM.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from devices.sample import SAMPLE
from gateway.errors import OutboxKeyError
from gateway.private_file import write_private

KEY_BYTES: Final = 32
_MARK: Final = b"\x01"
_NONCE: Final = 12
_MORE: Final = len(_MARK) + _NONCE + 16
"""Bytes by which what is sealed is longer.  Samples are a multiple of 16, so what is sealed is known by its length too."""


class Vault:
    """Seals and opens bytes of a device.  Without a ``key`` it changes nothing."""

    def __init__(self, key: bytes | None = None) -> None:
        self._cipher = AESGCM(key) if key else None
        # a nonce is the process's own random number and a count: no two are alike, however long the key is used
        self._prefix, self._count = os.urandom(_NONCE - 4), 0
        self.check: Final = int.from_bytes(hashlib.sha256(b"vigil outbox" + key).digest()[:6], "big") if key else 0
        """A number by which the key is known again."""

    def seal(self, device: int, content: bytes) -> bytes:
        """The bytes to be kept of ``device``."""
        if self._cipher is None:
            return content
        if self._count >= 1 << 32:
            self._prefix, self._count = os.urandom(_NONCE - 4), 0
        nonce = self._prefix + self._count.to_bytes(4, "little")
        self._count += 1
        return _MARK + nonce + self._cipher.encrypt(nonce, content, device.to_bytes(8, "little"))

    def unseal(self, device: int, kept: bytes) -> bytes:
        """The content of what :meth:`seal` made of it; anything else, such as what is damaged, as it is."""
        if self._cipher is None or kept[:1] != _MARK or len(kept) < _MORE:
            return kept
        end = len(_MARK) + _NONCE
        try:
            return self._cipher.decrypt(kept[len(_MARK) : end], kept[end:], device.to_bytes(8, "little"))
        except InvalidTag:
            return kept


def size_of_samples(kept: int) -> int:
    """The bytes of a reading's samples, of which ``kept`` bytes stand in an outbox, sealed or not."""
    return kept if not kept % SAMPLE.itemsize else kept - _MORE


def open_vault(path: Path) -> Vault:
    """The vault of the key at ``path``, which is made where there is none.

    Raises:
        OutboxKeyError: the file is no key.
    """
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = os.urandom(KEY_BYTES)
        write_private(path, key)
    if len(key) != KEY_BYTES:
        raise OutboxKeyError(path, f"it has {len(key)} bytes and not {KEY_BYTES}")
    return Vault(key)
