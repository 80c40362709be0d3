"""Rule files: every error with its line, and what is written can be read again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from alerts.care.limits_check import check_limits
from alerts.care.rule_sets import checked
from alerts.rules.defaults import GENERAL, default_rule_file, default_rule_set
from alerts.rules.errors import RuleFileError
from alerts.rules.sets.described import described
from alerts.rules.sets.rule_file import read_rule_file
from alerts.rules.sets.written import rule_file_of
from devices.vitals import Vital
from devices.wire.control import (
    Change,
    Combination,
    Drift,
    Level,
    Limit,
    Mews,
    Preference,
    Qsofa,
    Rate,
    Repeated,
    Rolling,
    RuleSet,
    ScoreMean,
    ScoreRise,
    Slope,
    Soon,
    Steady,
)
from tests.streams.engine.any_log import RULES

EVERYTHING = RuleSet(
    3,
    (Limit(Vital.SPO2, "low", Level(94, 60), Level(92, 15), 1.0, True), Limit(Vital.WEIGHT, "high", None, Level(90.5))),
    trends=(
        Rate(10, "low", 2.5, 15, 120.0),
        Soon(10, "low", 55.0),
        Steady(9, "high", 0.2),
        Repeated(5, "low", 100.0),
        Drift(Vital.HEART_RATE, 3.0, sides=("high",)),
        Slope(1, "low", 30.0),
        Change(9, "high", 1.0, 72, 0.2, "medium"),
    ),
    rolling=(Rolling(Vital.SPO2, "low", "share", 300, 92.0, 70), Rolling(1, "high", "mean", 3600, 110.5)),
    scores=(ScoreMean(), ScoreRise(), Mews(), Qsofa()),
    combined=(Combination("both", ("spo2.low",), ("news2", "mews"), 2, "high"),),
    prefer=(Preference(Vital.SPO2, 90),),
    agree=(),
    news2_hysteresis=2,
)


def faults(text: str) -> list[tuple[int, str]]:
    with pytest.raises(RuleFileError) as refused:
        checked(text)
    return [(one.line, one.message) for one in refused.value.faults]


@pytest.mark.parametrize("rules", [EVERYTHING, default_rule_set(5), RuleSet(1)])
def test_what_is_written_is_read_again(rules: RuleSet) -> None:
    assert read_rule_file(rule_file_of(rules, name="ours"), rules.version).rule_set == rules


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(RULES)
def test_so_is_any_rule_set_that_names_each_side_once(rules: RuleSet) -> None:
    sides = {(one.vital, one.side) for one in rules.limits}
    if len(sides) == len(rules.limits) and all(one.medium or one.high for one in rules.limits):
        assert set(read_rule_file(rule_file_of(rules, name="any"), 1).rule_set.limits) == set(rules.limits)


def test_the_default_set_is_a_file_with_a_source_for_every_rule() -> None:
    found = checked(GENERAL.read_text(encoding="utf-8"))
    assert found.rule_set == default_rule_set()
    assert all(one.source for one in described(found)), [one.rule for one in described(found) if not one.source]
    check_limits(found.rule_set.limits)


def test_sources_and_names_stay_when_it_is_written() -> None:
    found = default_rule_file()
    again = read_rule_file(rule_file_of(found.rule_set, name=found.name, about=found.about, sources=found.sources))
    assert (again.name, again.about, again.sources) == (found.name, found.about, found.sources)


BAD = """name = 7
colour = "red"
[limit.spo2.lo]
high = 92
[limit.spo3.low]
high = 92
[limit.heart_rate.high]
high = "fast"
[limit.heart_rate.low]
hysteresis = 5
[news2]
medium = 9
[[trend]]
kind = "change"
vital = "weight"
by = 1.0
side = "up"
within_h = 72
[[trend]]
kind = "leap"
[prefer]
spo2 = 0
[technical]
hold_percent = 200
"""


def test_every_error_is_explained_with_its_line() -> None:
    found = faults(BAD)
    assert [line for line, _ in found] == [1, 1, 2, 3, 5, 8, 9, 12, 17, 20, 22, 24]
    words = dict(found)
    assert words[2].startswith("there is no colour: a rule file has name, about, limit")
    assert words[3] == "there is no side lo: write low or high"
    assert words[5].startswith("there is no vital spo3: the vitals are heart_rate")
    assert words[8] == "this must be a number or {limit, hold_s}, and is text"
    assert words[9] == "this limit has no level: give high, medium or both"
    assert words[17] == "up is not one of the words that may stand here"
    assert words[24] == "this must be at most 100"


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ('name = "x"\n[limit.spo2.low\nhigh = 92\n', 2, "no TOML"),
        ('name = "x"\n\n[limit.spo2.low]\nhigh = 92\ncolour = 1\n', 5, "there is no colour here"),
        ('name = "x"\n[limit.spo2.low]\nhigh = 192\n', 2, "is not between 30 and 100"),
        ('name = "x"\n[limit.spo2.low]\nhigh = { limit = 92, hold = 3 }\n', 3, "there is no hold here"),
        ('name = "x"\n[limit.spo2.low]\nmedium = 90\nhigh = 92\n', 2, ""),
        ('name = "x"\nlimit = 3\n', 2, "limit is a table"),
        (
            'name = "x"\n[[rolling]]\nvital = "weight"\nside = "low"\nfigure = "share"\nwindow_s = 3600\nlimit = 92\n',
            3,
            "only a vital that is measured all the time",
        ),
        ('name = "x"\ntrend = 3\n', 2, "write [[trend]]"),
        ('name = "x"\noff = ["spo2.lo"]\n', 2, "is it spo2.low?"),
        ('name = "x"\n[[trend]]\nkind = "rate"\nvital = "spo2"\nside = "low"\nper_min = 2\n', 4, "measured now and then"),
        (
            'name = "x"\n[[trend]]\nkind = "steady"\nvital = "weight"\nside = "low"\nper_day = 2\nover_days = 99\n',
            7,
            "at most 28",
        ),
        ('name = "x"\n[[trend]]\nkind = "repeated"\nvital = "weight"\nside = "low"\nlimit = 2\nof = 9\n', 7, "at most 8"),
        ('name = "x"\n[[trend]]\nkind = "repeated"\nvital = "weight"\nside = "low"\nlimit = 2\ntimes = 4\n', 7, "above of"),
        ('name = "x"\n[[score]]\nkind = "news2_mean"\nuntil = 4\n', 4, "it would never stand"),
        ('name = "x"\n[[score]]\nkind = "sofa"\n', 3, "is not one of the words"),
        ('name = "x"\n[[combined]]\nname = "both"\n', 2, "give all, any or both"),
        ('name = "x"\n[[combined]]\nname = "both"\nany = ["spo2.low"]\nleast = 2\n', 5, "any has 1"),
        ('name = "x"\n[[combined]]\nname = "both"\nall = ["combined.one"]\n', 4, "there is no rule combined.one"),
        ('name = "x"\n[[combined]]\nname = "Both!"\nall = ["spo2.low"]\n', 3, ""),
    ],
)
def test_what_is_wrong_is_found_at_its_line(text: str, line: int, word: str) -> None:
    (found,) = faults(text)
    assert found[0] == line
    assert word in found[1]
