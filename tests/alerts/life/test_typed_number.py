from __future__ import annotations

import pytest

from alerts.life.typed_number import decimal_number, whole_number


def test_plain_digits_are_numbers() -> None:
    assert [whole_number(text) for text in ("0", "86", "-1", "007")] == [0, 86, -1, 7]
    assert [decimal_number(text) for text in ("86", "38,5", "38.5", "+1", "-0.5")] == [86, 38.5, 38.5, 1, -0.5]


@pytest.mark.parametrize(
    "text", ["", " 86", "8_6", "1e5", "nan", "inf", "-inf", "0x10", "٨٦", "８６", "²", "1.", ".5", "1.2.3", "1" * 400, "8 6"]
)
def test_nothing_else_is(text: str) -> None:
    assert whole_number(text) is None
    assert decimal_number(text) is None
