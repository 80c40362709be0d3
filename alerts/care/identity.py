"""The identity of a patient: sealed under the master key, and found by keyed hashes of identifiers."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from typing import Final

import msgspec

from devices.wire.sealing import unwrap, wrap

_INDEX: Final = b"vigil patient index v1"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """``born`` is an ISO date.  The database holds none of this in clear, except ``born``, a fact that scores need."""

    family: str
    given: str
    born: str
    sex: str = ""
    record_number: str = ""
    phone: str = ""

    @property
    def name(self) -> str:
        """The name as the worklist shows it: ``FAMILY, Given``."""
        return f"{self.family.upper()}, {self.given}"


def seal_identity(identity: Identity, master: bytes, patient: int) -> bytes:
    """The value of the column ``patient.identity``."""
    return wrap(msgspec.json.encode(identity), master, _about(patient))


def open_identity(sealed: bytes, master: bytes, patient: int) -> Identity:
    """Open a sealed identity; :class:`devices.errors.SealError` under another master key or patient."""
    return msgspec.json.decode(unwrap(sealed, master, _about(patient)), type=Identity)


def identifiers(identity: Identity) -> dict[str, str]:
    """The identifiers of a patient in one spelling: ``name`` (its words in any order), ``born``, ``record``."""
    found = {
        "name": " ".join(sorted(_plain(f"{identity.family} {identity.given}").split())),
        "born": identity.born,
        "record": _plain(identity.record_number).replace(" ", ""),
    }
    return {kind: value for kind, value in found.items() if value}


def index_hash(kind: str, value: str, master: bytes) -> bytes:
    """The row of ``patient_index`` for one identifier in the spelling of :func:`identifiers`; 32 bytes."""
    key = hmac.digest(master, _INDEX, hashlib.sha256)
    return hmac.digest(key, f"{kind}\x00{value}".encode(), hashlib.sha256)


def _about(patient: int) -> bytes:
    return b"identity:%d" % patient


def _plain(text: str) -> str:
    """Lower case, without accents and punctuation."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in bare.casefold()).split())
