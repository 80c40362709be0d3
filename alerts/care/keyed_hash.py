"""A keyed hash under a key of its own, derived from the master key for one purpose."""

from __future__ import annotations

import hashlib
import hmac


def keyed_hash(master: bytes, purpose: bytes, content: bytes) -> bytes:
    """HMAC-SHA-256, 32 bytes: without the master key it can be neither computed nor tried."""
    return hmac.digest(hmac.digest(master, purpose, hashlib.sha256), content, hashlib.sha256)
