from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.schema.migrate import migrate
from devices.errors import MasterKeyError
from devices.wire.keys import key_binding, read_master_key
from devices.wire.sealing import new_key, wrap
from streams.errors import MasterKeyWrongError
from streams.store import data_keys as keys
from streams.store.data_keys import DatabaseKeyRing
from tests.alerts.conftest import Db
from tests.streams.producing import World


@pytest.fixture
def world(plain_database: str) -> World:
    migrate(plain_database)
    world = World([1, 2])
    world.seed(plain_database)
    return world


@pytest.fixture
def db(plain_database: str, world: World) -> Iterator[Db]:
    with psycopg.connect(plain_database, autocommit=True) as connection:
        yield connection


def test_a_key_of_the_database_opens_and_says_whose_it_is(world: World, db: Db) -> None:
    ring = DatabaseKeyRing(lambda: db, world.master)
    found = ring.get_many(list(world.secrets))
    assert {key: one and (one.patient, one.gateway) for key, one in found.items()} == {
        key: owner[:2] for key, owner in world.secrets.items()
    }
    second = found[2]
    assert second is not None
    sealed = second.aead.encrypt(bytes(12), b"payload", None)
    assert second.aead.decrypt(bytes(12), sealed, None) == b"payload"
    assert str(second.secret) not in f"{found}"


def test_a_key_made_after_it_was_asked_for_is_found_the_next_time(world: World, db: Db) -> None:
    ring = DatabaseKeyRing(lambda: db, world.master)
    db.execute("UPDATE data_key SET key = 77 WHERE key = 1")
    assert set(ring.get_many([1, 2, 2**32 - 1])) == {2}
    db.execute("UPDATE data_key SET key = 1 WHERE key = 77")
    assert set(ring.get_many([1, 2])) == {1, 2}


def test_a_destroyed_key_stops_opening_when_it_is_read_again(world: World, db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "FRESH_S", 0.0)
    ring = DatabaseKeyRing(lambda: db, world.master)
    assert set(ring.get_many([1])) == {1}
    db.execute("UPDATE data_key SET destroyed = now() WHERE key = 1")
    assert set(ring.get_many([1])) == set()


def test_a_database_that_is_away_is_no_answer(world: World, db: Db) -> None:
    ring = DatabaseKeyRing(lambda: db, world.master)
    db.close()
    with pytest.raises(psycopg.OperationalError):
        ring.get_many([1])


DAMAGED = (
    "SET wrapped = overlay(wrapped placing '\\x0000'::bytea from 20)",
    "SET wrapped = ''",
    "SET wrapped = substr(wrapped, 1, 30)",
    "SET patient = patient + 1000",
    "SET gateway = 4711",
)


def test_a_damaged_key_is_that_keys_fault_alone_and_opens_when_it_is_restored(world: World, db: Db) -> None:
    ring = DatabaseKeyRing(lambda: db, world.master)
    (whole,) = db.execute("SELECT patient, gateway, wrapped FROM data_key WHERE key = 2").fetchall()
    for how in DAMAGED:
        db.execute(f"UPDATE data_key {how} WHERE key = 2")
        found = ring.get_many([1, 2, 3, 99])
        assert found[2] is None, how
        assert found[1] is not None
        assert found[3] is not None
        assert 99 not in found
        ring.check_master(db)
        db.execute("UPDATE data_key SET (patient, gateway, wrapped) = (%s, %s, %s) WHERE key = 2", whole)
    of_another_length = wrap(b"short", world.master, key_binding(*whole[:2]))
    db.execute("UPDATE data_key SET wrapped = %s WHERE key = 2", [of_another_length])
    assert ring.get_many([2]) == {2: None}
    db.execute("UPDATE data_key SET wrapped = %s WHERE key = 2", [whole[2]])
    restored = ring.get_many([2])[2]
    assert restored is not None
    assert restored.patient == whole[0]


def test_another_master_key_opens_none(world: World, db: Db) -> None:
    with pytest.raises(MasterKeyWrongError, match="None of 5 data keys opens under this master key"):
        DatabaseKeyRing(lambda: db, new_key()).check_master(db)
    db.execute("DELETE FROM data_key")
    DatabaseKeyRing(lambda: db, new_key()).check_master(db)


def test_the_master_key_file_must_be_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with pytest.raises(MasterKeyError, match="cannot be read"):
        read_master_key(path)
    path.write_bytes(bytes(31))
    path.chmod(0o600)
    with pytest.raises(MasterKeyError, match="31 bytes"):
        read_master_key(path)
    path.write_bytes(bytes(32))
    path.chmod(0o644)
    with pytest.raises(MasterKeyError, match="other users"):
        read_master_key(path)
    path.chmod(0o600)
    assert read_master_key(path) == bytes(32)
