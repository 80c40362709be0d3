"""What is measured by hand waits for the log; what nobody measures does not enter."""

from __future__ import annotations

import pytest

from alerts.care.consent import give_consent
from alerts.care.observations import observe
from alerts.errors import InvalidObservationError
from devices.vitals import Vital
from tests.alerts.care.conftest import Ward
from tests.alerts.conftest import Db


def test_an_observation_needs_consent_and_waits_with_its_author(db: Db, ward: Ward) -> None:
    with pytest.raises(InvalidObservationError, match="not consented"), db.transaction():
        observe(db, ward.ada, {Vital.RESPIRATORY_RATE: 24}, by=7)
    with db.transaction():
        give_consent(db, ward.ada, given=True, by=1)
        observe(db, ward.ada, {Vital.RESPIRATORY_RATE: 24, Vital.TEMPERATURE: 37.2}, by=7)
    rows = db.execute("SELECT patient, content, by_person, sent FROM observation").fetchall()
    assert rows == [(ward.ada, {"respiratory_rate": 24, "temperature": 37.2}, 7, None)]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "observation"),
        ({Vital.RESPIRATORY_RATE: 240}, "respiratory_rate"),
        ({Vital.SPO2: 101}, "spo2"),
        ({Vital.WEIGHT: 80}, "weight"),
        ({Vital.SYSTOLIC: 80, Vital.DIASTOLIC: 120}, "diastolic"),
    ],
)
def test_what_nobody_measures_is_refused_by_field(db: Db, ward: Ward, values: dict[Vital, float], field: str) -> None:
    with pytest.raises(InvalidObservationError) as refused, db.transaction():
        observe(db, ward.ada, values, by=7)
    assert set(refused.value.problems) == {field}
