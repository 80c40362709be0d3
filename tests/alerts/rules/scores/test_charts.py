"""MEWS and qSOFA: every band of the printed tables, and what is missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.rules.scores.charts import INPUTS, mews, qsofa
from devices.sample import STEPS

Values = tuple[float | None, float | None, float | None, float | None]
AVPU = {"A": 0, "C": 1, "V": 2, "P": 3, "U": 4, None: -1}


def arrays(values: Values, word: str | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    fixed = [round((value or 0) * STEPS[vital]) for value, vital in zip(values, INPUTS, strict=True)]
    there = [[value is not None] for value in values]
    return np.array(fixed, np.int32)[:, None], np.array(there), np.array([AVPU[word]], np.int8)


@pytest.mark.parametrize(
    ("rr", "sbp", "hr", "temp", "word", "total"),
    [
        (12, 120, 80, 37.0, "A", 0),
        (8, 70, 40, 34.9, "U", 2 + 3 + 2 + 2 + 3),
        (9, 71, 41, 35.0, "A", 0 + 2 + 1 + 0),
        (14, 80, 50, 38.4, "A", 0 + 2 + 1 + 0),
        (15, 81, 51, 38.5, "V", 1 + 1 + 0 + 2 + 1),
        (20, 100, 100, 37, "P", 1 + 1 + 0 + 0 + 2),
        (21, 101, 101, 37, "A", 2 + 0 + 1),
        (29, 199, 110, 37, "A", 2 + 0 + 1),
        (30, 200, 111, 37, "C", 3 + 2 + 2 + 1),
        (12, 120, 129, 37, "A", 2),
        (12, 120, 130, 37, "A", 3),
        (None, None, 130, None, None, 3),
    ],
)
def test_mews_is_as_printed(
    rr: float | None, sbp: float | None, hr: float, temp: float | None, word: str | None, total: int
) -> None:
    assert mews(*arrays((rr, sbp, hr, temp), word)).tolist() == [total]


@pytest.mark.parametrize(
    ("rr", "sbp", "word", "total"),
    [(21, 101, "A", 0), (22, 100, "C", 3), (22, 101, "A", 1), (21, 100, "U", 2), (None, 100, None, 1)],
)
def test_qsofa_counts_three_signs(rr: float | None, sbp: float, word: str | None, total: int) -> None:
    assert qsofa(*arrays((rr, sbp, 80, 37.0), word)).tolist() == [total]


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    st.tuples(*[st.none() | st.floats(0, 300)] * 2, st.none() | st.floats(15, 300), st.none() | st.floats(30, 43)),
    st.sampled_from(tuple(AVPU)),
)
def test_what_is_missing_only_takes_points_away(values: Values, word: str | None) -> None:
    whole = arrays(tuple(1.0 if value is None else value for value in values), word)  # type: ignore[arg-type]
    for of in (mews, qsofa):
        assert of(*arrays(values, word)) <= of(*whole)
