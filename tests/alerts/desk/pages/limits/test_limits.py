"""The history of a patient's limits: waiting, then sent, then in effect."""

from __future__ import annotations

from psycopg import AsyncConnection

from alerts.care.limits import by_side, set_limits, set_rule_set
from alerts.desk.pages.limits.limits import Editor, read_editor
from alerts.rules.defaults import DEFAULT_LIMITS, default_rule_set
from devices.vitals import Vital
from devices.wire.control import Level, Limit, Limits
from tests.alerts.desk.conftest import Seeded
from tests.alerts.desk.seed import take_effect

SPO2 = Limit(Vital.SPO2, "low", Level(90, 60), Level(86, 15), 1)


async def editor(seeded: Seeded, family: str) -> Editor:
    async with await AsyncConnection.connect(seeded.url) as connection:
        return await read_editor(connection, seeded.ward.patients[family])


def change(seeded: Seeded, limits: Limits) -> None:
    with seeded.tx() as tx:
        set_limits(tx, seeded.ward.patients["LOREMSSON"], limits, seeded.ward.nurse)


async def test_a_change_waits_then_is_sent_then_takes_effect(seeded: Seeded) -> None:
    change(seeded, Limits((SPO2,)))
    found = await editor(seeded, "LOREMSSON")
    assert found.own == by_side((SPO2,))
    (version,) = found.versions
    assert (version.state, version.by, version.effective) == ("waiting", "M. Testova RN", None)
    with seeded.tx() as tx:
        tx.execute("UPDATE control_outbox SET sent = now()")
    assert (await editor(seeded, "LOREMSSON")).versions[0].state == "sent"
    with seeded.tx() as tx:
        take_effect(tx)
    (version,) = (await editor(seeded, "LOREMSSON")).versions
    assert version.state == "effective"
    assert version.effective is not None


async def test_a_second_change_is_not_in_effect_because_the_first_is(seeded: Seeded) -> None:
    change(seeded, Limits((SPO2,)))
    with seeded.tx() as tx:
        take_effect(tx)
    change(seeded, Limits(()))
    found = await editor(seeded, "LOREMSSON")
    assert found.own == {}
    assert [version.state for version in found.versions] == ["waiting", "effective"]


async def test_limits_of_one_patient_are_not_anothers(seeded: Seeded) -> None:
    change(seeded, Limits((SPO2,)))
    found = await editor(seeded, "NOTREALLI")
    assert (found.own, found.defaults, found.versions) == ({}, by_side(DEFAULT_LIMITS), [])


async def test_a_new_rule_set_gives_every_patient_its_limits(seeded: Seeded) -> None:
    with seeded.tx() as tx:
        set_rule_set(tx, default_rule_set(2), seeded.ward.nurse)
        tx.execute("UPDATE rule_set SET content = jsonb_set(content, '{limits}', '[]') WHERE version = 2")
    assert (await editor(seeded, "LOREMSSON")).defaults == {}
