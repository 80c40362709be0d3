"""What the log refused for good is kept for a person, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from devices.sample import SAMPLE
from devices.wire.pairing import RefusedReadings
from gateway.outbox.reading import Refusal
from gateway.outbox.store import Store
from gateway.outbox.vault import Vault
from tests.gateway.making import T0, pulse
from tests.gateway.outbox.test_store import LIMIT, done, everything, put

OLD = "older than 30 days"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "outbox.sqlite", LIMIT, vault=Vault(bytes(range(32))))
    yield opened
    opened.close()


def refused(store: Store, sequence: int, count: int = 1, *, offset: int = 0, epoch: int | None = None) -> RefusedReadings:
    return RefusedReadings(("log", 1, offset, -1), 7, store.epoch if epoch is None else epoch, sequence, count, OLD)


def test_a_delivered_reading_that_the_log_refused_is_kept_with_its_values(store: Store) -> None:
    put(store, *(pulse(float(60 + n), at=T0 + n) for n in range(4)))
    done(store, store.delivered, [row.id for row in everything(store)], T0)
    found = done(store, store.refusals.by_log, [refused(store, 1, 2)], store.epoch, T0)
    assert found == [(7, 1, OLD, 2)]
    newest = store.refusals.newest(store._db, store._vault, 10)
    assert [(one.at, one.source, one.device, one.reason) for one in newest] == [
        (T0 + 2, "log", 7, OLD),
        (T0 + 1, "log", 7, OLD),
    ]
    assert np.frombuffer(newest[0].data, SAMPLE)["value"].tolist() == [62.0, 97.0]
    assert store.stats().refused == 2


def test_it_is_kept_once_however_often_the_desk_names_it(store: Store) -> None:
    put(store, pulse())
    one = refused(store, 0)
    assert done(store, store.refusals.by_log, [one, one], store.epoch, T0) == [(7, 1, OLD, 1)]
    assert done(store, store.refusals.by_log, [one], store.epoch, T0) == []
    assert len(store.refusals.newest(store._db, store._vault, 10)) == 1


def test_what_is_not_of_this_outbox_is_passed_over(store: Store) -> None:
    put(store, pulse())
    others = [refused(store, 0, epoch=store.epoch ^ 1), refused(store, 5, offset=1), refused(store, 0, 0, offset=2)]
    assert done(store, store.refusals.by_log, others, store.epoch, T0) == []


def test_what_nobody_could_decode_is_sealed_too(store: Store) -> None:
    done(store, store.refuse, Refusal(T0, "mqtt", 7, "no JSON", b"secret words"))
    assert store.refusals.newest(store._db, store._vault, 1)[0].data == b"secret words"
    (kept,) = store._db.execute("select data from refused").fetchone()
    assert b"secret" not in kept
