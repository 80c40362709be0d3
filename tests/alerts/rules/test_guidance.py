"""Whatever the engine can raise has words: at the desk and in messages, saying what to do and nothing that identifies."""

from __future__ import annotations

import pytest

from alerts.desk.worklist.words import plain, to_do
from alerts.notify.channel import Message
from alerts.rules.guidance import fixed_rules, guidance
from devices.vitals import VITALS
from streams.engine.condition import Priority
from tests.alerts.desk.worklist.test_lines import alarm
from tests.alerts.raised import PARAMETERS, raised

RULES = sorted(raised())
VERBS = ("See or call", "Call", "Look")


def test_the_code_raises_every_family_that_is_known() -> None:
    kinds = {rule.rpartition(".")[2] for rule in RULES if "." in rule and not rule.startswith("combined.")}
    rolling = {one for one in kinds if one.startswith(("high_", "low_"))}
    per_vital = kinds - rolling
    assert per_vital == {
        "high", "low", "drift_high", "drift_low", "rising", "falling", "gain", "loss", "no_value", "disagree",
        "repeatedly_high", "repeatedly_low", "rising_fast", "falling_fast", "soon_high", "soon_low", "rising_for_days",
        "falling_for_days",
    }  # fmt: skip
    of_parameters = {"high", "low", "disagree"}
    assert len(rolling) == 30
    each = len(rolling) * len(VITALS) + len(of_parameters) * len(PARAMETERS) + len(per_vital - of_parameters) * len(VITALS)
    assert len(RULES) == len(fixed_rules()) + each + len([rule for rule in RULES if rule.startswith("combined.")])


def test_no_words_are_kept_for_what_is_never_raised() -> None:
    assert fixed_rules() == {rule for rule in RULES if "." not in rule}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_says_what_it_means_and_begins_with_what_to_do(rule: str) -> None:
    found = guidance(rule)
    assert found is not None, f"{rule} has no words: add them to alerts/rules/guidance.py"
    assert found.means.endswith(".")
    assert found.do.startswith(VERBS), found.do
    assert len(found.means) + len(found.do) < 400  # read at a glance
    for jargon in ("partition", "offset", "CUSUM", "ledger", "watermark", "EWMA"):
        assert jargon not in found.means + found.do


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_written_at_the_desk_in_words_of_its_own(rule: str) -> None:
    vital = next((int(v) for v, spec in VITALS.items() if rule.startswith(spec.column + ".")), None)
    shown = plain(alarm(1, 1, rule=rule, vital=vital, value=12.0, limit_value=11.0, detail={"total": 12}))
    assert rule not in shown
    assert "_" not in shown
    assert all(to_do(alarm(1, 1, rule=rule)))


@pytest.mark.parametrize("rule", RULES)
def test_a_message_says_what_to_do_and_names_no_vital(rule: str) -> None:
    text = Message("k", "team:1", 7, "https://desk/alarms/7", Priority.HIGH, "technical", 0, rule).text
    assert any(verb in text.lower() for verb in ("open the link", "vigil doctor", "look once")), text
    assert len(text) < 320  # two parts of a text message
    for spec in VITALS.values():
        assert spec.label.lower() not in text.lower()
        assert spec.column not in text
    assert "NEWS2" not in text


def test_an_episode_found_in_late_data_says_that_it_is_over() -> None:
    late = alarm(1, 1, rule="heart_rate.high", vital=1, value=134.0, limit_value=120.0, detail={"late": True})
    assert plain(late) == "HR 134 > 120 /min, found in late data"
    assert to_do(late)[1].startswith("It began and ended before its readings arrived")


def test_a_rule_of_a_newer_version_is_shown_and_says_so() -> None:
    assert guidance("skin_colour") is None
    assert plain(alarm(1, 1, rule="skin_colour")) == "Skin colour"
    assert "has no text" in to_do(alarm(1, 1, rule="skin_colour"))[1]
