"""The identity of a patient: sealed under the master key, and found by keyed hashes of identifiers."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Final

import msgspec

from alerts.care.keyed_hash import keyed_hash
from alerts.care.text import checked_text
from alerts.errors import InvalidIdentityError, InvalidTextError, UnreadableIdentityError
from devices.wire.control import is_birth_date
from devices.wire.sealing import unwrap, wrap

_INDEX: Final = b"vigil patient index v1"
_LONGEST: Final = 100
_TEXTS: Final = {  # what opens the sentence of an error, and whether it may be blank
    "family": ("The family name", False),
    "given": ("The given name", False),
    "sex": ("The sex", True),
    "record_number": ("The record number", True),
    "phone": ("The telephone number", True),
}


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


def check_born(born: str, today: date) -> None:
    """Check a date of birth that somebody gave.

    Raises:
        InvalidIdentityError: it is no ISO date, before 1900, or later than ``today``.
    """
    if not is_birth_date(born):
        raise InvalidIdentityError(f"The date of birth {born!r} is no date since 1900: write it as YYYY-MM-DD.")
    if date.fromisoformat(born) > today:
        raise InvalidIdentityError(f"The date of birth {born} is in the future: check the year.")


def check_identity(identity: Identity, today: date) -> Identity:
    """The identity in the form that is stored, without blanks around its texts; every identity that enters passes here.

    Raises:
        InvalidIdentityError: the date of birth is none.
        InvalidTextError: a name is blank, too long, or holds characters that cannot be stored.
    """
    check_born(identity.born, today)
    return msgspec.structs.replace(identity, **{field: _checked(identity, field) for field in _TEXTS})


def identity_problems(identity: Identity, today: date) -> dict[str, str]:
    """Everything that :func:`check_identity` would refuse: the sentence for each field, in the order of the fields."""
    problems = {}
    for field in Identity.__struct_fields__:
        try:
            check_born(identity.born, today) if field == "born" else _checked(identity, field)
        except (InvalidIdentityError, InvalidTextError) as error:
            problems[field] = str(error)
    return problems


def _checked(identity: Identity, field: str) -> str:
    what, blank = _TEXTS[field]
    return checked_text(getattr(identity, field), what, _LONGEST, blank=blank)


def seal_identity(identity: Identity, master: bytes, patient: int) -> bytes:
    """The value of the column ``patient.identity``."""
    return wrap(msgspec.json.encode(identity), master, _about(patient))


def open_identity(sealed: bytes, master: bytes, patient: int) -> Identity:
    """Open a sealed identity.

    Raises:
        SealError: it was sealed under another master key or for another patient, or is damaged.
        UnreadableIdentityError: it opens and holds no identity.
    """
    try:
        return msgspec.json.decode(unwrap(sealed, master, _about(patient)), type=Identity)
    except (msgspec.DecodeError, RecursionError):
        raise UnreadableIdentityError(patient) from None


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
    return keyed_hash(master, _INDEX, f"{kind}\x00{value}".encode())


def _about(patient: int) -> bytes:
    return b"identity:%d" % patient


def _plain(text: str) -> str:
    """Lower case, without accents and punctuation."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in bare.casefold()).split())
