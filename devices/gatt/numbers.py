"""IEEE 11073 floats as Bluetooth uses them: a decimal mantissa and exponent, and five values that are no number.

Source: IEEE 11073-20601 (FLOAT-Type, SFLOAT-Type); Bluetooth SIG, Personal Health Devices Transcoding White Paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from devices.sample import Status

_TOO_LARGE: Final = (2.0 - 2.0**-24) * 2.0**127
"""The least number that rounds to infinity in float32."""


@dataclass(frozen=True, slots=True)
class Number:
    """A finite ``value`` with status OK, or ``None`` with the status that says which special value it was."""

    value: float | None
    status: Status = Status.OK

    def stored(self, status: Status = Status.OK) -> tuple[float, Status]:
        """The (value or NaN, status) that a sample keeps, where the device gave the whole reading ``status``.

        A sensor off the body outranks the special value it makes the device send; a special value outranks a poor signal.
        A finite number beyond float32 is not a value of any vital: NaN, out of range.
        """
        if self.value is None:
            return float("nan"), status if status is Status.SENSOR_OFF else self.status
        if abs(self.value) >= _TOO_LARGE:
            return float("nan"), Status.OUT_OF_RANGE
        return self.value, status


_SFLOAT_SPECIAL: Final = {
    0x07FE: Status.POSITIVE_INFINITY,
    0x07FF: Status.NAN,
    0x0800: Status.NRES,
    0x0801: Status.RESERVED,
    0x0802: Status.NEGATIVE_INFINITY,
}
_FLOAT_SPECIAL: Final = {
    0x7FFFFE: Status.POSITIVE_INFINITY,
    0x7FFFFF: Status.NAN,
    0x800000: Status.NRES,
    0x800001: Status.RESERVED,
    0x800002: Status.NEGATIVE_INFINITY,
}


def sfloat(raw: int) -> Number:
    """Decode the 16-bit SFLOAT ``raw`` (unsigned): 4 bits exponent, 12 bits mantissa."""
    return _number(raw & 0x0FFF, raw >> 12, 12, 4, _SFLOAT_SPECIAL)


def medical_float(raw: int) -> Number:
    """Decode the 32-bit FLOAT ``raw`` (unsigned): 8 bits exponent, 24 bits mantissa."""
    return _number(raw & 0x00FFFFFF, raw >> 24, 24, 8, _FLOAT_SPECIAL)


def _number(mantissa: int, exponent: int, mantissa_bits: int, exponent_bits: int, special: dict[int, Status]) -> Number:
    if mantissa in special:
        # The five mantissas are values only with exponent 0; with another one they lie outside the allowed range.
        return Number(None, special[mantissa] if exponent == 0 else Status.RESERVED)
    # Through decimal text: 366 x 10^-1 is the float nearest to 36.6, which a multiplication by 0.1 misses.
    return Number(float(f"{_signed(mantissa, mantissa_bits)}e{_signed(exponent, exponent_bits)}"))


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def encode_sfloat(value: float, exponent: int = 0) -> bytes:
    """Encode ``value`` as an SFLOAT rounded to ``10 ** exponent``, 2 bytes; ``ValueError`` if its mantissa does not fit."""
    mantissa = round(Decimal(str(value)).scaleb(-exponent))
    if not (-2045 <= mantissa <= 2045 and -8 <= exponent <= 7):
        raise ValueError(f"{value} does not fit an SFLOAT with exponent {exponent}")
    return ((mantissa & 0x0FFF) | (exponent & 0xF) << 12).to_bytes(2, "little")


def encode_medical_float(value: float, exponent: int = 0) -> bytes:
    """Encode ``value`` as a FLOAT rounded to ``10 ** exponent``, 4 bytes; ``ValueError`` when its mantissa does not fit."""
    mantissa = round(Decimal(str(value)).scaleb(-exponent))
    if not (abs(mantissa) <= 0x7FFFFD and -128 <= exponent <= 127):
        raise ValueError(f"{value} does not fit a FLOAT with exponent {exponent}")
    return ((mantissa & 0xFFFFFF) | (exponent & 0xFF) << 24).to_bytes(4, "little")
