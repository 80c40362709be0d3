from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

import psycopg
import pytest

from alerts.care.admit import admit_patient
from alerts.care.channels import register_channels
from alerts.care.identity import Identity
from alerts.care.teams import add_team
from deploy.care_checks import channels, keys
from deploy.commands.doctor import database, key_file, ledger, topic, unreadable
from deploy.finding import Finding
from deploy.schema.migrate import migrate
from deploy.settings import ServerSettings
from deploy.stack.kafka import Kafka
from devices.wire.batch import Kind, header
from devices.wire.control import Facts
from devices.wire.sealing import new_key
from streams.kafka.log import Log
from tests.fix_kafka import MakeTopic


@pytest.fixture
def settings(tmp_path: Path, kafka: Kafka, plain_database: str) -> ServerSettings:
    key = tmp_path / "master.key"
    key.write_bytes(new_key())
    key.chmod(0o600)
    return ServerSettings(database=plain_database, kafka=kafka.bootstrap, topic="vitals.v1", master_key_file=key)


def sentences(findings: Iterable[Finding]) -> list[str]:
    return [str(each) for each in findings]


def wrong(findings: Iterable[Finding]) -> list[str]:
    return [str(each) for each in findings if not each.ok]


def test_a_key_that_others_can_read_is_wrong_and_the_cure_is_named(settings: ServerSettings) -> None:
    assert not wrong(key_file(settings))
    settings.master_key_file.chmod(0o644)
    assert f"run chmod 600 {settings.master_key_file}." in wrong(key_file(settings))[0]
    os.truncate(settings.master_key_file, 5)
    assert "has 5 bytes" in wrong(key_file(settings))[0]
    settings.master_key_file.unlink()
    assert "is missing: restore it" in wrong(key_file(settings))[0]


def test_an_empty_database_wants_to_be_migrated_and_is_fine_then(settings: ServerSettings) -> None:
    assert wrong(database(settings))[0].endswith("run vigil migrate.")
    migrate(settings.database)
    assert not wrong(database(settings))


def test_what_is_stored_and_cannot_be_read_is_named(settings: ServerSettings) -> None:
    migrate(settings.database)
    assert not wrong(unreadable(settings))
    master = settings.master_key_file.read_bytes()
    with psycopg.connect(settings.database) as tx:
        team = add_team(tx, "Home ward North")
        for family in ("Exampleton", "Testwell"):
            identity = Identity(family=family, given="Ada", born="1945-07-14")
            admit_patient(tx, master, identity, team, Facts(), by=1)
        tx.execute("UPDATE patient SET identity = 'x' WHERE patient = 2")
    assert "cannot be read (identity of patient 2): restore" in wrong(unreadable(settings))[0]
    settings.master_key_file.write_bytes(new_key())
    assert "identity of 2 patients" in wrong(unreadable(settings))[0]


def test_a_database_that_is_away_is_said_and_not_raised(settings: ServerSettings) -> None:
    away = settings.model_copy(update={"database": "postgresql://nobody@127.0.0.1:1/none"})
    assert "check VIGIL_DATABASE." in wrong(database(away))[0]
    assert sentences(ledger(away)) == []


def test_a_topic_that_is_missing_or_has_too_few_partitions_is_wrong(settings: ServerSettings, make_topic: MakeTopic) -> None:
    missing = settings.model_copy(update={"topic": "nowhere"})
    assert "does not exist: run vigil topic create." in wrong(topic(missing))[0]
    small = settings.model_copy(update={"topic": make_topic(4)})
    assert any("it needs 64." in line for line in wrong(topic(small)))
    right = settings.model_copy(update={"topic": make_topic(64)})
    assert not wrong(topic(right))


def test_a_ledger_outside_the_log_is_named(settings: ServerSettings, make_topic: MakeTopic) -> None:
    migrate(settings.database)
    right = settings.model_copy(update={"topic": make_topic(64)})
    assert wrong(ledger(right))[0].endswith("start vigil worker.")
    with psycopg.connect(right.database) as db:
        db.execute(
            "INSERT INTO ledger (topic, topic_id, partition, next_offset, epoch, owner) VALUES (%s, 'x', 3, 99, 1, 0)",
            [right.topic],
        )
    for _ in range(50):  # not every broker's answer knows a topic that is just made
        found = wrong(ledger(right))[0]
        if "cannot be compared" not in found:
            break
        time.sleep(0.1)
    assert "Partition 3 is not read, the topic was made again: the ledger stands at 99, the log holds 0 to 0" in found
    assert found.endswith("run vigil doctor --continue 3.")


