"""After a restore nothing that the desk says is dropped by the engine as seen before."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from alerts.care.limits import set_limits
from alerts.control.relay import new_producer, send_waiting
from alerts.control.restored import desk_epoch, sign_of_restore
from deploy.care_checks import restored
from deploy.settings import ServerSettings
from deploy.stack.kafka import Kafka
from deploy.stack.postgres import Postgres
from deploy.stack.postgres_programs import embedded_programs, server_user
from devices.vitals import Vital
from devices.wire.batch import parse_header
from devices.wire.control import Level, Limit, Limits
from tests.alerts.control.test_relay import records
from tests.deploy.commands.conftest import Vigil

WHOLE = 64 + 4  # the rule set to each partition; facts, consent, limits of patient 1, facts of patient 2


@pytest.fixture
def ward(vigil: Vigil, kafka: Kafka, topic: str, monkeypatch: pytest.MonkeyPatch) -> Vigil:
    """Two patients and limits at 104, sent to the log."""
    monkeypatch.setenv("VIGIL_KAFKA", kafka.bootstrap)
    monkeypatch.setenv("VIGIL_TOPIC", topic)
    by = ("--by", "m.testova")
    for words in (
        ("team", "North"),
        ("person", "m.testova", "--name", "M. Testova", "--team", "1"),
        ("patient", "EXAMPLETON", "Ada", "--born", "1945-07-14", "--record", "VT-1", "--team", "1", *by, "--consent"),
        ("patient", "TESTWELL", "Bruno", "--born", "1958-03-02", "--record", "VT-2", "--team", "1", *by),
    ):
        assert vigil.run("pair", *words).returncode == 0
    change_limit(vigil, 104)
    assert relay(vigil, kafka, topic) == 5
    return vigil


def change_limit(vigil: Vigil, most: float) -> int:
    with psycopg.connect(vigil.database) as tx:
        set_limits(tx, 1, Limits((Limit(Vital.HEART_RATE, "high", Level(most)),)), by=1)
        row = tx.execute("SELECT max(sequence) FROM control_outbox").fetchone()
    assert row
    return int(row[0])


def relay(vigil: Vigil, kafka: Kafka, topic: str) -> int:
    with psycopg.connect(vigil.database, autocommit=True) as db:
        return send_waiting(db, new_producer(kafka.bootstrap), vigil.master, topic=topic)


def take_effect(vigil: Vigil) -> None:
    """As a worker does: what the relay sent is in ``control``, here since five minutes."""
    with psycopg.connect(vigil.database) as db:
        db.execute(
            "INSERT INTO control (patient, partition, kind, at_offset, epoch, sequence, payload, took_effect)"
            " SELECT patient, patient % 64, kind, sequence, epoch, sequence, payload, now() - interval '5 min'"
            " FROM control_outbox"
        )


def sent_under(kafka: Kafka, topic: str, expected: int) -> list[tuple[int, int]]:
    """(epoch, sequence) of patient 1's records."""
    found = [parse_header(value) for _, key, value in records(kafka, topic, expected) if key == (1).to_bytes(4, "little")]
    return [(int(head["epoch"][0]), int(head["first"][0])) for head in found]


def settings() -> ServerSettings:
    return ServerSettings()  # of the environment


