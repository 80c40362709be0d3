"""What an outbox keeps of patients' values is sealed under the gateway's key."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from devices.sample import SAMPLE
from gateway.errors import OutboxKeyError
from gateway.outbox.opening import open_or_salvage
from gateway.outbox.store import Store
from gateway.outbox.vault import Vault, open_vault, size_of_samples
from tests.gateway.making import T0, pulse
from tests.gateway.outbox.test_store import LIMIT, done, everything, put

KEY = bytes(range(32))


def test_only_the_same_key_and_device_open_what_was_sealed() -> None:
    vault = Vault(KEY)
    sealed = vault.seal(7, b"72 a minute")
    assert vault.unseal(7, sealed) == b"72 a minute"
    assert vault.unseal(8, sealed) == sealed == Vault(bytes(32)).unseal(7, sealed)
    assert vault.seal(7, b"72 a minute") != sealed  # a nonce of its own
    assert vault.unseal(7, b"\x01 of before there was a key") == b"\x01 of before there was a key"


def test_the_length_says_how_many_samples_are_sealed() -> None:
    samples = np.zeros(3, SAMPLE).tobytes()
    assert size_of_samples(len(samples)) == size_of_samples(len(Vault(KEY).seal(7, samples))) == 48


def test_the_file_holds_no_values_in_clear_and_gives_them_back(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    store = Store(path, LIMIT, vault=Vault(KEY))
    put(store, pulse(61.5))
    (row,) = everything(store)
    assert np.frombuffer(row.payload, SAMPLE)["value"].tolist() == [61.5, 97.0]
    store.close()
    assert np.float32(61.5).tobytes() not in path.read_bytes()


def test_an_outbox_of_before_there_was_a_key_is_read_on(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    plain = Store(path, LIMIT)
    put(plain, pulse(61.5))
    plain.close()
    with closing(sqlite3.connect(path)) as db, db:  # as an older Vigil left it
        db.execute("delete from meta where name = 'key'")
        db.execute("drop table packed")
    store = Store(path, LIMIT, vault=Vault(KEY))
    put(store, pulse(62.5, at=T0 + 1000))
    assert [np.frombuffer(row.payload, SAMPLE)["value"][0] for row in everything(store)] == [61.5, 62.5]
    store.close()


def test_another_key_stops_the_start_and_throws_nothing_away(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    store = Store(path, LIMIT, vault=Vault(KEY))
    put(store, pulse())
    store.close()
    for wrong in (Vault(bytes(32)), Vault()):
        with pytest.raises(OutboxKeyError, match="restore it"):
            Store(path, LIMIT, vault=wrong)
    store = Store(path, LIMIT, vault=Vault(KEY))
    assert len(everything(store)) == 1
    store.close()


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    made = open_vault(tmp_path / "state" / "outbox.key")
    assert made.check == open_vault(tmp_path / "state" / "outbox.key").check
    assert (tmp_path / "state" / "outbox.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "short").write_bytes(b"x")
    with pytest.raises(OutboxKeyError, match="1 bytes"):
        open_vault(tmp_path / "short")


def test_a_damaged_sealed_outbox_is_salvaged_with_its_key(tmp_path: Path) -> None:
    path, vault = tmp_path / "outbox.sqlite", Vault(KEY)
    store = Store(path, LIMIT, vault=vault)
    put(store, *(pulse(float(n), at=T0 + n) for n in range(300)))
    store.close()
    path.write_bytes(bytes(4096) + path.read_bytes()[4096:])
    store, found = open_or_salvage(path, LIMIT, lambda at, limit: Store(at, limit, vault=vault))
    assert found is not None
    assert (found.saved, found.lost) == (300, 0)
    assert sorted(np.frombuffer(row.payload, SAMPLE)["value"][0] for row in everything(store)) == list(range(300))
    store.close()


def test_a_reading_whose_bytes_are_damaged_stops_no_other(tmp_path: Path) -> None:
    store = Store(tmp_path / "outbox.sqlite", LIMIT, vault=Vault(KEY))
    put(store, pulse(60.0), pulse(61.0, at=T0 + 1))
    store._db.execute(
        "update reading set payload = cast(substr(payload, 1, 20) || x'00' || substr(payload, 22) as blob)"
        " where sequence = 0"
    )
    assert [row.sequence for row in everything(store)] == [1]
    assert [one.reason for one in store.refusals.newest(store._db, store._vault, 5)] == ["damaged"]
    assert done(store, store.stats).waiting == 1
    store.close()