def test_a_damaged_key_or_identity_is_named_and_another_master_key_is_said_to_be_wrong(settings: ServerSettings) -> None:
    migrate(settings.database)
    master = settings.master_key_file.read_bytes()
    with psycopg.connect(settings.database) as db:
        team = add_team(db, "North")
        for n in range(3):
            identity = Identity(family="Exampleton", given="Ada", born="1945-07-14", record_number=f"VT-{n}")
            admit_patient(db, master, identity, team, Facts(), by=1)
    assert [str(one) for one in keys(settings)] == sentences([Finding(True, "The master key opens all 3 data keys and 3"
                                                                      " identities")])  # fmt: skip
    settings.master_key_file.write_bytes(new_key())
    (found,) = wrong(keys(settings))
    assert "opens none of 6 data keys and identities: VIGIL_MASTER_KEY_FILE is not the key" in found
    settings.master_key_file.write_bytes(master)
    with psycopg.connect(settings.database) as db:
        db.execute("UPDATE data_key SET wrapped = '\\x01' WHERE key = 1")
        db.execute("UPDATE data_key SET wrapped = overlay(wrapped PLACING '\\x00' FROM 20) WHERE key = 2")
        db.execute("UPDATE patient SET identity = '\\x01' WHERE patient = 3")
    for every in (False, True):
        first, second, third = wrong(keys(settings, every=every))
        assert "Data key 1 (patient 1, the desk) is damaged: restore this row" in first
        assert "Data key 2 (patient 2, the desk) is damaged" in second
        assert "The identity of patient 3 is damaged: enter it again" in third


def test_teams_whom_nobody_reaches_are_named(settings: ServerSettings) -> None:
    migrate(settings.database)
    with psycopg.connect(settings.database, autocommit=True) as db:
        add_team(db, "North")
        add_team(db, "Desk", ["log"])
        add_team(db, "South", ["sms"])
        north, south = wrong(channels(settings))
        assert "Nobody is paged for Team 1 (North): its alarms go to the log alone: set VIGIL_NOTIFY" in north
        assert "Team 3 (South) is to be told by sms, which the notifier does not have" in south
        register_channels(db, ["log", "webhook", "sms"])
    assert wrong(channels(settings)) == []
    assert "Team 2 (Desk) is told by the log alone, as was chosen" in sentences(channels(settings))[1]


def test_a_worker_that_stores_nothing_is_wrong(settings: ServerSettings, make_topic: MakeTopic) -> None:
    migrate(settings.database)
    at = settings.model_copy(update={"topic": make_topic(64)})
    row = "INSERT INTO ledger (topic, topic_id, partition, next_offset, epoch, owner) VALUES (%s, %s, %s, 0, 1, 0)"
    here = Log(at.kafka, at.topic).topic_id()
    with psycopg.connect(at.database) as db:
        db.execute(row, [at.topic, here, 3])
        db.execute(row, [at.topic, "another", 4])
    damaged, unread = wrong(ledger(at))
    assert "Partition 4 is not read" in damaged
    assert "1 parts of the log were not read in the last 30 s: see that vigil worker runs" in unread


def test_a_heartbeat_before_the_enrolment_is_not_wrong_and_a_refused_reading_is(settings: ServerSettings) -> None:
    migrate(settings.database)
    refused = (
        "INSERT INTO rejected (topic_id, partition, at_offset, reading, reason, record) VALUES ('x', 3, %s, -1, %s, %s)"
    )
    heartbeat = bytes(header(Kind.EVENT, patient=3, device=0, gateway=1, nonce=bytes(12)))
    with psycopg.connect(settings.database, autocommit=True) as db:
        db.execute(refused, [10, "sender not enrolled", heartbeat])
        assert "1 records or readings were refused" in wrong(database(settings))[0]  # nobody enrolled the sender since
        db.execute(
            "INSERT INTO control (patient, partition, kind, at_offset, epoch, sequence, payload, took_effect)"
            " VALUES (3, 3, 'enrolment', 11, 1, 1, '{}', now())"
        )
        assert wrong(database(settings)) == []
        db.execute(refused, [9, "sender not enrolled", bytes(header(Kind.SAMPLES, patient=3, device=5, nonce=bytes(12)))])
        db.execute(refused, [8, "key revoked", heartbeat])
        db.execute(refused, [7, "not sealed", b"short"])
    assert "3 records or readings were refused" in wrong(database(settings))[0]
