"""Rotas in the database: set, changed, and who they reach."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.care.contacts import add_contact, address_of, entries_of, remove_contacts
from alerts.care.reach import on_call, reach_of
from alerts.care.rotas import override, remove_rota, rota_of, rota_source, set_rota, swap, withdraw
from alerts.database import now
from alerts.errors import InvalidContactError, InvalidRotaError, UnknownRecordError
from alerts.rota.errors import RotaFileError
from alerts.rota.rota import Duty, on_duty
from tests.alerts.conftest import Db
from tests.alerts.rota.ward import ANN, FILE, MASTER, MIA, TEAM, staff, with_rota


def test_the_newest_file_counts_and_comes_back_as_it_was_set(db: Db) -> None:
    with_rota(db)
    newer = FILE + "# newer\n"
    set_rota(db, TEAM, newer, MIA)
    assert rota_source(db, TEAM) == newer
    assert db.execute("SELECT version FROM rota ORDER BY 1").fetchall() == [(1,), (2,)]
    remove_rota(db, TEAM)
    assert rota_of(db, TEAM) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DELETE FROM membership WHERE person = 4", "vigil team join 3 dee"),
        ("UPDATE person SET disabled = now() WHERE person = 4", "dee is disabled"),
        ("UPDATE person SET role = 'administrator' WHERE person = 4", "dee is an administrator"),
        ("DELETE FROM person_channel; DELETE FROM membership WHERE person = 4; DELETE FROM person WHERE person = 4",
         "Nobody signs in as dee"),
    ],
)  # fmt: skip
def test_a_file_that_names_whom_nobody_can_call_is_refused(db: Db, change: str, words: str) -> None:
    staff(db)
    db.execute(change.encode())
    with pytest.raises(InvalidRotaError, match=words):
        set_rota(db, TEAM, FILE, MIA)
    with pytest.raises(UnknownRecordError):
        set_rota(db, 77, FILE, MIA)
    with pytest.raises(RotaFileError):
        set_rota(db, TEAM, "zone = 1", MIA)


def test_an_override_counts_until_it_is_withdrawn_and_is_not_made_twice(db: Db) -> None:
    with_rota(db)
    at = now(db)
    duty = Duty("nurse", "ben", at, at + timedelta(hours=8))
    number = override(db, TEAM, duty, MIA)
    assert override(db, TEAM, duty, MIA) == number
    rota = rota_of(db, TEAM)
    assert rota is not None
    assert on_duty(rota, "nurse", at) == "ben"
    withdraw(db, TEAM, number)
    with pytest.raises(UnknownRecordError):
        withdraw(db, TEAM, number)
    rota = rota_of(db, TEAM)
    assert rota is not None
    assert on_duty(rota, "nurse", at) == "ann"


@pytest.mark.parametrize(
    ("layer", "person", "since_h", "until_h", "words"),
    [
        ("cook", "ben", 0, 1, "no layer cook"),
        ("nurse", "mia", 0, 1, "administrator"),
        ("nurse", "zoe", 0, 1, "Nobody signs in as zoe"),
        ("nurse", "ben", -2, -1, "later than now"),
        ("nurse", "ben", 1, 3000, "at most 92 days"),
    ],
)
def test_an_override_that_does_not_fit_is_refused(
    db: Db, layer: str, person: str, since_h: int, until_h: int, words: str
) -> None:
    with_rota(db)
    at = now(db)
    with pytest.raises(InvalidRotaError, match=words):
        override(db, TEAM, Duty(layer, person, at + timedelta(hours=since_h), at + timedelta(hours=until_h)), MIA)


def test_a_swap_exchanges_the_next_turns_and_a_second_one_gives_them_back(db: Db) -> None:
    with_rota(db, FILE.replace('people = ["ann"]', 'people = ["ann", "ben"]'))
    found = swap(db, TEAM, "nurse", "ann", "ben", MIA)
    assert {one.person for one in found} == {"ann", "ben"}
    rota = rota_of(db, TEAM)
    assert rota is not None
    for duty in found:
        assert on_duty(rota, "nurse", duty.since) == duty.person
        assert on_duty(rota, "nurse", duty.until - timedelta(seconds=1)) == duty.person
    with pytest.raises(InvalidRotaError, match="dee has no turn"):
        swap(db, TEAM, "nurse", "ann", "dee", MIA)


def test_addresses_are_sealed_and_belong_to_their_person(db: Db) -> None:
    staff(db)
    add_contact(db, MASTER, ANN, "mail", "ann@example.org", after_s=60)
    assert [(one.contact.channel, one.address) for one in entries_of(db, MASTER, ANN)] == [
        ("sms", "+441"), ("mail", "ann@example.org"),
    ]  # fmt: skip
    assert b"example" not in b"".join(bytes(row[0]) for row in db.execute("SELECT address FROM person_channel"))
    assert address_of(db, bytes(32), ANN, "mail") is None
    db.execute("UPDATE person_channel SET address = (SELECT address FROM person_channel WHERE person = 2) WHERE person = 1")
    assert address_of(db, MASTER, ANN, "sms") is None
    assert remove_contacts(db, ANN, ["mail"]) == 1
    with pytest.raises(InvalidContactError):
        add_contact(db, MASTER, ANN, "mail", after_s=-1)


def test_holes_are_named_with_their_reason(db: Db) -> None:
    with_rota(
        db,
        FILE.replace(
            'people = ["ann"]\nbegins = 2020-01-06', 'people = ["ann"]\nbegins = 2020-01-06\nfrom = "00:00"\nto = "12:00"'
        ),
    )
    db.execute("DELETE FROM person_channel WHERE person IN (3)")
    db.execute("UPDATE care_team SET channels = '{log}'")
    db.execute("UPDATE person SET disabled = now() WHERE sign_in = 'dee'")
    book = reach_of(db, TEAM)
    assert book is not None
    at = now(db)
    reasons = {(one.layer, one.reason) for one in book.holes(at, at + timedelta(days=7))}
    assert reasons == {("nurse", "nobody is on duty"), ("charge", "no channel reaches cem"), ("dee", "dee cannot sign in")}


def test_when_vigil_stands_those_are_known_whom_a_high_would_call_and_the_manager(db: Db) -> None:
    with_rota(db)
    db.execute("DELETE FROM person_channel WHERE person = 3")
    found = on_call(db, MASTER, TEAM, now(db))
    assert found == {(f"person:{one}", "sms"): f"+44{one}" for one in (ANN, 4, MIA)}
    remove_rota(db, TEAM)
    assert on_call(db, MASTER, TEAM, now(db)) == {}
