"""Stays through the engine: the candidates side by side, and what continuous recordings miss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from alerts.rules.defaults import default_rule_set
from deploy.evaluation.bidmc import read_bidmc
from deploy.evaluation.candidates import BASELINE, bands, charted, continuous
from deploy.evaluation.episodes import onsets_of
from deploy.evaluation.errors import DataSetError
from deploy.evaluation.physionet import read_physionet, stay_of
from deploy.evaluation.run import START_S, run
from deploy.evaluation.stay import MEASURED, Stay
from devices.vitals import Vital

HOUR = 3600


def each_second(name: str, vital: Vital, values: Sequence[float]) -> Stay:
    rows = [(second, int(vital), value) for second, value in enumerate(values)]
    return Stay(name, np.array(rows, MEASURED), len(values))


def test_a_stay_raises_the_same_whoever_stands_beside_it() -> None:
    low, well = (each_second(name, Vital.SPO2, [97] * 30 + [value] * 60) for name, value in (("low", 88), ("well", 97)))
    alone = run([low], {"general": default_rule_set()}, tick_s=1)
    beside = run([well, low, well], {"first": bands(), "general": default_rule_set()}, tick_s=1)
    shown = [(one.second - START_S, one.rule, one.phase) for one in alone["general", 0]]
    assert shown == [(47, "spo2.low", "onset")]
    assert [(one.second - START_S, one.rule, one.phase) for one in beside["general", 1]] == shown
    assert beside["general", 0] == beside["general", 2] == []


def test_charted_values_count_for_two_intervals() -> None:
    ill = [(0, Vital.HEART_RATE, 120), (0, Vital.RESPIRATORY_RATE, 26), (0, Vital.SYSTOLIC, 120), (0, Vital.TEMPERATURE, 37)]
    later = [(1100, Vital.TEMPERATURE, 37.5)]
    stay = Stay("x", np.array([(s, int(v), x) for s, v, x in ill + later], MEASURED), 1300, None, interval_s=600)
    found = run([stay], charted({}))
    assert [(one.rule, one.phase) for one in found[BASELINE, 0]] == [("news2", "onset")]


def test_an_episode_of_a_minute_is_found_and_a_flicker_is_no_onset() -> None:
    stays = [
        each_second("long", Vital.RESPIRATORY_RATE, [16] * 20 + [27] * 62 + [16] * 20),
        each_second("flicker", Vital.RESPIRATORY_RATE, [16, 27] * 60),
    ]
    candidates = continuous({})
    found = run(stays, candidates, tick_s=1)
    one = onsets_of("general", candidates["general"], stays, found)
    assert (one.episodes, one.missed) == (1, [])
    assert one.plain > 20 * one.rules > 0
    nothing = onsets_of("none", candidates["general"], stays, {("none", 0): [], ("none", 1): []})
    assert nothing.missed == [("long", "respiratory_rate.high", 20, 61)]


ROWS = [["00:00", "Age", "54"], ["00:07", "HR", "73"], ["00:07", "HR", "-1"], ["07:30", "MechVent", "1"]]


def test_a_ventilator_after_six_hours_is_an_event_and_before_that_nobody_counts() -> None:
    lived = {"In-hospital_death": "0", "Survival": "-1"}
    stay = stay_of("1", ROWS, lived)
    assert stay and (stay.event_s, len(stay.measured), stay.born) == (7 * HOUR + 1800, 1, "1956-01-01")
    assert stay_of("1", [["01:00", "MechVent", "1"]], lived) is None
    died = stay_of("1", ROWS[:2], {"In-hospital_death": "1", "Survival": "2"})
    assert died and died.event_s == 48 * HOUR
    late = stay_of("1", ROWS[:2], {"In-hospital_death": "1", "Survival": "9"})
    assert late and late.event_s is None


def test_what_is_no_data_set_is_refused_with_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(b"no archive")
    with pytest.raises(DataSetError, match=r"give the file set-a\.tar\.gz"):
        list(read_physionet(tmp_path / "x.tar.gz"))
    with pytest.raises(DataSetError, match="give the folder of the BIDMC numerics"):
        list(read_bidmc(tmp_path))
