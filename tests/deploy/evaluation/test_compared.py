"""Candidates against each other: burden, shortness, hours, what is lost, and the page about it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np

from alerts.rules.defaults import default_rule_set
from deploy.evaluation.compared import compared, record_of, whole_record_of
from deploy.evaluation.page import page_of
from deploy.evaluation.run import run
from deploy.evaluation.stay import MEASURED, Stay
from devices.vitals import Vital
from devices.wire.control import Level, Limit, RuleSet

LATE = RuleSet(2, (Limit(Vital.SPO2, "low", None, Level(92, 60), 1.0),), agree=())
NONE = RuleSet(3, agree=())


def stay(name: str, *values: float, origin_s: int = 0) -> Stay:
    rows = [(second, int(Vital.SPO2), value) for second, value in enumerate(values)]
    return Stay(name, np.array(rows, MEASURED), len(values), origin_s=origin_s)


SHORT = stay("a<b", *[97] * 10, *[88] * 25, *[97] * 60, origin_s=3 * 3600)
LONG = stay("long", *[97] * 10, *[88] * 120, *[97] * 60, origin_s=23 * 3600)
CANDIDATES = {"general": default_rule_set(), "late": LATE, "none": NONE}


def test_calls_shortness_hours_and_lost_episodes() -> None:
    stays = [SHORT, LONG]
    general, late, none = compared(stays, run(stays, CANDIDATES, tick_s=1), list(CANDIDATES), answer_s=30)
    assert (general.calls, late.calls, none.calls) == (2, 1, 0)
    assert general.by_rule == {"spo2.low": 2}
    assert general.by_priority == {"high": 2, "medium": 0}
    assert [hour for hour, count in enumerate(general.by_hour) if count] == [3, 23]
    assert general.short == (0.5, 0.5), "one stood for ten seconds"
    assert (general.lost, general.gained) == ((), 0)
    assert [one.stay for one in late.lost] == ["a<b"]
    assert [one.stay for one in none.lost] == ["a<b", "long"]
    assert record_of(late)["episodes_lost"] == "1 of 2"
    assert whole_record_of(late)["lost"] == [{"patient": "a<b", "begin_s": 27, "end_s": 37, "rules": ["spo2.low"]}]
    assert general.days == (95 + 190) / 86_400


def test_a_candidate_that_finds_more_gains_episodes() -> None:
    stays = [LONG]
    none, general = compared(stays, run(stays, {"none": NONE, "general": default_rule_set()}, tick_s=1), ["none", "general"])
    assert (none.gained, general.gained, general.episodes) == (0, 1, 0)


def test_the_page_stands_alone_and_names_are_written_as_text() -> None:
    stays = [SHORT, LONG]
    page = page_of(compared(stays, run(stays, CANDIDATES, tick_s=1), list(CANDIDATES)), "data <x>")
    assert "a&lt;b" in page and "data &lt;x&gt;" in page and "<x>" not in page
    assert page.count("<svg") == 3
    assert "http" not in page.replace("http-equiv", ""), "nothing is fetched"
    for plot in page.split("<svg")[1:]:
        ET.fromstring("<svg" + plot.partition("</svg>")[0] + "</svg>")
