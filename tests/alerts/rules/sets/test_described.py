"""The description of a set, and the page that is made of it."""

from __future__ import annotations

from pathlib import Path

from alerts.rules.defaults import default_rule_file
from alerts.rules.layers.files import programme_files
from alerts.rules.sets.described import described, whole_page

PAGE = Path(__file__).parents[4] / "docs/rules.md"


def test_a_rule_is_described_in_plain_language() -> None:
    texts = {one.rule: one.text for one in described(default_rule_file())}
    assert texts["spo2.low"] == "high below 92 % for 15 s, as the chart rounds; ends 1 inside"
    assert texts["glucose.low"].startswith("medium below 70 mg/dL at once, high below 54 mg/dL at once")
    assert texts["weight.gain"].startswith("low when gained 1 kg within 72 h; ends when it is back")
    assert texts["news2"] == "medium from 5, high from 7, for 30 s, until it is below the level by more than 2"


def test_the_page_of_default_sets_is_made_of_the_files() -> None:
    assert PAGE.read_text(encoding="utf-8").startswith(whole_page(default_rule_file(), *programme_files().values()))


def test_every_rule_of_every_set_has_a_source() -> None:
    for found in programme_files().values():
        assert [one.rule for one in described(found) if not one.source and one.text != "off"] == []
