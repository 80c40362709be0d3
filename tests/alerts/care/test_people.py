"""People, passwords, and who sees whom."""

from __future__ import annotations

import pytest

from alerts.care.people import Person, Role, add_person, disable_person, person_with, set_password
from alerts.database import scalar
from alerts.errors import InvalidPersonError, InvalidTextError, UnknownRecordError
from tests.alerts.conftest import Db

PASSWORD = "a good long one"


def test_a_password_is_argon2id_and_signs_in(db: Db) -> None:
    number = add_person(db, " Nurse ", "M. Testova", "nurse", PASSWORD)
    assert scalar(db, "SELECT password FROM person").startswith("$argon2id$")
    assert person_with(db, "nurse", PASSWORD) == Person(number, "nurse", "M. Testova", "nurse")
    assert person_with(db, "NURSE", PASSWORD) is not None
    assert person_with(db, "nurse", PASSWORD + "x") is None
    assert person_with(db, "nobody", PASSWORD) is None


def test_a_new_password_and_a_disabled_person_end_all_sessions(db: Db) -> None:
    number = add_person(db, "nurse", "M. Testova", "nurse", PASSWORD)
    db.execute("INSERT INTO session (hash, person) VALUES ('a', %s)", [number])
    set_password(db, number, "another long one")
    assert db.execute("SELECT ended IS NOT NULL FROM session").fetchone() == (True,)
    assert person_with(db, "nurse", PASSWORD) is None
    disable_person(db, number)
    assert person_with(db, "nurse", "another long one") is None
    with pytest.raises(UnknownRecordError):
        disable_person(db, number + 1)


@pytest.mark.parametrize(
    ("sign_in", "role", "password"),
    [("nurse", "nurse", PASSWORD), ("x", "owner", PASSWORD), ("y", "nurse", "short"), (" ", "nurse", PASSWORD)],
)
def test_who_cannot_be_added_is_refused(db: Db, sign_in: str, role: Role, password: str) -> None:
    add_person(db, "nurse", "M. Testova", "nurse", PASSWORD)
    with pytest.raises((InvalidPersonError, InvalidTextError)):
        add_person(db, sign_in, "Somebody", role, password)
    assert db.execute("SELECT count(*) FROM person").fetchone() == (1,)
