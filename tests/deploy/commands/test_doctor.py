from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

import psycopg
import pytest

from alerts.care.admit import admit_patient
from alerts.care.identity import Identity
from alerts.care.teams import add_team
from deploy.commands.doctor import Finding, database, key_file, ledger, topic, unreadable
from deploy.schema.migrate import migrate
from deploy.settings import ServerSettings
from deploy.stack.kafka import Kafka
from devices.wire.control import Facts
from devices.wire.sealing import new_key
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
    assert "does not exist: create it with 64 partitions" in wrong(topic(missing))[0]
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
