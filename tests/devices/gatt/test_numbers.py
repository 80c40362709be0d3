from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.gatt.numbers import Number, encode_medical_float, encode_sfloat, medical_float, sfloat
from devices.sample import Status


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (0x07FF, Status.NAN),
        (0x0800, Status.NRES),
        (0x07FE, Status.POSITIVE_INFINITY),
        (0x0802, Status.NEGATIVE_INFINITY),
        (0x0801, Status.RESERVED),
        (0xF7FF, Status.RESERVED),
    ],
)
def test_special_sfloats_keep_their_meaning(raw: int, status: Status) -> None:
    assert sfloat(raw) == Number(None, status)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (0x007FFFFF, Status.NAN),
        (0x00800000, Status.NRES),
        (0x007FFFFE, Status.POSITIVE_INFINITY),
        (0x00800002, Status.NEGATIVE_INFINITY),
        (0x00800001, Status.RESERVED),
        (0x017FFFFF, Status.RESERVED),
    ],
)
def test_special_floats_keep_their_meaning(raw: int, status: Status) -> None:
    assert medical_float(raw) == Number(None, status)


def test_every_finite_sfloat_is_the_double_nearest_to_its_decimal_value() -> None:
    finite = 0
    for raw in range(0x10000):
        found = sfloat(raw)
        if found.value is None:
            continue
        mantissa, exponent = raw & 0xFFF, raw >> 12
        exact = Fraction(mantissa - 4096 if mantissa > 2047 else mantissa) * Fraction(10) ** (
            exponent - 16 if exponent > 7 else exponent
        )
        assert found.value == float(exact)
        finite += 1
    assert finite == 16 * (4096 - 5)


@given(st.integers(-2045, 2045), st.integers(-8, 7))
def test_sfloat_survives_encoding(mantissa: int, exponent: int) -> None:
    value = float(f"{mantissa}e{exponent}")
    assert sfloat(int.from_bytes(encode_sfloat(value, exponent), "little")).value == value


@given(st.integers(-0x7FFFFD, 0x7FFFFD), st.integers(-10, 10))
def test_float_survives_encoding(mantissa: int, exponent: int) -> None:
    value = float(f"{mantissa}e{exponent}")
    assert medical_float(int.from_bytes(encode_medical_float(value, exponent), "little")).value == value


def test_numbers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        encode_sfloat(2046)
    with pytest.raises(ValueError, match="does not fit"):
        encode_medical_float(9e6)


def test_what_a_sample_keeps() -> None:
    assert Number(97.0).stored(Status.POOR_CONTACT) == (97.0, Status.POOR_CONTACT)
    value, status = Number(None, Status.NAN).stored(Status.POOR_CONTACT)
    assert math.isnan(value) and status is Status.NAN
    assert Number(None, Status.NAN).stored(Status.SENSOR_OFF)[1] is Status.SENSOR_OFF
    value, status = medical_float(0x7F7FFFFD).stored()
    assert math.isnan(value) and status is Status.OUT_OF_RANGE
