"""Names, dates and reasons are checked where they enter, and what is refused is said in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from alerts.care.admit import admit_patient
from alerts.care.devices import add_device
from alerts.care.facts import set_facts
from alerts.care.gateways import add_gateway
from alerts.care.identity import Identity
from alerts.care.pauses import pause
from alerts.care.people import add_person, person_with
from alerts.care.teams import add_team, set_channels
from alerts.errors import CareError, InvalidControlError, InvalidIdentityError, InvalidTextError
from devices.wire.control import Facts
from tests.alerts.care.conftest import ADA, MASTER, Ward
from tests.alerts.conftest import Db

BAD_TEXTS = ("", " \t\n", "a\0b", "\x07", "a\ud800", "x" * 100_000)
TOMORROW = datetime.now(UTC) + timedelta(hours=1)

ENTRANCES: dict[str, Callable[[Db, Ward, str], object]] = {
    "family": lambda db, ward, text: admit(db, ward, family=text),
    "given": lambda db, ward, text: admit(db, ward, given=text),
    "team": lambda db, _, text: add_team(db, text),
    "channel": lambda db, ward, text: set_channels(db, ward.team, [text]),
    "person": lambda db, _, text: add_person(db, "m.testova", text, "nurse", "synthetic-only"),
    "sign-in": lambda db, _, text: add_person(db, text, "M. Testova", "nurse", "synthetic-only"),
    "gateway": lambda db, _, text: add_gateway(db, text),
    "device": lambda db, _, text: add_device(db, text, "ble", "C0", 1),
    "address": lambda db, _, text: add_device(db, "belt", "ble", text, 1),
    "reason": lambda db, ward, text: pause(db, ward.ada, "*", TOMORROW, text, by=1),
}
MAY_BE_BLANK: dict[str, Callable[[Db, Ward, str], object]] = {
    name: lambda db, ward, text, name=name: admit(db, ward, **{name: text})  # type: ignore[misc]
    for name in ("sex", "record_number", "phone")
}


def admit(db: Db, ward: Ward, **changed: Any) -> int:
    identity: Identity = msgspec.structs.replace(ADA, **{"record_number": f"VT-{uuid4()}", **changed})
    return admit_patient(db, MASTER, identity, ward.team, Facts(), by=1)


@pytest.mark.parametrize("entrance", [*ENTRANCES, *MAY_BE_BLANK])
def test_a_text_that_cannot_be_stored_is_refused_in_a_sentence(db: Db, ward: Ward, entrance: str) -> None:
    enter = {**ENTRANCES, **MAY_BE_BLANK}[entrance]
    for text in BAD_TEXTS:
        if entrance in MAY_BE_BLANK and not text.strip():
            continue
        with pytest.raises(InvalidTextError, match=r"^The .*: .*\.$"), db.transaction():
            enter(db, ward, text)
    with db.transaction():
        enter(db, ward, "Ærø-Nüñez 'O’Brien' 李 🙂")


@pytest.mark.parametrize("born", ["1950-13-01", "", "14.7.1945", "1899-12-31", "2950-01-01", "1950-01-01\0", "0001-01-01"])
def test_a_date_of_birth_that_is_none_is_refused(db: Db, ward: Ward, born: str) -> None:
    with pytest.raises(InvalidIdentityError, match=r"^The date of birth .*: .*\.$"), db.transaction():
        admit(db, ward, born=born)
    with pytest.raises(InvalidIdentityError), db.transaction():
        set_facts(db, ward.ada, Facts(born=born), by=1)


def test_somebody_born_today_can_be_admitted(db: Db, ward: Ward) -> None:
    with db.transaction():
        assert admit(db, ward, born=datetime.now(UTC).date().isoformat())


def test_a_fact_or_an_interval_that_cannot_be_is_refused(db: Db, ward: Ward) -> None:
    with pytest.raises(InvalidControlError, match="spo2_scale"), db.transaction():
        set_facts(db, ward.ada, Facts(spo2_scale=3), by=1)  # type: ignore[arg-type]
    for interval in (-1, 2**31):
        with pytest.raises(CareError, match="interval"), db.transaction():
            add_device(db, "belt", "ble", "C0", interval)


@pytest.mark.parametrize("sign_in", ["", " ", "\0", "m.testova\0", "a\ud800"])
def test_a_sign_in_that_is_none_is_nobodys(db: Db, sign_in: str) -> None:
    assert person_with(db, sign_in, "synthetic-only") is None
