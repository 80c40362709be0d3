from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devices.gatt.date_time import date_time, encode_date_time


@given(st.integers(0, 4_102_444_800))
def test_seconds_survive_encoding(seconds: int) -> None:
    assert date_time(encode_date_time(seconds * 1000 + 999)).milliseconds == seconds * 1000
