"""The token in a message to a person: it opens the page on which that person answers, and nothing else.

It is a notification's number with a keyed hash, so nothing is stored for it, every attempt sends the same one, and none
can be guessed.  It counts once, and only while the call is young and its episode is open.
"""

from __future__ import annotations

import base64
import hmac
from typing import Final

from alerts.care.keyed_hash import keyed_hash

PATH: Final = "/call/"
GOOD_FOR_MS: Final = 24 * 3600 * 1000
_KEY: Final = b"vigil answer link v1"
_MAC_BYTES: Final = 16
_NUMBER_BYTES: Final = 8


def token_of(master: bytes, notification: int, due: int) -> str:
    """The token of a notification, whose ``due`` (ms) keeps it apart from one of the same number in a restored database."""
    number = notification.to_bytes(_NUMBER_BYTES, "big")
    return base64.urlsafe_b64encode(number + _mac(master, number, due)).decode()


def number_in(token: str) -> int | None:
    """The notification that a token speaks of, not checked yet; ``None`` if it is no token."""
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except ValueError:
        return None
    number = int.from_bytes(raw[:_NUMBER_BYTES], "big")
    return number if len(raw) == _NUMBER_BYTES + _MAC_BYTES and 0 < number < 2**63 else None


def is_token(master: bytes, token: str, notification: int, due: int) -> bool:
    """True if it is the token of this notification."""
    return hmac.compare_digest(token.encode(), token_of(master, notification, due).encode())


def _mac(master: bytes, number: bytes, due: int) -> bytes:
    return keyed_hash(master, _KEY, number + due.to_bytes(8, "big"))[:_MAC_BYTES]
