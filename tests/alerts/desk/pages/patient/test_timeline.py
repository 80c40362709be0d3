"""The timeline keeps what was true when it happened, and a change of limits is a line of it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from psycopg import AsyncConnection

from alerts.care.facts import facts_of, set_facts
from alerts.care.identity import open_identity
from alerts.care.limits import chosen_rule_set, set_limits, set_rule_set
from alerts.desk.pages.patient.moment import Moment
from alerts.desk.pages.patient.timeline import read_timeline
from alerts.desk.worklist.read import SlowParts, read_quick, read_slow_parts
from alerts.fold.fold import apply
from alerts.life.events import Acknowledge
from devices.vitals import Vital
from devices.wire.control import Level, Limit, Limits
from streams.engine.condition import Priority
from tests.alerts.desk.conftest import MASTER, Seeded
from tests.alerts.desk.pages.test_worklist import happens
from tests.alerts.desk.seed import take_effect


async def timeline(seeded: Seeded, family: str) -> list[Moment]:
    async with await AsyncConnection.connect(seeded.url, autocommit=True) as connection:
        parts = SlowParts()
        await read_slow_parts(connection, parts, lambda patient, sealed: open_identity(sealed, MASTER, patient))
        snapshot = await read_quick(connection, 1, parts)
        return await read_timeline(connection, snapshot, snapshot.patients[seeded.ward.patients[family]])


def changes(seeded: Seeded, medium: float, high: float) -> None:
    limit = Limit(Vital.HEART_RATE, "high", Level(medium, 60), Level(high, 15), 5)
    with seeded.tx() as tx:
        set_limits(tx, seeded.ward.patients["LOREMSSON"], Limits((limit,)), seeded.ward.clinician)
        take_effect(tx)


async def test_lines_keep_the_limit_they_were_judged_by_and_a_change_says_who_and_what(seeded: Seeded) -> None:
    medium: dict[str, Any] = {"priority": Priority.MEDIUM}
    happens(seeded, "LOREMSSON", "heart_rate.high", value=138, limit=130)
    with seeded.tx() as tx:
        row = tx.execute("SELECT alarm, onset FROM alarm WHERE limit_value = 130 AND value = 138").fetchone()
        assert row
        apply(tx, row[0], Acknowledge(seeded.ward.nurse, int(row[1].timestamp() * 1000) + 500))
    changes(seeded, 110, 145)
    happens(seeded, "LOREMSSON", "heart_rate.high", "better", value=138, limit=110, **medium)
    happens(seeded, "LOREMSSON", "heart_rate.high", "worse", value=150, limit=145)
    changes(seeded, 140, 155)
    happens(seeded, "LOREMSSON", "heart_rate.high", "end", value=150, limit=155)
    moments = [(m.text, m.by) for m in await timeline(seeded, "LOREMSSON")]
    texts = dict(moments)
    assert "HR 138 > 130 /min" in texts  # as it began, although the row of the alarm says 145 now
    assert any(text == "HR 138 > 130 /min: acknowledged" for text in texts)
    assert texts["HR 138 > 110 /min: better"] == "it was high, by a change of the limit: it was 130"
    assert texts["HR 150 > 145 /min"] == "it got worse"
    assert (
        texts["Heart rate medium above none → 110; Heart rate high above 130 → 145; Heart rate hold 15 s → varies s"]
        == "Dr A. Fictus"
    )
    assert texts["Heart rate medium above 110 → 140; Heart rate high above 145 → 155"] == "Dr A. Fictus"
    assert texts["HR 150 > 145 /min: cleared"] == "at 150, by a change of the limit: it was 145"


@pytest.mark.parametrize("own", [False, True])
async def test_a_change_of_the_units_limits_is_a_line_of_those_it_concerns(seeded: Seeded, own: bool) -> None:
    if own:
        changes(seeded, 100, 125)
    with seeded.tx() as tx:
        rules = chosen_rule_set(tx)
        limits = tuple(
            Limit(x.vital, x.side, x.medium, Level(140, 15), x.hysteresis) if (x.vital, x.side) == (1, "high") else x
            for x in rules.limits
        )
        set_rule_set(tx, type(rules)(rules.version + 1, limits=limits), seeded.ward.clinician)
        take_effect(tx)
    lines = [(m.text, m.by) for m in await timeline(seeded, "LOREMSSON") if m.icon == "limits"]
    unit = ("Heart rate high above 130 → 140", "the unit’s limits, Dr A. Fictus")
    assert (unit in lines) is not own  # own limits stand over the unit's
    assert [by for _, by in lines].count("Dr A. Fictus") == int(own)


async def test_a_change_of_facts_is_a_line_with_its_author_and_what_was_known_at_first_is_none(seeded: Seeded) -> None:
    karin = seeded.ward.patients["LOREMSSON"]
    before = [(m.text, m.by) for m in await timeline(seeded, "LOREMSSON")]
    with seeded.tx() as tx:
        facts = replace(facts_of(tx, karin), oxygen=True, consciousness="C")
        set_facts(tx, karin, facts, seeded.ward.nurse)
    lines = [(m.text, m.by) for m in await timeline(seeded, "LOREMSSON")]
    assert sorted(set(lines) - set(before)) == [
        ("Breathes: air → oxygen", "M. Testova RN"),
        ("Consciousness: A → C", "M. Testova RN"),
    ]
