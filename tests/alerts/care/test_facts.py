"""Facts of a patient: their history, and the whole state for the engine."""

from __future__ import annotations

from alerts.care.facts import facts_of, set_facts
from devices.wire.control import Facts
from tests.alerts.care.conftest import Ward, sent
from tests.alerts.conftest import Db


def test_the_engine_learns_the_facts_with_the_age_from_the_identity(db: Db, ward: Ward) -> None:
    assert sent(db, ward.ada) == [Facts(born="1945-07-14")]
    assert facts_of(db, ward.bruno) == Facts(spo2_scale=2, born="1958-03-02")


def test_facts_keep_their_history_and_are_sent_whole(db: Db, ward: Ward) -> None:
    with db.transaction():
        set_facts(db, ward.ada, Facts(born="1945-07-14", oxygen=True), by=7)
        set_facts(db, ward.ada, Facts(born="1945-07-14", oxygen=True, consciousness="V"), by=8)
    assert sent(db, ward.ada)[-1] == Facts(born="1945-07-14", oxygen=True, consciousness="V") == facts_of(db, ward.ada)
    history = db.execute(
        "SELECT value, until IS NULL, by_person FROM patient_fact WHERE patient = %s AND kind = 'oxygen' ORDER BY since",
        [ward.ada],
    ).fetchall()
    assert history == [(None, False, 1), (True, True, 7)]
