"""User Data (181C): whose measurements a shared device keeps, and the control point by which it learns who asks.

Source: Bluetooth SIG, User Data Service 1.0, sections 3.2 to 3.4.  What describes a person (name, birth, gender) is decoded
for a pairing page to show; the gateway reads none of it by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from devices.errors import UndecodableError
from devices.gatt.fields import Fields

DATABASE_CHANGE_INCREMENT: Final = 0x2A99
USER_INDEX: Final = 0x2A9A
USER_CONTROL_POINT: Final = 0x2A9F
AGE: Final = 0x2A80
DATE_OF_BIRTH: Final = 0x2A85
GENDER: Final = 0x2A8C
HEIGHT: Final = 0x2A8E
WEIGHT: Final = 0x2A98
UNKNOWN_USER: Final = 255

_REGISTER, _CONSENT, _RESPONSE = 1, 2, 0x20
_LAST_CONSENT: Final = 9999
_GENDERS: Final = ("male", "female", "unspecified")


@dataclass(frozen=True, slots=True)
class UserResponse:
    """The answer to the request ``to`` (its opcode): 1 success, 2 not supported, 3 invalid, 4 failed, 5 not authorized.

    ``user`` is the index of a user that was registered.
    """

    to: int
    code: int
    user: int | None


def parse_user_index(data: bytes) -> int:
    """Parse the index of the user that the connection stands for; 255: none."""
    return _single("user index", "index", data, 1)


def parse_database_change(data: bytes) -> int:
    """Parse the count of changes of the user's data."""
    return _single("database change increment", "increment", data, 4)


def parse_age(data: bytes) -> int:
    """Parse an age in years."""
    return _single("age", "age", data, 1)


def parse_height(data: bytes) -> float:
    """Parse a height in m."""
    return _single("height", "height", data, 2) / 100


def parse_user_weight(data: bytes) -> float:
    """Parse the weight in kg that the user entered; it is no measurement."""
    return _single("weight", "weight", data, 2) / 200


def parse_gender(data: bytes) -> str:
    """Parse male, female or unspecified."""
    code = _single("gender", "gender", data, 1)
    if code >= len(_GENDERS):
        raise UndecodableError("gender", f"gender {code} is reserved")
    return _GENDERS[code]


def parse_date_of_birth(data: bytes) -> tuple[int, int, int]:
    """Parse (year, month, day); 0 is not known."""
    fields = Fields("date of birth", data)
    year, month, day = fields.unsigned("year", 2), fields.unsigned("month", 1), fields.unsigned("day", 1)
    fields.end()
    if (year and not 1582 <= year <= 9999) or month > 12 or day > 31:
        raise UndecodableError(fields.what, f"{year:04}-{month:02}-{day:02} cannot be")
    return year, month, day


def parse_user_response(data: bytes) -> UserResponse:
    """Parse what a device indicates on its user control point."""
    fields = Fields("user control point", data)
    opcode = fields.unsigned("opcode", 1)
    if opcode != _RESPONSE:
        raise UndecodableError(fields.what, f"opcode {opcode} is no answer")
    to, code = fields.unsigned("request opcode", 1), fields.unsigned("response value", 1)
    user = fields.unsigned("user index", 1) if to == _REGISTER and code == 1 else None
    return UserResponse(to, code, user)


def consent(user: int, code: int) -> bytes:
    """The request to act for ``user`` (its index), who has consented by ``code`` (0 to 9999)."""
    if not (0 <= user < UNKNOWN_USER and 0 <= code <= _LAST_CONSENT):
        raise ValueError("a user's index is below 255, a consent code at most 9999")
    return bytes((_CONSENT, user)) + code.to_bytes(2, "little")


def _single(
    what: str, name: Literal["index", "increment", "age", "height", "weight", "gender"], data: bytes, size: int
) -> int:
    fields = Fields(what, data)
    value = fields.unsigned(name, size)
    fields.end()
    return value
