"""Control records that a damaged log has lost are sent again, and no others."""

from __future__ import annotations

import pytest

from alerts.care.admit import admit_patient
from alerts.care.consent import give_consent
from alerts.care.identity import Identity
from alerts.care.limits import set_limits, set_rule_set
from alerts.care.observations import observe
from alerts.care.teams import add_team
from alerts.control.lost import send_lost_again
from alerts.control.outbox import WHOLE_PARTITION
from alerts.rules.defaults import default_rule_set
from devices.vitals import Vital
from devices.wire.batch import PARTITIONS
from devices.wire.control import Facts, Limits
from tests.alerts.conftest import Db

MASTER = bytes(range(32))
ADA = Identity(family="Exampleton", given="Ada", born="1945-07-14")
Sent = list[tuple[int, str]]


@pytest.fixture
def patient(db: Db) -> int:
    """Admitted; all of it was sent under epoch 5."""
    with db.transaction():
        patient = admit_patient(db, MASTER, ADA, add_team(db, "North"), Facts(), by=1)
        give_consent(db, patient, given=True, by=1)
        set_rule_set(db, default_rule_set(), by=1)
    db.execute("UPDATE control_outbox SET sent = now(), epoch = 5")
    return patient


def takes_effect(db: Db, patient: int, kind: str, partitions: list[int], epoch: int = 5) -> None:
    """The engine has stored the newest record of this kind."""
    db.execute(
        "INSERT INTO control (patient, partition, kind, at_offset, epoch, sequence, payload, took_effect) SELECT patient, p,"
        " kind, sequence, %s, sequence, payload, now() FROM (SELECT * FROM control_outbox WHERE patient = %s AND kind = %s"
        " ORDER BY sequence DESC LIMIT 1) o, unnest(%s::int4[]) AS p",
        [epoch, patient, kind, partitions],
    )


def waiting(db: Db) -> Sent:
    rows = db.execute("SELECT patient, kind FROM control_outbox WHERE sent IS NULL ORDER BY sequence").fetchall()
    return [(row[0], row[1]) for row in rows]


def test_what_never_took_effect_in_a_damaged_partition_is_sent_again(db: Db, patient: int) -> None:
    own = patient % PARTITIONS
    takes_effect(db, patient, "facts", [own])
    takes_effect(db, WHOLE_PARTITION, "rule_set", [own])
    with db.transaction():
        again = send_lost_again(db, [own])
    assert waiting(db) == [(patient, "consent")]
    assert again == 1


def test_other_partitions_are_left_alone(db: Db, patient: int) -> None:
    other = (patient + 1) % PARTITIONS
    takes_effect(db, WHOLE_PARTITION, "rule_set", [patient % PARTITIONS, other])
    with db.transaction():
        assert send_lost_again(db, [other]) == 0
    assert waiting(db) == []


def test_a_rule_set_that_one_damaged_partition_lacks_is_sent_again(db: Db, patient: int) -> None:
    other = (patient + 1) % PARTITIONS
    takes_effect(db, WHOLE_PARTITION, "rule_set", [patient % PARTITIONS])
    with db.transaction():
        send_lost_again(db, [other])
    assert waiting(db) == [(WHOLE_PARTITION, "rule_set")]


def test_a_state_that_another_followed_is_not_missed(db: Db, patient: int) -> None:
    own = patient % PARTITIONS
    takes_effect(db, WHOLE_PARTITION, "rule_set", [own])
    with db.transaction():
        set_limits(db, patient, Limits(), by=1)
        set_limits(db, patient, Limits(), by=1)
    db.execute("UPDATE control_outbox SET sent = now(), epoch = 5")
    for kind in ("facts", "consent", "limits"):
        takes_effect(db, patient, kind, [own])
    with db.transaction():
        assert send_lost_again(db, [own]) == 0


def test_what_took_effect_under_a_later_epoch_is_not_missed(db: Db, patient: int) -> None:
    own = patient % PARTITIONS
    takes_effect(db, WHOLE_PARTITION, "rule_set", [own])
    for kind in ("facts", "consent"):
        takes_effect(db, patient, kind, [own], epoch=6)
    db.execute("UPDATE control_outbox SET sequence = DEFAULT")  # numbered anew, and not sent under the later epoch
    with db.transaction():
        send_lost_again(db, [own])
    assert waiting(db) == [(WHOLE_PARTITION, "rule_set")]


def test_an_observation_that_is_not_stored_is_sent_again(db: Db, patient: int) -> None:
    own = patient % PARTITIONS
    with db.transaction():
        for rate in (24, 26):
            observe(db, patient, {Vital.RESPIRATORY_RATE: rate}, by=1)
    db.execute("UPDATE control_outbox SET sent = NULL")  # not what this is about
    db.execute("UPDATE observation SET sent = now(), epoch = 5")
    db.execute(
        "INSERT INTO reading (patient, time, device, epoch, sequence, arrived, at_offset)"
        " SELECT patient, time, 0, 5, observation, now(), 1 FROM observation WHERE content ->> 'respiratory_rate' = '24'"
    )
    with db.transaction():
        assert send_lost_again(db, [own]) == 1
    left = db.execute("SELECT content ->> 'respiratory_rate' FROM observation WHERE sent IS NULL").fetchall()
    db.execute("DELETE FROM reading")
    assert left == [("26",)]
