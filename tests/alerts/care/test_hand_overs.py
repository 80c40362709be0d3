"""A shift changes hands once both have confirmed it, and not before."""

from __future__ import annotations

import pytest

from alerts.care.hand_overs import accept, offer, open_hand_overs, withdraw
from alerts.care.hands import able_to_act, work_of
from alerts.care.people import add_person
from alerts.care.shift_summary import in_hand_of, occurred
from alerts.care.teams import join
from alerts.database import now_ms
from alerts.errors import RefusedError, UnknownRecordError
from alerts.fold.fold import apply, fold_conditions
from alerts.life.events import Acknowledge, AddNote
from streams.engine.condition import Condition, Priority
from tests.alerts.care.conftest import Ward
from tests.alerts.conftest import Db


def people(db: Db, ward: Ward) -> tuple[int, int, int]:
    nurse, colleague = (add_person(db, name, name, "nurse", "synthetic-only") for name in ("m.testova", "j.sample"))
    stranger = add_person(db, "o.outside", "o.outside", "nurse", "synthetic-only")
    for one in (nurse, colleague):
        join(db, one, ward.team)
    return nurse, colleague, stranger


def alarm_of(db: Db, patient: int, owner: int) -> int:
    at = now_ms(db)
    about = Condition(patient % 64, at // 1000, patient, "spo2.low", 0, "onset", Priority.HIGH, "physiological", vital=3)
    with db.transaction():
        fold_conditions(db, [about])
    found = db.execute("SELECT alarm FROM alarm WHERE subject = %s", [patient]).fetchone()
    assert found
    with db.transaction():
        apply(db, found[0], Acknowledge(owner, at + 1000))
    return int(found[0])


def test_nothing_changes_hands_until_it_is_confirmed_and_then_all_does(db: Db, ward: Ward) -> None:
    nurse, colleague, _ = people(db, ward)
    first = alarm_of(db, ward.ada, nurse)
    with db.transaction():
        apply(db, first, AddNote(nurse, now_ms(db), "daughter informed"))
        number = offer(db, nurse, colleague, "quiet night")
    assert [one.note for one in open_hand_overs(db, colleague)] == ["quiet night"]
    assert {one.owner for one in work_of(db, nurse)} == {nurse}
    alarm_of(db, ward.bruno, nurse)  # taken since the offer: it goes along
    with pytest.raises(RefusedError, match="to whom it is offered"), db.transaction():
        accept(db, number, nurse)
    with db.transaction():
        given = accept(db, number, colleague)
    assert {one.subject for one in given} == {ward.ada, ward.bruno}
    assert work_of(db, nurse) == [] == open_hand_overs(db, colleague)
    assert next((one.patient, one.note) for one in in_hand_of(db, colleague)) == (ward.ada, "daughter informed")
    with pytest.raises(RefusedError, match="is over"), db.transaction():
        withdraw(db, number, nurse)
    kinds = [one.kind for one in occurred(db, [ward.team], 12)]
    assert kinds.count("reassign") == 2
    assert "note" in kinds
    assert occurred(db, [ward.team + 1], 12) == []


def test_an_offer_needs_somebody_who_may_act_and_can_be_withdrawn(db: Db, ward: Ward) -> None:
    nurse, colleague, stranger = people(db, ward)
    with pytest.raises(RefusedError, match="nothing in this person"), db.transaction():
        offer(db, nurse, colleague, "")
    alarm_of(db, ward.ada, nurse)
    with pytest.raises(RefusedError, match="another care team"), db.transaction():
        offer(db, nurse, stranger, "")
    assert [person for person, *_ in able_to_act(db, [ward.ada])] == sorted([nurse, colleague], reverse=True)
    with db.transaction():
        first, second = offer(db, nurse, colleague, ""), offer(db, nurse, colleague, "once more")
    assert [one.number for one in open_hand_overs(db, nurse)] == [second] != [first]
    with pytest.raises(RefusedError, match="other people"), db.transaction():
        withdraw(db, second, stranger)
    with db.transaction():
        withdraw(db, second, colleague)
    assert open_hand_overs(db, nurse) == []
    with pytest.raises(UnknownRecordError), db.transaction():
        accept(db, 99, colleague)