def test_a_dump_is_restored_and_a_new_limit_is_not_taken_for_an_old_one(
    ward: Vigil, kafka: Kafka, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{embedded_programs(server_user())}:{os.environ['PATH']}")
    dump = tmp_path / "vigil.dump"
    subprocess.run(["pg_dump", "-Fc", "-f", str(dump), ward.database], check=True, timeout=60)
    lost = change_limit(ward, 130)
    relay(ward, kafka, topic)
    with psycopg.connect(ward.database) as db:
        db.execute("INSERT INTO session (hash, person) VALUES ('x', 1)")
        before = desk_epoch(db)
        db.execute("COMMIT")
        with psycopg.connect(ward.database, application_name="vigil worker"):
            assert "stop worker, desk and notifier" in ward.run("restore", str(dump), "--yes").stderr
    done = ward.run("restore", str(dump), "--yes")
    assert done.returncode == 0, done.stderr
    assert "5 records about patients go to the log again" in done.stdout
    assert "Admit again who was admitted since" in done.stdout
    again = change_limit(ward, 120)
    assert again == lost  # the number comes a second time …
    assert relay(ward, kafka, topic) == 6
    numbers = sent_under(kafka, topic, 2 * WHOLE + 2)
    assert numbers.count((before, lost)) == 1
    after = numbers[-1][0]
    assert after > before
    assert numbers[-1] == (after, lost)  # … under another epoch, so the engine takes it
    assert list(restored(settings())) == []
    with psycopg.connect(ward.database) as db:
        admitted = db.execute("SELECT nextval(pg_get_serial_sequence('patient', 'patient'))").fetchone()
        assert admitted
        assert admitted[0] > 1000  # numbers that others may have had since the dump


@pytest.mark.parametrize("by", ["another database", "a copy of the disk"])
def test_a_restore_that_nobody_tells_is_noticed_and_mended_by_the_relay(
    ward: Vigil, kafka: Kafka, topic: str, by: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = f"{ward.database.rpartition('/')[2]}_copy"
    with psycopg.connect(ward.database) as db:
        before = desk_epoch(db)
    if by == "another database":
        with psycopg.connect(postgres.url, autocommit=True) as server:
            server.execute(f"CREATE DATABASE {copy} TEMPLATE {ward.database.rpartition('/')[2]}")
        ward = ward._replace(database=postgres.url_of(copy))
        monkeypatch.setenv("VIGIL_DATABASE", ward.database)
    else:  # an image of the disk is the same database; the log knows more than it
        with psycopg.connect(ward.database) as db:
            db.execute("UPDATE control_outbox SET created = created - interval '9 min'")
        lost = change_limit(ward, 130)
        relay(ward, kafka, topic)
        with psycopg.connect(ward.database) as db:
            db.execute("UPDATE control_outbox SET created = created - interval '6 min' WHERE sequence = %s", [lost])
        take_effect(ward)
        assert list(restored(settings())) == []  # so far it is the database that it was
        with psycopg.connect(ward.database) as db:
            db.execute("DELETE FROM control_outbox WHERE sequence = %s", [lost])
            db.execute("SELECT setval(pg_get_serial_sequence('control_outbox', 'sequence'), %s)", [lost - 1])
    (found,) = [one for one in restored(settings()) if not one.ok]
    assert found.cure == "run vigil restore --after"
    change_limit(ward, 120)
    assert relay(ward, kafka, topic) == 5  # the rest of the whole state; the limit replaces the one before it
    with psycopg.connect(ward.database) as db:
        assert desk_epoch(db) > before
        assert sign_of_restore(db) is None
    (found,) = restored(settings())
    assert "says what people must do again" in found.cure
    assert ward.run("restore", "--after").returncode == 0
    assert list(restored(settings())) == []
    if by == "another database":
        with psycopg.connect(postgres.url, autocommit=True) as server:
            server.execute(f"DROP DATABASE {copy} WITH (FORCE)")


def test_what_cannot_be_restored_is_one_sentence(vigil: Vigil, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*words: str) -> str:
        done = vigil.run("restore", *words)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        return done.stderr

    assert "Name the dump" in refused()
    assert "There is no file" in refused(str(tmp_path / "none"), "--yes")
    broken: Any = tmp_path / "broken"
    broken.write_bytes(b"no dump")
    programs = embedded_programs(server_user())
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    assert "pg_restore failed" in refused(str(broken), "--yes")
    if shutil.which("pg_restore", path="/usr/bin:/bin") is None:
        monkeypatch.setenv("PATH", "/usr/bin:/bin")
        assert "pg_restore is missing" in refused(str(broken), "--yes")
