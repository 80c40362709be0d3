"""Answers to a message by its token: taken, seen, declined; each once, and only by whom it was sent to."""

from __future__ import annotations

import pytest

from alerts.care.answer_links import number_in, token_of
from alerts.care.answers import Answer, Asked, answer, asked, record_receipt
from alerts.database import scalar, to_ms
from alerts.errors import ConflictError, RefusedError
from alerts.fold.fold import apply
from alerts.life.events import Acknowledge
from tests.alerts.conftest import Db
from tests.alerts.fold.test_fold import condition, fold
from tests.alerts.notify.test_escalate import at, begin, people
from tests.alerts.notify.test_outbox import now
from tests.alerts.rota.ward import ANN, BEN, CEM, MASTER, with_rota

__all__ = ["now"]


def token(db: Db) -> str:
    """Of the newest message to a person."""
    row = db.execute(
        "SELECT notification, due FROM notification WHERE recipient LIKE 'person:%' ORDER BY 1 DESC LIMIT 1"
    ).fetchone()
    assert row is not None
    return token_of(MASTER, row[0], to_ms(row[1]))


def ask(db: Db, of: str) -> Asked:
    with db.transaction():
        return asked(db, MASTER, of)


def give(db: Db, of: str, what: Answer) -> str:
    shown = ask(db, of).seen
    with db.transaction():
        return answer(db, MASTER, of, what, shown)


def test_the_person_takes_the_patient_and_nobody_else_is_called(db: Db, now: int) -> None:
    with_rota(db)
    alarm = begin(db, now)
    assert "You have the patient" in give(db, token(db), "acknowledged")
    assert db.execute("SELECT life, owner FROM alarm WHERE alarm = %s", [alarm]).fetchone() == ("acknowledged", ANN)
    assert scalar(db, "SELECT count(*) FROM escalation") == 0
    assert db.execute("SELECT person, action FROM audit").fetchall() == [(ANN, "call.acknowledged")]
    with pytest.raises(RefusedError, match="already"):
        ask(db, token(db))


def test_asking_changes_nothing(db: Db, now: int) -> None:
    with_rota(db)
    begin(db, now)
    before = db.execute("SELECT * FROM notification, escalation, alarm, episode").fetchall()
    assert (ask(db, token(db)).person, ask(db, token(db)).name) == (ANN, "ann")
    assert db.execute("SELECT * FROM notification, escalation, alarm, episode").fetchall() == before


def test_who_declines_is_followed_at_once(db: Db, now: int) -> None:
    with_rota(db)
    begin(db, now)
    give(db, token(db), "declined")
    at(db, now + 5)
    assert people(db)[-1] == (f"person:{CEM}", 1)


def test_who_has_seen_it_gets_more_time_once(db: Db, now: int) -> None:
    with_rota(db)
    begin(db, now)
    before = scalar(db, "SELECT due FROM escalation")
    give(db, token(db), "seen")
    after = scalar(db, "SELECT due FROM escalation")
    assert 150 < (after - before).total_seconds() <= 180 + 5
    give(db, token(db), "seen")
    assert scalar(db, "SELECT due FROM escalation") == after
    assert "You have the patient" in give(db, token(db), "acknowledged")


def test_only_the_alarms_that_were_shown_are_taken_and_not_in_a_newer_form(db: Db, now: int) -> None:
    with_rota(db)
    first = begin(db, now)
    shown, of = ask(db, token(db)).seen, token(db)
    fold(db, condition(rule="heart_rate.high", vital=1, second=now + 5))
    with db.transaction():
        answer(db, MASTER, of, "acknowledged", {**shown, 999_999: 1})
    assert db.execute("SELECT alarm FROM alarm WHERE life = 'acknowledged'").fetchall() == [(first,)]


def test_who_comes_second_hears_who_was_first(db: Db, now: int) -> None:
    with_rota(db)
    alarm = begin(db, now)
    shown, of = ask(db, token(db)).seen, token(db)
    with db.transaction():
        apply(db, alarm, Acknowledge(BEN, now * 1000))
    with pytest.raises((RefusedError, ConflictError)), db.transaction():
        answer(db, MASTER, of, "acknowledged", shown)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE person SET disabled = now()", "may not act"),
        ("UPDATE membership SET until = now()", "may not act"),
        ("UPDATE person SET role = 'administrator'", "may not act"),
        ("UPDATE notification SET due = due - interval '25 hours'", "too old"),
        ("UPDATE alarm SET life = 'closed', closed = now()", "Nobody has to be called"),
    ],
)
def test_a_token_is_no_more_than_its_person_may_at_the_desk(db: Db, now: int, change: str, words: str) -> None:
    with_rota(db)
    begin(db, now)
    db.execute(change.encode())
    with pytest.raises(RefusedError, match=words):
        ask(db, token(db))


def test_a_token_cannot_be_made_without_the_key_nor_for_another_message(db: Db, now: int) -> None:
    with_rota(db)
    begin(db, now)
    good = token(db)
    number = number_in(good)
    assert number is not None
    forged = token_of(bytes(32), number, 0)
    for wrong in ("", "x", "%00", good[:-1], good[:-2] + "AA", good.replace(good[2], "_", 1), forged, "é" * 32):
        if wrong != good:
            with pytest.raises(RefusedError, match="not valid"):
                ask(db, wrong)


def test_receipts_of_a_provider_are_kept_and_seen_and_declined_count(db: Db, now: int) -> None:
    with_rota(db)
    begin(db, now)
    number = scalar(db, "SELECT notification FROM notification")
    assert not record_receipt(db, f"vigil-{number}", "delivered"), "it was never sent"
    db.execute("UPDATE notification SET attempts = 1, sent = now()")
    for what in ("delivered", "seen", "declined"):
        with db.transaction():
            assert record_receipt(db, f"vigil-{number}", what)
    assert db.execute("SELECT delivered, seen, declined FROM notification WHERE delivered IS NULL").fetchall() == []
    assert scalar(db, "SELECT due <= clock_timestamp() FROM escalation")
    for wrong in ("", "7", "vigil-", "vigil-x", "vigil-9999999", "vigil-" + "9" * 40):
        assert not record_receipt(db, wrong, "seen")
