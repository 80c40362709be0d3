"""The signature under which the notifier posts and a provider reports: HMAC-SHA-256 with its time."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

SIGNATURE: Final = "X-Vigil-Signature"
"""``t=<unix seconds>,v1=<hex>``: HMAC-SHA-256, under the shared secret, of the seconds, a dot and the body as sent."""
GOOD_FOR_S: Final = 300
_FORM: Final = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def signature(secret: bytes, at: int, body: bytes) -> str:
    """The value of :data:`SIGNATURE` for a body that is sent at ``at`` (unix seconds)."""
    return f"t={at},v1={hmac.new(secret, f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


def is_signed(secret: bytes, value: str, now: float, body: bytes) -> bool:
    """True if ``value`` signs this body, not long before or after ``now`` (unix seconds)."""
    found = _FORM.fullmatch(value)
    if found is None or abs(int(found[1]) - now) > GOOD_FOR_S:
        return False
    return hmac.compare_digest(value, signature(secret, int(found[1]), body))
