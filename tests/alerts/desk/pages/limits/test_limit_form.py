from __future__ import annotations

import pytest

from alerts.care.limits import by_side
from alerts.desk.errors import BadFormError
from alerts.desk.pages.limits.limit_form import edited, rows
from alerts.rules.defaults import DEFAULT_LIMITS
from devices.vitals import Vital
from devices.wire.control import Level, Limit, Limits

MEDIUM = (
    Limit(Vital.HEART_RATE, "low", None, Level(41, 15), 5),
    Limit(Vital.HEART_RATE, "high", Level(110, 60), Level(130, 15), 5),
    Limit(Vital.SPO2, "low", Level(94, 60), Level(92, 15), 1),
)
DEFAULTS = by_side((*DEFAULT_LIMITS, *MEDIUM))
"""Of a hospital that has mediums as well."""


def test_one_change_makes_that_side_the_patients_own_and_no_other() -> None:
    limits, changes = edited(DEFAULTS, {}, {"heart_rate.high.high": "125"})
    assert limits == Limits((Limit(Vital.HEART_RATE, "high", Level(110, 60), Level(125, 15), 5),))
    assert [str(change) for change in changes] == ["Heart rate high above 130 → 125"]


def test_other_own_limits_stay() -> None:
    own = by_side((Limit(Vital.SPO2, "low", Level(90, 60), Level(88, 15), 1),))
    limits, _ = edited(DEFAULTS, own, {"heart_rate.high.high": "125"})
    assert {(x.vital, x.side) for x in limits.limits} == {(Vital.SPO2, "low"), (Vital.HEART_RATE, "high")}


def test_an_untouched_form_changes_nothing() -> None:
    form: dict[str, str] = {}
    for row in rows(DEFAULTS, {}):
        names = ("low.high", "low.medium", "high.medium", "high.high")
        form |= {f"{row.column}.{name}": text for name, text in zip(names, row.limits, strict=True)}
        form[f"{row.column}.hold"] = row.hold
    limits, changes = edited(DEFAULTS, {}, form)
    assert (limits, changes) == (Limits(), [])


def test_an_empty_field_switches_a_limit_off() -> None:
    limits, changes = edited(DEFAULTS, {}, {"spo2.low.medium": " "})
    assert limits.limits[0].medium is None
    assert limits.limits[0].high == Level(92, 15)
    assert changes[0].after == "none"


def test_a_hold_counts_for_every_limit_of_its_vital() -> None:
    limits, _ = edited(DEFAULTS, {}, {"heart_rate.hold": "30"})
    assert {level.hold_s for x in limits.limits for level in (x.medium, x.high) if level} == {30}
    assert len(limits.limits) == 2


def test_a_comma_is_a_decimal_point() -> None:
    limits, _ = edited(DEFAULTS, {}, {"temperature.high.medium": "38,5"})
    assert limits.limits[0].medium
    assert limits.limits[0].medium.limit == 38.5


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("heart_rate.high.high", "fast"),
        ("heart_rate.high.high", "nan"),
        ("heart_rate.high.high", "8_6"),
        ("heart_rate.high.high", "1e2"),
        ("heart_rate.high.high", "١٢٠"),
        ("heart_rate.hold", "3_0"),
        ("heart_rate.hold", "3e1"),
        ("heart_rate.high.high", "1e9"),
        ("heart_rate.high.high", "100"),  # below the medium one
        ("heart_rate.low.high", "115"),  # above the medium one of the other side
        ("heart_rate.hold", "-1"),
        ("heart_rate.hold", "1.5"),
        ("heart_rate.hold", "9999"),
    ],
)
def test_what_makes_no_sense_is_named(field: str, text: str) -> None:
    with pytest.raises(BadFormError) as refused:
        edited(DEFAULTS, {}, {field: text})
    assert all(text.startswith("HR") for text in refused.value.problems.values())
