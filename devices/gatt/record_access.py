"""Record Access Control Point (2A52): asks a device for the records in its memory.

Source: Bluetooth SIG, GATT Specification Supplement, Record Access Control Point; Glucose Service 1.0.1, section 3.4;
Continuous Glucose Monitoring Service 1.0.1, section 3.8.  Vigil asks, counts and aborts; it never deletes a record.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from devices.errors import UndecodableError
from devices.gatt.fields import Fields

RECORD_ACCESS: Final = 0x2A52
BY_NUMBER: Final = 1
"""The filter of an operand: sequence numbers (glucose), or minutes since the session's start (CGM)."""

_REPORT, _DELETE, _ABORT, _COUNT, _COUNTED, _RESPONSE = 1, 2, 3, 4, 5, 6
_NULL, _ALL, _AT_LEAST, _LAST = 0, 1, 3, 6
ABORT: Final = bytes((_ABORT, _NULL))
_COUNT_SIZES: Final = (1, 2)


class Answer(IntEnum):
    """The code of a response."""

    SUCCESS = 1
    OPCODE_NOT_SUPPORTED = 2
    INVALID_OPERATOR = 3
    OPERATOR_NOT_SUPPORTED = 4
    INVALID_OPERAND = 5
    NO_RECORDS = 6
    ABORT_UNSUCCESSFUL = 7
    NOT_COMPLETED = 8
    OPERAND_NOT_SUPPORTED = 9
    SERVER_BUSY = 10


@dataclass(frozen=True, slots=True)
class Counted:
    """The number of records that match."""

    count: int


@dataclass(frozen=True, slots=True)
class Responded:
    """The answer to the request ``to`` (its opcode); ``code`` is an :class:`Answer`, or a reserved number."""

    to: int
    code: int


def parse_record_access(data: bytes) -> Counted | Responded:
    """Parse what a device indicates: a count or a response."""
    fields = Fields("record access control point", data)
    opcode = fields.unsigned("opcode", 1)
    operator = fields.unsigned("operator", 1)
    if operator != _NULL:
        raise UndecodableError(fields.what, f"operator {operator} in an answer")
    if opcode == _COUNTED:
        if fields.left not in _COUNT_SIZES and fields.left:
            raise UndecodableError(fields.what, f"length: a count of {fields.left} bytes")
        return Counted(fields.unsigned("count", fields.left or 2))
    if opcode == _RESPONSE:
        found = Responded(fields.unsigned("request opcode", 1), fields.unsigned("response code", 1))
        fields.end()
        return found
    raise UndecodableError(fields.what, f"opcode {opcode} is no answer")


def report(since: int | None = None) -> bytes:
    """The request for all records, or for those numbered ``since`` and more."""
    return _request(_REPORT, since)


def count(since: int | None = None) -> bytes:
    """The request for the number of records that :func:`report` would bring."""
    return _request(_COUNT, since)


def answers(response: Responded, request: bytes) -> bool:
    """True if ``response`` answers ``request``."""
    return response.to == request[0]


def _request(opcode: int, since: int | None) -> bytes:
    if since is None:
        return bytes((opcode, _ALL))
    return bytes((opcode, _AT_LEAST, BY_NUMBER)) + since.to_bytes(2, "little")
